/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a scheduler divides the time of its cids among itself and its children.
 *
 * Vocabulary:
 *   turn     what one cid remembers of who has had how much of it
 *   entry    a participant's line in a cid's plan (struct fief_share)
 *   reserve  the small part of a cid that is kept for this scheduler's own tasks that may run
 *            nowhere else, on cids the plan gives to others
 *   lent     a cid whose entries have nothing to run is anybody's who holds the baseline cap on it
 *
 * Method: stride scheduling on each cid. Every entry has a virtual time, due[], that advances by the
 * time it used, divided by its fraction; a dispatch asks the entries in the order of their virtual
 * time until one has something to run. Entries that had nothing to run fall behind and are moved
 * up to at most SHARE_LAG_NS behind the cid's clock, so idleness earns no credit to speak of.
 * Reference: Waldspurger and Weihl, "Stride Scheduling", MIT/LCS/TM-528, 1995.
 *
 * Lending: an absent entry's turn on a lent cid goes to a borrower, at a virtual time of its own,
 * lends[], which advances by what was lent, so that the others on the cid get their fractions and no
 * more. It is due[] while nothing is lent, and at most SHARE_LAG_NS ahead of it: so an entry that is
 * back from a short sleep is first, and has its time later rather than not at all.
 * Borrowers are asked in the order of their due times (lib/parent/due.bpf.h): spare time divides as what is due.
 *
 * Writers: turns[cid] is written only by that cid's CPU with its rq locked (dispatch, update_idle)
 * and reset by fief_apply when the cid's plan changes; a reset that races with a charge costs that
 * one charge. state.slots[]: every CPU adds atomically.
 */
#ifndef FIEF_SHARE_BPF_H
#define FIEF_SHARE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/away.bpf.h"
#include "lib/parent/due.bpf.h"
#include "lib/queue/core.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/limit.bpf.h"

/* A turn on a contended cid is ended after this long if its scheduler does not end it itself. */
const volatile u32 turn_us = 10000;
#define turn_ns() (turn_us * NSEC_PER_USEC)
#define TURN_MIN_US 1000
#define TURN_MAX_US 100000

/*
 * The root is asked on every dispatch: all the time since the last is its entry's. A child is asked
 * when its own turn comes; what others used in between is bounded by this.
 */
#ifndef TURN_CHARGE_MAX_NS
#define TURN_CHARGE_MAX_NS (~0ULL)
#endif

#define SHARE_LAG_NS (50 * NSEC_PER_MSEC)
/* The reserve: a twentieth of a cid, used only while such tasks wait. */
#define SHARE_RESERVE (FIEF_CPU_UNIT / 20)
/* However little an entry is due, it is asked this often: its tasks must not wait for ever. */
#define SHARE_ASK_NS (500 * NSEC_PER_MSEC)
/* The same for a child whose tasks have waited too long; and all of them are to have had a turn in
 * SHARE_BACKLOG_NS, for which it may have every other turn of a cid. */
#define SHARE_URGENT_NS (20 * NSEC_PER_MSEC)
#define SHARE_BACKLOG_NS (250 * NSEC_PER_MSEC)
#define SHARE_ENTRIES (FIEF_MAX_SHARERS + 1)
#define SHARE_NOBODY 0xffffffffU
/* Schedulers above the deepest one: SCX_SUB_MAX_DEPTH (kernel/sched/ext/internal.h). */
#define SHARE_MAX_DEPTH 4
/* Participants among whom the next borrower is chosen; where there are more, one such group after the
 * other is asked, and each dispatch begins where the last one has found nobody. */
#define SHARE_BORROWERS 16
#define SHARE_BORROWER_GROUPS (FIEF_MAX_SLOTS / SHARE_BORROWERS + 1)

struct turn {
	u64 since; /* CLOCK_MONOTONIC ns up to which time has been charged */
	u64 clock; /* virtual time of the turn chosen last */
	u64 due[SHARE_ENTRIES]; /* virtual time of the entry itself */
	u64 lends
		[SHARE_ENTRIES]; /* and of its turns that are offered to borrowers; never before due[] */
	u64 asked_at[SHARE_ENTRIES]; /* CLOCK_MONOTONIC ns when the entry was last asked */
	u64 started; /* when the present entry's turn began */
	u32 entry; /* whose turn it is; SHARE_NOBODY when idle, or when it is nobody's of the plan */
	u16 borrower; /* slot that runs in its stead; FIEF_SLOT_NONE: nobody does */
	u16 cursor; /* first of the participants that are asked to borrow */
	u8 asked; /* places in the list of who is behind that had nothing for this cid */
	bool urgent; /* the last turn went by urgency */
	u32 behind_number; /* of that list */
	u32 caller; /* slot that comes next, see lib/parent/call.bpf.h; FIEF_SLOT_NONE: none has called */
};

