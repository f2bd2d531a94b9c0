/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root: the scheduler of everything that is not delegated, and the parent of everything that is.
 *
 * What it is for: it holds every cap on every cid, hands cids down to children as the daemon's
 * plan says, decides on every dispatch whose turn a shared cid is, and schedules its own tasks
 * (all cgroups without a child scheduler) by weighted virtual time on the cids it keeps.
 *
 * Who may run on a cid: first per-CPU kernel threads that wake, at once, above everybody. (One that
 * uses up a slice goes to the pinned queue like any other task, so a spinning one cannot starve the
 * owner.) Then as lib/parent/dispatch.bpf.h says for every scheduler with children. An owner takes its cid
 * back by preemption when a task of it wakes, also from tasks of the root.
 *
 * Maps: arena (struct fief_state; the daemon stages plans, fief_apply makes them live), events
 * (ring, read by the daemon), task_ctxs. Locking: none beyond the rq locks that ops run under.
 */
#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/ops/family.bpf.h"
#include "lib/ops/patrol.bpf.h"
#include "lib/ops/task_ops.bpf.h"
#include "lib/parent/apply.bpf.h"
#include "lib/parent/call.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/release.bpf.h"
#include "lib/parent/turn_timer.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/queue/vqueue.bpf.h"
#include "lib/talk/events.bpf.h"

char _license[] SEC("license") = "GPL";

s32 FIEF_OP(root_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx || task_throttled(p, tctx))
		return prev_cid;
	return wake_place(p, tctx, prev_cid, wake_flags);
}

/* A task that may run on none of the cids this scheduler keeps: queue it where it last ran. */
static __always_inline void enqueue_elsewhere(struct task_struct *p, struct task_ctx *tctx,
					      s32 prev, u64 enq_flags)
{
	s32 cid = cidmask_test(tctx->allowed, prev) ? prev : cidmask_first(tctx->allowed);

	if (cid < 0)
		cid = prev;
	if (is_percpu_kthread(p) && (enq_flags & SCX_ENQ_WAKEUP)) {
		dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(), enq_flags | SCX_ENQ_PREEMPT);
		return;
	}
	wait_pinned(p, tctx, cid, enq_flags);
}

void FIEF_OP(root_enqueue, struct task_struct *p, u64 enq_flags)
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
	limiter = task_throttled(p, tctx);
	if (limiter) {
		park_insert(p, tctx, limiter, enq_flags);
		return;
	}
	home = home_cid(tctx, own_cids, prev);
	if (home < 0 || (is_percpu_kthread(p) && (enq_flags & SCX_ENQ_WAKEUP))) {
		enqueue_elsewhere(p, tctx, prev, enq_flags);
		return;
	}
	if (!(enq_flags & (SCX_ENQ_REENQ | SCX_ENQ_CPU_SELECTED))) {
		cid = idle_claim(tctx, prev, !(enq_flags & SCX_ENQ_WAKEUP));
		if (cid >= 0) {
			count(direct);
			dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(),
				   enq_flags | SCX_ENQ_IMMED);
			return;
		}
	}
	count(enqueued);
	vqueue_insert(p, tctx, cid_llc(home), enq_flags);
	if (!kick_for(tctx, home, enq_flags & (SCX_ENQ_WAKEUP | SCX_ENQ_REENQ | SCX_ENQ_LAST)) &&
	    (enq_flags & SCX_ENQ_WAKEUP) && !call_for_own(tctx))
		light_preempt(p, tctx, whole_cids);
}

void FIEF_OP(root_dispatch, s32 cid, struct task_struct *prev)
{
	touch_arena();
	reclaim_over(cid);
	if (!dispatch_by_plan(cid, prev) && !prev)
		idle_restore(cid);
}

