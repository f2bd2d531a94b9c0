/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cores that are lent as a whole: who owns both threads of a core may keep others off the one while it runs on
 * the other ("lend": "cores", fief-policy(5)). What the two threads share, they do not share with strangers.
 *
 * Vocabulary:
 *   sibling   the other thread of a cid's core
 *   kept      a cid on whose sibling its owner runs, who lends whole cores
 *
 * All of fief's schedulers look at one map, which the loader makes children share with the root: an owner
 * writes to it, and whoever would put somebody else's task on a kept cid lets it be.
 *
 * Writers: the bit of a cid is set by its owner when a task of it starts on the sibling, and cleared when the
 * sibling falls idle or is lent, each on the sibling's CPU. A borrower that came in between is sent away by the
 * owner's kick, or at the next look of its parent's timer.
 */
#ifndef FIEF_CORE_BPF_H
#define FIEF_CORE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/talk/notice.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fief_cidset);
} kept_cids SEC(".maps");

/* NULL where no core has more than one thread: nothing is kept there. */
static __always_inline struct fief_cidset *kept_set(void)
{
	u32 key = 0;

	return has_smt ? bpf_map_lookup_elem(&kept_cids, &key) : NULL;
}

/* The other thread of @cid's core; -1: there is none, or more than one. */
static __always_inline s32 core_sibling(s32 cid)
{
	if (cidmask_test(core_paired, cid))
		return cid + 1;
	if (cid > 0 && !cidmask_test(core_first, cid) && cidmask_test(core_paired, cid - 1))
		return cid - 1;
	return -1;
}

/* Is @cid not to be lent now? */
static __always_inline bool cid_kept(s32 cid)
{
	struct fief_cidset *kept = kept_set();

	return kept && cidmask_test(kept->bits, cid);
}

/* Those of a word of cids that are not to be lent now. */
static __always_inline u64 kept_word(u32 w)
{
	struct fief_cidset *kept = kept_set();

	return kept ? kept->bits[w & (FIEF_MASK_WORDS - 1)] : 0;
}

/* This scheduler lends its cores as a whole. Written by a timer, since every task that starts asks for it. */
bool lends_cores;

/* @cids of this scheduler's are kept no more. */
static __always_inline void core_give_up(const u64 *cids)
{
	struct fief_cidset *kept = kept_set();
	u32 w;

	if (!kept)
		return;
	bpf_for(w, 0, cidmask_words()) {
		u32 i = w & (FIEF_MASK_WORDS - 1);

		__sync_fetch_and_and(&kept->bits[i], ~cids[i]);
	}
}

/* Follow what the parent has told of that; @own are the cids that are whole this scheduler's. */
static __always_inline void core_follow(const u64 *own)
{
	struct fief_notice *notice = has_smt ? notice_own() : NULL;
	bool lends = notice && notice->lends_cores;

	if (lends_cores && !lends)
		core_give_up(own);
	lends_cores = lends;
}

/*
 * A task of ours starts on @cid: others are to stay off its sibling. True: they were not kept off before, and
 * somebody may be there.
 */
static __always_inline bool core_keep(s32 sibling)
{
	struct fief_cidset *kept = kept_set();

	if (!kept || cidmask_test(kept->bits, sibling))
		return false;
	cidmask_set(kept->bits, sibling);
	return true;
}

/* @cid has another owner, or another plan: who runs beside it now says anew what is to be kept. */
static __always_inline void core_forget(s32 cid)
{
	struct fief_cidset *kept = kept_set();

	if (kept)
		cidmask_clear(kept->bits, cid);
}

/* @cid is idle, or somebody else's for now: who waits for its sibling, if that is idle, may have it. */
static __always_inline void core_let_go(s32 cid)
{
	struct fief_cidset *kept = kept_set();
	s32 sibling = kept ? core_sibling(cid) : -1;

	if (!kept || sibling < 0 || !cidmask_test(kept->bits, sibling))
		return;
	cidmask_clear(kept->bits, sibling);
	scx_bpf_kick_cid(sibling, SCX_KICK_IDLE);
}

#endif /* FIEF_CORE_BPF_H */