struct turn __arena turns[FIEF_MAX_CIDS];

static __always_inline struct fief_cid_plan __arena *cid_plan(s32 cid)
{
	return &state.cids[(u32)cid & (FIEF_MAX_CIDS - 1)];
}

static __always_inline struct turn __arena *cid_turn(s32 cid)
{
	return &turns[(u32)cid & (FIEF_MAX_CIDS - 1)];
}

/* Entries of a cid's plan. The reserve is one more entry behind them. */
static __always_inline u32 plan_entries(const struct fief_cid_plan __arena *plan)
{
	return min(plan->nr, FIEF_MAX_SHARERS);
}

static __always_inline u32 entry_slot(const struct fief_cid_plan __arena *plan, u32 entry)
{
	return entry < plan_entries(plan) ? plan->share[entry].slot : FIEF_SLOT_SELF;
}

static __always_inline u32 entry_fraction(const struct fief_cid_plan __arena *plan, u32 entry)
{
	u32 fraction = entry < plan_entries(plan) ? plan->share[entry].fraction : SHARE_RESERVE;

	return fraction ?: 1;
}

/* Does the plan give this scheduler a part of @cid for its own tasks? An unplanned cid is its own. */
static __always_inline bool plan_has_self(const struct fief_cid_plan __arena *plan)
{
	u32 nr = plan_entries(plan), i;

	bpf_for(i, 0, nr) {
		if (plan->share[i].slot == FIEF_SLOT_SELF)
			return true;
	}
	return nr == 0;
}

static __always_inline u64 ancestor_cgroup(struct scx_sched *sched, u32 level)
{
	struct scx_sched *ancestor;

	bpf_core_read(&ancestor, sizeof(ancestor), &sched->ancestors[level]);
	return BPF_CORE_READ(ancestor, ops.sub_cgroup_id);
}

/* The cgroup of the direct child whose subtree @p belongs to; 0 if there is none such. */
static __always_inline u64 task_child(struct task_struct *p)
{
	struct scx_sched *sched = BPF_CORE_READ(p, scx.sched);
	s32 depth, level;

	if (!sched)
		return 0;
	depth = BPF_CORE_READ(sched, level);
	bpf_for(level, 0, SHARE_MAX_DEPTH) {
		if (level >= depth)
			break;
		if (level == 0 ? !state.cgroup_id :
				 ancestor_cgroup(sched, level) == state.cgroup_id)
			return ancestor_cgroup(sched, level + 1);
	}
	return 0;
}

static __always_inline bool slot_has(u32 slot, u64 cgroup_id)
{
	return slot_account(slot)->participant.cgroup_id == cgroup_id;
}

/* The slot of the child in @cgroup_id; FIEF_SLOT_NONE: it has none yet. */
static __always_inline u32 slot_of_child(u64 cgroup_id)
{
	struct group __arena *group = group_find(cgroup_id);

	return group && group->ghost && slot_has(group->slot, cgroup_id) ? group->slot :
									   FIEF_SLOT_NONE;
}

/*
 * The slot of whose task leaves the CPU now, @expected most likely: what is charged is what ran, also
 * when it went to the CPU without a dispatch. Behind a task of real-time priority, or of the kernel's own
 * scheduler, that is not to be seen: what such take is taken from whoever has the turn, all in turn.
 */
static __always_inline u32 slot_of_current(u32 expected, bool own)
{
	struct task_struct *p = bpf_get_current_task_btf();
	u64 cgroup_id;
	u32 slot;

	if (own)
		return FIEF_SLOT_SELF;
	cgroup_id = p->pid ? task_child(p) : 0;
	if (!cgroup_id || (expected != FIEF_SLOT_NONE && slot_has(expected, cgroup_id)))
		return expected;
	slot = slot_of_child(cgroup_id);
	return slot == FIEF_SLOT_NONE ? expected : slot;
}

/* The entry of @slot's participant in @plan; SHARE_NOBODY: it has none. */
static __always_inline u32 entry_of_slot(const struct fief_cid_plan __arena *plan, u32 slot)
{
	u32 nr = plan_entries(plan), i;

	bpf_for(i, 0, nr) {
		if (plan->share[i & (FIEF_MAX_SHARERS - 1)].slot == slot)
			return i;
	}
	return SHARE_NOBODY;
}

/* The account of @slot is that of a child which has used nothing yet, from now on. */
static __always_inline void account_open(u32 slot, u64 cgroup_id)
{
	struct fief_slot __arena *account = slot_account(slot);

	account->dispatched = 0;
	account->charged_ns = 0;
	account->borrowed_ns = 0;
	account->lent_ns = 0;
	account->participant.cgroup_id = cgroup_id;
	due_open(slot);
}

