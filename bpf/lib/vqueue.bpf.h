/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One queue for each LLC, ordered by virtual time: the task that has used least, by its weight,
 * runs next.
 *
 * @vclock is the virtual time of the task that started last; a task that slept is moved up to at
 * most one slice behind it, so sleep earns no credit. It is advanced without a lock: concurrent
 * writers can set it back by the difference between two running tasks, at most a slice.
 *
 * A scheduler may order otherwise; it defines, before it includes this header:
 *   VQUEUE_KEY(p, vtime)           the place of a task in the queue; by default its virtual time
 *   VQUEUE_STICKY_NS               how much further than the queue's first a running task may be and
 *                                  still go on; by default 0
 *   VQUEUE_TAKE(llc, cid, flags)   moves a task to this CPU; by default the first that may run here
 *
 * A CPU takes from its own LLC's queue, but looks at one other queue in turn and takes from there
 * when that queue's first task is more than a slice behind: weights hold across LLCs.
 */
#ifndef FIEF_VQUEUE_BPF_H
#define FIEF_VQUEUE_BPF_H

#include "base.bpf.h"
#include "slice.bpf.h"
#include "state.bpf.h"
#include "task.bpf.h"

#ifndef VQUEUE_KEY
#define VQUEUE_KEY(p, vtime) (vtime)
#endif
#ifndef VQUEUE_STICKY_NS
#define VQUEUE_STICKY_NS 0
#endif
#ifndef VQUEUE_TAKE
#define VQUEUE_TAKE(llc, cid, enq_flags) dsq_move_to_local(vqueue_dsq(llc), enq_flags)
#endif

#define VQUEUE_DSQ_BASE 0x1000ULL
#define vqueue_dsq(llc) (VQUEUE_DSQ_BASE + (llc))

u64 vclock;
u32 vqueue_cursor[FIEF_MAX_CIDS]; /* which other LLC each cid looks at next */

static __always_inline s32 vqueue_init(void)
{
	u32 llc;
	s32 ret;

	if (slice_us < SLICE_MIN_US || slice_us > SLICE_MAX_US) {
		fief_error("the option slice_us is %u, it must lie between %u and %u", slice_us,
			   SLICE_MIN_US, SLICE_MAX_US);
		return -EINVAL;
	}
	bpf_for(llc, 0, nr_llcs) {
		ret = scx_bpf_create_dsq(vqueue_dsq(llc), -1);
		if (ret) {
			fief_error("cannot create the queue of LLC %u: error %d", llc, ret);
			return ret;
		}
	}
	return 0;
}

static __always_inline void vqueue_insert(struct task_struct *p, struct task_ctx *tctx, u32 llc,
					  u64 enq_flags)
{
	u64 oldest = vclock - slice_ns();

	if (vtime_before(tctx->vtime, oldest))
		tctx->vtime = oldest;
	tctx->queued_at = bpf_ktime_get_ns();
	dsq_insert_vtime(p, vqueue_dsq(llc), slice_ns(), VQUEUE_KEY(p, tctx->vtime), enq_flags);
}

static __always_inline void vqueue_started(const struct task_ctx *tctx)
{
	if (vtime_before(vclock, tctx->vtime))
		vclock = tctx->vtime;
}

/* The key of the first task of an LLC's queue; false if the queue is empty. */
static __always_inline bool vqueue_head(u32 llc, u64 *key)
{
	struct task_struct *p;
	bool found = false;

	bpf_rcu_read_lock();
	p = scx_bpf_dsq_peek(vqueue_dsq(llc));
	if (p) {
		*key = p->scx.dsq_vtime;
		found = true;
	}
	bpf_rcu_read_unlock();
	return found;
}

/* The LLC, other than its own, that @cid looks at this time. */
static __always_inline u32 vqueue_other(s32 cid)
{
	return vqueue_cursor[(u32)cid & (FIEF_MAX_CIDS - 1)]++ % nr_llcs;
}

/* Does a task wait that @cid might take? Looks at two queues, however many there are. */
static __always_inline bool vqueue_waiting(s32 cid)
{
	return scx_bpf_dsq_nr_queued(vqueue_dsq(cid_llc(cid))) > 0 ||
	       (nr_llcs > 1 && scx_bpf_dsq_nr_queued(vqueue_dsq(vqueue_other(cid))) > 0);
}

/* The queue @cid should take from now: its own, or one that has been left behind. */
static __always_inline u32 vqueue_pick(s32 cid)
{
	u32 own = cid_llc(cid), other;
	u64 own_head, other_head;

	if (nr_llcs < 2)
		return own;
	other = vqueue_other(cid);
	if (other == own || !vqueue_head(other, &other_head))
		return own;
	if (!vqueue_head(own, &own_head) || vtime_before(other_head + slice_ns(), own_head))
		return other;
	return own;
}

/*
 * Put a queued task on @cid, or let @prev (the task whose slice ended here, if it is ours) go on
 * when it is the one that has used least. False: there is nothing for this cid.
 */
static __always_inline bool vqueue_dispatch(s32 cid, struct task_struct *prev, u64 enq_flags)
{
	bool prev_runnable = prev && (prev->scx.flags & SCX_TASK_QUEUED);
	u32 first = vqueue_pick(cid), i;
	u64 head;

	if (prev_runnable) {
		struct task_ctx *tctx = task_ctx(prev);

		if (tctx && cidmask_test(tctx->allowed, cid) &&
		    (!vqueue_head(first, &head) ||
		     !vtime_before(head + VQUEUE_STICKY_NS,
				   VQUEUE_KEY(prev, task_vtime_now(prev, tctx))))) {
			scx_bpf_task_set_slice(prev, slice_ns());
			return true;
		}
	}
	if (VQUEUE_TAKE(first, cid, enq_flags))
		return true;
	bpf_for(i, 0, nr_llcs) {
		if (i != first && VQUEUE_TAKE(i, cid, enq_flags))
			return true;
	}
	if (prev_runnable && cidmask_test(usable_cids, cid)) {
		scx_bpf_task_set_slice(prev, slice_ns());
		return true;
	}
	return false;
}

/*
 * Decide afresh for every queued task: the cids this scheduler may use have changed, and a queued
 * task's affinity may now leave it none of them.
 */
static __always_inline void vqueue_reconsider(void)
{
	u32 llc;

	bpf_for(llc, 0, nr_llcs)
		scx_bpf_dsq_reenq(vqueue_dsq(llc), 0);
}

#endif /* FIEF_VQUEUE_BPF_H */
