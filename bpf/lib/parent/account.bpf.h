/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each participant of a scheduler has had: its account, of what it has really used, and whether it wants to
 * run. Vocabulary and writers: lib/parent/due.bpf.h.
 */
#ifndef FIEF_ACCOUNT_BPF_H
#define FIEF_ACCOUNT_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/used.bpf.h"
#include "lib/talk/notice.bpf.h"

/* How long a child of others has wanted to run after it last has. */
#define DUE_FOREIGN_NS (50 * NSEC_PER_MSEC)
#define DUE_RATE_MIN (FIEF_CPU_UNIT / 64)

/* The daemon sees FIEF_ACTIVITY_UNIT; smoothing takes finer steps. */
#define ACTIVE_ONE (FIEF_ACTIVITY_UNIT << 16)
#define ACTIVE_RISE_NS NSEC_PER_SEC
#define ACTIVE_FALL_NS (10 * NSEC_PER_SEC)

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
u64 due_seen_at; /* CLOCK_MONOTONIC ns: when use was seen last */

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

#endif /* FIEF_ACCOUNT_BPF_H */
