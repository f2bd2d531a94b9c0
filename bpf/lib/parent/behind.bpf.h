/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has had less than it is due, by more than turns of ordinary length explain: the list from which dispatches
 * choose whose turn comes before its turn. Vocabulary and writers: lib/parent/due.bpf.h.
 */
#ifndef FIEF_BEHIND_BPF_H
#define FIEF_BEHIND_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/account.bpf.h"
#include "lib/parent/rate.bpf.h"

#define DUE_LAG_NS (50 * NSEC_PER_MSEC)
/* So far behind is more than what turns of ordinary length explain. */
#define DUE_BEHIND_NS (20 * NSEC_PER_MSEC)

/* So far behind it is of use to call for a cid, see lib/parent/call.bpf.h. */
#define CALL_BEHIND_NS (10 * NSEC_PER_MSEC)

/* Slots, as bits: sets of cids have room for them. */
cidmask_t behind_slots;

/* Some of them, for dispatches to choose from: others in turn where there are more. By the turn timer; a
 * dispatch that reads it meanwhile may find one twice, or one that has caught up. */
#define BEHIND_LISTED 8 /* a power of two */
u32 behind_list[BEHIND_LISTED];
u32 nr_behind;
u32 behind_number; /* of the list: another with every look */
u32 behind_from; /* the slot that the list begins with, or the next */

/* Has the participant of @slot had so much less than it is due that it may take others' CPUs when it wakes? */
static __always_inline bool due_sooner(u32 slot)
{
	return !slot_keeps(slot) && vtime_before(slot_due(slot)->vtime, due_clock - CALL_BEHIND_NS);
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

#endif /* FIEF_BEHIND_BPF_H */
