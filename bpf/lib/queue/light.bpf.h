/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wake-ups beside tasks that weigh next to nothing, of SCHED_IDLE or far up in nice: nobody waits for the end of
 * their slice. Linux has it alike (wakeup_preempt_fair, kernel/sched/fair.c).
 *
 * Writers: light_cids by the cid's own CPU when such a task starts or stops, and by a waker that takes it, so
 * that the next one takes another.
 */
#ifndef FIEF_LIGHT_BPF_H
#define FIEF_LIGHT_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/task.bpf.h"

/* A task is light at a sixteenth of the weight of nice 0: nice 13 and above. */
#define WEIGHT_LIGHT (WEIGHT_NICE_0 / 16)

/* Cids on which a light task of this scheduler runs. */
cidmask_t light_cids;

static __always_inline bool task_light(const struct task_struct *p)
{
	return task_weight(p) <= WEIGHT_LIGHT;
}

static __always_inline void light_started(const struct task_struct *p, s32 cid)
{
	if (task_light(p))
		cidmask_set(light_cids, cid);
}

static __always_inline void light_stopped(s32 cid)
{
	if (cidmask_test(light_cids, cid))
		cidmask_clear(light_cids, cid);
}

/* The first cid that @tctx may use, of those that are whole this scheduler's, on which a light task runs. -1: none. */
static __always_inline s32 light_cid(const struct task_ctx *tctx, const u64 *whole)
{
	u32 words = cidmask_words(), i;

	if (words == 1 && !light_cids[0])
		return -1;
	bpf_for(i, 0, words) {
		u64 found = tctx->allowed[i & (FIEF_MASK_WORDS - 1)] &
			    whole[i & (FIEF_MASK_WORDS - 1)] &
			    light_cids[i & (FIEF_MASK_WORDS - 1)];

		if (found)
			return i * 64 + __builtin_ctzll(found);
	}
	return -1;
}

/* @p has woken, and all cids are busy: it takes that of a light task, where there is one. */
static __always_inline void light_preempt(const struct task_struct *p, const struct task_ctx *tctx,
					  const u64 *whole)
{
	s32 cid = task_light(p) ? -1 : light_cid(tctx, whole);

	if (cid < 0)
		return;
	cidmask_clear(light_cids, cid);
	count(wake_preempts);
	scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
}

#endif /* FIEF_LIGHT_BPF_H */
