/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every fief scheduler does for those below it, at any depth: the root for its children, a
 * child for its own. Who may run on a cid, in this order:
 *   1. on a lent cid: a participant that has had less than it is due now, before those that have had
 *      more, see lib/due.bpf.h.
 *   2. the entries of the cid's plan and, while own tasks wait for it that can run nowhere else or
 *      have waited too long, the reserve; by stride, see lib/share.bpf.h.
 *   3. on a lent cid whose entries have nothing to run, and on one that this scheduler has itself been
 *      lent, of which its plan says nothing: own tasks and children that hold the baseline cap on it,
 *      who has had least first.
 * A scheduler without children has no plan, all its cids are its own, and nothing here costs it
 * more than a look.
 *
 * The including file decides before it includes this one:
 *   TURN_CHARGE_MAX_NS  see lib/share.bpf.h
 *
 * What follows from caps and plan on each cid: lib/rights.bpf.h. How long a turn lasts at most:
 * lib/turn_timer.bpf.h. pinned_cids: set on insert, cleared by the dispatch that finds the queue empty.
 */
#ifndef FIEF_PARENT_BPF_H
#define FIEF_PARENT_BPF_H

#include "base.bpf.h"
#include "cidmask.bpf.h"
#include "dsq.bpf.h"
#include "idle.bpf.h"
#include "notice.bpf.h"
#include "park.bpf.h"
#include "rights.bpf.h"
#include "share.bpf.h"
#include "state.bpf.h"
#include "task.bpf.h"
#include "vqueue.bpf.h"

/* Cids on whose pinned queue tasks of this scheduler wait. */
cidmask_t pinned_cids;

/* Slots of children that limits keep back (a set of slots, of fewer than there may be cids). */
cidmask_t held_slots;

static __always_inline bool has_children(void)
{
	return state.nr_slots > 1;
}

/* A task that may run only on cids the plan gives to others: it waits on @cid for the reserve. */
static __always_inline void enqueue_pinned(struct task_struct *p, struct task_ctx *tctx, s32 cid,
					   u64 enq_flags)
{
	if (vtime_before(tctx->vtime, vclock - slice_ns()))
		tctx->vtime = vclock - slice_ns();
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
	if (dsq_move_to_local(AGED_DSQ))
		return true;
	/* a pinned task that was running and is alone goes on */
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED)) {
		scx_bpf_task_set_slice(prev, slice_ns());
		return true;
	}
	return false;
}

/* Whether a limit, its own or one above it, keeps the child of @slot back; it is told if so. */
static __always_inline bool child_held_back(u32 slot)
{
	struct group __arena *limiter = limit_throttled(slot_group(slot));
	struct fief_notice *notice;

	if (!limiter)
		return false;
	if (!cidmask_test(held_slots, slot)) {
		cidmask_set(held_slots, slot);
		notice = notice_of(slot_account(slot)->participant.cgroup_id);
		if (notice)
			notice->held_back = 1;
	}
	park_watch(limiter);
	return true;
}

/* The children that limits keep back: let those go that have a budget again. ns until the next look. */
FIEF_VERIFIED_ONCE u64 children_release(void)
{
	u64 now = bpf_ktime_get_ns(), wait = ~0ULL;
	bool released = false;
	u32 slot;

	touch_arena();
	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS)) {
		struct group __arena *limiter;
		struct fief_notice *notice;

		if (!cidmask_test(held_slots, slot))
			continue;
		limiter = limit_throttled(slot_group(slot));
		if (limiter) {
			wait = min(wait, limit_wait(limiter, now));
			continue;
		}
		cidmask_clear(held_slots, slot);
		notice = notice_of(slot_account(slot)->participant.cgroup_id);
		if (notice)
			notice->held_back = 0;
		released = true;
	}
	if (released)
		idle_kick_all();
	return wait;
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

	if (!(plan->flags & FIEF_CID_LENT))
		return false;
	bpf_for(i, 0, nr) {
		const struct due __arena *due =
			slot_due(plan->share[i & (FIEF_MAX_SHARERS - 1)].slot);

		if (!due->wants || vtime_before(vtime, due->vtime))
			return true;
	}
	return false;
}

/* Let who is furthest behind what it is due have a turn on @cid. FIEF_SLOT_NONE: nobody has. */
FIEF_VERIFIED_ONCE u32 dispatch_behind(s32 cid,
				       struct task_struct *prev __arg_trusted __arg_nullable)
{
	u32 slot = due_furthest_behind();

	touch_arena();
	if (slot == FIEF_SLOT_NONE || !had_more(cid, slot_due(slot)->vtime))
		return FIEF_SLOT_NONE;
	if (borrow(slot, cid, prev))
		return slot;
	due_lacks(slot);
	return FIEF_SLOT_NONE;
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
	u32 nr, step;

	turn_charge(cid, now, prev != NULL);
	if (has_children() && (!plan->nr || due_any_behind())) {
		u32 first = plan->nr ? dispatch_behind(cid, prev) :
				       dispatch_borrower(cid, FIEF_SLOT_NONE, prev);

		if (first != FIEF_SLOT_NONE) {
			turn_begin(turn, SHARE_NOBODY, first, now);
			return true;
		}
	}
	nr = entries_now(cid);
	tried = tries_excluded(plan);
	bpf_for(step, 0, TRIES) {
		u32 try = turn_next(cid, nr, tried, now), entry = try / 2, slot,
		    borrower = FIEF_SLOT_NONE;

		if (entry >= SHARE_ENTRIES)
			break;
		tried |= try_bit(try);
		slot = entry_slot(plan, entry);
		if (try == TRY_ENTRY(entry)) {
			turn->asked_at[entry] = now;
			if (!dispatch_slot(slot, cid, prev))
				continue;
		} else {
			borrower = dispatch_borrower(cid, slot, prev);
			/* nobody wants this turn: nobody will want another's */
			if (borrower == FIEF_SLOT_NONE) {
				tried |= TRIES_LENDING;
				continue;
			}
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
	}
	return 0;
}

#endif /* FIEF_PARENT_BPF_H */
