/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cgroups below a scheduler as a tree of weights: what part of the scheduler's time each of
 * its tasks is due, by the rule of cgroup v2, whatever the number of tasks.
 *
 * Vocabulary:
 *   group   a cgroup with the cpu controller, as this scheduler knows it
 *   top     what stands above all of them; tasks of a cgroup nobody told us of count to it
 *   load    what competes in a group right now: the sum of the weights of its runnable tasks and of
 *           the parts of its active child groups, and how many tasks those are. A group with load is
 *           active.
 *   counts  the weight a group has among its siblings: its own, or less where it has too few tasks to
 *           use what that is worth (lib/queue/demand.bpf.h)
 *   part    what an active group adds to its parent's load: what it counts
 *   cost    how much faster than CPU time the virtual time of a task passes: the inverse of its
 *           share, the product over the levels of load / weight
 *   ghost   the group of a child scheduler's cgroup: it has no tasks here, but while something below
 *           the child wants to run its siblings' shares are what they are beside it
 *
 * So the queues stay flat, and a wake-up costs one addition; only a group's first task to wake and
 * its last to sleep go up the tree. Weights are on the kernel's scale: nice 0 and cpu.weight 100
 * are both 1024 (kernel/sched/core.c sched_prio_to_weight, cgroup v2 documentation "cpu.weight").
 * Idea: effective weights instead of nested queues, "sched: Flatten the pick", LKML 2026.
 *
 * Writers: every CPU, atomically. load and part follow from each other in group_follow(), which
 * looks again after it has written, so whoever changes a group last leaves it right. Groups are made
 * in cpuctl_init, which the kernel runs under cgroup_mutex, one at a time, and in sub_attach, which it runs
 * beside that: so only the former takes memory from the free list. A group lives until its last task and
 * child group have gone, and its memory is never unmapped, so an old pointer reads a group of some other
 * cgroup at worst.
 */
#ifndef FIEF_GROUP_BPF_H
#define FIEF_GROUP_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/state.bpf.h"
#include "lib/talk/notice.bpf.h"

#define WEIGHT_NICE_0 1024
#define WEIGHT_IDLE 3
#define CPU_WEIGHT_DEFAULT 100
/* tg->shares is a weight times this power of two (SCHED_FIXEDPOINT_SHIFT). */
#define SHARES_SHIFT 10

/* Levels above a task that are looked at; what lies further up counts as one. */
#define GROUP_MAX_DEPTH 32
#define GROUP_MAX 65536
#define GROUP_TRIES 8

/* See lib/queue/limit.bpf.h. Times in ns. */
struct limit {
	u64 quota_ns; /* in each period */
	u64 period_ns;
	u64 burst_ns;
	s64 left; /* of the budget; below 0: used ahead */
	u64 period_end; /* CLOCK_MONOTONIC */
	u64 announced_at; /* CLOCK_MONOTONIC ns: when a task was last about to be parked */
	u32 number; /* of its queue; 0: it has never had a limit */
	u32 holding; /* among those that keep somebody back */
	struct group __arena *next; /* of these */
};

/* One runnable task in a group's load; the bits below are weights. */
#define LOAD_TASK (1ULL << 40)
#define load_weight(load) ((load) & (LOAD_TASK - 1))
#define load_tasks(load) ((load) >> 40)

/* See lib/queue/demand.bpf.h. CPU time in 1/FIEF_CPU_UNIT of a CPU. */
struct demand {
	struct group __arena *next; /* listed */
	u32 listed; /* among those that may be due more than they can use */
	u32 inner; /* listed for those below it */
	u64 cpus; /* what it can use; of a ghost written by the look at accounts, 0: as much as there is */
	u64 below; /* what those listed that are in it can use, as added up in a look */
	u64 parts_below; /* and their parts */
	bool all; /* all that competes in it was listed when it was looked at last */
};

/* What has competed with a group lately, in weights times SIBLINGS_ONE. See lib/parent/activity.bpf.h. */
struct siblings {
	u64 mean; /* over about a second */
	u64 others; /* the same, which falls slowly */
	u64 seen_at; /* CLOCK_MONOTONIC ns of the last look; 0: there was none */
};

struct group {
	struct group __arena *parent; /* NULL for the top */
	u64 load;
	u64 part;
	u32 weight; /* on the kernel's scale, or WEIGHT_IDLE */
	u32 counts; /* at most the weight */
	u32 fixed; /* the weight that a policy has given it; 0: its cgroup's own counts */
	u32 users; /* tasks, child groups, and one while it is known */
	bool limited; /* cpu.max is not "max" */
	bool inited; /* the kernel has told us of it, and not of its end */
	bool ghost;
	bool ghost_active;
	bool holds_limit; /* its child scheduler is fief's own and holds its limit, more exactly */
	u32 slot; /* of the child whose ghost it is */
	struct siblings siblings;
	u64 cgroup_id;
	struct demand demand;
	struct group __arena *next; /* in the free list */
	struct limit limit; /* number and next outlive the group: they are its memory's */
};

