/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each participant of a scheduler is due now, and what it has had, over all cids together. A plan
 * says where a participant has its CPUs; this says, within one turn, whether it has what its weight is
 * worth beside those who want to run at the moment, also while plan and moment differ: since somebody has
 * woken or gone to sleep, or cannot use what it has.
 *
 * Vocabulary:
 *   share     part of the scheduler's time by the tree of weights, by who is active (lib/queue/group.bpf.h)
 *   rate      CPU time due, by share and between what a policy promises and allows
 *   due time  virtual: the CPU time that a participant has used, by its rate. Who has had less than
 *             others by its rate has the earlier one.
 *   clock     the mean of the due times of those who want to run, each by its rate
 *   behind    wants to run, and its due time lags behind the clock: it may take the turn, on a lent cid,
 *             of whoever has had more (lib/parent/dispatch.bpf.h), until it has caught up
 *   keeps     lends nothing and takes no turn before its turn: it has its own, whoever sleeps. Its due time
 *             is what it has borrowed, for spare time to divide by.
 *
 * Nobody is further behind the clock than DUE_LAG_NS, nor further ahead than it gets while the others fall
 * behind by as much as counts: what was left idle is held against nobody who used it, and who slept, or had
 * too few tasks, has earned no credit to speak of.
 *
 * Writers: due times, what has been charged, and how asking went, every CPU, atomically; everything else the
 * turn timer.
 */
#ifndef FIEF_DUE_BPF_H
#define FIEF_DUE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/demand.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/used.bpf.h"
#include "lib/talk/notice.bpf.h"

#define DUE_LAG_NS (50 * NSEC_PER_MSEC)
/* So far behind is more than what turns of ordinary length explain. */
#define DUE_BEHIND_NS (20 * NSEC_PER_MSEC)
/* Over how long use is seen that says what a participant can use, and what all do. */
#define DUE_WINDOW_NS (100 * NSEC_PER_MSEC)
/* How long a child of others has wanted to run after it last has. */
#define DUE_FOREIGN_NS (50 * NSEC_PER_MSEC)
#define DUE_RATE_MIN (FIEF_CPU_UNIT / 64)
/* A share below this is that of nobody who wants to run. */
#define DUE_SHARE_MIN (FIEF_CPU_UNIT / 256)

/* The daemon sees FIEF_ACTIVITY_UNIT; smoothing takes finer steps. */
#define ACTIVE_ONE (FIEF_ACTIVITY_UNIT << 16)
#define ACTIVE_RISE_NS NSEC_PER_SEC
#define ACTIVE_FALL_NS (10 * NSEC_PER_SEC)
/* In how many windows of the last second, and of all that are remembered, one has wanted to run that is
 * awake from now on, or asleep. */
#define AWAKE_RECENT 10
#define AWAKE_FROM 8
#define ASLEEP_BELOW 6

struct due {
	u64 vtime; /* due time, ns */
	u64 charged; /* ns, by dispatches, since its use was last seen */
	u64 used; /* ns, as it was last seen */
	u64 window_used; /* the same at the beginning of the window */
	u64 used_at; /* CLOCK_MONOTONIC ns: when its use last grew */
	u64 windows; /* bit 0: it has wanted to run in the last window, and so on */
	u32 share; /* of the level, now, in 1/FIEF_CPU_UNIT of it */
	u32 awake_share; /* the same if it wants to run, now or when it wakes */
	u32 rate; /* in 1/FIEF_CPU_UNIT of a CPU */
	u64 active_mean; /* part of the last second in which it wanted to run, of ACTIVE_ONE */
	u64 active; /* the same, which falls slowly */
	u32 published; /* what it was due when that was published last, see lib/parent/activity.bpf.h */
	u32 served; /* in this window: it was behind, was asked on a cid, and had something to run there */
	u32 lacked; /* the same, and had not: all its tasks ran, or may not run there */
	bool wants; /* to run, now */
	bool wanted; /* in this window */
	bool awake; /* see struct fief_activity */
};

struct due __arena dues[FIEF_MAX_SLOTS];

u64 due_clock;
u64 due_window_at; /* CLOCK_MONOTONIC ns when the window began */
u64 due_seen_at; /* and when use was seen last */

/* Slots, as bits: sets of cids have room for them. */
cidmask_t behind_slots;

