/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The syscall programs through which the daemon changes and observes who holds what.
 *
 * fief_apply carries out a staged plan: first the dispatch table, so that from now on cids go to
 * their new owners, then the grant operations in the order the daemon gave them. Between the two a
 * cid may have a new owner that does not hold the cap yet; asking it is refused and costs nothing,
 * and the grant wakes the CPU.
 *
 * fief_kill ends one child.
 *
 * All three are associated with the struct_ops map (BPF_PROG_ASSOC_STRUCT_OPS), else the
 * sub-scheduler kfuncs do not know on whose behalf they run. The daemon runs one at a time; the
 * scratch masks below have no other user.
 */
#ifndef FIEF_APPLY_BPF_H
#define FIEF_APPLY_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/ops/patrol.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/parent/turn_timer.bpf.h"
#include "lib/talk/perf.bpf.h"

#define CMASK_WORDS (FIEF_MASK_WORDS + 1)

/* Room for a kernel cmask over all cids, starting at cid 0. */
struct cmask_room {
	struct scx_cmask mask;
	u64 words[CMASK_WORDS];
};

struct cmask_room __arena apply_cids;
struct cmask_room __arena apply_refused;

static __always_inline void cmask_from_set(struct cmask_room __arena *room,
					   const struct fief_cidset __arena *set)
{
	u32 w;

	room->mask.base = 0;
	room->mask.nr_cids = nr_cids;
	room->mask.alloc_words = CMASK_WORDS;
	bpf_for(w, 0, cidmask_words())
		room->mask.bits[w] = set ? set->bits[w] : 0;
}

static __always_inline void set_from_cmask(struct fief_cidset __arena *set,
					   const struct cmask_room __arena *room)
{
	u32 w;

	bpf_for(w, 0, cidmask_words())
		set->bits[w] = room->mask.bits[w];
}

/* Who may say how fast the cids of @op are to be, now that it has been carried out. */
static __noinline int perf_follow(u32 index)
{
	struct fief_op __arena *op = &state.ops[index & (FIEF_MAX_OPS - 1)];
	u32 cid;

	touch_arena();
	bpf_for(cid, 0, nr_cids) {
		u32 word = cidmask_word(cid);

		if (!(op->cids.bits[word] & ~op->refused.bits[word] & cidmask_bit(cid)))
			continue;
		if (op->kind == FIEF_OP_GRANT)
			perf_given(cid, op->cgroup_id);
		else
			perf_back(cid, op->cgroup_id);
	}
	return 0;
}

/* One grant or revoke; the outcome is written back into @op. */
static __noinline int apply_op(u32 index)
{
	struct fief_op __arena *op = &state.ops[index & (FIEF_MAX_OPS - 1)];

	touch_arena();
	cmask_from_set(&apply_cids, &op->cids);
	cmask_from_set(&apply_refused, NULL);
	if (op->kind == FIEF_OP_REVOKE) {
		scx_bpf_sub_revoke(op->cgroup_id, op->caps, &apply_cids.mask);
		op->result = 0;
	} else if (op->kind == FIEF_OP_GRANT) {
		op->result = scx_bpf_sub_grant(op->cgroup_id, op->caps, &apply_cids.mask,
					       &apply_refused.mask);
	} else {
		op->result = -EINVAL;
	}
	set_from_cmask(&op->refused, &apply_refused);
	if (op->caps & FIEF_CAP_PERF)
		perf_follow(index);
	return op->result;
}

