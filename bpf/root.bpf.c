/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root: the scheduler of everything that is not delegated, and the parent of everything that is.
 *
 * What it is for: it holds every cap on every cid, hands cids down to children as the daemon's
 * plan says, decides on every dispatch whose turn a shared cid is, and schedules its own tasks
 * (all cgroups without a child scheduler) by weighted virtual time on the cids it keeps.
 *
 * Who may run on a cid, in this order:
 *   1. per-CPU kernel threads that wake: at once, above everybody. One that uses up a slice goes
 *      to the pinned queue like any other task, so a spinning one cannot starve the owner.
 *   2. the entries of the cid's plan and, while own tasks that can run nowhere else wait for it,
 *      the reserve; by stride, see lib/share.bpf.h.
 *   3. on a lent cid whose entries have nothing to run: own tasks, then children that hold the
 *      baseline cap on it, in turn. The owner takes the cid back by preemption when a task of it
 *      wakes, also from own tasks.
 *
 * Maps: arena (struct fief_state; the daemon stages plans, fief_apply makes them live), events
 * (ring, read by the daemon), task_ctxs. Locking: none beyond the rq locks that ops run under.
 */
#include "lib/base.bpf.h"
#include "lib/apply.bpf.h"
#include "lib/cidmask.bpf.h"
#include "lib/events.bpf.h"
#include "lib/idle.bpf.h"
#include "lib/share.bpf.h"
#include "lib/state.bpf.h"
#include "lib/task.bpf.h"
#include "lib/vqueue.bpf.h"

char _license[] SEC("license") = "GPL";

/* A turn on a contended cid is ended after this long if its scheduler does not end it itself. */
const volatile u32 turn_us = 10000;
#define IDLE_TIMER_NS (100 * NSEC_PER_MSEC)

struct turn_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct turn_timer);
} turn_timers SEC(".maps");

static __always_inline bool is_percpu_kthread(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

s32 FIEF_OP(root_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx(p);
	s32 cid;

	touch_arena();
	if (!tctx)
		return prev_cid;
	cid = idle_claim(tctx, prev_cid);
	if (cid < 0)
		return prev_cid;
	count(direct);
	dsq_insert(p, SCX_DSQ_LOCAL, slice_ns(), SCX_ENQ_IMMED);
	return cid;
}

/* A task that may run on none of the cids this scheduler keeps: queue it where it last ran. */
static __always_inline void enqueue_pinned(struct task_struct *p, struct task_ctx *tctx, s32 prev,
					   u64 enq_flags)
{
	s32 cid = cidmask_test(tctx->allowed, prev) ? prev : cidmask_first(tctx->allowed);

	if (cid < 0)
		cid = prev;
	if (is_percpu_kthread(p) && (enq_flags & SCX_ENQ_WAKEUP)) {
		dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(), enq_flags | SCX_ENQ_PREEMPT);
		return;
	}
	if (vtime_before(tctx->vtime, vclock - slice_ns()))
		tctx->vtime = vclock - slice_ns();
	cidmask_set(pinned_cids, cid);
	dsq_insert_vtime(p, pinned_dsq(cid), slice_ns(), tctx->vtime, enq_flags);
	scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

void FIEF_OP(root_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx(p);
	s32 prev = scx_bpf_task_cid(p);
	s32 home, cid;

	touch_arena();
	if (!tctx) {
		fief_error("task %d has no context", p->pid);
		return;
	}
	home = home_cid(tctx, own_cids, prev);
	if (home < 0 || (is_percpu_kthread(p) && (enq_flags & SCX_ENQ_WAKEUP))) {
		enqueue_pinned(p, tctx, prev, enq_flags);
		return;
	}
	if (!(enq_flags & (SCX_ENQ_REENQ | SCX_ENQ_CPU_SELECTED))) {
		cid = idle_claim(tctx, prev);
		if (cid >= 0) {
			count(direct);
			dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(),
				   enq_flags | SCX_ENQ_IMMED);
			return;
		}
	}
	count(enqueued);
	vqueue_insert(p, tctx, cid_llc(home), enq_flags);
	kick_for(tctx, home, enq_flags & (SCX_ENQ_WAKEUP | SCX_ENQ_REENQ));
}

