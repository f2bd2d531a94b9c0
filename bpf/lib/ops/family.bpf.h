/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a parent's plan when a child comes or goes, before the daemon has had its turn, or
 * without it.
 *
 * A child that attaches, whoever loaded it, has CPU time from its first moment: half of what the
 * parent itself has of one cid, and the baseline cap there and on all cids that are lent. When a child
 * goes its parts of cids fall to the parent. The daemon's next plan replaces both.
 *
 * Locking: the kernel runs sub_attach and sub_detach one at a time. A plan that is applied at the same
 * moment may undo what is done here; the event makes the daemon plan again.
 */
#ifndef FIEF_FAMILY_BPF_H
#define FIEF_FAMILY_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/ops/cpuctl.bpf.h"
#include "lib/ops/patrol.bpf.h"
#include "lib/parent/apply.bpf.h"
#include "lib/parent/call.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/parent/turn_timer.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/talk/events.bpf.h"
#include "lib/talk/notice.bpf.h"
#include "lib/talk/perf.bpf.h"

/*
 * The cgroup of a child counts among its siblings here, as a ghost, for as long as the child uses CPU
 * time: what that is worth is seen from its account.
 */
static __always_inline void ghost_appears(u64 cgroup_id, bool is_own)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(cgroup_id);
	struct group __arena *group;

	if (!cgrp)
		return;
	group = group_of(cgrp, false);
	if (group) {
		struct cgroup_knobs knobs = cgroup_knobs(cgrp);

		group->ghost = true;
		group->holds_limit = is_own;
		group_set_weight(group, knobs.weight);
		/* without memory for it the limit of a foreign child is not held */
		limit_set(group, knobs.period_us, is_own ? QUOTA_NONE : knobs.quota_us,
			  knobs.burst_us);
	}
	bpf_cgroup_release(cgrp);
}

static __always_inline void ghost_goes(u64 cgroup_id)
{
	struct group __arena *group = group_find(cgroup_id);

	if (!group || !group->ghost)
		return;
	ghost_set_active(group, false);
	group->ghost = false;
	group->fixed = 0;
	group->demand.cpus = 0;
	group->holds_limit = false;
	group_forget(group);
}

/* Is the scheduler that attaches one of fief's? Its name says so. */
static __always_inline bool is_own(const struct sched_ext_ops *ops)
{
	char name[sizeof("fief_")] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), ops->name);
	return !__builtin_memcmp(name, "fief_", sizeof("fief_") - 1);
}

struct cmask_room __arena start_cids;
struct cmask_room __arena start_refused;

static __always_inline void participant_clear(u32 slot)
{
	struct fief_participant __arena *participant = &slot_account(slot)->participant;

	participant->least = 0;
	participant->most = 0;
	participant->weight = 0;
	participant->flags = 0;
}

/* A slot for @cgroup_id: its own if it has one, else a free one; FIEF_SLOT_NONE: all are taken. */
static __always_inline u32 slot_take(u64 cgroup_id)
{
	u32 found = FIEF_SLOT_NONE, slot;

	bpf_for(slot, 1, FIEF_MAX_SLOTS) {
		u64 holder = slot_account(slot)->participant.cgroup_id;

		if (holder == cgroup_id)
			return slot;
		if (!holder && found == FIEF_SLOT_NONE)
			found = slot;
	}
	if (found != FIEF_SLOT_NONE) {
		participant_clear(found);
		slot_account(found)->participant.entitlement = FIEF_CPU_UNIT / 2;
		account_open(found, cgroup_id);
		state.nr_slots = max(state.nr_slots, found + 1);
	}
	return found;
}

