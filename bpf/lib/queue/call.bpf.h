/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A task has woken, and where it may run others are running: on cids that are lent or shared, so that this
 * scheduler may not take them. It calls its parent, which knows who there has had more than it is due and may take
 * the cid for it (lib/parent/call.bpf.h), rather than wait for the end of a turn.
 *
 * A call is a timer in the notice of this scheduler that the parent has set up, its callback is the parent's: that
 * is the only way in 7.3 in which one scheduler runs another's program. The parent says beforehand whether a call
 * can lead to anything (struct fief_notice, due_sooner), so who has what it is due calls nobody.
 *
 * Writers: wanted and calls by enqueue, on any CPU, atomically.
 */
#ifndef FIEF_QUEUE_CALL_BPF_H
#define FIEF_QUEUE_CALL_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/talk/notice.bpf.h"

/* Cids of @allowed, one word of them, on which neither anybody of ours runs nor nobody at all. */
static __always_inline u64 others_run_on(const struct fief_cidset *allowed, u32 w)
{
	return allowed->bits[w] & usable_cids[w] & ~busy_cids[w] & ~idle_cids[w];
}

static __always_inline bool others_run(const struct fief_cidset *allowed)
{
	u32 words = cidmask_words(), w;

	if (words == 1)
		return others_run_on(allowed, 0);
	bpf_for(w, 0, words) {
		if (others_run_on(allowed, w & (FIEF_MASK_WORDS - 1)))
			return true;
	}
	return false;
}

/* Ask the parent for one of @allowed where others run. False: there is none, or it is of no use. */
FIEF_VERIFIED_ONCE int call_parent(struct fief_cidset *allowed)
{
	u32 words = cidmask_words(), w;
	struct fief_notice *notice;

	touch_arena();
	if (!allowed || !state.cgroup_id || !others_run(allowed))
		return false;
	notice = notice_own();
	if (!notice || !notice->due_sooner)
		return false;
	bpf_for(w, 0, words) {
		u32 i = w & (FIEF_MASK_WORDS - 1);

		__sync_fetch_and_or(&notice->wanted[i], others_run_on(allowed, i));
	}
	return notice_call(notice);
}

#endif /* FIEF_QUEUE_CALL_BPF_H */