void FIEF_OP(root_update_idle, s32 cid, bool idle)
{
	touch_arena();
	cidmask_assign(idle_cids, cid, idle);
	reclaim_over(cid);
	turn_idle(cid, idle);
	/* who was queued while the CPU was on its way there relies on this look */
	if (idle && cidmask_test(usable_cids, cid) && vqueue_waiting(cid))
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
	if (!idle)
		turn_timer_wake();
}

void FIEF_OP(root_cid_online, s32 cid)
{
	touch_arena();
	event_emit(FIEF_EVENT_CID_ONLINE, 0, cid);
}

void FIEF_OP(root_cid_offline, s32 cid)
{
	touch_arena();
	cidmask_clear(idle_cids, cid);
	event_emit(FIEF_EVENT_CID_OFFLINE, 0, cid);
}

/* The root holds every cap on every cid. */
static __always_inline void hold_all(void)
{
	u32 cid;

	bpf_for(cid, 0, nr_cids) {
		cidmask_set(held_cids, cid);
		cidmask_set(whole_cids, cid);
		rights_update(cid);
	}
}

s32 FIEF_OP_SLEEPABLE(root_init)
{
	s32 ret = state_init(0);

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
	hold_all();
	return patrol_init();
}

void FIEF_OP(root_exit, struct scx_exit_info *info)
{
	exit_report(info);
}

void FIEF_OP(root_dump, struct scx_dump_ctx *dctx)
{
	u32 llc;

	touch_arena();
	fief_dump("root: plan %llu, vclock %llu\n", state.plan_number, vclock);
	bpf_for(llc, 0, nr_llcs)
		fief_dump("root: LLC %u queues %d tasks\n", llc,
			  scx_bpf_dsq_nr_queued(vqueue_dsq(llc)));
}

void FIEF_OP(root_dump_cid, struct scx_dump_ctx *dctx, s32 cid, bool idle)
{
	touch_arena();
	if (idle)
		return;
	fief_dump("root: %u entries, entry %u has had it since %llu, %d pinned tasks wait",
		  cid_plan(cid)->nr, cid_turn(cid)->entry, cid_turn(cid)->started,
		  scx_bpf_dsq_nr_queued(pinned_dsq(cid)));
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid fief_ops = {
	.select_cid = (void *)root_select_cid,
	.enqueue = (void *)root_enqueue,
	.dispatch = (void *)root_dispatch,
	.tick = (void *)task_tick,
	.running = (void *)task_running,
	.stopping = (void *)task_stopping,
	.enable = (void *)task_enable,
	.set_cmask = (void *)task_set_cmask,
	.update_idle = (void *)root_update_idle,
	.init_task = (void *)task_init_task,
	.exit_task = (void *)task_exit_task,
	.runnable = (void *)task_runnable,
	.quiescent = (void *)task_quiescent,
	.set_weight = (void *)task_set_weight,
	.cpuctl_init = (void *)cpuctl_init,
	.cpuctl_exit = (void *)cpuctl_exit,
	.cpuctl_move = (void *)cpuctl_move,
	.cpuctl_set_weight = (void *)cpuctl_set_weight,
	.cpuctl_set_idle = (void *)cpuctl_set_idle,
	.cpuctl_set_bandwidth = (void *)cpuctl_set_bandwidth,
	.sub_attach = (void *)family_sub_attach,
	.sub_detach = (void *)family_sub_detach,
	.cid_online = (void *)root_cid_online,
	.cid_offline = (void *)root_cid_offline,
	.init = (void *)root_init,
	.exit = (void *)root_exit,
	.dump = (void *)root_dump,
	.dump_cid = (void *)root_dump_cid,
	.flags = SCX_OPS_ENQ_EXITING | SCX_OPS_ENQ_LAST | SCX_OPS_TID_TO_TASK,
	.timeout_ms = 20000,
	/* what a child's tasks have that may run on none of its cids: see lib/ops/rescue.bpf.h */
	.rescue_bandwidth_ppt = 100,
	.name = "fief_root",
};