/* Whose turn it is on @turn, by its slot; FIEF_SLOT_NONE: nobody's. */
static __always_inline u32 turn_slot(const struct fief_cid_plan __arena *plan,
				     const struct turn __arena *turn)
{
	if (turn->borrower != FIEF_SLOT_NONE)
		return turn->borrower;
	return turn->entry < SHARE_ENTRIES ? entry_slot(plan, turn->entry) : FIEF_SLOT_NONE;
}

/* @slot has used @used ns of the time of @entry, which is its own or lent to it. */
static __always_inline void entry_charge(s32 cid, u32 entry, bool lent, u32 slot, u64 used)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 scaled;

	if (entry >= SHARE_ENTRIES)
		return;
	scaled = used * FIEF_CPU_UNIT / entry_fraction(plan, entry);
	if (!lent) {
		turn->due[entry] += scaled;
		turn->lends[entry] = turn->due[entry];
		return;
	}
	turn->lends[entry] += scaled;
	turn->due[entry] = vtime_max(turn->due[entry], turn->lends[entry] - SHARE_LAG_NS);
	__sync_fetch_and_add(&slot_account(entry_slot(plan, entry))->lent_ns, used);
}

/* Charge the time since the last look to who ran: @own, a task of this scheduler did. */
static __always_inline void turn_charge(s32 cid, u64 now, bool own)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 used = min(now - turn->since, TURN_CHARGE_MAX_NS);
	u32 had = turn_slot(plan, turn), slot = slot_of_current(had, own), entry = turn->entry;
	bool lent = true;

	turn->since = now;
	if (slot == FIEF_SLOT_NONE)
		return;
	if (slot != had || entry == SHARE_NOBODY) {
		entry = entry_of_slot(plan, slot);
		lent = false;
	} else {
		lent = turn->borrower != FIEF_SLOT_NONE;
	}
	entry_charge(cid, entry, lent, slot, used);
	if (lent)
		__sync_fetch_and_add(&slot_account(slot)->borrowed_ns, used);
	else
		__sync_fetch_and_add(&slot_account(slot)->charged_ns, used);
	due_charge(slot, used, lent);
	limit_charge(slot_group(slot), used);
	away_charge(cid, entry_slot(plan, 0), slot, used);
}

static __always_inline u64 ask_interval(u64 waiting)
{
	return waiting ? min(SHARE_URGENT_NS, SHARE_BACKLOG_NS / waiting) : SHARE_ASK_NS;
}

/* For how long @entry should have been asked again, however much it has had; 0: it need not be yet. */
static __always_inline u64 ask_overdue(s32 cid, u32 entry, u64 now)
{
	struct turn __arena *turn = cid_turn(cid);
	u64 waiting = slot_waiting[entry_slot(cid_plan(cid), entry) & (FIEF_MAX_SLOTS - 1)];
	u64 from = turn->asked_at[entry] + ask_interval(waiting);

	return vtime_before(from, now) ? now - from : 0;
}

/*
 * What a dispatch may try on a cid, by number: each entry itself, and then, if the cid is lent, others
 * in the turn of an entry that had nothing to run. Of the two the entry itself always comes first.
 */
#define TRY_ENTRY(i) (2 * (i))
#define TRY_LENDING(i) (2 * (i) + 1)
#define TRIES (2 * SHARE_ENTRIES)
#define try_bit(try) (1ULL << (try))

#define TRIES_LENDING 0xaaaaaaaaaaaaaaaaULL

/* May others have a turn on @cid that its entries leave? */
static __always_inline bool cid_lent(s32 cid)
{
	return (cid_plan(cid)->flags & FIEF_CID_LENT) && !cid_kept(cid);
}

/* What is not to be tried: lending where the cid, or the reserve, is not lent. */
static __always_inline u64 tries_excluded(s32 cid)
{
	u64 not_lent = cid_lent(cid) ? ~0ULL << TRY_ENTRY(plan_entries(cid_plan(cid))) : ~0ULL;

	return TRIES_LENDING & not_lent;
}

/* Entries far behind the clock are moved up: idleness earns no credit. */
static __always_inline void entry_move_up(struct turn __arena *turn, u32 entry)
{
	turn->due[entry] = vtime_max(turn->due[entry], turn->clock - SHARE_LAG_NS);
	turn->lends[entry] = vtime_max(turn->lends[entry], turn->due[entry]);
}

/*
 * The entry among the first @nr that is to be asked for its age, the one that has waited longest for that:
 * at most every other turn goes by urgency. SHARE_NOBODY: there is none, or it is not the turn for it.
 */
