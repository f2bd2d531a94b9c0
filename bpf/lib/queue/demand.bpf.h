/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups that cannot use what their weight is worth, because they have too few tasks: what they leave is
 * due to their siblings first, by weight, then to the siblings of the group above, and so on, as it is
 * where each level of cgroups has queues of its own. The queues here are flat, so it follows from what
 * each group counts for among its siblings.
 *
 * Vocabulary:
 *   demand   the CPUs that a group can use: one for each runnable task; of a ghost what its child has
 *            used of late, while it leaves turns to others
 *   counts   (struct group) the weight at which its share is just its demand, where its own weight would
 *            be worth more
 *   listed   a group of which one task alone is due more than a CPU, a ghost with a demand, or a group in
 *            which all that competes is listed
 *
 * A timer looks at those listed, of which there are seldom more than CPUs, as their shares are that
 * large. It runs only while there are any.
 *
 * Writers: groups are listed by whoever charges a task, and looked at and taken off by the timer alone. A
 * listed group is referenced, so its memory stays its own.
 */
#ifndef FIEF_DEMAND_BPF_H
#define FIEF_DEMAND_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/used.bpf.h"

#define DEMAND_LOOK_NS (25 * NSEC_PER_MSEC)
/* Over how long it is seen what all tasks use. */
#define DEMAND_WINDOW_NS (100 * NSEC_PER_MSEC)
/* Looked at in one look; more are not listed. */
#define DEMAND_MAX 256

struct demand_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct demand_timer);
} demand_timers SEC(".maps");

/* Those listed, linked by demand.next: pushed by anybody, all taken at once by the timer. */
struct group __arena *__arena demand_groups;

/* Whether the timer runs: the first who lists a group starts it. */
u32 demand_looks;

/* What all of this scheduler's tasks had used, and when, at the last look at that. By the timer. */
u64 demand_used;
u64 demand_used_at;

/* Whether level_cpus is what is used, and not a guess. By the timer. */
bool demand_level_known;

static __always_inline struct demand_timer *demand_timer(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&demand_timers, &key);
}

static __always_inline void demand_push(struct group __arena *group)
{
	u32 tries;

	bpf_for(tries, 0, 1024) {
		struct group __arena *head = demand_groups;

		group->demand.next = head;
		if (__sync_bool_compare_and_swap(&demand_groups, head, group))
			break;
	}
}

FIEF_VERIFIED_ONCE int demand_list_new(struct group __arena *group __arg_arena)
{
	struct demand_timer *timer;

	touch_arena();
	if (__sync_lock_test_and_set(&group->demand.listed, 1))
		return 0;
	group_get(group);
	demand_push(group);
	timer = demand_timer();
	if (timer && !__sync_lock_test_and_set(&demand_looks, 1))
		bpf_timer_start(&timer->timer, DEMAND_LOOK_NS, 0);
	return 0;
}

/* @group may be due more than it can use. */
static __always_inline void demand_list(struct group __arena *group)
{
	if (!group->demand.listed && group->parent)
		demand_list_new(group);
}

/* Is the cost of a task such that it is due more than a CPU? */
static __always_inline bool demand_exceeded(u64 cost)
{
	return cost < COST_ONE * level_cpus / FIEF_CPU_UNIT;
}

/* What @group can use now; 0: it is not known to be limited. */
static __always_inline u64 demand_now(const struct group __arena *group)
{
	const struct demand __arena *demand = &group->demand;

	if (!group->load)
		return 0;
	if (demand->inner)
		return demand->all ? demand->below : 0;
	return group->ghost ? demand->cpus : load_tasks(group->load) * FIEF_CPU_UNIT;
}

static __always_inline void demand_forget_sum(struct demand __arena *demand)
{
	demand->below = 0;
	demand->parts_below = 0;
	demand->all = false;
}

/* The sums are for one look. */
FIEF_VERIFIED_ONCE int demand_forget_sums(struct group __arena *group __arg_arena)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, DEMAND_MAX) {
		if (!group)
			break;
		demand_forget_sum(&group->demand);
		if (group->parent)
			demand_forget_sum(&group->parent->demand);
		group = group->demand.next;
	}
	return 0;
}

/* Add what the groups of the list from @group on can use up in the groups above them. */
FIEF_VERIFIED_ONCE int demand_add_up(struct group __arena *group __arg_arena)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, DEMAND_MAX) {
		if (!group)
			break;
		if (group->parent && group->load) {
			group->parent->demand.below +=
				group->demand.inner ? group->demand.cpus : demand_now(group);
			group->parent->demand.parts_below += group->part;
		}
		group = group->demand.next;
	}
	return 0;
}

/* And see which of those above have nothing else in them. */
FIEF_VERIFIED_ONCE int demand_find_inner(struct group __arena *group __arg_arena)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, DEMAND_MAX) {
		struct group __arena *parent;

		if (!group)
			break;
		parent = group->parent;
		if (parent) {
			parent->demand.all =
				parent->demand.parts_below &&
				parent->demand.parts_below >= load_weight(parent->load);
			if (parent->demand.all && !parent->demand.listed) {
				parent->demand.inner = 1;
				demand_list(parent);
			}
		}
		group = group->demand.next;
	}
	return 0;
}

/*
 * The weight at which the share of @group, of @total CPU time, is @cpus among its siblings; more than its
 * own where that is worth less.
 */
