/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One queue for each LLC, ordered by virtual time: the task that has used least, by its share
 * (lib/queue/group.bpf.h), runs next. And one queue for all that have waited too long.
 *
 * The clock, @vclock, is where the queues stand: the virtual time of the task that was last found to
 * be due first, whether it was taken from a queue or goes on running before those that wait. It
 * does not follow tasks that run because nobody else wants their CPU; these are kept near it
 * instead, at most one slice by their share ahead (what they had of idle CPUs is not held against
 * them) and VQUEUE_LAG_NS behind. A task that slept is moved up to at most one slice behind it.
 * vclock is advanced without a lock: concurrent writers can set it back by the difference between
 * two tasks that are due at the same time.
 *
 * No task is further ahead than the clock comes in AGE_NS with every CPU busy: it would run before that
 * for its age anyway, and what it had then does not count against it once its weight is raised.
 *
 * Age beats weight: a task that has waited for AGE_NS, however far its virtual time is ahead, goes to
 * the queue of the aged (lib/ops/patrol.bpf.h sees to it), which is first in, first out, and has every other
 * turn of a CPU while anything is in it.
 *
 * A scheduler may order otherwise; it defines, before it includes this header:
 *   VQUEUE_KEY(p, tctx, vtime)     the place of a task in the queue; by default its virtual time
 *   VQUEUE_STICKY_NS               how much further than the queue's first a running task may be and
 *                                  still go on; by default 0
 *   VQUEUE_TAKE(llc, cid)          moves a task to this CPU; by default the first that may run here
 *
 * A CPU takes from its own LLC's queue, but looks at one other queue in turn and takes from there
 * when that queue's first task is more than a slice behind: weights hold across LLCs.
 */
#ifndef FIEF_VQUEUE_BPF_H
#define FIEF_VQUEUE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/demand.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/queue/task.bpf.h"

#ifndef VQUEUE_KEY
#define VQUEUE_KEY(p, tctx, vtime) (vtime)
#endif
#ifndef VQUEUE_STICKY_NS
#define VQUEUE_STICKY_NS 0
#endif
#ifndef VQUEUE_TAKE
#define VQUEUE_TAKE(llc, cid) dsq_move_to_local(vqueue_dsq(llc))
#endif

/* How far behind the clock a task may stay that has found no CPU for its share. */
#define VQUEUE_LAG_NS (200 * NSEC_PER_MSEC)

#define AGE_NS NSEC_PER_SEC
/* What one that runs for its age gets at most: many may wait, and none is due that much. */
#define AGED_SLICE_NS NSEC_PER_MSEC
#define aged_slice_ns() min(slice_ns(), AGED_SLICE_NS)

u64 vclock;
/* Cids whose last task came from the queue of the aged. Written by their own dispatch. */
cidmask_t aged_cids;
u32 vqueue_cursor[FIEF_MAX_CIDS]; /* which other LLC each cid looks at next */

static __always_inline u64 task_vslice(const struct task_struct *p, const struct task_ctx *tctx)
{
	return task_scale(p, tctx, slice_ns());
}

static __always_inline u64 vqueue_key(struct task_struct *p, struct task_ctx *tctx, u64 enq_flags)
{
	u64 lag = VQUEUE_LAG_NS, oldest, newest = vclock + AGE_NS * nr_cids;

	if (enq_flags & SCX_ENQ_WAKEUP)
		lag = min(lag, task_vslice(p, tctx));
	oldest = vclock - lag;
	if (vtime_before(tctx->vtime, oldest))
		tctx->vtime = oldest;
	if (vtime_before(newest, tctx->vtime))
		tctx->vtime = newest;
	return VQUEUE_KEY(p, tctx, tctx->vtime);
}

/* Where so many have waited too long, they have every turn and not every other. */
#define AGED_CROWD 256

/* A turn of those who are due first: short while others have waited too long. */
static __always_inline u64 turn_slice_ns(void)
{
	return scx_bpf_dsq_nr_queued(AGED_DSQ) > 0 ? aged_slice_ns() : slice_ns();
}

/* Put @p among the aged. Who comes back from there, the CPU being taken by another, does not start over. */
static __always_inline bool aged_insert(struct task_struct *p, struct task_ctx *tctx, u64 enq_flags)
{
	if (!(enq_flags & SCX_ENQ_REENQ) ||
	    !vtime_before(tctx->waits_since + AGE_NS, bpf_ktime_get_ns()))
		return false;
	tctx->place = TASK_AGED;
	dsq_insert(p, AGED_DSQ, aged_slice_ns(), enq_flags | SCX_ENQ_HEAD);
	return true;
}

static __always_inline void vqueue_insert(struct task_struct *p, struct task_ctx *tctx, u32 llc,
					  u64 enq_flags)
{
	u64 key = vqueue_key(p, tctx, enq_flags);

	if (aged_insert(p, tctx, enq_flags))
		return;
	tctx->place = TASK_QUEUED;
	dsq_insert_vtime(p, vqueue_dsq(llc), turn_slice_ns(), key, enq_flags);
}