/* Some of them, for dispatches to choose from: others in turn where there are more. By the turn timer; a
 * dispatch that reads it meanwhile may find one twice, or one that has caught up. */
#define BEHIND_LISTED 8 /* a power of two */
u32 behind_list[BEHIND_LISTED];
u32 nr_behind;
u32 behind_number; /* of the list: another with every look */
u32 behind_from; /* the slot that the list begins with, or the next */

static __always_inline struct due __arena *slot_due(u32 slot)
{
	return &dues[slot & (FIEF_MAX_SLOTS - 1)];
}

static __always_inline struct fief_slot __arena *slot_account(u32 slot)
{
	return &state.slots[slot & (FIEF_MAX_SLOTS - 1)];
}

static __always_inline u32 slots_in_use(void)
{
	return min(max(state.nr_slots, 1), FIEF_MAX_SLOTS);
}

/* The group of a slot's child among its siblings; found by the turn timer. */
struct group __arena *__arena slot_groups[FIEF_MAX_SLOTS];

static __always_inline struct group __arena *slot_group(u32 slot)
{
	return slot_groups[slot & (FIEF_MAX_SLOTS - 1)];
}

static __always_inline bool slot_in_use(u32 slot)
{
	return slot == FIEF_SLOT_SELF || slot_account(slot)->participant.cgroup_id;
}

static __always_inline bool slot_keeps(u32 slot)
{
	return slot_account(slot)->participant.flags & FIEF_PARTICIPANT_KEEPS;
}

/* A participant of which nothing is known yet: as if it were awake. */
static __always_inline void due_open(u32 slot)
{
	struct due __arena *due = slot_due(slot);

	due->vtime = due_clock;
	due->charged = 0;
	due->used = 0;
	due->window_used = 0;
	due->used_at = 0;
	due->windows = ~0ULL;
	due->share = 0;
	due->awake_share = 0;
	due->rate = 0;
	due->active_mean = ACTIVE_ONE;
	due->active = ACTIVE_ONE;
	due->published = 0;
	due->wants = false;
	due->wanted = false;
	due->served = 0;
	due->lacked = 0;
	due->awake = true;
	slot_account(slot)->activity.nr_levels = 0;
	slot_account(slot)->activity.awake = 1;
}

static __always_inline u64 due_time_of(const struct due __arena *due, u64 ns)
{
	return min(ns, NSEC_PER_SEC) * FIEF_CPU_UNIT / max(due->rate, DUE_RATE_MIN);
}

/* A dispatch has seen the participant of @slot use @ns; @lent: of the turn of another. */
static __always_inline void due_charge(u32 slot, u64 ns, bool lent)
{
	struct due __arena *due = slot_due(slot);

	__sync_fetch_and_add(&due->charged, ns);
	if (lent || !slot_keeps(slot))
		__sync_fetch_and_add(&due->vtime, due_time_of(due, ns));
}

/* What the participant of @slot has used, by its own word if it gives it, else by what was charged. */
static __always_inline u64 due_used(u32 slot, const struct fief_notice *notice)
{
	const struct fief_slot __arena *account = slot_account(slot);

	if (slot == FIEF_SLOT_SELF)
		return used_by_own();
	if (notice && notice->used_ns)
		return notice->used_ns;
	return account->charged_ns + account->borrowed_ns;
}

/*
 * Dispatches charge by what they see, and soon; what was really used puts it right. The turn timer does it, and
 * who is about to hold a child back for what was charged: each takes what the other has not, whoever comes first.
 */
FIEF_VERIFIED_ONCE int due_settle(u32 slot)
{
	const struct fief_participant __arena *participant = &slot_account(slot)->participant;
	struct due __arena *due = slot_due(slot);
	u64 used, charged;
	s64 more;

	touch_arena();
	used = due_used(slot, slot == FIEF_SLOT_SELF ? NULL : notice_of(participant->cgroup_id));
	charged = __sync_lock_test_and_set(&due->charged, 0);
	more = used - __sync_lock_test_and_set(&due->used, used);
	if (!more && !charged)
		return 0;
	if (!slot_keeps(slot))
		__sync_fetch_and_add(&due->vtime, more > (s64)charged ?
							  due_time_of(due, more - charged) :
							  -due_time_of(due, charged - more));
	limit_charge(slot_group(slot), more - (s64)charged);
	/* own tasks tell for themselves */
	if (slot != FIEF_SLOT_SELF)
		notice_used(more);
	if (more)
		due->used_at = bpf_ktime_get_ns();
	return 0;
}

