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
 * Method: stride scheduling on each cid. Every entry has a virtual time that advances by the time
 * it used, divided by its fraction; a dispatch asks the entries in the order of their virtual
 * time until one has something to run. Entries that had nothing to run fall behind and are moved
 * up to at most SHARE_LAG_NS behind the cid's clock, so idleness earns no credit to speak of.
 * Reference: Waldspurger and Weihl, "Stride Scheduling", MIT/LCS/TM-528, 1995.
 *
 * Lending: an absent entry's turn on a lent cid goes to a borrower, and the entry pays for it, so
 * that the others on the cid get their fractions and no more. The entry remembers what it lent, at
 * most SHARE_LAG_NS of it, and is asked that much earlier: back from a short sleep it is first.
 * Borrowers are asked in the order of what they have borrowed so far anywhere, by entitlement:
 * spare time divides like time that is due.
 *
 * Writers: turns[cid] is written only by that cid's CPU with its rq locked (dispatch, update_idle)
 * and reset by fief_apply when the cid's plan changes; a reset that races with a charge costs that
 * one charge. state.slots[]: every CPU adds atomically; borrow_vtime is also moved up to the spare
 * clock without a lock, which may cost a charge.
 */
#ifndef FIEF_SHARE_BPF_H
#define FIEF_SHARE_BPF_H

#include "base.bpf.h"
#include "cidmask.bpf.h"
#include "limit.bpf.h"
#include "state.bpf.h"

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
/* The same for a child whose tasks have waited too long. */
#define SHARE_URGENT_NS (20 * NSEC_PER_MSEC)
#define SHARE_ENTRIES (FIEF_MAX_SHARERS + 1)
#define SHARE_NOBODY 0xffffffffU
/* Schedulers above the deepest one: SCX_SUB_MAX_DEPTH (kernel/sched/ext/internal.h). */
#define SHARE_MAX_DEPTH 4
/* Children that may be asked to borrow in one dispatch; the next one goes on with the others. */
#define SHARE_BORROWERS 16

struct turn {
	u64 since; /* CLOCK_MONOTONIC ns up to which time has been charged */
	u64 clock; /* virtual time of the entry chosen last */
	u64 vtime[SHARE_ENTRIES];
	u64 lent[SHARE_ENTRIES]; /* virtual time given to borrowers since the entry last ran */
	u64 asked_at[SHARE_ENTRIES]; /* CLOCK_MONOTONIC ns when the entry was last asked */
	u64 started; /* when the present entry's turn began */
	u32 entry; /* whose turn it is; SHARE_NOBODY when idle */
	u16 borrower; /* slot that runs in its stead; FIEF_SLOT_NONE: nobody does */
	u16 cursor; /* first of the children that are asked to borrow */
};

struct turn __arena turns[FIEF_MAX_CIDS];

/* The virtual time (fief_slot::borrow_vtime) of who borrowed last, on any cid. */
u64 spare_clock;

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

/*
 * The entry that the task now leaving the CPU counts to. For tasks that went straight to an idle
 * cid, so that no dispatch has noted whose turn it is.
 */
static __always_inline u32 entry_of_current(const struct fief_cid_plan __arena *plan, bool own)
{
	struct task_struct *p = bpf_get_current_task_btf();
	u32 nr = plan_entries(plan), i;
	u64 cgroup_id;

	if (!p->pid)
		return SHARE_NOBODY;
	cgroup_id = own ? 0 : task_child(p);
	if (!own && !cgroup_id)
		return SHARE_NOBODY;
	bpf_for(i, 0, nr) {
		u32 slot = plan->share[i].slot & (FIEF_MAX_SLOTS - 1);

		if (slot == FIEF_SLOT_SELF ? cgroup_id == 0 :
					     state.slots[slot].participant.cgroup_id == cgroup_id)
			return i;
	}
	return SHARE_NOBODY;
}

static __always_inline struct fief_slot __arena *slot_account(u32 slot)
{
	return &state.slots[slot & (FIEF_MAX_SLOTS - 1)];
}

/* The group of a slot's child among its siblings, for limits; found by a timer. */
struct group __arena *__arena slot_groups[FIEF_MAX_SLOTS];

static __always_inline struct group __arena *slot_group(u32 slot)
{
	return slot_groups[slot & (FIEF_MAX_SLOTS - 1)];
}

static __always_inline void charge_borrower(u32 slot, u64 used)
{
	struct fief_slot __arena *account = slot_account(slot);
	u32 entitlement = account->participant.entitlement ?: 1;

	__sync_fetch_and_add(&account->borrowed_ns, used);
	__sync_fetch_and_add(&account->borrow_vtime, used * FIEF_CPU_UNIT / entitlement);
}