/* Own tasks: first those that can run nowhere else. */
static __always_inline bool dispatch_own(s32 cid, struct task_struct *prev)
{
	if (cidmask_test(pinned_cids, cid)) {
		if (dsq_move_to_local(pinned_dsq(cid), 0))
			return true;
		cidmask_clear(pinned_cids, cid);
		/* an insert between the look and the clear must not be forgotten */
		if (scx_bpf_dsq_nr_queued(pinned_dsq(cid)) > 0)
			cidmask_set(pinned_cids, cid);
	}
	if (plan_has_self(cid_plan(cid)))
		return vqueue_dispatch(cid, prev, 0);
	/* a pinned task that was running and is alone goes on */
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED)) {
		scx_bpf_task_set_slice(prev, slice_ns());
		return true;
	}
	return false;
}

static __always_inline bool dispatch_slot(u32 slot, s32 cid, struct task_struct *prev)
{
	struct fief_slot __arena *child = slot_account(slot);

	if (slot == FIEF_SLOT_SELF)
		return dispatch_own(cid, prev);
	if (!child->participant.cgroup_id || !scx_bpf_sub_dispatch(child->participant.cgroup_id))
		return false;
	__sync_fetch_and_add(&child->dispatched, 1);
	return true;
}

/*
 * An entry has nothing to run: let own tasks or a child have its turn. Returns the slot that does,
 * FIEF_SLOT_NONE if nobody wants it.
 */
static __always_inline u32 dispatch_borrower(s32 cid, struct turn __arena *turn, u32 absent,
					     struct task_struct *prev)
{
	u32 asked = 0, i;

	if (absent != FIEF_SLOT_SELF && vqueue_dispatch(cid, prev, SCX_ENQ_IMMED))
		return FIEF_SLOT_SELF;
	bpf_for(i, 0, SHARE_BORROWERS) {
		u32 index = 0;
		u32 slot = borrower_next(turn, asked, &index);

		if (slot == FIEF_SLOT_NONE)
			break;
		asked |= 1U << (index & 31);
		if (slot == absent || !dispatch_slot(slot, cid, NULL))
			continue;
		if (vtime_before(spare_clock, slot_account(slot)->borrow_vtime))
			spare_clock = slot_account(slot)->borrow_vtime;
		return slot;
	}
	turn->cursor += SHARE_BORROWERS;
	return FIEF_SLOT_NONE;
}

void FIEF_OP(root_dispatch, s32 cid, struct task_struct *prev)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 now = bpf_ktime_get_ns();
	u32 nr_planned, nr, step, asked = 0, offered = ~0U;

	touch_arena();
	turn_charge(cid, now, prev != NULL);
	nr = nr_planned = plan_entries(plan);
	/* the reserve takes part while it has tasks, and to let a pinned task go on */
	if (!nr || cidmask_test(pinned_cids, cid) || turn->entry == nr)
		nr++;
	if (plan->flags & FIEF_CID_LENT)
		offered = ~0U << nr_planned;
	bpf_for(step, 0, 2 * SHARE_ENTRIES) {
		struct share_offer offer = turn_next(turn, nr, asked, offered);
		u32 slot, borrower = FIEF_SLOT_NONE;

		if (offer.entry >= SHARE_ENTRIES)
			break;
		slot = entry_slot(plan, offer.entry);
		if (!offer.lend) {
			asked |= 1U << offer.entry;
			if (!dispatch_slot(slot, cid, prev))
				continue;
		} else {
			offered |= 1U << offer.entry;
			borrower = dispatch_borrower(cid, turn, slot, prev);
			/* nobody wants this turn: nobody will want another's */
			if (borrower == FIEF_SLOT_NONE) {
				offered = ~0U;
				continue;
			}
		}
		turn_begin(turn, offer.entry, borrower, now);
		return;
	}
	if (!prev)
		idle_restore(cid);
}

void FIEF_OP(root_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);

	cidmask_set(busy_cids, scx_bpf_task_cid(p));
	if (!tctx)
		return;
	task_started(p, tctx);
	vqueue_started(tctx);
}

void FIEF_OP(root_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx(p);

	cidmask_clear(busy_cids, scx_bpf_task_cid(p));
	if (tctx)
		task_stopped(p, tctx);
}

void FIEF_OP(root_enable, struct task_struct *p, struct scx_enable_args *args)
{
	struct task_ctx *tctx = task_ctx(p);

	if (tctx)
		tctx->vtime = vclock;
}

