/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all of fief's child schedulers have in common: every op. They differ in what the including
 * file decides before it includes this one:
 *
 *   CHILD_NAME                        ops name
 *   SLICE_US, VQUEUE_*                see lib/core/slice.bpf.h, lib/queue/vqueue.bpf.h
 *   TASK_STARTED                      see lib/ops/task_ops.bpf.h
 *   CHILD_WAKE_PREEMPT(p, tctx, home) a task has woken, is queued, and no cid was idle or to be taken
 *                                     back: may take one from another task of ours; by default not
 *
 * How a child meets the caps it was handed (it assumes nothing about its parent):
 *   - usable cids are those where the baseline cap is in effect; every insert carries
 *     SCX_ENQ_IMMED, so the baseline suffices on exclusive and on shared cids alike and no task
 *     ever waits on a CPU behind somebody else's.
 *   - a task that comes back (SCX_ENQ_REENQ, whatever the reason) goes to a queue, never straight
 *     to a cid again: no rejection loop is possible.
 *   - a task whose affinity leaves it no usable cid asks for the kernel's rescue. While there is
 *     no usable cid at all (just attached), tasks wait in the queues for the first grant, for
 *     STRANDED_NS.
 *   - caps do not tell a cid that is shared with us from one that is merely lent while its owner
 *     is idle. A task whose affinity leaves it only such cids waits in the queue; if none gives
 *     it a turn within STRANDED_NS, a timer hands it to the kernel's rescue.
 *   - on a cid held exclusively, a task that wakes and finds somebody else's task there takes the
 *     cid back by preemption.
 *
 * Locking: none of its own; see the headers in lib/ for who writes what.
 */
#ifndef FIEF_CHILD_BPF_H
#define FIEF_CHILD_BPF_H

#define TURN_CHARGE_MAX_NS turn_ns()

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"

/*
 * Has this task waited for long, and can run on none of our exclusive cids and not on all of the
 * others?
 */
static __always_inline bool child_stranded(const struct task_ctx *tctx, u64 now)
{
	u32 nr_words = cidmask_words();
	bool restricted = false;
	u32 w;

	if (!vtime_before(tctx->waits_since + STRANDED_NS, now))
		return false;
	bpf_for(w, 0, nr_words) {
		u32 i = w & (FIEF_MASK_WORDS - 1);

		if (tctx->allowed[i] & exclusive_cids[i])
			return false;
		restricted |= (usable_cids[i] & ~tctx->allowed[i]) != 0;
	}
	return restricted;
}

#define PATROL_STRANDED(tctx, now) child_stranded(tctx, now)

#include "lib/ops/family.bpf.h"
#include "lib/ops/patrol.bpf.h"
#include "lib/ops/rescue.bpf.h"
#include "lib/ops/task_ops.bpf.h"
#include "lib/parent/apply.bpf.h"
#include "lib/parent/call.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/release.bpf.h"
#include "lib/parent/rights.bpf.h"
#include "lib/parent/turn_timer.bpf.h"
#include "lib/queue/vqueue.bpf.h"
#include "lib/talk/events.bpf.h"
#include "lib/talk/perf.bpf.h"

#ifndef CHILD_WAKE_PREEMPT
#define CHILD_WAKE_PREEMPT(p, tctx, home) light_preempt(p, tctx, whole_cids)
#endif

char _license[] SEC("license") = "GPL";

/* The cgroup it is attached to; the loader sets it beside ops.sub_cgroup_id. */
const volatile u64 attached_cgroup_id;

/* How fast cids on which PERF is held are to be, of full speed; 100: nothing is asked for. */
const volatile u32 perf_percent = 100;

/* How many cids are held. Written by sub_ecaps_updated. */
u32 nr_held;

static __always_inline s32 perf_check(void)
{
	if (perf_percent >= 1 && perf_percent <= 100)
		return 0;
	fief_error("the option perf_percent is %u, it must lie between 1 and 100", perf_percent);
	return -EINVAL;
}