/* Replace one cid's plan. True: it has changed. */
static __noinline int apply_cid(u32 cid)
{
	struct fief_cid_plan __arena *live = &state.cids[cid & (FIEF_MAX_CIDS - 1)];
	struct fief_cid_plan __arena *staged = &state.staged_cids[cid & (FIEF_MAX_CIDS - 1)];
	bool changed = live->nr != staged->nr || live->flags != staged->flags;
	u32 nr = min(max(live->nr, staged->nr), FIEF_MAX_SHARERS), i;

	touch_arena();
	bpf_for(i, 0, nr) {
		changed |= live->share[i].slot != staged->share[i].slot ||
			   live->share[i].fraction != staged->share[i].fraction;
		live->share[i].slot = staged->share[i].slot;
		live->share[i].fraction = staged->share[i].fraction;
	}
	live->nr = staged->nr;
	live->flags = staged->flags;
	if (!changed)
		return 0;
	turn_reset(cid);
	rights_update(cid);
	core_forget(cid);
	return 1;
}

/* Slots [0, nr_slots) are those of the plan to come; what was in use beyond is freed. */
static __always_inline void apply_slots(u32 nr_slots)
{
	u32 nr = min(max(nr_slots, state.nr_slots), FIEF_MAX_SLOTS), i;

	bpf_for(i, 0, nr) {
		struct fief_slot __arena *slot = &state.slots[i];
		u64 cgroup_id = i < nr_slots ? state.staged_slots[i].cgroup_id : 0;

		slot->participant.entitlement = state.staged_slots[i].entitlement;
		slot->participant.least = state.staged_slots[i].least;
		slot->participant.most = state.staged_slots[i].most;
		slot->participant.weight = state.staged_slots[i].weight;
		slot->participant.flags = state.staged_slots[i].flags;
		notice_lends_cores(cgroup_id, lends_cores || (slot->participant.flags &
							      FIEF_PARTICIPANT_LENDS_CORES));
		if (slot->participant.cgroup_id != cgroup_id)
			account_open(i, cgroup_id);
	}
}

SEC("syscall")
int fief_apply(struct fief_apply_args *args)
{
	u32 nr_ops = min(args->nr_ops, FIEF_MAX_OPS), i;
	bool changed = false;

	touch_arena();
	apply_slots(args->nr_slots);
	state.nr_slots = min(args->nr_slots, FIEF_MAX_SLOTS);
	bpf_for(i, 0, nr_cids)
		changed |= apply_cid(i);
	state.plan_number = args->plan_number;
	if (has_children())
		turn_timer_run();
	if (changed)
		patrol_soon();
	bpf_for(i, 0, nr_ops)
		apply_op(i);
	return 0;
}

static __noinline int observe_slot(u32 slot, u64 cgroup_id)
{
	struct fief_caps_view __arena *view = &state.caps[slot & (FIEF_MAX_SLOTS - 1)];
	u32 cap;

	touch_arena();
	view->cgroup_id = cgroup_id;
	bpf_for(cap, 0, FIEF_NR_CAPS) {
		cmask_from_set(&apply_cids, NULL);
		view->result = scx_bpf_sub_caps(cgroup_id, 1U << cap, &apply_cids.mask);
		if (view->result)
			return view->result;
		set_from_cmask(&view->held[cap & (FIEF_NR_CAPS - 1)], &apply_cids);
	}
	return 0;
}

/* Fill state.caps[0..nr_slots): what this scheduler and the staged slots' children hold. */
SEC("syscall")
int fief_observe(struct fief_apply_args *args)
{
	u32 nr_slots = min(args->nr_slots, FIEF_MAX_SLOTS), slot;

	touch_arena();
	bpf_for(slot, 0, nr_slots)
		observe_slot(slot, slot ? state.staged_slots[slot].cgroup_id : 0);
	state_refresh_online();
	return 0;
}

/* End a direct child, whoever attached it; its tasks come back and its cids with them. */
SEC("syscall")
int fief_kill(struct fief_kill_args *args)
{
	static char format[] = "%s";
	unsigned long long reason[] = {(unsigned long long)args->reason};

	touch_arena();
	args->result = scx_bpf_sub_kill_bstr(args->cgroup_id, format, reason, sizeof(reason));
	return 0;
}

#endif /* FIEF_APPLY_BPF_H */
