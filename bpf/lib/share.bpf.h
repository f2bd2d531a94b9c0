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
 * Writers: turns[cid] is written only by that cid's CPU with its rq locked (dispatch, update_idle)
 * and reset by fief_apply when the cid's plan changes; a reset that races with a charge costs that
 * one charge. pinned_cids: set on insert, cleared by the dispatch that finds the queue empty.
 */
#ifndef FIEF_SHARE_BPF_H
#define FIEF_SHARE_BPF_H

#include "base.bpf.h"
#include "cidmask.bpf.h"
#include "state.bpf.h"

#define SHARE_LAG_NS (50 * NSEC_PER_MSEC)
/* The reserve: a twentieth of a cid, used only while such tasks wait. */
#define SHARE_RESERVE  (FIEF_CPU_UNIT / 20)
#define SHARE_ENTRIES  (FIEF_MAX_SHARERS + 1)
#define SHARE_NOBODY   0xffffffffU
#define SHARE_BORROWED 0xfffffffeU
/* Children asked in one dispatch of a lent cid; the next dispatch goes on where this one ended. */
#define SHARE_BORROWERS 16

struct turn {
	u64 since; /* CLOCK_MONOTONIC ns up to which time has been charged */
	u64 clock; /* virtual time of the entry chosen last */
	u64 vtime[SHARE_ENTRIES];
	u64 started;  /* when the present entry's turn began */
	u32 entry;    /* whose turn it is; SHARE_NOBODY when idle, SHARE_BORROWED when lent */
	u32 borrower; /* slot asked last when the cid was lent */
};

struct turn __arena turns[FIEF_MAX_CIDS];

/* Cids the plan gives this scheduler a part of for its own tasks. Written by fief_apply. */
cidmask_t own_cids;

/* Cids on whose pinned queue tasks of this scheduler wait. */
cidmask_t pinned_cids;

#define PINNED_DSQ_BASE 0x2000ULL
#define pinned_dsq(cid) (PINNED_DSQ_BASE + (u32)(cid))

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

	bpf_for (i, 0, nr) {
		if (plan->share[i].slot == FIEF_SLOT_SELF)
			return true;
	}
	return nr == 0;
}

/*
 * The cgroup of the direct child (level @level + 1 of the hierarchy) whose subtree @p belongs to,
 * 0 for our own tasks.
 */
static __always_inline u64 task_child(struct task_struct *p, s32 level)
{
	struct scx_sched *sched = BPF_CORE_READ(p, scx.sched);
	struct scx_sched *child;

	if (!sched || BPF_CORE_READ(sched, level) <= level)
		return 0;
	bpf_core_read(&child, sizeof(child), &sched->ancestors[level + 1]);
	return BPF_CORE_READ(child, ops.sub_cgroup_id);
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
	cgroup_id = own ? 0 : task_child(p, 0);
	bpf_for (i, 0, nr) {
		u32 slot = plan->share[i].slot & (FIEF_MAX_SLOTS - 1);

		if (slot == FIEF_SLOT_SELF ? cgroup_id == 0
					   : state.slots[slot].cgroup_id == cgroup_id)
			return i;
	}
	return SHARE_NOBODY;
}

/* Charge the time since the last look to whose turn it was; borrowers pay nothing. */
static __always_inline void turn_charge(s32 cid, u64 now, bool own)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	struct turn __arena *turn = cid_turn(cid);
	u64 used = now - turn->since;
	u32 entry = turn->entry;

	turn->since = now;
	if (entry == SHARE_NOBODY)
		entry = entry_of_current(plan, own);
	if (entry >= SHARE_ENTRIES)
		return;
	turn->vtime[entry] += used * FIEF_CPU_UNIT / entry_fraction(plan, entry);
	state.slots[entry_slot(plan, entry) & (FIEF_MAX_SLOTS - 1)].charged_ns += used;
}

/*
 * The entry that is to be asked next: least virtual time among those not in @tried. Entries far
 * behind the clock are moved up on the way. SHARE_ENTRIES: all have been asked.
 */
static __always_inline u32 turn_next(struct fief_cid_plan __arena *plan, struct turn __arena *turn,
				     u32 nr, u32 tried)
{
	u64 oldest = turn->clock - SHARE_LAG_NS, best_vtime = 0;
	u32 best = SHARE_ENTRIES, i;

	bpf_for (i, 0, nr) {
		u64 vtime;

		if (i >= SHARE_ENTRIES || (tried & (1U << i)))
			continue;
		vtime = turn->vtime[i];
		if ((s64)(vtime - oldest) < 0) {
			vtime = oldest;
			turn->vtime[i] = vtime;
		}
		if (best == SHARE_ENTRIES || (s64)(vtime - best_vtime) < 0) {
			best = i;
			best_vtime = vtime;
		}
	}
	return best;
}

static __always_inline void turn_begin(struct turn __arena *turn, u32 entry, u64 now)
{
	if (entry < SHARE_ENTRIES)
		turn->clock = turn->vtime[entry];
	if (turn->entry != entry) {
		turn->entry = entry;
		turn->started = now;
	}
}

/* The CPU went idle or left idle: time in between belongs to nobody. */
static __always_inline void turn_idle(s32 cid)
{
	struct turn __arena *turn = cid_turn(cid);

	turn->since = bpf_ktime_get_ns();
	turn->entry = SHARE_NOBODY;
}

/* A changed plan starts everybody on this cid level. */
static __always_inline void turn_reset(s32 cid)
{
	struct turn __arena *turn = cid_turn(cid);
	u32 i;

	bpf_for (i, 0, SHARE_ENTRIES)
		turn->vtime[i] = turn->clock;
	turn->entry = SHARE_NOBODY;
}

#endif /* FIEF_SHARE_BPF_H */