FIEF_VERIFIED_ONCE u32 turn_urgent(s32 cid, u32 nr, u64 now)
{
	struct turn __arena *turn = cid_turn(cid);
	u32 best = SHARE_NOBODY, i;
	u64 longest = 0;

	touch_arena();
	if (turn->urgent) {
		turn->urgent = false;
		return SHARE_NOBODY;
	}
	bpf_for(i, 0, nr) {
		u64 overdue = i < SHARE_ENTRIES ? ask_overdue(cid, i, now) : 0;

		if (overdue > longest) {
			longest = overdue;
			best = i;
		}
	}
	turn->urgent = best != SHARE_NOBODY;
	return best;
}

/*
 * The least virtual time on @cid among what is not in @tried, of the first @nr entries. TRIES: everything
 * has been tried.
 */
FIEF_VERIFIED_ONCE u32 turn_next(s32 cid, u32 nr, u64 tried)
{
	struct turn __arena *turn = cid_turn(cid);
	u64 best_vtime = 0;
	u32 best = TRIES, i;

	touch_arena();
	bpf_for(i, 0, nr) {
		bool itself = !(tried & try_bit(TRY_ENTRY(i)));
		u64 vtime;

		if (i >= SHARE_ENTRIES || (!itself && (tried & try_bit(TRY_LENDING(i)))))
			continue;
		entry_move_up(turn, i);
		vtime = itself ? turn->due[i] : turn->lends[i];
		if (best == TRIES || vtime_before(vtime, best_vtime)) {
			best = itself ? TRY_ENTRY(i) : TRY_LENDING(i);
			best_vtime = vtime;
		}
	}
	return best;
}

/*
 * @entry has something to run on its own turn, or @borrower on a lent one: the turn is theirs. SHARE_NOBODY:
 * it is the borrower's whoever has a part of the cid. A turn that goes by urgency says nothing of where the
 * others stand.
 */
static __always_inline void turn_begin(struct turn __arena *turn, u32 entry, u32 borrower, u64 now)
{
	if (entry < SHARE_ENTRIES && !turn->urgent)
		turn->clock =
			vtime_max(turn->clock, borrower == FIEF_SLOT_NONE ? turn->due[entry] :
									    turn->lends[entry]);
	if (turn->entry != entry || turn->borrower != borrower) {
		turn->entry = entry;
		turn->borrower = borrower;
		turn->started = now;
	}
}

/*
 * The participant that is to be asked to borrow next, of those not in @asked: who wants to run as far as is
 * known, and has had least. Looks at SHARE_BORROWERS of them from the cursor. FIEF_SLOT_NONE: all of them
 * have been asked. @index: its bit in @asked.
 */
static __always_inline u32 borrower_next(const struct turn __arena *turn, u32 asked, u32 *index)
{
	u32 nr = slots_in_use(), best = FIEF_SLOT_NONE, i;
	bool best_wants = false;
	u64 best_vtime = 0;

	bpf_for(i, 0, SHARE_BORROWERS) {
		const struct due __arena *due;
		bool wants;
		u32 slot;

		if (i >= nr)
			break;
		slot = (turn->cursor + i) % nr;
		due = slot_due(slot);
		wants = due->wants;
		if ((asked & (1U << i)) || !slot_in_use(slot))
			continue;
		if (best == FIEF_SLOT_NONE || wants > best_wants ||
		    (wants == best_wants && vtime_before(due->vtime, best_vtime))) {
			best = slot;
			best_wants = wants;
			best_vtime = due->vtime;
			*index = i;
		}
	}
	return best;
}

/*
 * The CPU went idle or left idle: time in between belongs to nobody. A turn that has ended the idleness
 * began just before this.
 */
static __always_inline void turn_idle(s32 cid, bool idle)
{
	struct turn __arena *turn = cid_turn(cid);

	turn->since = bpf_ktime_get_ns();
	if (!idle)
		return;
	turn->entry = SHARE_NOBODY;
	turn->borrower = FIEF_SLOT_NONE;
	turn->caller = FIEF_SLOT_NONE;
}

/* A changed plan starts everybody on this cid level. */
FIEF_VERIFIED_ONCE int turn_reset(s32 cid)
{
	struct turn __arena *turn = cid_turn(cid);
	u64 now = bpf_ktime_get_ns();
	u32 i;

	touch_arena();
	bpf_for(i, 0, SHARE_ENTRIES) {
		turn->due[i] = turn->clock;
		turn->lends[i] = turn->clock;
		turn->asked_at[i] = now;
	}
	turn->entry = SHARE_NOBODY;
	turn->borrower = FIEF_SLOT_NONE;
	turn->caller = FIEF_SLOT_NONE;
	return 0;
}

#endif /* FIEF_SHARE_BPF_H */