static __always_inline void vclock_advance(u64 vtime)
{
	if (vtime_before(vclock, vtime))
		vclock = vtime;
}

/* A task starts to run: if it was first in a queue, the queues stand where it does. */
static __always_inline void vqueue_started(struct task_ctx *tctx)
{
	if (tctx->place == TASK_QUEUED)
		vclock_advance(tctx->vtime);
	tctx->place = TASK_DIRECT;
}

/*
 * @p has been charged on @cid. While nobody waits there, its virtual time passes for nobody: it stays
 * near the clock, or it would have to wait for all that once somebody comes.
 */
static __always_inline void vqueue_charged(const struct task_struct *p, struct task_ctx *tctx,
					   s32 cid)
{
	u64 newest;

	if (vtime_before(tctx->vtime, vclock) ||
	    scx_bpf_dsq_nr_queued(vqueue_dsq(cid_llc(cid))) > 0)
		return;
	newest = vclock + task_vslice(p, tctx);
	if (vtime_before(newest, tctx->vtime))
		tctx->vtime = newest;
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

static __always_inline bool vqueue_take(u32 llc, s32 cid)
{
	park_clear_head(vqueue_dsq(llc));
	return VQUEUE_TAKE(llc, cid);
}

static __always_inline bool aged_take(void)
{
	park_clear_head(AGED_DSQ);
	return dsq_move_to_local(AGED_DSQ);
}

/* Take one that has waited too long, but not twice in a row unless there are very many. */
static __always_inline bool aged_dispatch(s32 cid)
{
	s32 aged = scx_bpf_dsq_nr_queued(AGED_DSQ);

	if (!aged)
		return false;
	if (cidmask_test(aged_cids, cid) && aged < AGED_CROWD) {
		cidmask_clear(aged_cids, cid);
		return false;
	}
	if (!aged_take())
		return false;
	cidmask_set(aged_cids, cid);
	return true;
}

/*
 * May @prev, whose slice has ended here, run on, if nobody else is to run? It is charged up to now. Not if a
 * limit holds it: it comes back to be parked, also if nobody else wants the CPU.
 */
static __always_inline bool task_may_go_on(struct task_struct *prev, struct task_ctx *tctx, s32 cid)
{
	if (!(prev->scx.flags & SCX_TASK_QUEUED) || !tctx || !tctx->running || tctx->graced ||
	    !cidmask_test(tctx->allowed, cid) || idle_core_instead(tctx, cid))
		return false;
	task_charge(prev, tctx);
	return !task_throttled(prev, tctx);
}

/* Let @prev run on for another slice. */
static __always_inline void task_goes_on(struct task_struct *prev, struct task_ctx *tctx)
{
	task_charge_ahead(tctx);
	scx_bpf_task_set_slice(prev, turn_slice_ns());
}

/* Is @prev, charged up to now, due before the first of @llc's queue? */
static __always_inline bool vqueue_prev_first(struct task_struct *prev, struct task_ctx *tctx,
					      u32 llc)
{
	u64 head;

	if (!vqueue_head(llc, &head))
		return true;
	if (vtime_before(head + VQUEUE_STICKY_NS, VQUEUE_KEY(prev, tctx, tctx->vtime)))
		return false;
	vclock_advance(tctx->vtime);
	return true;
}

/*
 * Put a queued task on @cid, or let @prev (the task whose slice ended here, if it is ours) go on
 * when it is the one that has used least. False: there is nothing for this cid.
 */
FIEF_VERIFIED_ONCE int vqueue_dispatch(s32 cid,
				       struct task_struct *prev __arg_trusted __arg_nullable)
{
	struct task_ctx *tctx = NULL;
	bool may_go_on = false;
	u32 first, i;

	touch_arena();
	first = vqueue_pick(cid);

	if (aged_dispatch(cid))
		return true;
	if (prev) {
		tctx = task_ctx(prev);
		may_go_on = task_may_go_on(prev, tctx, cid);
	}
	if (may_go_on && tctx) {
		vqueue_charged(prev, tctx, cid);
		if (vqueue_prev_first(prev, tctx, first)) {
			task_goes_on(prev, tctx);
			return true;
		}
	}
	if (vqueue_take(first, cid))
		return true;
	bpf_for(i, 0, nr_llcs) {
		if (i != first && vqueue_take(i, cid))
			return true;
	}
	if (may_go_on && tctx && cidmask_test(usable_cids, cid)) {
		task_goes_on(prev, tctx);
		return true;
	}
	return aged_take();
}

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
	ret = scx_bpf_create_dsq(AGED_DSQ, -1);
	if (ret) {
		fief_error("cannot create the queue of those that waited too long: error %d", ret);
		return ret;
	}
	return demand_init();
}

#endif /* FIEF_VQUEUE_BPF_H */