/* Charge the time since the last look to whose turn it was. */
static __always_inline void turn_charge(s32 cid, u64 now, bool own)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 used = min(now - turn->since, TURN_CHARGE_MAX_NS), scaled;
	u32 entry = turn->entry;

	turn->since = now;
	if (entry == SHARE_NOBODY)
		entry = entry_of_current(plan, own);
	if (entry >= SHARE_ENTRIES)
		return;
	scaled = used * FIEF_CPU_UNIT / entry_fraction(plan, entry);
	turn->vtime[entry] += scaled;
	limit_charge(slot_group(turn->borrower == FIEF_SLOT_NONE ? entry_slot(plan, entry) :
								   turn->borrower),
		     used);
	if (turn->borrower == FIEF_SLOT_NONE) {
		__sync_fetch_and_add(&slot_account(entry_slot(plan, entry))->charged_ns, used);
		return;
	}
	turn->lent[entry] = min(turn->lent[entry] + scaled, SHARE_LAG_NS);
	charge_borrower(turn->borrower, used);
}

/* Slots of children whose tasks have waited too long. Written by a timer from their notices. */
cidmask_t urgent_slots;

static __always_inline u64 ask_interval(const struct fief_cid_plan __arena *plan, u32 entry)
{
	return cidmask_test(urgent_slots, entry_slot(plan, entry)) ? SHARE_URGENT_NS : SHARE_ASK_NS;
}

/* What a dispatch asks next: an entry itself, or others to borrow its turn. */
struct share_offer {
	u32 entry; /* SHARE_ENTRIES: everything has been asked */
	bool lend;
};

/*
 * The least virtual time among what has not been asked yet: an entry itself comes at its time less
 * what it lent, its turn for borrowers at its time. An entry that has not been asked for its
 * interval comes before all. @asked, @offered: bit for each entry. Entries
 * far behind the clock are moved up on the way.
 */
static __always_inline struct share_offer turn_next(const struct fief_cid_plan __arena *plan,
						    struct turn __arena *turn, u32 nr, u32 asked,
						    u32 offered, u64 now)
{
	struct share_offer best = {.entry = SHARE_ENTRIES};
	u64 oldest = turn->clock - SHARE_LAG_NS, best_vtime = 0;
	u32 i;

	bpf_for(i, 0, nr) {
		bool lend = asked & (1U << i);
		u64 vtime;

		if (i >= SHARE_ENTRIES || (lend && (offered & (1U << i))))
			continue;
		if (!lend && vtime_before(turn->asked_at[i] + ask_interval(plan, i), now))
			return (struct share_offer){.entry = i};
		if (vtime_before(turn->vtime[i], oldest))
			turn->vtime[i] = oldest;
		vtime = turn->vtime[i];
		if (!lend) {
			turn->lent[i] = min(turn->lent[i], vtime - oldest);
			vtime -= turn->lent[i];
		}
		if (best.entry == SHARE_ENTRIES || vtime_before(vtime, best_vtime)) {
			best.entry = i;
			best.lend = lend;
			best_vtime = vtime;
		}
	}
	return best;
}

static __always_inline void turn_begin(struct turn __arena *turn, u32 entry, u32 borrower, u64 now)
{
	if (entry >= SHARE_ENTRIES)
		return;
	if (borrower == FIEF_SLOT_NONE) {
		turn->vtime[entry] -= turn->lent[entry];
		turn->lent[entry] = 0;
	}
	if (vtime_before(turn->clock, turn->vtime[entry]))
		turn->clock = turn->vtime[entry];
	if (turn->entry != entry || turn->borrower != borrower) {
		turn->entry = entry;
		turn->borrower = borrower;
		turn->started = now;
	}
}

/*
 * The child that is to be asked to borrow next: of those not in @asked, who has borrowed least. Looks
 * at SHARE_BORROWERS children from the cursor. FIEF_SLOT_NONE: all of them have been asked.
 * @index: its bit in @asked.
 */
static __always_inline u32 borrower_next(const struct turn __arena *turn, u32 asked, u32 *index)
{
	u32 nr_children = state.nr_slots - 1, best = FIEF_SLOT_NONE, i;
	u64 oldest = spare_clock - SHARE_LAG_NS, best_vtime = 0;

	bpf_for(i, 0, SHARE_BORROWERS) {
		struct fief_slot __arena *account;
		u32 slot;

		if (i >= nr_children)
			break;
		slot = 1 + (turn->cursor + i) % nr_children;
		account = slot_account(slot);
		if ((asked & (1U << i)) || !account->participant.cgroup_id)
			continue;
		if (vtime_before(account->borrow_vtime, oldest))
			account->borrow_vtime = oldest;
		if (best == FIEF_SLOT_NONE || vtime_before(account->borrow_vtime, best_vtime)) {
			best = slot;
			best_vtime = account->borrow_vtime;
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
}

/* A changed plan starts everybody on this cid level. */
static __always_inline void turn_reset(s32 cid)
{
	struct turn __arena *turn = cid_turn(cid);
	u64 now = bpf_ktime_get_ns();
	u32 i;

	bpf_for(i, 0, SHARE_ENTRIES) {
		turn->vtime[i] = turn->clock;
		turn->lent[i] = 0;
		turn->asked_at[i] = now;
	}
	turn->entry = SHARE_NOBODY;
	turn->borrower = FIEF_SLOT_NONE;
}

#endif /* FIEF_SHARE_BPF_H */
