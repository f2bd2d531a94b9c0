/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every fief scheduler does for those below it, at any depth: the root for its children, a
 * child for its own. Who may run on a cid, in this order:
 *   1. who has woken and called for it, see lib/parent/call.bpf.h.
 *   2. on a lent cid: a participant that has had less than it is due now, before those that have had
 *      more, see lib/parent/due.bpf.h.
 *   3. on a lent cid: who has tasks that may run only there or in places like it, see lib/parent/away.bpf.h.
 *   4. the entries of the cid's plan and, while own tasks wait for it that can run nowhere else or
 *      have waited too long, the reserve; by stride, see lib/parent/share.bpf.h.
 *   5. on a lent cid whose entries have nothing to run, and on one that this scheduler has itself been
 *      lent, of which its plan says nothing: own tasks and children that hold the baseline cap on it,
 *      who has had least first.
 * A scheduler without children has no plan, all its cids are its own, and nothing here costs it
 * more than a look.
 *
 * The including file decides before it includes this one:
 *   TURN_CHARGE_MAX_NS  see lib/parent/share.bpf.h
 *
 * What follows from caps and plan on each cid: lib/parent/rights.bpf.h. How long a turn lasts at most:
 * lib/parent/turn_timer.bpf.h. pinned_cids: set on insert, cleared by the dispatch that finds the queue empty.
 */
#ifndef FIEF_DISPATCH_BPF_H
#define FIEF_DISPATCH_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/held.bpf.h"
#include "lib/parent/rights.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/queue/vqueue.bpf.h"
#include "lib/talk/notice.bpf.h"

/* A task that may run only on cids the plan gives to others: it waits on @cid for the reserve. */
static __always_inline void enqueue_pinned(struct task_struct *p, struct task_ctx *tctx, s32 cid,
					   u64 enq_flags)
{
	if (vtime_before(tctx->vtime, vclock - slice_ns()))
		tctx->vtime = vclock - slice_ns();
	tctx->place = TASK_PINNED;
	cidmask_set(pinned_cids, cid);
	dsq_insert_vtime(p, pinned_dsq(cid), slice_ns(), tctx->vtime, enq_flags);
	scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

/* Own tasks wait for @cid that nothing else of ours there may serve. */
static __always_inline bool reserve_wanted(s32 cid)
{
	return cidmask_test(pinned_cids, cid) || scx_bpf_dsq_nr_queued(AGED_DSQ) > 0;
}

/* Own tasks that can run nowhere else. */
static __always_inline bool dispatch_pinned(s32 cid)
{
	if (!cidmask_test(pinned_cids, cid))
		return false;
	park_clear_head(pinned_dsq(cid));
	if (dsq_move_to_local(pinned_dsq(cid)))
		return true;
	cidmask_clear(pinned_cids, cid);
	/* an insert between the look and the clear must not be forgotten */
	if (scx_bpf_dsq_nr_queued(pinned_dsq(cid)) > 0)
		cidmask_set(pinned_cids, cid);
	return false;
}

/* Own tasks: first those that can run nowhere else. */
static __always_inline bool dispatch_own(s32 cid, struct task_struct *prev)
{
	if (dispatch_pinned(cid))
		return true;
	if (plan_has_self(cid_plan(cid)))
		return vqueue_dispatch(cid, prev);
	if (aged_take())
		return true;
	/* a pinned task that was running and is alone goes on */
	if (prev) {
		struct task_ctx *tctx = task_ctx(prev);

		if (tctx && task_may_go_on(prev, tctx, cid)) {
			task_goes_on(prev, tctx);
			return true;
		}
	}
	return false;
}

/*
 * Does the task whose slice has ended here go on by the kernel's own choice, if nobody else is put on this
 * CPU, and is it of this child? Schedulers other than fief's leave it at that when they have nobody else.
 */
static __always_inline bool child_keeps_current(u64 cgroup_id)
{
	struct task_struct *p = bpf_get_current_task_btf();

	return p->pid && (p->scx.flags & SCX_TASK_QUEUED) &&
	       !(BPF_CORE_READ(p, scx.sched, ops.flags) & SCX_OPS_ENQ_LAST) &&
	       task_child(p) == cgroup_id;
}

/* Let the participant of @slot put a task on @cid, or @prev go on there. False: it has none for it. */
FIEF_VERIFIED_ONCE int dispatch_slot(u32 slot, s32 cid,
				     struct task_struct *prev __arg_trusted __arg_nullable)
{
	struct fief_slot __arena *child = slot_account(slot);

	touch_arena();
	if (slot == FIEF_SLOT_SELF)
		return dispatch_own(cid, prev);
	if (child_held_back(slot))
		return false;
	if (!child->participant.cgroup_id)
		return false;
	if (!scx_bpf_sub_dispatch(child->participant.cgroup_id))
		return child_keeps_current(child->participant.cgroup_id);
	__sync_fetch_and_add(&child->dispatched, 1);
	return true;
}

/* Let the participant of @slot have somebody else's turn on @cid. False: it has nothing to run there. */
static __always_inline bool borrow(u32 slot, s32 cid, struct task_struct *prev)
{
	if (slot == FIEF_SLOT_SELF)
		return dispatch_pinned(cid) || vqueue_dispatch(cid, prev);
	return dispatch_slot(slot, cid, NULL);
}

/* One of a group of participants that wants the turn of @absent on @cid; FIEF_SLOT_NONE: nobody does. */
FIEF_VERIFIED_ONCE u32 borrow_in_group(s32 cid, u32 absent,
				       struct task_struct *prev __arg_trusted __arg_nullable)
{
	struct turn __arena *turn = cid_turn(cid);
	u32 asked = 0, i;

	touch_arena();
	bpf_for(i, 0, SHARE_BORROWERS) {
		u32 index = 0;
		u32 slot = borrower_next(turn, asked, &index);

		if (slot == FIEF_SLOT_NONE)
			break;
		asked |= 1U << (index & 31);
		if (slot != absent && borrow(slot, cid, prev))
			return slot;
	}
	turn->cursor += SHARE_BORROWERS;
	return FIEF_SLOT_NONE;
}

/*
 * Nobody of the plan, but @absent, has something to run: let somebody have the turn, who has had least
 * first. Returns the slot that does, FIEF_SLOT_NONE if nobody wants it.
 */
FIEF_VERIFIED_ONCE u32 dispatch_borrower(s32 cid, u32 absent,
					 struct task_struct *prev __arg_trusted __arg_nullable)
{
	u32 group;

	touch_arena();
	bpf_for(group, 0, SHARE_BORROWER_GROUPS) {
		u32 slot;

		if (group * SHARE_BORROWERS >= state.nr_slots)
			break;
		slot = borrow_in_group(cid, absent, prev);
		if (slot != FIEF_SLOT_NONE)
			return slot;
	}
	return FIEF_SLOT_NONE;
}

/* May a participant with due time @vtime have a turn on @cid before those whom the plan gives it to? */
static __always_inline bool had_more(s32 cid, u64 vtime)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	u32 nr = plan_entries(plan), i;

	if (!cid_lent(cid))
		return false;
	bpf_for(i, 0, nr) {
		const struct due __arena *due =
			slot_due(plan->share[i & (FIEF_MAX_SHARERS - 1)].slot);

		if (!due->wants || vtime_before(vtime, due->vtime))
			return true;
	}
	return false;
}

