/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Children that limits keep back, their own or those of cgroups above them: they are told so and get no turns until
 * there is a budget again, but for one task at times that has waited for long.
 *
 * Writers: held_slots and slot_graced_at by dispatches; the timer of lib/parent/release.bpf.h takes out who may
 * run again.
 */
#ifndef FIEF_HELD_BPF_H
#define FIEF_HELD_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/account.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/talk/notice.bpf.h"

/* Slots of children that limits keep back (a set of slots, of fewer than there may be cids). */
cidmask_t held_slots;

/* A child that is kept back lets one task go so often, while any has waited too long there. */
#define GRACE_TURN_NS (5 * NSEC_PER_MSEC)
/* One that tells nothing is asked so often: what it lets go runs for a turn. */
#define GRACE_ASK_NS (2 * NSEC_PER_SEC)

/* When a task of each slot's child was last let go, CLOCK_MONOTONIC ns. A race lets one more go. */
u64 __arena slot_graced_at[FIEF_MAX_SLOTS];

/* May a task of a child that is kept back run for a moment? It is over before its watchdog minds. */
static __always_inline bool child_graced(u32 slot)
{
	u64 __arena *graced_at = &slot_graced_at[slot & (FIEF_MAX_SLOTS - 1)];
	u64 now = bpf_ktime_get_ns();
	u64 every = slot_waiting[slot & (FIEF_MAX_SLOTS - 1)] ? GRACE_TURN_NS : GRACE_ASK_NS;

	if (vtime_before(now, *graced_at + every))
		return false;
	*graced_at = now;
	return true;
}

/* Whether a limit, its own or one above it, keeps the child of @slot back; it is told if so. */
static __always_inline bool child_held_back(u32 slot)
{
	struct group __arena *limiter = limit_throttled(slot_group(slot));
	struct fief_notice *notice;

	/* what a dispatch charges is at times too much: by what was really used there may be some left */
	if (limiter) {
		due_settle(slot);
		limiter = limit_throttled(slot_group(slot));
	}
	if (!limiter)
		return false;
	if (!cidmask_test(held_slots, slot)) {
		cidmask_set(held_slots, slot);
		notice = notice_of(slot_account(slot)->participant.cgroup_id);
		if (notice)
			notice->held_back = 1;
	}
	park_watch(limiter);
	return !child_graced(slot);
}

/* The children that limits keep back: let those go that have a budget again. ns until the next look. */
FIEF_VERIFIED_ONCE u64 children_release(void)
{
	u64 now = bpf_ktime_get_ns(), wait = ~0ULL;
	bool released = false;
	u32 slot;

	touch_arena();
	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS)) {
		struct group __arena *limiter;
		struct fief_notice *notice;

		if (!cidmask_test(held_slots, slot))
			continue;
		limiter = limit_throttled(slot_group(slot));
		if (limiter) {
			wait = min(wait, limit_wait(limiter, now));
			continue;
		}
		cidmask_clear(held_slots, slot);
		notice = notice_of(slot_account(slot)->participant.cgroup_id);
		if (notice)
			notice->held_back = 0;
		released = true;
	}
	if (released)
		idle_kick_all();
	return wait;
}

#endif /* FIEF_HELD_BPF_H */
