/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ops through which the kernel tells of the cpu controller: which cgroups there are, their
 * cpu.weight, cpu.idle and cpu.max, and which tasks move between them.
 *
 * A scheduler is told of its own cgroup and all below it (cpuctl_init), but what is written for its own
 * cgroup is told to the parent scheduler alone. So it reads that itself, see cpuctl_poll().
 * Locking: the kernel runs init and exit one at a time, the set ops of two cgroups side by side. The list of
 * those to be read again is written without a lock: one that is lost there is read when it is written next.
 */
#ifndef FIEF_CPUCTL_BPF_H
#define FIEF_CPUCTL_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/activity.bpf.h"
#include "lib/queue/core.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/talk/events.bpf.h"
#include "lib/talk/notice.bpf.h"

/* What user space has written for a cgroup; the defaults where it has no cpu controller. */
struct cgroup_knobs {
	u64 period_us, quota_us, burst_us;
	u32 weight; /* on the kernel's scale; WEIGHT_IDLE with cpu.idle */
};

/*
 * The weight is that of the kernel's own scheduler (tg->shares), which is what cpu.weight shows: when
 * cpu.idle is switched off the kernel makes it 100, and tells sched_ext nothing of that.
 */
static __always_inline struct cgroup_knobs cgroup_knobs(struct cgroup *cgrp)
{
	struct cgroup_knobs knobs = {.weight = WEIGHT_NICE_0, .quota_us = QUOTA_NONE};
	u32 id = bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id);
	struct cgroup_subsys_state *css = NULL;
	struct task_group *tg;

	bpf_core_read(&css, sizeof(css), &cgrp->subsys[id]);
	if (!css)
		return knobs;
	tg = (void *)css - bpf_core_field_offset(struct task_group, css);
	knobs.weight = BPF_CORE_READ(tg, shares) >> SHARES_SHIFT;
	knobs.period_us = BPF_CORE_READ(tg, scx.bw_period_us);
	knobs.quota_us = BPF_CORE_READ(tg, scx.bw_quota_us);
	knobs.burst_us = BPF_CORE_READ(tg, scx.bw_burst_us);
	return knobs;
}

s32 FIEF_OP_SLEEPABLE(cpuctl_init, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	struct group __arena *group;

	touch_arena();
	group = group_of(cgrp, true);
	/* without memory for it, its tasks count to the top: no reason to fail a mkdir, or to end */
	if (!group)
		return 0;
	group->inited = true;
	group_set_parent(group, cgrp);
	group_set_weight(group, cgroup_knobs(cgrp).weight);
	/* a limit of our own cgroup is followed from a timer, where no queue can be made */
	if (group->cgroup_id == state.cgroup_id)
		limit_make_queue(group);
	if (!group->holds_limit)
		limit_set(group, args->bw_period_us, args->bw_quota_us, args->bw_burst_us);
	return 0;
}

void FIEF_OP_SLEEPABLE(cpuctl_exit, struct cgroup *cgrp)
{
	struct group __arena *group;

	touch_arena();
	group = group_find(cgroup_id_of(cgrp));
	if (!group)
		return;
	group->inited = false;
	limit_set_limited(group, false);
	park_look_in(0);
	group_forget(group);
}

/* cpu.weight or cpu.idle of @cgrp has changed: its siblings' shares move at once. */
static __always_inline void cpuctl_reweigh(struct cgroup *cgrp)
{
	u32 weight = cgroup_knobs(cgrp).weight;
	u64 cgroup_id = cgroup_id_of(cgrp);
	struct group __arena *group = group_find(cgroup_id);

	if (group)
		siblings_reweigh(group, group_reweigh(group, weight));
	event_emit(FIEF_EVENT_WEIGHT_CHANGED, cgroup_id, cpu_weight(weight));
}

/*
 * Cgroups whose cpu.idle has been cleared, by id: the kernel made their weight 100 and told nobody, and when
 * the weight is written that it has told last, it tells nobody again. A timer reads them.
 */
#define READ_AGAIN 64
u64 read_again[READ_AGAIN];

static __always_inline void cpuctl_note_unsure(u64 cgroup_id)
{
	read_again[cgroup_id % READ_AGAIN] = cgroup_id;
}

FIEF_VERIFIED_ONCE int cpuctl_read_one(u32 index)
{
	u64 cgroup_id = read_again[index % READ_AGAIN];
	struct group __arena *group = group_find(cgroup_id);
	struct cgroup *cgrp = group ? bpf_cgroup_from_id(cgroup_id) : NULL;

	touch_arena();
	if (!cgrp || !group) {
		read_again[index % READ_AGAIN] = 0;
		return 0;
	}
	if (group->weight != cgroup_knobs(cgrp).weight && !group->fixed)
		cpuctl_reweigh(cgrp);
	bpf_cgroup_release(cgrp);
	return 0;
}

static __always_inline void cpuctl_read_again(void)
{
	u32 i;

	bpf_for(i, 0, READ_AGAIN) {
		if (read_again[i % READ_AGAIN])
			cpuctl_read_one(i);
	}
}

void FIEF_OP(cpuctl_set_weight, struct cgroup *cgrp, u32 weight)
{
	touch_arena();
	cpuctl_reweigh(cgrp);
}

void FIEF_OP(cpuctl_set_idle, struct cgroup *cgrp, bool idle)
{
	touch_arena();
	if (!idle)
		cpuctl_note_unsure(cgroup_id_of(cgrp));
	cpuctl_reweigh(cgrp);
}

void FIEF_OP_SLEEPABLE(cpuctl_set_bandwidth, struct cgroup *cgrp, u64 period_us, u64 quota_us,
		       u64 burst_us)
{
	u64 cgroup_id = cgroup_id_of(cgrp);
	struct group __arena *group;

	touch_arena();
	group = group_find(cgroup_id);
	if (group && !group->holds_limit && limit_set(group, period_us, quota_us, burst_us))
		fief_error("no memory for the limit of cgroup %llu", cgroup_id);
	park_look_in(0);
	event_emit(FIEF_EVENT_WEIGHT_CHANGED, cgroup_id, cpu_weight(cgroup_knobs(cgrp).weight));
}

/* @p is neither queued nor running. */
void FIEF_OP(cpuctl_move, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx)
		return;
	task_exit(tctx);
	task_join(tctx, cgroup_id_of(to));
}

/* Has @cgrp or a cgroup above it a limit? */
static __always_inline bool cgroup_limited(struct cgroup *cgrp)
{
	u32 i;

	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		if (!cgrp)
			break;
		if (cgroup_knobs(cgrp).quota_us != QUOTA_NONE)
			return true;
		cgrp = BPF_CORE_READ(cgrp, self.parent, cgroup);
	}
	return false;
}

/* Follow what is written for this scheduler's own cgroup. From a timer, so within its interval. */
static __always_inline void cpuctl_poll(void)
{
	struct group __arena *group;
	struct cgroup_knobs knobs;
	struct cgroup *cgrp;

	group = state.cgroup_id ? group_find(state.cgroup_id) : NULL;
	cgrp = group ? bpf_cgroup_from_id(state.cgroup_id) : NULL;
	if (!cgrp)
		return;
	knobs = cgroup_knobs(cgrp);
	limited_above = cgroup_limited(cgrp);
	core_follow(exclusive_cids);
	bpf_cgroup_release(cgrp);
	if (limit_follow(group, knobs.period_us, knobs.quota_us, knobs.burst_us))
		park_look_in(0);
}

#endif /* FIEF_CPUCTL_BPF_H */