/* Whether a ghost competes: load 1 stands for all there is below it. */
static __always_inline void ghost_set_active(struct group __arena *group, bool active)
{
	if (group->ghost_active == active)
		return;
	group->ghost_active = active;
	group_add(group, active ? 1 : -1);
}

/* The policy's weight for a child counts here, too. */
static __always_inline void ghost_weigh(struct group __arena *group, u32 fixed)
{
	u32 weight = fixed * WEIGHT_NICE_0 / CPU_WEIGHT_DEFAULT;

	if (group->fixed == weight)
		return;
	group->fixed = weight;
	if (weight)
		group_set_weight(group, weight);
}

/* How many tasks of each slot's child have waited too long. Written by the turn timer from its notice. */
u64 __arena slot_waiting[FIEF_MAX_SLOTS];

/* Does the child of @slot want to run? One that tells nothing does for a while after it has. */
static __always_inline bool due_wants(u32 slot, const struct fief_notice *notice, u64 now)
{
	if (notice && notice->used_ns)
		return notice->active;
	return vtime_before(now, slot_due(slot)->used_at + DUE_FOREIGN_NS) ||
	       (notice && notice->active);
}

/* @time more has passed in which @due has wanted to run or not. */
static __always_inline void due_note_activity(struct due __arena *due, u64 time)
{
	due->wanted |= due->wants;
	due->active_mean =
		smooth(due->active_mean, due->wants ? ACTIVE_ONE : 0, time, ACTIVE_RISE_NS);
	due->active = max(due->active_mean, smooth(due->active, 0, time, ACTIVE_FALL_NS));
}

/* One child's account, notice and group. */
FIEF_VERIFIED_ONCE int due_look(u32 slot, u64 now)
{
	const struct fief_participant __arena *participant = &slot_account(slot)->participant;
	struct due __arena *due = slot_due(slot);
	struct fief_notice *notice;
	struct group __arena *group;

	touch_arena();
	if (!participant->cgroup_id)
		return 0;
	notice = notice_of(participant->cgroup_id);
	group = group_find(participant->cgroup_id);
	slot_groups[slot & (FIEF_MAX_SLOTS - 1)] = group;
	slot_waiting[slot & (FIEF_MAX_SLOTS - 1)] = notice ? notice->waiting : 0;
	due_settle(slot);
	due->wants = due_wants(slot, notice, now);
	due_note_activity(due, now - due_seen_at);
	if (!group || !group->ghost)
		return 0;
	group->slot = slot;
	ghost_weigh(group, participant->weight);
	ghost_set_active(group, due->wants);
	return 0;
}

static __always_inline u32 share_of_cost(u64 cost)
{
	return COST_ONE * FIEF_CPU_UNIT / (cost ?: COST_ONE);
}

/* The shares of everybody, once who wants to run is known; what children do not have is this scheduler's. */
FIEF_VERIFIED_ONCE int due_share_out(void)
{
	struct due __arena *own = slot_due(FIEF_SLOT_SELF);
	u32 left = FIEF_CPU_UNIT, slot;

	touch_arena();
	bpf_for(slot, 1, slots_in_use()) {
		struct due __arena *due = slot_due(slot);
		struct group __arena *group = slot_group(slot);

		if (!slot_in_use(slot) || !group || !group->ghost) {
			due->share = 0;
			due->awake_share = 0;
			continue;
		}
		due->awake_share = share_of_cost(group_cost_awake(group));
		due->share = due->wants ? share_of_cost(group_cost_now(group)) : 0;
		left -= min(left, due->share);
	}
	own->share = left;
	own->awake_share = max(left, DUE_SHARE_MIN);
	own->wants = left > DUE_SHARE_MIN;
	return 0;
}

/*
 * What is due by share, scaled by @scale (1/FIEF_CPU_UNIT), between promise and limit. 0: it keeps what is
 * its own.
 */