/* Give half of this scheduler's own part of @cid to @slot. False: there is no room for it. */
static __always_inline bool plan_halve(s32 cid, u32 slot)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	u32 nr = plan_entries(plan), i;

	if (!nr) {
		plan->share[0].slot = FIEF_SLOT_SELF;
		plan->share[0].fraction = FIEF_CPU_UNIT;
		plan->flags = FIEF_CID_LENT;
		plan->nr = nr = 1;
	}
	if (nr >= FIEF_MAX_SHARERS)
		return false;
	bpf_for(i, 0, nr) {
		struct fief_share __arena *own = &plan->share[i & (FIEF_MAX_SHARERS - 1)];
		struct fief_share __arena *added = &plan->share[nr & (FIEF_MAX_SHARERS - 1)];
		u32 half = own->fraction / 2;

		if (own->slot != FIEF_SLOT_SELF)
			continue;
		added->slot = slot;
		added->fraction = half;
		own->fraction -= half;
		plan->nr = nr + 1;
		turn_reset(cid);
		rights_update(cid);
		return true;
	}
	return false;
}

/* The first cid of this scheduler's own that has room for one more, -1 if there is none. */
static __always_inline s32 plan_make_room(u32 slot)
{
	u32 cid;

	bpf_for(cid, 0, nr_cids) {
		if (cidmask_test(own_cids, cid) && plan_halve(cid, slot))
			return cid;
	}
	return -1;
}

static __always_inline void child_start(u64 cgroup_id)
{
	u32 slot = slot_take(cgroup_id), cid;
	s32 shared = slot == FIEF_SLOT_NONE ? -1 : plan_make_room(slot);

	if (slot == FIEF_SLOT_NONE)
		return;
	cmask_from_set(&start_cids, NULL);
	cmask_from_set(&start_refused, NULL);
	bpf_for(cid, 0, nr_cids) {
		if (cid == shared ||
		    (cidmask_test(held_cids, cid) && (cid_plan(cid)->flags & FIEF_CID_LENT)))
			start_cids.mask.bits[cidmask_word(cid)] |= cidmask_bit(cid);
	}
	scx_bpf_sub_grant(cgroup_id, FIEF_CAPS_SHARED, &start_cids.mask, &start_refused.mask);
	turn_timer_run();
}

/* Every part of a cid that is @slot's falls to this scheduler. */
static __noinline int plan_take_back(u32 cid, u32 slot)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	u32 nr = plan_entries(plan), i;

	touch_arena();
	bpf_for(i, 0, nr) {
		if (plan->share[i & (FIEF_MAX_SHARERS - 1)].slot != slot)
			continue;
		plan->share[i & (FIEF_MAX_SHARERS - 1)].slot = FIEF_SLOT_SELF;
		rights_update(cid);
		core_forget(cid);
	}
	return 0;
}

static __always_inline void child_end(u64 cgroup_id)
{
	u32 slot, cid;

	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS)) {
		if (slot_account(slot)->participant.cgroup_id != cgroup_id)
			continue;
		slot_account(slot)->participant.cgroup_id = 0;
		bpf_for(cid, 0, nr_cids) {
			plan_take_back(cid, slot);
			perf_back(cid, cgroup_id);
		}
		/* its tasks have come already, and its cids may have fallen idle before they were ours */
		patrol_soon();
		break;
	}
}

s32 FIEF_OP_SLEEPABLE(family_sub_attach, struct scx_sub_attach_args *args)
{
	u64 cgroup_id = args->ops->sub_cgroup_id;
	struct fief_event *event;

	touch_arena();
	ghost_appears(cgroup_id, is_own(args->ops));
	notice_make(cgroup_id);
	call_listen(cgroup_id);
	child_start(cgroup_id);
	event = event_reserve(FIEF_EVENT_CHILD_ATTACHED, cgroup_id);
	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->name, sizeof(event->name), args->ops->name);
	event_submit(event);
	return 0;
}

void FIEF_OP_SLEEPABLE(family_sub_detach, struct scx_sub_detach_args *args)
{
	u64 cgroup_id = args->ops->sub_cgroup_id;

	touch_arena();
	child_end(cgroup_id);
	ghost_goes(cgroup_id);
	notice_drop(cgroup_id);
	event_emit(FIEF_EVENT_CHILD_DETACHED, cgroup_id, 0);
}

#endif /* FIEF_FAMILY_BPF_H */
