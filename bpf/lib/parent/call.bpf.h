/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has woken, is due more than it has had, and finds no CPU: its scheduler calls (lib/queue/call.bpf.h), and
 * what runs on one of the cids it could use, of a participant that has had more, is asked to go. So somebody to
 * whom the plan gives no CPU at the moment, because it slept, or never, because little is due to it, need not wait
 * for the end of others' turns. Linux does the same among tasks (wakeup_preempt_fair, kernel/sched/fair.c).
 *
 * It is not a right: each call is weighed by due times (lib/parent/due.bpf.h), which move on with what the caller
 * uses. Who calls without end gets what it is due, and no more.
 *
 * Vocabulary:
 *   caller   slot that is to have the next turn on a cid before those whom the plan gives it to
 *
 * Writers: turn->caller by whoever serves a call, on any CPU, and by the cid's own CPU, which takes it, both
 * atomically. A call that comes too late costs a turn that ends early.
 */
#ifndef FIEF_PARENT_CALL_BPF_H
#define FIEF_PARENT_CALL_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/due.bpf.h"
#include "lib/parent/rights.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/queue/call.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/talk/notice.bpf.h"

/* Cids that are looked at for one call, and calls that are served at once. */
#define CALL_CIDS 64
#define CALLS_AT_ONCE 8

/* The slot of whose task runs on @cid. FIEF_SLOT_NONE: it is idle, or what runs there cannot be asked to go. */
FIEF_VERIFIED_ONCE u32 slot_running(s32 cid)
{
	u64 cgroup_id = 0;
	struct task_struct *curr;
	bool own = false;

	touch_arena();
	bpf_rcu_read_lock();
	curr = scx_bpf_cid_curr(cid);
	if (curr && !task_unyielding(curr)) {
		own = task_is_ours(curr);
		cgroup_id = own ? 0 : task_child(curr);
	}
	bpf_rcu_read_unlock();
	if (own)
		return FIEF_SLOT_SELF;
	return cgroup_id ? slot_of_child(cgroup_id) : FIEF_SLOT_NONE;
}

/* May the participant of @slot have a turn on @cid at all? */
static __always_inline bool call_admits(s32 cid, u32 slot)
{
	return cid_lent(cid) || entry_of_slot(cid_plan(cid), slot) != SHARE_NOBODY;
}

/* Has whoever runs on @cid had more than the participant of @slot, by so much that it is to go? */
FIEF_VERIFIED_ONCE int call_outweighs(s32 cid, u32 slot)
{
	u32 runner;

	touch_arena();
	if (!cidmask_test(held_cids, cid) || cid_turn(cid)->caller != FIEF_SLOT_NONE ||
	    !call_admits(cid, slot))
		return false;
	runner = slot_running(cid);
	return runner != FIEF_SLOT_NONE && runner != slot && !slot_keeps(runner) &&
	       vtime_before(slot_due(slot)->vtime + CALL_BEHIND_NS, slot_due(runner)->vtime);
}

/* Of the cids of @wanted, the one on which the turn has lasted longest, of those that may be taken. -1: none. */
FIEF_VERIFIED_ONCE s32 call_choose(u32 slot, struct fief_cidset *wanted)
{
	s32 found = -1, first, cid;
	u64 oldest = 0;
	u32 i;

	touch_arena();
	if (!wanted)
		return -1;
	first = cidmask_next(wanted->bits, scx_bpf_this_cid());
	cid = first;
	bpf_for(i, 0, CALL_CIDS) {
		u64 since;

		if (cid < 0 || (i && cid == first))
			break;
		since = cid_turn(cid)->since;
		if ((found < 0 || vtime_before(since, oldest)) && call_outweighs(cid, slot)) {
			found = cid;
			oldest = since;
		}
		cid = cidmask_next(wanted->bits, (cid + 1) % nr_cids);
	}
	return found;
}

/* The participant of @slot comes next on @cid, and whoever runs there is asked to go. */
static __always_inline void call_take(s32 cid, u32 slot)
{
	__sync_lock_test_and_set(&cid_turn(cid)->caller, slot);
	count(wake_preempts);
	scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
}

/* Take one of @wanted for the participant of @slot, where somebody runs that has had more. False: nobody has. */
static __always_inline bool call_serve(u32 slot, struct fief_cidset *wanted)
{
	s32 cid = call_choose(slot, wanted);

	if (cid < 0)
		return false;
	call_take(cid, slot);
	return true;
}

/* The same for a task of this scheduler itself that waits for @cid and no other: it is queued there. */
static __always_inline void wait_pinned(struct task_struct *p, struct task_ctx *tctx, s32 cid,
					u64 enq_flags)
{
	enqueue_pinned(p, tctx, cid, enq_flags);
	if ((enq_flags & SCX_ENQ_WAKEUP) && has_children() && due_sooner(FIEF_SLOT_SELF) &&
	    call_outweighs(cid, FIEF_SLOT_SELF))
		call_take(cid, FIEF_SLOT_SELF);
}

/* A task of this scheduler itself has woken, and no cid was free. False: it has to wait. */
static __always_inline bool call_for_own(struct task_ctx *tctx)
{
	struct fief_cidset *allowed = (struct fief_cidset *)tctx->allowed;

	if (has_children() && due_sooner(FIEF_SLOT_SELF) && call_serve(FIEF_SLOT_SELF, allowed))
		return true;
	return call_parent(allowed);
}

/* A child calls. What cannot be had at this level the next one up is asked for. */
static int call_timer_fn(void *map, u64 *cgroup_id, struct fief_notice *notice)
{
	struct fief_cidset *wanted = (struct fief_cidset *)notice->called_for;
	u32 words = cidmask_words(), slot, w, i;
	u64 calls;

	touch_arena();
	/* before the look: who calls from now on starts the timer again */
	calls = __sync_lock_test_and_set(&notice->calls, 0);
	bpf_for(w, 0, words) {
		u32 at = w & (FIEF_MASK_WORDS - 1);

		wanted->bits[at] = __sync_lock_test_and_set(&notice->wanted[at], 0);
	}
	slot = slot_of_child(*cgroup_id);
	if (slot == FIEF_SLOT_NONE || limit_throttled(slot_group(slot)))
		return 0;
	bpf_for(i, 0, CALLS_AT_ONCE) {
		if (i >= calls)
			break;
		if (!call_serve(slot, wanted)) {
			call_parent(wanted);
			break;
		}
	}
	return 0;
}

/* Calls of the child in @cgroup_id, which has just attached, are heard from now on. */
static __always_inline void call_listen(u64 cgroup_id)
{
	struct fief_notice *notice = notice_of(cgroup_id);

	if (!notice)
		return;
	bpf_timer_init(&notice->call, &notices, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&notice->call, call_timer_fn);
}

#endif /* FIEF_PARENT_CALL_BPF_H */
