/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each participant of a scheduler is due at the moment: its share of what the level uses, between what the
 * policy promises it and allows it; and the clock, by which everybody's due time is early or late. Vocabulary and
 * writers: lib/parent/due.bpf.h.
 */
#ifndef FIEF_RATE_BPF_H
#define FIEF_RATE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/account.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/used.bpf.h"

/* A share below this is that of nobody who wants to run. */
#define DUE_SHARE_MIN (FIEF_CPU_UNIT / 256)

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

#endif /* FIEF_RATE_BPF_H */