static __always_inline void perf_ask(s32 cid)
{
	if (perf_percent < 100)
		scx_bpf_cidperf_set(cid, perf_percent * PERF_FULL / 100);
}

s32 FIEF_OP(child_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx || task_throttled(p, tctx) || held_back())
		return prev_cid;
	return wake_place(p, tctx, prev_cid, wake_flags);
}

/* A limit above keeps everybody back, and others wait for this one: the parent is told that somebody is to go. */
static __always_inline void enqueue_urgent(struct task_struct *p, struct task_ctx *tctx,
					   u64 enq_flags)
{
	tctx->graced = true;
	tctx->place = TASK_AGED;
	dsq_insert(p, AGED_DSQ, aged_slice_ns(), enq_flags | SCX_ENQ_HEAD);
	notice_waiting(scx_bpf_dsq_nr_queued(AGED_DSQ) + 1);
}

void FIEF_OP(child_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx(p);
	s32 prev = scx_bpf_task_cid(p);
	struct group __arena *limiter;
	s32 home, cid;

	touch_arena();
	if (!tctx) {
		fief_error("task %d has no context", p->pid);
		return;
	}
	if (enq_flags & SCX_ENQ_REENQ)
		count_reenq(p);
	rescue_next(tctx);
	limiter = task_throttled(p, tctx);
	if (limiter) {
		park_insert(p, tctx, limiter, enq_flags);
		return;
	}

	if (held_back() && task_must_run(p)) {
		enqueue_urgent(p, tctx, enq_flags);
		return;
	}
	home = home_cid(tctx, own_cids, prev);
	away_follow(p, tctx, home, whole_cids);
	if (home < 0) {
		cid = home_cid(tctx, held_cids, prev);
		if (cid >= 0) {
			wait_pinned(p, tctx, cid, enq_flags);
			return;
		}
		if (nr_held) {
			rescue(p, tctx, enq_flags);
			return;
		}
	}
	if (home >= 0 && !(enq_flags & (SCX_ENQ_REENQ | SCX_ENQ_CPU_SELECTED)) && !held_back()) {
		cid = idle_claim(tctx, prev, !(enq_flags & SCX_ENQ_WAKEUP));
		if (cid >= 0) {
			count(direct);
			dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(),
				   enq_flags | SCX_ENQ_IMMED);
			return;
		}
	}
	count(enqueued);
	vqueue_insert(p, tctx, cid_llc(home < 0 ? prev : home), enq_flags);
	if (home >= 0 &&
	    !kick_for(tctx, home, enq_flags & (SCX_ENQ_WAKEUP | SCX_ENQ_REENQ | SCX_ENQ_LAST)) &&
	    (enq_flags & (SCX_ENQ_WAKEUP | SCX_ENQ_REENQ)) && !call_for_own(tctx) &&
	    (enq_flags & SCX_ENQ_WAKEUP))
		CHILD_WAKE_PREEMPT(p, tctx, home);
}

void FIEF_OP(child_dispatch, s32 cid, struct task_struct *prev)
{
	bool found;

	touch_arena();
	reclaim_over(cid);
	found = has_children() || cidmask_test(pinned_cids, cid) ? dispatch_by_plan(cid, prev) :
								   vqueue_dispatch(cid, prev);
	if (!found && !prev)
		idle_restore(cid);
}

/*
 * A cid that others keep may fall idle while tasks wait here: ask for a dispatch, the parent decides
 * whether it is lent.
 */