void FIEF_OP(root_set_cmask, struct task_struct *p, const struct scx_cmask *cmask)
{
	task_set_allowed(p, cmask);
}

void FIEF_OP(root_update_idle, s32 cid, bool idle)
{
	touch_arena();
	cidmask_assign(idle_cids, cid, idle);
	turn_idle(cid);
}

s32 FIEF_OP_SLEEPABLE(root_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	return task_init(p);
}

void FIEF_OP(root_cpuctl_set_weight, struct cgroup *cgrp, u32 weight)
{
	touch_arena();
	event_emit(FIEF_EVENT_WEIGHT_CHANGED, BPF_CORE_READ(cgrp, kn, id), weight);
}

s32 FIEF_OP_SLEEPABLE(root_sub_attach, struct scx_sub_attach_args *args)
{
	struct fief_event *event;

	touch_arena();
	event = event_reserve(FIEF_EVENT_CHILD_ATTACHED, args->ops->sub_cgroup_id);
	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->name, sizeof(event->name), args->ops->name);
	event_submit(event);
	return 0;
}

void FIEF_OP_SLEEPABLE(root_sub_detach, struct scx_sub_detach_args *args)
{
	touch_arena();
	event_emit(FIEF_EVENT_CHILD_DETACHED, args->ops->sub_cgroup_id, 0);
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

/* Somebody else may be waiting for @cid: it is shared, or own tasks can run nowhere else. */
static __always_inline bool contended(s32 cid)
{
	return cidmask_test(pinned_cids, cid) || cid_plan(cid)->nr > 1;
}

/*
 * End turns that last too long: a child may give its tasks any slice, but it cannot keep a cid
 * from those who share it.
 */
static int turn_timer_fn(void *map, u32 *key, struct turn_timer *timer)
{
	u64 now = bpf_ktime_get_ns();
	bool any = false;
	u32 cid;

	touch_arena();
	bpf_for(cid, 0, nr_cids) {
		struct turn __arena *turn = cid_turn(cid);

		if (!contended(cid))
			continue;
		any = true;
		if (turn->entry == SHARE_NOBODY || now - turn->since < turn_us * NSEC_PER_USEC)
			continue;
		count(turn_preempts);
		scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
	}
	bpf_timer_start(&timer->timer, any ? turn_us * NSEC_PER_USEC : IDLE_TIMER_NS, 0);
	return 0;
}

static __always_inline s32 turn_timer_init(void)
{
	u32 key = 0;
	struct turn_timer *timer = bpf_map_lookup_elem(&turn_timers, &key);

	if (!timer)
		return -EINVAL;
	bpf_timer_init(&timer->timer, &turn_timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&timer->timer, turn_timer_fn);
	return bpf_timer_start(&timer->timer, IDLE_TIMER_NS, 0);
}

static __always_inline s32 pinned_init(void)
{
	u32 cid;
	s32 ret;

	bpf_for(cid, 0, nr_cids) {
		ret = scx_bpf_create_dsq(pinned_dsq(cid), -1);
		if (ret) {
			fief_error("cannot create the pinned queue of cid %u: error %d", cid, ret);
			return ret;
		}
		cidmask_set(own_cids, cid);
		cidmask_set(usable_cids, cid);
		cidmask_set(exclusive_cids, cid);
		turn_reset(cid);
	}
	return 0;
}

s32 FIEF_OP_SLEEPABLE(root_init)
{
	s32 ret = state_init(0);

	if (ret)
		return ret;
	ret = vqueue_init();
	if (ret)
		return ret;
	ret = pinned_init();
	return ret ?: turn_timer_init();
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
	.running = (void *)root_running,
	.stopping = (void *)root_stopping,
	.enable = (void *)root_enable,
	.set_cmask = (void *)root_set_cmask,
	.update_idle = (void *)root_update_idle,
	.init_task = (void *)root_init_task,
	.cpuctl_set_weight = (void *)root_cpuctl_set_weight,
	.sub_attach = (void *)root_sub_attach,
	.sub_detach = (void *)root_sub_detach,
	.cid_online = (void *)root_cid_online,
	.cid_offline = (void *)root_cid_offline,
	.init = (void *)root_init,
	.exit = (void *)root_exit,
	.dump = (void *)root_dump,
	.dump_cid = (void *)root_dump_cid,
	.flags = SCX_OPS_ENQ_EXITING,
	.timeout_ms = 20000,
	.name = "fief_root",
};
