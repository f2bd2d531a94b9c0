/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler may do on each cid: it follows from the caps that are in effect there and from the
 * cid's plan.
 *
 * Writers: held and whole are written by who learns of caps (the root's init; sub_ecaps_updated); own, and
 * usable and exclusive of lib/queue/idle.bpf.h, follow in rights_update().
 */
#ifndef FIEF_RIGHTS_BPF_H
#define FIEF_RIGHTS_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/queue/idle.bpf.h"

/* Cids on which the baseline cap, and the cap to own, are in effect. */
cidmask_t held_cids;
cidmask_t whole_cids;

/* Held cids the plan gives this scheduler a part of for its own tasks. */
cidmask_t own_cids;

/* What follows from the caps on a cid and its plan: bits. */
#define RIGHT_OWN 1U
#define RIGHT_USABLE 2U
#define RIGHT_EXCLUSIVE 4U

FIEF_VERIFIED_ONCE u32 rights_now(s32 cid)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);
	bool held = cidmask_test(held_cids, cid), self;
	u32 rights = 0;

	touch_arena();
	self = plan_has_self(plan);
	if (held && self)
		rights |= RIGHT_OWN;
	if (held && (self || (plan->flags & FIEF_CID_LENT)))
		rights |= RIGHT_USABLE;
	if (self && plan->nr <= 1 && cidmask_test(whole_cids, cid))
		rights |= RIGHT_EXCLUSIVE;
	return rights;
}

FIEF_VERIFIED_ONCE int rights_set(s32 cid, u32 rights)
{
	cidmask_assign(own_cids, cid, rights & RIGHT_OWN);
	cidmask_assign(usable_cids, cid, rights & RIGHT_USABLE);
	cidmask_assign(exclusive_cids, cid, rights & RIGHT_EXCLUSIVE);
	return 0;
}

#define RIGHTS_TRIES 4

/*
 * Caps or plan of @cid have changed. Both may at once, on two CPUs: whoever finds that what it set
 * does not follow any more sets it again, so the last to finish has seen both.
 */
static __always_inline void rights_update(s32 cid)
{
	u32 rights = rights_now(cid), now, i;

	bpf_for(i, 0, RIGHTS_TRIES) {
		rights_set(cid, rights);
		now = rights_now(cid);
		if (rights == now)
			break;
		rights = now;
	}
}

#endif /* FIEF_RIGHTS_BPF_H */
