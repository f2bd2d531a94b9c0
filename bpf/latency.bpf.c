/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency: a child scheduler for tasks that somebody waits for.
 *
 * What it is for: request handlers, audio, interactive work. Short slices, the earliest virtual
 * deadline among eligible tasks first, and a task that wakes takes the CPU of the task of ours whose
 * deadline is latest, if its own is clearly earlier.
 *
 * Vocabulary:
 *   deadline   the virtual time at which a task should have had its next slice: its virtual time and
 *              one slice by its weight
 *   eligible   has not had more than its due: its virtual time is not ahead of the queue's clock
 * Reference: Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First", Old Dominion
 * University TR-95-22, 1995; the clock stands in for the weighted mean of virtual times.
 *
 * Maps, locking, and how it meets its caps: lib/ops/child.bpf.h. running_deadlines: written by the CPU
 * that starts a task; a waker that takes the CPU marks it taken, so that the next waker takes
 * another. A lost race costs one preemption too many or too few.
 */
#define CHILD_NAME "fief_latency"
#define SLICE_US 1000
#define VQUEUE_KEY(p, tctx, vtime) latency_deadline(p, tctx, vtime)
#define VQUEUE_TAKE(llc, cid) latency_take(llc, cid)
#define TASK_STARTED(p, tctx, cid) latency_started(p, tctx, cid)
#define CHILD_WAKE_PREEMPT(p, tctx, home) latency_wake_preempt(p, tctx, home)

#include "lib/core/cidmask.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"

/* Tasks looked at for an eligible one before the first is taken as it is. */
#define LATENCY_SCAN 8

u64 running_deadlines[FIEF_MAX_CIDS];

static __always_inline u64 latency_deadline(const struct task_struct *p,
					    const struct task_ctx *tctx, u64 vtime)
{
	return vtime + task_scale(p, tctx, slice_ns());
}

static __always_inline bool latency_take(u32 llc, s32 cid);

static __always_inline void latency_started(const struct task_struct *p,
					    const struct task_ctx *tctx, s32 cid)
{
	running_deadlines[(u32)cid & (FIEF_MAX_CIDS - 1)] = latency_deadline(p, tctx, tctx->vtime);
}

/* Among the 64 cids around @home: the one whose task of ours has the latest deadline. */
static __noinline s32 latest_deadline_near(struct task_ctx *tctx, s32 home)
{
	u32 word = cidmask_word(home), bit;
	u64 candidates, latest = 0;
	s32 found = -1;

	if (!tctx)
		return -1;
	candidates = tctx->allowed[word] & usable_cids[word] & busy_cids[word];
	bpf_for(bit, 0, 64) {
		u32 cid = word * 64 + bit;
		u64 deadline = running_deadlines[cid & (FIEF_MAX_CIDS - 1)];

		if (!(candidates & (1ULL << bit)))
			continue;
		if (found < 0 || vtime_before(latest, deadline)) {
			found = cid;
			latest = deadline;
		}
	}
	return found;
}

static __always_inline void latency_wake_preempt(const struct task_struct *p, struct task_ctx *tctx,
						 s32 home)
{
	u64 deadline = latency_deadline(p, tctx, tctx->vtime);
	s32 cid = latest_deadline_near(tctx, home);
	u64 *running;

	if (cid < 0)
		return;
	running = &running_deadlines[(u32)cid & (FIEF_MAX_CIDS - 1)];
	if (!vtime_before(deadline + slice_ns() / 2, *running))
		return;
	*running = deadline;
	count(wake_preempts);
	scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
}

#include "lib/ops/child.bpf.h"

/* Take the task with the earliest deadline that is eligible, or the first if none of a few is. */
static __always_inline bool latency_take(u32 llc, s32 cid)
{
	struct task_struct *p;
	bool taken = false;
	u32 seen = 0;

	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, vqueue_dsq(llc), 0) {
		struct task_ctx *tctx = task_ctx(p);

		if (tctx && !vtime_before(vclock, tctx->vtime) &&
		    cidmask_test(tctx->allowed, cid)) {
			taken = scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL,
						 SCX_ENQ_IMMED);
			if (taken)
				break;
		}
		if (++seen == LATENCY_SCAN)
			break;
	}
	bpf_rcu_read_unlock();
	return taken || dsq_move_to_local(vqueue_dsq(llc));
}
