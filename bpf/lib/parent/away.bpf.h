/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns for tasks that may run only where the plan gives their scheduler nothing: threads bound to a CPU each,
 * of which some are others'. On a lent cid they and the owner divide by what both are due of the level. Nobody
 * has more of the machine for it: what the owner loses here it takes back where the others have had more
 * (lib/parent/due.bpf.h).
 *
 * Vocabulary:
 *   away     a participant with tasks that wait for a cid, or run there, and may run on none that is whole its
 *            own: children tell (lib/queue/away.bpf.h); of this scheduler's own tasks, those in a pinned queue
 *   owed     what it should have had of the cid and has not, ns; below 0: it has had more
 *
 * Where several are away on a cid, they have their turns one after the other.
 *
 * Writers: slot and next by the turn timer; owed and last by the cid's own CPU with its rq locked.
 */
#ifndef FIEF_PARENT_AWAY_BPF_H
#define FIEF_PARENT_AWAY_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/due.bpf.h"
#include "lib/talk/notice.bpf.h"

/* A turn is for so much, and nobody is owed more than some. Signed, as what they are compared with. */
#define AWAY_TURN_NS ((s64)(2 * NSEC_PER_MSEC))
#define AWAY_OWED_MAX_NS ((s64)(20 * NSEC_PER_MSEC))
/* More than makes one come before its turn, and well within the lag that lib/parent/behind.bpf.h allows: what is
 * cut off there would be lost. */
#define AWAY_FAR_NS (DUE_BEHIND_NS + DUE_BEHIND_NS / 2)

struct away {
	s64 owed;
	u16 slot; /* who is away here, and has the next turn; FIEF_SLOT_NONE: nobody */
	u16 last; /* who had the last one */
	u16 next; /* of those found so far in this look */
	u16 pad;
};

struct away __arena aways[FIEF_MAX_CIDS];

/* Whether the last look has found any. */
bool away_any;

/* Cids on whose pinned queue tasks of this scheduler wait. */
cidmask_t pinned_cids;

static __always_inline struct away __arena *cid_away(s32 cid)
{
	return &aways[(u32)cid & (FIEF_MAX_CIDS - 1)];
}

static __always_inline void away_reset(s32 cid)
{
	cid_away(cid)->slot = FIEF_SLOT_NONE;
	cid_away(cid)->last = FIEF_SLOT_NONE;
	cid_away(cid)->next = FIEF_SLOT_NONE;
}

/* @slot is away on @cid: it comes next if no other between the last one and it does. */
static __always_inline void away_found(s32 cid, u32 slot)
{
	struct away __arena *away = cid_away(cid);

	/* no slot comes after FIEF_SLOT_NONE */
	if (away->next == FIEF_SLOT_NONE || (away->next <= away->last && away->last < slot))
		away->next = slot;
}

/* Where the child of @slot is away. Slots are looked at in ascending order. */
FIEF_VERIFIED_ONCE bool away_look(u32 slot)
{
	struct fief_notice *notice = notice_of(slot_account(slot)->participant.cgroup_id);
	u32 cid;

	touch_arena();
	if (!notice || !notice->nr_away)
		return false;
	bpf_for(cid, 0, nr_cids) {
		if (notice->away[cid / 64 & (FIEF_MASK_WORDS - 1)] & (1ULL << (cid & 63)))
			away_found(cid, slot);
	}
	return true;
}

/* Where this scheduler itself is. */
FIEF_VERIFIED_ONCE bool away_look_self(void)
{
	bool any = false;
	u32 cid;

	touch_arena();
	if (cidmask_first(pinned_cids) < 0)
		return false;
	bpf_for(cid, 0, nr_cids) {
		if (!cidmask_test(pinned_cids, cid))
			continue;
		away_found(cid, FIEF_SLOT_SELF);
		any = true;
	}
	return any;
}

FIEF_VERIFIED_ONCE int away_settle(void)
{
	u32 cid;

	touch_arena();
	bpf_for(cid, 0, nr_cids) {
		struct away __arena *away = cid_away(cid);

		away->slot = away->next;
		away->next = FIEF_SLOT_NONE;
		if (away->slot == FIEF_SLOT_NONE)
			away->owed = 0;
	}
	return 0;
}

/* By the turn timer. */
static __always_inline void away_look_at_all(void)
{
	bool any = away_look_self();
	u32 slot;

	bpf_for(slot, 1, slots_in_use())
		any |= slot_in_use(slot) && away_look(slot);
	if (any || away_any)
		away_settle();
	away_any = any;
}

/* What @slot is due of the time that it and @owner divide, in 1/FIEF_CPU_UNIT. */
static __always_inline u64 away_fraction(u32 slot, u32 owner)
{
	u64 share = slot_due(slot)->awake_share, others = slot_due(owner)->awake_share;

	return share * FIEF_CPU_UNIT / (share + others ?: 1);
}

/* @slot has used @used ns of @cid, which is @owner's. */
static __always_inline void away_charge(s32 cid, u32 owner, u32 slot, u64 used)
{
	struct away __arena *away = cid_away(cid);
	s64 time = min(used, (u64)AWAY_OWED_MAX_NS), owed;

	if (!away_any || away->slot == FIEF_SLOT_NONE)
		return;
	owed = away->owed + time * away_fraction(away->slot, owner) / FIEF_CPU_UNIT;
	if (slot == away->slot)
		owed -= time;
	away->owed = max(min(owed, AWAY_OWED_MAX_NS), -AWAY_OWED_MAX_NS);
}

/*
 * Is @slot away on @cid, and has had there what it is due of that? One that is far behind for all that has not
 * enough elsewhere: it may have more. Of this scheduler's own tasks those bound here say little of the others.
 */
static __always_inline bool away_had_its_part(s32 cid, u32 slot)
{
	struct away __arena *away = cid_away(cid);

	return away_any && slot != FIEF_SLOT_SELF && away->slot == slot &&
	       away->owed < AWAY_TURN_NS &&
	       !vtime_before(slot_due(slot)->vtime + AWAY_FAR_NS, due_clock);
}

#endif /* FIEF_PARENT_AWAY_BPF_H */