struct group __arena top_group = {.weight = WEIGHT_NICE_0, .counts = WEIGHT_NICE_0, .users = 1};

/* Groups that are free to use. Pushed by anybody, popped under cgroup_mutex only. */
struct group __arena *__arena free_groups;

struct group_ref {
	struct group __arena *group;
};

/* Known groups by cgroup id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GROUP_MAX);
	__type(key, u64);
	__type(value, struct group_ref);
} groups SEC(".maps");

/* Weight of nice -20 to 19; each step is worth a quarter more or less. */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

#define SCHED_IDLE 5
#define MAX_RT_PRIO 100

static __always_inline u32 task_weight(const struct task_struct *p)
{
	u32 nice = p->static_prio - MAX_RT_PRIO;

	if (p->policy == SCHED_IDLE)
		return WEIGHT_IDLE;
	return nice < 40 ? nice_weight[nice] : WEIGHT_NICE_0;
}

/* cpu.weight as user space writes it. */
static __always_inline u32 cpu_weight(u32 weight)
{
	return (weight * CPU_WEIGHT_DEFAULT + WEIGHT_NICE_0 / 2) / WEIGHT_NICE_0;
}

/*
 * Let what @group adds to its parent follow from its load and weight. True: the parent has become
 * active, or is no longer.
 */
static __always_inline bool group_follow(struct group __arena *group, struct group __arena *parent)
{
	bool turned = false;
	u32 i;

	bpf_for(i, 0, GROUP_TRIES) {
		u64 part = group->load ? group->counts : 0, old, before;

		if (part == group->part)
			break;
		old = __sync_lock_test_and_set(&group->part, part);
		before = __sync_fetch_and_add(&parent->load, part - old);
		turned |= !before != !(before + part - old);
	}
	return turned;
}

/* @group has become active or idle, or its weight has changed: tell those above, as far as they feel it. */
FIEF_VERIFIED_ONCE int group_changed(struct group __arena *group __arg_arena)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		struct group __arena *parent = group->parent;

		if (!parent) {
			notice_active(&group->load);
			break;
		}
		if (!group_follow(group, parent))
			break;
		group = parent;
	}
	return 0;
}

/* @more, in units of load, competes in @group from now on. */
static __always_inline void group_add(struct group __arena *group, s64 more)
{
	u64 before = __sync_fetch_and_add(&group->load, more);

	if (!before != !(before + more))
		group_changed(group);
}

/*
 * The inverse of the share of this scheduler's time that a task of @weight in @group is due. Groups have
 * their own weights here, also those that count for less among their siblings: what they cannot use they
 * leave to others, and what they can use is theirs first.
 */
FIEF_VERIFIED_ONCE u64 group_cost(struct group __arena *group __arg_arena, u32 weight)
{
	u64 cost = cost_up(COST_ONE, load_weight(group->load), weight);
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		struct group __arena *parent = group->parent;

		if (!parent || cost >= COST_MAX)
			break;
		cost = cost_up(cost, load_weight(parent->load) - group->part + group->weight,
			       group->weight);
		group = parent;
	}
	return cost;
}

/* The same of all that is in @group, when it wants to run, whether it does now or not. */
static __always_inline u64 group_cost_awake(struct group __arena *group)
{
	return group_cost(group, load_weight(group->load));
}

/* The inverse of the share that @group, which is active, has now, by what it counts. */
FIEF_VERIFIED_ONCE u64 group_cost_now(struct group __arena *group __arg_arena)
{
	u64 cost = COST_ONE;
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		struct group __arena *parent = group->parent;

		if (!parent || cost >= COST_MAX)
			break;
		cost = cost_up(cost, load_weight(parent->load), group->part ?: group->counts);
		group = parent;
	}
	return cost;
}

static __always_inline struct group __arena *group_find(u64 cgroup_id)
{
	struct group_ref *ref = bpf_map_lookup_elem(&groups, &cgroup_id);

	return ref ? ref->group : NULL;
}

static __always_inline void group_get(struct group __arena *group)
{
	__sync_fetch_and_add(&group->users, 1);
}

static __always_inline void group_free(struct group __arena *group)
{
	u32 tries;

	bpf_for(tries, 0, 1024) {
		struct group __arena *head = free_groups;

		group->next = head;
		if (__sync_bool_compare_and_swap(&free_groups, head, group))
			break;
	}
}

/* Give a reference back; the last one frees the group, and its own on its parent. */
FIEF_VERIFIED_ONCE int group_put(struct group __arena *group __arg_arena)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		struct group __arena *parent = group->parent;

		if (!parent || __sync_fetch_and_add(&group->users, -1) != 1)
			break;
		group_free(group);
		group = parent;
	}
	return 0;
}

