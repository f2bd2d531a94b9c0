/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A timer that walks the queues and moves those who would wait too long where they are.
 *
 * What it sees to, every PATROL_NS, and PATROL_SOON_NS after cids came or went:
 *   - tasks that have waited for AGE_NS go to the queue of the aged, see lib/queue/vqueue.bpf.h.
 *   - tasks whose affinity leaves them none of this scheduler's own cids go to the pinned queue of
 *     one that it holds, and where it holds none of them to the kernel's rescue. Pinned tasks whose
 *     cid has become its own, or is lost, go back to the others.
 *   - the knobs of the scheduler's own cgroup are followed, and its parent is told who waits.
 *
 * Tasks are moved from queue to queue and not re-enqueued: each re-enqueue of a task since it last ran
 * counts, and more than 256 end its scheduler (scx_do_enqueue_task, kernel/sched/ext/ext.c), while one
 * plan after the other may come and many cids be lost at once. However many do, one walk follows.
 *
 * A scheduler may define, before it includes this header:
 *   PATROL_STRANDED(tctx, now)   a waiting task that none of this scheduler's cids may ever serve
 */
#ifndef FIEF_PATROL_BPF_H
#define FIEF_PATROL_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/ops/cpuctl.bpf.h"
#include "lib/ops/rescue.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/rights.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/queue/vqueue.bpf.h"
#include "lib/talk/notice.bpf.h"

#ifndef PATROL_STRANDED
#define PATROL_STRANDED(tctx, now) false
#endif

#define PATROL_NS (250 * NSEC_PER_MSEC)
#define PATROL_SOON_NS NSEC_PER_MSEC

struct patrol_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct patrol_timer);
} patrol_timers SEC(".maps");

/* A walk is due soon. Set by who asks for it, cleared when it begins. */
u32 patrol_wanted;

static __always_inline struct patrol_timer *patrol_timer(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&patrol_timers, &key);
}

/* Cids have come or gone: see to those who wait. */
static __always_inline void patrol_soon(void)
{
	struct patrol_timer *timer = patrol_timer();

	if (timer && !__sync_lock_test_and_set(&patrol_wanted, 1))
		bpf_timer_start(&timer->timer, PATROL_SOON_NS, 0);
}

/* See rescue_over(). */
static __always_inline void rescue_next(struct task_ctx *tctx)
{
	if (rescue_over(tctx))
		patrol_soon();
}

/* What is to become of a queued task. */
enum patrol_verdict {
	PATROL_STAYS,
	PATROL_PINNED, /* to the pinned queue of a cid */
	PATROL_RESCUE, /* to the kernel's rescue, on a cid */
	PATROL_AGED,
};

static __always_inline enum patrol_verdict patrol_judge(struct task_struct *p,
							struct task_ctx *tctx, u64 now, s32 *cid)
{
	s32 prev = scx_bpf_task_cid(p);

	if (home_cid(tctx, own_cids, prev) < 0) {
		*cid = home_cid(tctx, held_cids, prev);
		if (*cid >= 0)
			return PATROL_PINNED;
		*cid = rescue_cid(p, tctx);
		/* with nothing at all it has just attached, most likely */
		if (*cid >= 0 && (cidmask_first(held_cids) >= 0 ||
				  vtime_before(tctx->waits_since + STRANDED_NS, now)))
			return PATROL_RESCUE;
		return PATROL_STAYS;
	}
	if (PATROL_STRANDED(tctx, now)) {
		*cid = rescue_cid(p, tctx);
		return *cid < 0 ? PATROL_STAYS : PATROL_RESCUE;
	}
	return vtime_before(tctx->waits_since + AGE_NS, now) ? PATROL_AGED : PATROL_STAYS;
}

/* One queue, of those ordered by virtual time or of the aged. */
FIEF_VERIFIED_ONCE int patrol_queue(u64 dsq)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *p;

	touch_arena();
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, dsq, 0) {
		struct task_ctx *tctx = task_ctx(p);
		s32 cid = -1;

		if (!tctx)
			continue;
		switch (patrol_judge(p, tctx, now, &cid)) {
		case PATROL_PINNED:
			tctx->place = TASK_PINNED;
			cidmask_set(pinned_cids, cid);
			scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, tctx->vtime);
			if (scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, pinned_dsq(cid), 0))
				scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
			break;
		case PATROL_RESCUE:
			if (!rescue_claim(cid))
				break;
			rescue_note(tctx, cid);
			if (!scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL_ON | cid,
					      SCX_ENQ_RESCUE))
				rescue_over(tctx);
			break;
		case PATROL_AGED:
			if (dsq == AGED_DSQ)
				break;
			tctx->place = TASK_AGED;
			scx_bpf_dsq_move_set_slice(BPF_FOR_EACH_ITER, aged_slice_ns());
			if (scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, AGED_DSQ, 0))
				count(aged);
			break;
		case PATROL_STAYS:
			/* a cid has come that it may run on */
			if (dsq != RESCUE_DSQ)
				break;
			tctx->place = TASK_QUEUED;
			scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, vqueue_key(p, tctx, 0));
			scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p,
					       vqueue_dsq(cid_llc(scx_bpf_task_cid(p))), 0);
			break;
		}
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* The pinned queue of @cid: is it still where those tasks are served? */
FIEF_VERIFIED_ONCE int patrol_pinned(u32 cid)
{
	struct task_struct *p;

	touch_arena();
	/* A dispatch found the queue empty while enqueue was putting a task there, which happens after the
	 * announcement: at the end of enqueue. */
	if (!cidmask_test(pinned_cids, cid) && scx_bpf_dsq_nr_queued(pinned_dsq(cid)) > 0) {
		cidmask_set(pinned_cids, cid);
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
	}
	if (!cidmask_test(pinned_cids, cid) ||
	    (cidmask_test(held_cids, cid) && !cidmask_test(own_cids, cid)))
		return 0;
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, pinned_dsq(cid), 0) {
		struct task_ctx *tctx = task_ctx(p);

		if (!tctx)
			continue;
		tctx->place = TASK_QUEUED;
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, vqueue_key(p, tctx, 0));
		scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, vqueue_dsq(cid_llc(cid)), 0);
	}
	bpf_rcu_read_unlock();
	return 0;
}

static int patrol_timer_fn(void *map, u32 *key, struct patrol_timer *timer)
{
	bool wanted = __sync_lock_test_and_set(&patrol_wanted, 0);
	u32 i;

	touch_arena();
	/* a pinned task that goes back to the queues is judged there in the same walk */
	bpf_for(i, 0, nr_cids)
		patrol_pinned(i);
	bpf_for(i, 0, nr_llcs)
		patrol_queue(vqueue_dsq(i));
	patrol_queue(AGED_DSQ);
	patrol_queue(RESCUE_DSQ);
	cpuctl_read_again();
	cpuctl_poll();
	notice_waiting(scx_bpf_dsq_nr_queued(AGED_DSQ));
	if (wanted)
		idle_kick_all();
	park_look_if_overdue();
	bpf_timer_start(&timer->timer, PATROL_NS, 0);
	/* that puts off who asked in the meantime */
	if (patrol_wanted)
		bpf_timer_start(&timer->timer, PATROL_SOON_NS, 0);
	return 0;
}

static __always_inline s32 patrol_init(void)
{
	struct patrol_timer *timer = patrol_timer();

	if (!timer)
		return -EINVAL;
	bpf_timer_init(&timer->timer, &patrol_timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&timer->timer, patrol_timer_fn);
	return bpf_timer_start(&timer->timer, PATROL_NS, 0);
}

#endif /* FIEF_PATROL_BPF_H */
