/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that are away: their affinity leaves them none of the cids that are whole this scheduler's, only some
 * where others come first. What their scheduler has elsewhere is of no use to them, so it tells its parent on
 * which cids such wait or run, and the parent lets it have turns there (lib/parent/away.bpf.h).
 *
 * Writers: enqueue of a task with its rq locked, and the ops that end its stay; the counts and the notice
 * atomically.
 */
#ifndef FIEF_QUEUE_AWAY_BPF_H
#define FIEF_QUEUE_AWAY_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/talk/notice.bpf.h"

/* How many runnable tasks are away on each cid. */
u32 __arena away_tasks[FIEF_MAX_CIDS];

static __always_inline u32 __arena *away_tasks_on(u32 cid)
{
	return &away_tasks[cid & (FIEF_MAX_CIDS - 1)];
}

static __always_inline void away_leave(struct task_ctx *tctx)
{
	u32 cid = tctx->away - 1;

	if (!tctx->away)
		return;
	tctx->away = 0;
	if (__sync_fetch_and_add(away_tasks_on(cid), -1) == 1)
		notice_away(cid, away_tasks_on(cid));
}

static __always_inline void away_join(struct task_ctx *tctx, u32 cid)
{
	if (tctx->away == cid + 1)
		return;
	away_leave(tctx);
	tctx->away = cid + 1;
	if (__sync_fetch_and_add(away_tasks_on(cid), 1) == 0)
		notice_away(cid, away_tasks_on(cid));
}

/* @p is to wait for @home; @whole are the cids that are this scheduler's alone. */
static __always_inline void away_follow(const struct task_struct *p, struct task_ctx *tctx,
					s32 home, const u64 *whole)
{
	if (home >= 0 && p->nr_cpus_allowed < (s32)nr_cids &&
	    cidmask_first_and(tctx->allowed, whole) < 0)
		away_join(tctx, home);
	else
		away_leave(tctx);
}

#endif /* FIEF_QUEUE_AWAY_BPF_H */