static __always_inline u64 demand_weight(struct group __arena *group, u64 cpus, u64 total)
{
	struct group __arena *parent = group->parent;
	u64 load = load_weight(parent->load), above = group_cost_now(parent), part;

	/* of the parent's time, in 1/FIEF_CPU_UNIT of it */
	part = cpus * above / COST_ONE * FIEF_CPU_UNIT / (total ?: 1);
	if (part >= FIEF_CPU_UNIT)
		return ~0ULL;
	return max((load - min(load, group->part)) * part / (FIEF_CPU_UNIT - part), 1);
}

/*
 * Can those in @parent, of whom each has too few tasks for its weight as far as is known, not use all that
 * @parent has? Else they have tasks enough by now, and divide by weight again. An eighth is left to what is
 * measured.
 */
static __always_inline bool demand_leaves_some(struct group __arena *parent)
{
	u64 has = level_cpus * COST_ONE / (group_cost_now(parent) ?: 1);

	return parent->demand.all && parent->demand.below <= has + has / 8;
}

/* Let @group count for what it can use. False: its weight is worth no more than that. */
FIEF_VERIFIED_ONCE bool demand_follow(struct group __arena *group __arg_arena)
{
	u64 cpus = demand_now(group), weight;
	bool leaves_some;

	touch_arena();
	group->demand.cpus = group->ghost ? group->demand.cpus : cpus;
	if (!cpus || !group->parent)
		return false;
	/* nobody but those that are listed: they divide by what they can use, and the group above is limited */
	leaves_some = demand_leaves_some(group->parent);
	if (leaves_some && group->parent->demand.parts_below > group->part) {
		group_count_as(group, max(cpus * WEIGHT_NICE_0 / FIEF_CPU_UNIT, 1));
		return true;
	}
	weight = demand_weight(group, cpus, level_cpus);
	group_count_as(group, min(weight, group->weight));
	/* alone in the group above it is of no account here, but that one's demand is its */
	return weight < group->weight || leaves_some;
}

static __always_inline void demand_unlist(struct group __arena *group)
{
	group_count_as(group, group->weight);
	group->demand.inner = 0;
	group->demand.listed = 0;
	group_put(group);
}

/* Look at the list from @group on; those that stay are put back. True: there are any. */
FIEF_VERIFIED_ONCE bool demand_look(struct group __arena *group __arg_arena)
{
	bool any = false;
	u32 i;

	touch_arena();
	bpf_for(i, 0, DEMAND_MAX) {
		struct group __arena *next;

		if (!group)
			break;
		next = group->demand.next;
		if (demand_follow(group)) {
			demand_push(group);
			any = true;
		} else {
			demand_unlist(group);
		}
		group = next;
	}
	return any;
}

/*
 * What a scheduler without children uses, smoothed over some windows, as tasks are charged in lumps; one with
 * children sees it in its accounts (lib/parent/due.bpf.h). False: the first window has not ended; until then
 * nobody can say what a share is worth.
 */
static __always_inline bool demand_see_level(void)
{
	u64 now = bpf_ktime_get_ns(), since = demand_used_at, before = demand_used,
	    time = now - since, rate;

	if (has_children())
		return true;
	if (since && time < DEMAND_WINDOW_NS)
		return demand_level_known;
	demand_used = used_by_own();
	demand_used_at = now;
	/* a timer that has just begun, or was away for long, has seen no level to speak of */
	if (!since || time >= NSEC_PER_SEC)
		return demand_level_known;
	rate = max((demand_used - before) * FIEF_CPU_UNIT / time, FIEF_CPU_UNIT);
	level_cpus = demand_level_known ? level_cpus - level_cpus / 4 + rate / 4 : rate;
	demand_level_known = true;
	return true;
}

/* Nobody is listed any more: what is listed next is so by all CPUs that there are, until it is known better. */
static __always_inline void demand_forget_level(void)
{
	if (state.nr_slots <= 1)
		level_cpus = (u64)nr_cids * FIEF_CPU_UNIT;
	demand_used_at = 0;
	demand_level_known = false;
}

FIEF_VERIFIED_ONCE bool demand_look_at_all(void)
{
	struct group __arena *groups;

	touch_arena();
	groups = __sync_lock_test_and_set(&demand_groups, NULL);
	demand_forget_sums(groups);
	demand_add_up(groups);
	demand_find_inner(groups);
	return demand_look(groups);
}

static int demand_timer_fn(void *map, u32 *key, struct demand_timer *timer)
{
	if (demand_see_level() && !demand_look_at_all()) {
		demand_forget_level();
		__sync_lock_test_and_set(&demand_looks, 0);
		/* who listed a group since that was looked at relied on this timer */
		if (!demand_groups || __sync_lock_test_and_set(&demand_looks, 1))
			return 0;
	}
	bpf_timer_start(&timer->timer, DEMAND_LOOK_NS, 0);
	return 0;
}

static __always_inline s32 demand_init(void)
{
	struct demand_timer *timer = demand_timer();

	if (!timer)
		return -EINVAL;
	level_cpus = (u64)nr_cids * FIEF_CPU_UNIT;
	bpf_timer_init(&timer->timer, &demand_timers, CLOCK_MONOTONIC);
	return bpf_timer_set_callback(&timer->timer, demand_timer_fn);
}

#endif /* FIEF_DEMAND_BPF_H */