#define PAGE_SIZE 4096
#define GROUPS_A_PAGE (PAGE_SIZE / sizeof(struct group))

/* A page of new groups, of which the first is the caller's; NULL: no memory. */
static __always_inline struct group __arena *group_alloc_page(void)
{
	struct group __arena *page = bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0);
	u32 i;

	if (!page)
		return NULL;
	bpf_for(i, 1, GROUPS_A_PAGE)
		group_free(page + i);
	return page;
}

/* A group that nobody uses; NULL: no memory. @serialised: nobody else pops from the free list now. */
static __always_inline struct group __arena *group_alloc(bool serialised)
{
	u32 i;

	bpf_for(i, 0, 1024) {
		struct group __arena *group = serialised ? free_groups : NULL;

		if (!group)
			break;
		/* the only popper, so the head cannot have gone and come back */
		if (__sync_bool_compare_and_swap(&free_groups, group, group->next))
			return group;
	}
	return group_alloc_page();
}

/* Does @group stand for the scheduler's own cgroup, or for all of them? */
static __always_inline bool group_is_own(const struct group __arena *group)
{
	return !group->parent || !group->parent->parent;
}

static __always_inline struct group __arena *group_or_top(u64 cgroup_id)
{
	struct group __arena *group = group_find(cgroup_id);

	return group ?: &top_group;
}

static __always_inline u64 cgroup_id_of(struct cgroup *cgrp)
{
	return BPF_CORE_READ(cgrp, kn, id);
}

/* The group of @cgrp, made if there is none yet. NULL: no memory, or GROUP_MAX are in use. */
static __noinline struct group __arena *group_make(u64 cgroup_id, u64 parent_id, bool serialised)
{
	struct group_ref ref = {.group = group_find(cgroup_id)};
	struct group __arena *group = ref.group;

	touch_arena();
	if (group)
		return group;
	group = group_alloc(serialised);
	if (!group)
		return NULL;
	group->parent = group_or_top(parent_id);
	group->load = 0;
	group->part = 0;
	group->weight = WEIGHT_NICE_0;
	group->counts = WEIGHT_NICE_0;
	group->fixed = 0;
	group->users = 1;
	group->inited = false;
	group->limited = false;
	group->ghost = false;
	group->ghost_active = false;
	group->holds_limit = false;
	group->slot = 0;
	group->demand.cpus = 0;
	group->demand.inner = 0;
	group->demand.below = 0;
	group->demand.parts_below = 0;
	group->demand.all = false;
	group->siblings.mean = 0;
	group->siblings.others = 0;
	group->siblings.seen_at = 0;
	group->cgroup_id = cgroup_id;
	group_get(group->parent);
	ref.group = group;
	if (bpf_map_update_elem(&groups, &cgroup_id, &ref, BPF_NOEXIST)) {
		group_put(group);
		return NULL;
	}
	return group;
}

/* Forget a group that the kernel has ended and that no child scheduler stands for. */
static __always_inline void group_forget(struct group __arena *group)
{
	u64 cgroup_id = group->cgroup_id;

	if (group->inited || group->ghost)
		return;
	bpf_map_delete_elem(&groups, &cgroup_id);
	group_put(group);
}

static __always_inline void group_count_as(struct group __arena *group, u32 weight)
{
	group->counts = max(weight, 1U);
	group_changed(group);
}

static __always_inline void group_set_weight(struct group __arena *group, u32 weight)
{
	group->weight = max(group->fixed ?: weight, 1U);
	group_count_as(group, group->weight);
}

/* The same; by how much its part of what competes has grown. */
static __always_inline s64 group_reweigh(struct group __arena *group, u32 weight)
{
	u64 before = group->part;

	group_set_weight(group, weight);
	return group->part - before;
}

static __always_inline u64 cgroup_parent_id(struct cgroup *cgrp)
{
	struct cgroup *parent = BPF_CORE_READ(cgrp, self.parent, cgroup);

	return parent ? cgroup_id_of(parent) : 0;
}

static __always_inline struct group __arena *group_of(struct cgroup *cgrp, bool serialised)
{
	return group_make(cgroup_id_of(cgrp), cgroup_parent_id(cgrp), serialised);
}

/*
 * The group of @cgrp stands below that of the cgroup above from now on: a ghost outlives a controller that is
 * switched off and on again, and the groups above it do not.
 */
static __always_inline void group_set_parent(struct group __arena *group, struct cgroup *cgrp)
{
	struct group __arena *parent = group_or_top(cgroup_parent_id(cgrp)), *old = group->parent;
	u64 part;

	if (parent == old || parent == group)
		return;
	group_get(parent);
	part = __sync_lock_test_and_set(&group->part, 0);
	if (part)
		group_add(old, -(s64)part);
	group->parent = parent;
	group_changed(group);
	group_put(old);
}

#endif /* FIEF_GROUP_BPF_H */
