/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has wanted to run lately (struct fief_activity), for the daemon's plans: cgroup v2 divides among
 * those that can use the CPU, not among those that merely have processes.
 *
 * What competes with each cgroup on the way from this scheduler's down to a child's is sampled with every
 * look at accounts and smoothed over a second, so that a daemon that wakes for a moment counts for that
 * moment; and falls over ten, so that who works every other second moves no CPUs to and fro. Whether a
 * child is awake is told apart from that: one that wants to run in nearly every tenth of a second is, for
 * a second, however short it runs, as it wants its CPUs at once then; and stays so until it has hardly
 * wanted any for six.
 *
 * What is known is published in steps (struct fief_slot), with an event: a plan changes when a due has
 * moved for good, and at rest nobody is told anything.
 *
 * Writers: the turn timer; cpuctl ops move the numbers when a weight is written, which may cost a sample.
 */
#ifndef FIEF_ACTIVITY_BPF_H
#define FIEF_ACTIVITY_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/due.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/talk/events.bpf.h"

#define SIBLINGS_ONE 256
#define SIBLINGS_RISE_NS NSEC_PER_SEC
#define SIBLINGS_FALL_NS (10 * NSEC_PER_SEC)

/* A due has moved when it is off by more than this part of itself, and by this much of everything. */
#define ACTIVITY_STEP_OF_DUE 8
#define ACTIVITY_STEP (FIEF_CPU_UNIT / 64)

/* Steps are published this often at most; CLOCK_MONOTONIC ns of the next time. By the turn timer. */
#define ACTIVITY_PUBLISH_NS NSEC_PER_SEC
u64 activity_publish_at;

/* What competes with @group among its siblings now. */
static __always_inline u64 siblings_now(const struct group __arena *group)
{
	u64 load = load_weight(group->parent->load);

	return (load - min(load, group->part)) * SIBLINGS_ONE;
}

static __always_inline void siblings_look(struct group __arena *group, u64 now)
{
	struct siblings __arena *siblings = &group->siblings;
	u64 time = min(now - siblings->seen_at, SIBLINGS_RISE_NS), sample = siblings_now(group);

	if (!siblings->seen_at) {
		siblings->mean = sample;
		siblings->others = sample;
	}
	siblings->seen_at = now;
	siblings->mean = smooth(siblings->mean, sample, time, SIBLINGS_RISE_NS);
	siblings->others = max(siblings->mean, smooth(siblings->others, 0, time, SIBLINGS_FALL_NS));
}

/* The cgroups from that of @slot's child up to below this scheduler's. */
FIEF_VERIFIED_ONCE int siblings_look_up(struct group __arena *group __arg_arena, u64 now)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, FIEF_ACTIVITY_LEVELS) {
		if (group_is_own(group))
			break;
		if (group->siblings.seen_at != now)
			siblings_look(group, now);
		group = group->parent;
	}
	return 0;
}

/* What @slot is due when it wants to run, by what has competed with it, in 1/FIEF_CPU_UNIT of the level. */
FIEF_VERIFIED_ONCE u32 activity_due(u32 slot)
{
	struct group __arena *group = slot_group(slot);
	u64 cost = COST_ONE;
	u32 i;

	touch_arena();
	if (!slot_due(slot)->awake || !group)
		return 0;
	bpf_for(i, 0, FIEF_ACTIVITY_LEVELS) {
		if (group_is_own(group))
			break;
		cost = cost_up(cost, group->siblings.others / SIBLINGS_ONE + group->weight,
			       group->weight);
		group = group->parent;
	}
	return COST_ONE * FIEF_CPU_UNIT / cost;
}

static __always_inline bool activity_moved(u32 slot)
{
	struct due __arena *due = slot_due(slot);
	u32 is = activity_due(slot), was = due->published;
	u32 off = is > was ? is - was : was - is;

	return due->awake != slot_account(slot)->activity.awake ||
	       (off > ACTIVITY_STEP && off > was / ACTIVITY_STEP_OF_DUE);
}

FIEF_VERIFIED_ONCE int activity_publish(u32 slot)
{
	struct fief_activity __arena *activity = &slot_account(slot)->activity;
	struct group __arena *group = slot_group(slot);
	struct due __arena *due = slot_due(slot);
	u32 levels = 0, i;

	touch_arena();
	if (!group)
		return 0;
	bpf_for(i, 0, FIEF_ACTIVITY_LEVELS) {
		if (group_is_own(group))
			break;
		activity->others[i & (FIEF_ACTIVITY_LEVELS - 1)] =
			group->siblings.others / SIBLINGS_ONE;
		levels = i + 1;
		group = group->parent;
	}
	activity->nr_levels = levels;
	activity->awake = due->awake;
	activity->active = due->active / (ACTIVE_ONE / FIEF_ACTIVITY_UNIT);
	due->published = activity_due(slot);
	return 0;
}

/* A look at everybody: what has competed with whom, and whether it is news. */
FIEF_VERIFIED_ONCE bool activity_look(u64 now)
{
	bool moved = false;
	u32 slot;

	touch_arena();
	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS)) {
		struct group __arena *group = slot_group(slot);

		if (!group || !slot_account(slot)->participant.cgroup_id)
			continue;
		siblings_look_up(group, now);
		moved |= activity_moved(slot);
	}
	return moved;
}

FIEF_VERIFIED_ONCE int activity_publish_all(void)
{
	u32 slot;

	touch_arena();
	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS))
		activity_publish(slot);
	return 0;
}

/* Publish what has moved, no more often than plans should change. */
static __always_inline void activity_follow(u64 now)
{
	if (!activity_look(now) || vtime_before(now, activity_publish_at))
		return;
	activity_publish_at = now + ACTIVITY_PUBLISH_NS;
	activity_publish_all();
	event_emit(FIEF_EVENT_ACTIVITY_CHANGED, state.cgroup_id, 0);
}

static __always_inline u64 siblings_moved(u64 value, s64 more)
{
	return more < 0 && value < (u64)-more ? 0 : value + more;
}

/*
 * The part of @group has changed by @more, its weight having been written: those beside it, on the way to
 * a child, need not wait until that has been seen for a second.
 */
FIEF_VERIFIED_ONCE int siblings_reweigh(struct group __arena *group __arg_arena, s64 more)
{
	u64 now = bpf_ktime_get_ns();
	u32 slot, i;

	touch_arena();
	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS)) {
		struct group __arena *beside = slot_group(slot);

		bpf_for(i, 0, FIEF_ACTIVITY_LEVELS) {
			struct siblings __arena *siblings;

			if (!beside || group_is_own(beside))
				break;
			siblings = &beside->siblings;
			/* two children may have it on their ways */
			if (beside != group && beside->parent == group->parent &&
			    siblings->seen_at != now) {
				siblings->seen_at = now;
				siblings->mean =
					siblings_moved(siblings->mean, more * SIBLINGS_ONE);
				siblings->others =
					siblings_moved(siblings->others, more * SIBLINGS_ONE);
			}
			beside = beside->parent;
		}
	}
	activity_publish_all();
	return 0;
}

#endif /* FIEF_ACTIVITY_BPF_H */