/*
 * Let who is furthest behind what it is due have a turn on @cid. Each is asked once here for each list of
 * them: it may have tasks that may run elsewhere only. FIEF_SLOT_NONE: nobody has.
 */
FIEF_VERIFIED_ONCE u32 dispatch_behind(s32 cid,
				       struct task_struct *prev __arg_trusted __arg_nullable)
{
	struct turn __arena *turn = cid_turn(cid);
	u32 at, slot;

	touch_arena();
	if (turn->behind_number != behind_number) {
		turn->behind_number = behind_number;
		turn->asked = 0;
	}
	at = due_furthest_behind(turn->asked);
	if (at >= BEHIND_LISTED)
		return FIEF_SLOT_NONE;
	slot = behind_list[at & (BEHIND_LISTED - 1)];
	if (!had_more(cid, slot_due(slot)->vtime))
		return FIEF_SLOT_NONE;
	/* its tasks here have had their part of this cid: it is to have the rest where its others are */
	if (away_had_its_part(cid, slot)) {
		turn->asked |= 1U << at;
		return FIEF_SLOT_NONE;
	}
	if (borrow(slot, cid, prev)) {
		__sync_fetch_and_add(&slot_due(slot)->served, 1);
		return slot;
	}
	__sync_fetch_and_add(&slot_due(slot)->lacked, 1);
	turn->asked |= 1U << at;
	return FIEF_SLOT_NONE;
}

/*
 * Let who is away on @cid have the part that it is due of it. FIEF_SLOT_NONE: nobody is, or it is not its turn.
 */
FIEF_VERIFIED_ONCE u32 dispatch_away(s32 cid, struct task_struct *prev __arg_trusted __arg_nullable)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct away __arena *away = cid_away(cid);
	u32 slot = away->slot;

	touch_arena();
	if (slot == FIEF_SLOT_NONE || away->owed < AWAY_TURN_NS || !cid_lent(cid) ||
	    entry_of_slot(plan, slot) != SHARE_NOBODY)
		return FIEF_SLOT_NONE;
	away->last = slot;
	if (borrow(slot, cid, prev))
		return slot;
	away->owed = 0;
	return FIEF_SLOT_NONE;
}