static __always_inline u64 due_between(u32 slot, u64 share, u64 total, u64 scale, bool *bounded)
{
	const struct fief_participant __arena *participant = &slot_account(slot)->participant;
	u64 rate = share * total / FIEF_CPU_UNIT * scale / FIEF_CPU_UNIT;

	*bounded = true;
	if (rate < participant->least)
		return participant->least;
	if (participant->most && rate > participant->most)
		return participant->most;
	*bounded = false;
	return rate;
}

#define DUE_PASSES 4

/* The scale at which what those who want to run are due adds up to @total. */
FIEF_VERIFIED_ONCE u64 due_scale(u64 total)
{
	u64 scale = FIEF_CPU_UNIT;
	u32 pass, slot;

	touch_arena();
	bpf_for(pass, 0, DUE_PASSES) {
		u64 fixed = 0, shares = 0, next;

		bpf_for(slot, 0, slots_in_use()) {
			const struct due __arena *due = slot_due(slot);
			bool bounded;
			u64 rate;

			if (!due->wants || slot_keeps(slot))
				continue;
			rate = due_between(slot, due->share, total, scale, &bounded);
			if (bounded)
				fixed += rate;
			else
				shares += due->share;
		}
		if (!shares)
			break;
		next = (total - min(total, fixed)) * FIEF_CPU_UNIT / total * FIEF_CPU_UNIT / shares;
		if (next == scale)
			break;
		scale = max(next, 1);
	}
	return scale;
}

/* Sums of one look. In memory, as the verifier would follow every value that they may have. */
struct {
	s64 ahead; /* of the clock, by rates */
	u64 rates;
	u64 behind;
	u64 kept; /* the latest due time of those that keep what they have */
} due_sums;

/* The rates, and the clock after them. */
FIEF_VERIFIED_ONCE int due_set_rates(void)
{
	u64 total = max(level_cpus, FIEF_CPU_UNIT), scale = due_scale(total);
	u32 slot;

	touch_arena();
	due_sums.ahead = 0;
	due_sums.rates = 0;
	due_sums.kept = 0;
	bpf_for(slot, 0, slots_in_use()) {
		struct due __arena *due = slot_due(slot);
		bool bounded;
		s64 off;

		if (!slot_in_use(slot))
			continue;
		due->rate = max(due_between(slot, due->awake_share, total, scale, &bounded),
				DUE_RATE_MIN);
		if (slot_keeps(slot)) {
			due_sums.kept =
				due_sums.kept ? vtime_max(due_sums.kept, due->vtime) : due->vtime;
			continue;
		}
		if (!due->wants)
			continue;
		off = due->vtime - due_clock;
		off = max(min(off, (s64)NSEC_PER_SEC), -(s64)NSEC_PER_SEC);
		due_sums.ahead += off * (s64)(due->rate / DUE_RATE_MIN);
		due_sums.rates += due->rate / DUE_RATE_MIN;
	}
	if (due_sums.rates)
		due_clock += due_sums.ahead / (s64)due_sums.rates;
	return 0;
}

static __always_inline void behind_note(u32 slot)
{
	u64 at = due_sums.behind++;

	if (at < BEHIND_LISTED)
		behind_list[at & (BEHIND_LISTED - 1)] = slot;
	else if (at == BEHIND_LISTED)
		behind_from = slot;
}

/* How far ahead one gets of whom little is due, while all others fall behind by what counts as that. */
static __always_inline u64 due_ahead_max(const struct due __arena *due)
{
	return DUE_LAG_NS +
	       DUE_BEHIND_NS * max(level_cpus, FIEF_CPU_UNIT) / max(due->rate, DUE_RATE_MIN);
}