void FIEF_OP(child_update_idle, s32 cid, bool idle)
{
	touch_arena();
	cidmask_assign(idle_cids, cid, idle);
	if (idle && cidmask_test(exclusive_cids, cid))
		core_let_go(cid);
	reclaim_over(cid);
	if (has_children()) {
		turn_idle(cid, idle);
		if (!idle)
			turn_timer_wake();
	}
	if (idle && vqueue_waiting(cid))
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

/*
 * A cid was won or lost: after a loss, and at the first gain, queued tasks may be where nobody serves
 * them any more.
 */
void FIEF_OP(child_sub_ecaps_updated, s32 cid, u64 before, u64 after)
{
	bool was_held = cidmask_test(held_cids, cid);
	bool held = after & SCX_CAP_ENQ_IMMED;
	bool first = false;

	touch_arena();
	cidmask_assign(whole_cids, cid, after & SCX_CAP_ENQ);
	cidmask_assign(held_cids, cid, held);
	rights_update(cid);
	if (after & ~before & SCX_CAP_PERF)
		perf_ask(cid);
	/* a new owner does not wait for the end of somebody else's slice */
	if ((after & ~before & SCX_CAP_ENQ) && vqueue_waiting(cid) && !cidmask_test(busy_cids, cid))
		scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
	if (held == was_held)
		return;
	if (held) {
		first = __sync_fetch_and_add(&nr_held, 1) == 0;
	} else {
		__sync_fetch_and_sub(&nr_held, 1);
		cidmask_clear(idle_cids, cid);
		core_let_go(cid);
	}
	if (first || !held)
		patrol_soon();
}

s32 FIEF_OP_SLEEPABLE(child_init)
{
	s32 ret = perf_check();

	if (ret)
		return ret;
	ret = state_init(attached_cgroup_id);
	if (ret)
		return ret;
	ret = vqueue_init();
	if (ret)
		return ret;
	ret = parent_init();
	if (ret)
		return ret;
	ret = turn_timer_init();
	if (ret)
		return ret;
	ret = release_init();
	if (ret)
		return ret;
	ret = rescue_init();
	if (ret)
		return ret;
	return patrol_init();
}

void FIEF_OP(child_exit, struct scx_exit_info *info)
{
	exit_report(info);
}

void FIEF_OP(child_dump, struct scx_dump_ctx *dctx)
{
	u32 llc;

	fief_dump("child: cgroup %llu, %u cids held, vclock %llu\n", attached_cgroup_id, nr_held,
		  vclock);
	bpf_for(llc, 0, nr_llcs)
		fief_dump("child: LLC %u queues %d tasks\n", llc,
			  scx_bpf_dsq_nr_queued(vqueue_dsq(llc)));
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid fief_ops = {
	.select_cid = (void *)child_select_cid,
	.enqueue = (void *)child_enqueue,
	.dispatch = (void *)child_dispatch,
	.tick = (void *)task_tick,
	.running = (void *)task_running,
	.stopping = (void *)task_stopping,
	.enable = (void *)task_enable,
	.set_cmask = (void *)task_set_cmask,
	.update_idle = (void *)child_update_idle,
	.init_task = (void *)task_init_task,
	.exit_task = (void *)task_exit_task,
	.runnable = (void *)task_runnable,
	.quiescent = (void *)task_quiescent,
	.set_weight = (void *)task_set_weight,
	.cpuctl_init = (void *)cpuctl_init,
	.cpuctl_exit = (void *)cpuctl_exit,
	.cpuctl_move = (void *)cpuctl_move,
	.sub_ecaps_updated = (void *)child_sub_ecaps_updated,
	.cpuctl_set_weight = (void *)cpuctl_set_weight,
	.cpuctl_set_idle = (void *)cpuctl_set_idle,
	.cpuctl_set_bandwidth = (void *)cpuctl_set_bandwidth,
	.sub_attach = (void *)family_sub_attach,
	.sub_detach = (void *)family_sub_detach,
	.init = (void *)child_init,
	.exit = (void *)child_exit,
	.dump = (void *)child_dump,
	.flags = SCX_OPS_ENQ_EXITING | SCX_OPS_ENQ_LAST,
	.timeout_ms = 20000,
	.name = CHILD_NAME,
};

#endif /* FIEF_CHILD_BPF_H */