/* Whoever has come before its turn on @cid, and now leaves it. FIEF_SLOT_NONE: who leaves it has not. */
static __always_inline u32 came_first(const struct turn __arena *turn)
{
	return turn->entry == SHARE_NOBODY ? turn->borrower : FIEF_SLOT_NONE;
}

/*
 * Who has called for @cid has it; and who came first there before, while it is due sooner: several of its tasks
 * may have woken at once, and the first in its queue was not the one that called. FIEF_SLOT_NONE: nobody is, or it
 * has nothing to run there any more.
 */
static __always_inline u32 dispatch_caller(s32 cid, struct task_struct *prev)
{
	struct turn __arena *turn = cid_turn(cid);
	u32 slot = __sync_lock_test_and_set(&turn->caller, FIEF_SLOT_NONE);

	if (slot == FIEF_SLOT_NONE)
		slot = came_first(turn);
	return slot != FIEF_SLOT_NONE && due_sooner(slot) && borrow(slot, cid, prev) ?
		       slot :
		       FIEF_SLOT_NONE;
}

static __always_inline bool called_for(s32 cid)
{
	const struct turn __arena *turn = cid_turn(cid);

	return turn->caller != FIEF_SLOT_NONE || came_first(turn) != FIEF_SLOT_NONE;
}

/* Whoever comes before those to whom the plan gives @cid; FIEF_SLOT_NONE: nobody. */
static __always_inline u32 dispatch_first(s32 cid, struct task_struct *prev)
{
	u32 first = called_for(cid) ? dispatch_caller(cid, prev) : FIEF_SLOT_NONE;

	if (first != FIEF_SLOT_NONE)
		return first;
	if (!cid_plan(cid)->nr)
		return dispatch_borrower(cid, FIEF_SLOT_NONE, prev);
	first = due_any_behind() ? dispatch_behind(cid, prev) : FIEF_SLOT_NONE;
	return first == FIEF_SLOT_NONE && away_any ? dispatch_away(cid, prev) : first;
}

/* Entries that take part now: the reserve while it has tasks, and to let a pinned task go on. */
static __always_inline u32 entries_now(s32 cid)
{
	u32 nr = plan_entries(cid_plan(cid));

	return !nr || reserve_wanted(cid) || cid_turn(cid)->entry == nr ? nr + 1 : nr;
}

/* Fill @cid by its plan. False: nobody has anything to run there. */
static __always_inline bool dispatch_by_plan(s32 cid, struct task_struct *prev)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 now = bpf_ktime_get_ns(), tried;
	u32 nr, step, urgent;

	turn_charge(cid, now, prev != NULL);
	if (has_children() && (!plan->nr || due_any_behind() || away_any || called_for(cid))) {
		u32 first = dispatch_first(cid, prev);

		if (first != FIEF_SLOT_NONE) {
			if (first != entry_slot(plan, 0))
				core_let_go(cid);
			turn_begin(turn, SHARE_NOBODY, first, now);
			return true;
		}
	}
	nr = entries_now(cid);
	tried = tries_excluded(cid);
	urgent = turn_urgent(cid, nr, now);
	bpf_for(step, 0, TRIES) {
		u32 try = urgent < SHARE_ENTRIES ? TRY_ENTRY(urgent) : turn_next(cid, nr, tried);
		u32 entry = try / 2, slot, borrower = FIEF_SLOT_NONE;

		urgent = SHARE_NOBODY;

		if (entry >= SHARE_ENTRIES)
			break;
		tried |= try_bit(try);
		slot = entry_slot(plan, entry);
		if (try == TRY_ENTRY(entry)) {
			turn->asked_at[entry] = now;
			if (!dispatch_slot(slot, cid, prev)) {
				turn->urgent = false;
				continue;
			}
		} else {
			borrower = dispatch_borrower(cid, slot, prev);
			/* nobody wants this turn: nobody will want another's */
			if (borrower == FIEF_SLOT_NONE) {
				tried |= TRIES_LENDING;
				continue;
			}
			core_let_go(cid);
		}
		turn_begin(turn, entry, borrower, now);
		return true;
	}
	return false;
}

static __always_inline s32 parent_init(void)
{
	u32 cid;
	s32 ret;

	bpf_for(cid, 0, nr_cids) {
		ret = scx_bpf_create_dsq(pinned_dsq(cid), -1);
		if (ret) {
			fief_error("cannot create the pinned queue of cid %u: error %d", cid, ret);
			return ret;
		}
		turn_reset(cid);
		away_reset(cid);
	}
	return 0;
}

#endif /* FIEF_DISPATCH_BPF_H */