/* Who is behind, and nobody further from the clock than counts. */
FIEF_VERIFIED_ONCE int due_find_behind(void)
{
	u32 nr = slots_in_use(), from = behind_from, i;

	touch_arena();
	due_sums.behind = 0;
	bpf_for(i, 0, nr) {
		u32 slot = (from + i) % nr;
		struct due __arena *due = slot_due(slot);

		/* the verifier does not know what a remainder is below, and the compiler would rely on it */
		barrier_var(slot);

		if (!slot_in_use(slot))
			continue;
		if (slot_keeps(slot)) {
			due->vtime = vtime_max(due->vtime, due_sums.kept - DUE_LAG_NS);
			cidmask_clear(behind_slots, slot);
			continue;
		}
		if (vtime_before(due->vtime, due_clock - DUE_LAG_NS))
			due->vtime = due_clock - DUE_LAG_NS;
		if (vtime_before(due_clock + due_ahead_max(due), due->vtime))
			due->vtime = due_clock + due_ahead_max(due);
		if (!due->wants || !vtime_before(due->vtime, due_clock))
			cidmask_clear(behind_slots, slot);
		else if (vtime_before(due->vtime, due_clock - DUE_BEHIND_NS))
			cidmask_set(behind_slots, slot);
		if (cidmask_test(behind_slots, slot))
			behind_note(slot);
	}
	behind_number++;
	nr_behind = min(due_sums.behind, BEHIND_LISTED);
	return 0;
}

/* What a child could use in the window that has ended; its siblings have the rest (lib/queue/demand.bpf.h). */
static __always_inline void due_find_demand(u32 slot, u64 used, u64 time)
{
	struct group __arena *group = slot_group(slot);
	struct due __arena *due = slot_due(slot);
	u64 cpus = used * FIEF_CPU_UNIT / time;

	if (!group || !group->ghost)
		return;
	if (due->lacked > due->served)
		group->demand.cpus = max(cpus + cpus / 16, DUE_RATE_MIN);
	else if (group->demand.cpus)
		group->demand.cpus *= 2;
	if (group->demand.cpus >= 2 * level_cpus)
		group->demand.cpus = 0;
	if (group->demand.cpus)
		demand_list(group);
}

static __always_inline void due_note_window(struct due __arena *due)
{
	due->windows = due->windows << 1 | due->wanted;
	if (__builtin_popcountll(due->windows & ((1U << AWAKE_RECENT) - 1)) >= AWAKE_FROM)
		due->awake = true;
	else if (__builtin_popcountll(due->windows) < ASLEEP_BELOW)
		due->awake = false;
	due->wanted = due->wants;
	due->served = 0;
	due->lacked = 0;
}

/* A window has ended. */
FIEF_VERIFIED_ONCE int due_window(u64 time)
{
	u64 all = 0;
	u32 slot;

	touch_arena();
	bpf_for(slot, 0, slots_in_use()) {
		struct due __arena *due = slot_due(slot);
		u64 used = due->used - due->window_used;

		if (!slot_in_use(slot))
			continue;
		due->window_used = due->used;
		if (!slot_keeps(slot))
			all += used;
		due_find_demand(slot, used, time);
		due_note_window(due);
	}
	/* a timer that was away for long has seen no level to speak of */
	if (time < NSEC_PER_SEC)
		level_cpus = max(all * FIEF_CPU_UNIT / time, FIEF_CPU_UNIT);
	return 0;
}

/* What the turn timer sees to, every turn: from accounts and notices to rates. */
static __always_inline void due_look_at_all(u64 now)
{
	u64 time = now - due_window_at;
	u32 slot;

	bpf_for(slot, 1, slots_in_use())
		due_look(slot, now);
	due_settle(FIEF_SLOT_SELF);
	due_seen_at = now;
	due_share_out();
	due_set_rates();
	due_find_behind();
	if (time < DUE_WINDOW_NS)
		return;
	due_window(time);
	due_window_at = now;
}

/* Does anybody want a turn before its turn? */
static __always_inline bool due_any_behind(void)
{
	return nr_behind > 0;
}

/*
 * The place in the list of who is furthest behind, of those not in @asked (a bit for each place).
 * BEHIND_LISTED: there is nobody.
 */
FIEF_VERIFIED_ONCE u32 due_furthest_behind(u32 asked)
{
	u32 best = BEHIND_LISTED, i;
	u64 earliest = 0;

	touch_arena();
	bpf_for(i, 0, min(nr_behind, BEHIND_LISTED)) {
		u32 slot = behind_list[i & (BEHIND_LISTED - 1)];
		u64 vtime = slot_due(slot)->vtime;

		if ((asked & (1U << (i & (BEHIND_LISTED - 1)))) ||
		    !cidmask_test(behind_slots, slot) ||
		    (best != BEHIND_LISTED && !vtime_before(vtime, earliest)))
			continue;
		best = i;
		earliest = vtime;
	}
	return best;
}

#endif /* FIEF_DUE_BPF_H */
