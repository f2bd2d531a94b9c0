/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which cids this scheduler may use for its own tasks, which of them are idle, and the search for
 * one.
 *
 * Vocabulary and writers:
 *   usable     cids this scheduler may put its own tasks on. A child: the baseline cap is in effect
 *              (sub_ecaps_updated). The root: it has a part of the cid, or the cid is lent
 *              (fief_apply).
 *   exclusive  usable cids that are whole and its own: what others run there is borrowed.
 *   idle       cids the kernel reports idle (update_idle), minus those claimed for a task.
 *   busy       cids that run a task of this scheduler (running, stopping).
 *   reclaimed  exclusive cids that a task of ours is taking back from a borrower; set by the waker,
 *              cleared when a task of ours runs there, or the next dispatch there.
 *
 * A claim clears the idle bit first, so no two wakers pick one cid. A claim that leads to nothing
 * is undone by idle_restore() at the end of a dispatch that leaves an idle CPU idle, because the
 * kernel reports transitions only.
 */
#ifndef FIEF_IDLE_BPF_H
#define FIEF_IDLE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/core.bpf.h"
#include "lib/queue/task.bpf.h"

cidmask_t usable_cids;
cidmask_t exclusive_cids;
cidmask_t idle_cids;
cidmask_t busy_cids;
cidmask_t reclaimed_cids;

/* Claim an idle cid in @allowed, @usable and @within (one word each), -1 if there is none. */
static __always_inline s32 idle_claim_word(u32 w, u64 candidates)
{
	s32 cid;

	if (!candidates)
		return -1;
	cid = w * 64 + lowest_bit(candidates);
	return cidmask_claim(idle_cids, cid) ? cid : -1;
}

/*
 * Idle cids, one word of them, whose core is idle as a whole. Of cores with more than two threads, and of
 * one that lies in two words, not all are found.
 */
static __always_inline u64 idle_cores(u32 w)
{
	u64 idle = idle_cids[w], first = idle & core_first[w], paired = core_paired[w];
	u64 pairs = first & paired & (idle >> 1);

	return (first & ~paired) | pairs | (pairs << 1);
}

FIEF_VERIFIED_ONCE s32 idle_claim_within(struct task_ctx *tctx, u32 llc, bool any_llc, bool cores)
{
	u64 *within = llc_mask(llc);
	u32 nr_words = cidmask_words();
	u32 w;

	if (!tctx)
		return -1;
	bpf_for(w, 0, nr_words) {
		u32 i = w & (FIEF_MASK_WORDS - 1);
		u64 candidates = tctx->allowed[i] & usable_cids[i] & idle_cids[i];
		s32 cid;

		if (candidates)
			candidates &= exclusive_cids[i] | ~kept_word(i);
		if (!any_llc)
			candidates &= within[i];
		if (cores)
			candidates &= idle_cores(i);
		cid = idle_claim_word(i, candidates);
		if (cid >= 0)
			return cid;
	}
	return -1;
}

static __always_inline bool idle_claim_one(struct task_ctx *tctx, s32 cid)
{
	return cid >= 0 && cidmask_test(tctx->allowed, cid) && cidmask_test(usable_cids, cid) &&
	       (cidmask_test(exclusive_cids, cid) || !cid_kept(cid)) &&
	       cidmask_claim(idle_cids, cid);
}

/* Is there a core, idle as a whole, that this task may use? */
FIEF_VERIFIED_ONCE int idle_core_exists(struct task_ctx *tctx)
{
	u32 nr_words = cidmask_words();
	u32 w;

	if (!tctx)
		return false;
	bpf_for(w, 0, nr_words) {
		u32 i = w & (FIEF_MASK_WORDS - 1);

		if (tctx->allowed[i] & usable_cids[i] & idle_cores(i))
			return true;
	}
	return false;
}

/*
 * Does a task that has used its slice on @cid share the core with another one while a whole core lies idle? It
 * is to move there: tasks that compute without end never wake to be placed anew.
 */
static __always_inline bool idle_core_instead(struct task_ctx *tctx, s32 cid)
{
	s32 sibling = has_smt ? core_sibling(cid) : -1;

	return sibling >= 0 && !cidmask_test(idle_cids, sibling) && idle_core_exists(tctx);
}

/*
 * Find and claim an idle cid for a task: where it last ran, then in the same LLC, then anywhere; on a
 * machine with SMT a core that is all idle before a thread beside a busy one: within the LLC for one that has
 * woken, whose data is there, and anywhere (@roams) for one that is new or has used its slice.
 * A lost race in one word is not retried; the queue and its kick serve that task.
 */
static __always_inline s32 idle_claim(struct task_ctx *tctx, s32 prev, bool roams)
{
	u32 llc = prev < 0 ? 0 : cid_llc(prev);
	s32 cid;

	if (has_smt) {
		if (prev >= 0 && (idle_cores(cidmask_word(prev)) & cidmask_bit(prev)) &&
		    idle_claim_one(tctx, prev))
			return prev;
		cid = idle_claim_within(tctx, llc, false, true);
		if (cid < 0 && roams && nr_llcs > 1)
			cid = idle_claim_within(tctx, 0, true, true);
		if (cid >= 0)
			return cid;
	}
	if (idle_claim_one(tctx, prev))
		return prev;
	cid = idle_claim_within(tctx, llc, false, false);
	if (cid >= 0 || nr_llcs < 2)
		return cid;
	return idle_claim_within(tctx, 0, true, false);
}

/*
 * A dispatch on @cid has found nothing: give a lost claim back. Only if the CPU was idle until now; if
 * it was not, either somebody else's task runs next, or the kernel reports that it has become idle.
 */
static __always_inline void idle_restore(s32 cid)
{
	if (bpf_get_current_task_btf()->pid == 0 && !cidmask_test(idle_cids, cid))
		cidmask_set(idle_cids, cid);
}

/* Ask every idle cid for a dispatch. */
static __always_inline void idle_kick_all(void)
{
	u32 cid;

	bpf_for(cid, 0, nr_cids) {
		if (cidmask_test(idle_cids, cid))
			scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
	}
}

/*
 * Whoever runs on @cid now is no borrower: a task of ours that is just leaving, which is not counted busy
 * any more, one that cannot be asked to go, or that would be back at once.
 */
static __always_inline bool cid_unyielding(s32 cid)
{
	struct task_struct *curr;
	bool unyielding;

	bpf_rcu_read_lock();
	curr = scx_bpf_cid_curr(cid);
	unyielding = !curr || task_unyielding(curr) || task_is_ours(curr);
	bpf_rcu_read_unlock();
	return unyielding;
}

/* Take @cid back: true for the first who asks, until somebody of ours runs there or it falls idle. */
static __always_inline bool reclaim_claim(s32 cid)
{
	u64 bit = cidmask_bit(cid);

	return !cid_unyielding(cid) &&
	       !(__sync_fetch_and_or(&reclaimed_cids[cidmask_word(cid)], bit) & bit);
}

static __always_inline void reclaim_over(s32 cid)
{
	if (cidmask_test(reclaimed_cids, cid))
		cidmask_clear(reclaimed_cids, cid);
}

/*
 * Claim an exclusive cid for this task that somebody else's task occupies, -1 if there is none: where
 * it last ran, else the first in each word from there on, so that wakers spread.
 */
FIEF_VERIFIED_ONCE s32 borrowed_cid(struct task_ctx *tctx, s32 prev)
{
	u32 nr_words = cidmask_words();
	u32 w;

	if (!tctx)
		return -1;
	bpf_for(w, 0, nr_words) {
		u32 i = (cidmask_word(prev) + w) % nr_words & (FIEF_MASK_WORDS - 1);
		u64 borrowed = tctx->allowed[i] & exclusive_cids[i] & ~busy_cids[i] &
			       ~idle_cids[i] & ~reclaimed_cids[i];
		s32 cid;

		if (!borrowed)
			continue;
		if (i == cidmask_word(prev) && (borrowed & cidmask_bit(prev)))
			cid = prev;
		else
			cid = i * 64 + lowest_bit(borrowed);
		if (reclaim_claim(cid))
			return cid;
	}
	return -1;
}

/*
 * A task of ours has started on @cid: where whole cores are lent, nobody else is to run beside it. Both threads
 * must be ours; a borrower on the other one goes now.
 */
static __always_inline void core_started(s32 cid)
{
	s32 sibling = lends_cores ? core_sibling(cid) : -1;

	if (sibling < 0 || !cidmask_test(exclusive_cids, cid) ||
	    !cidmask_test(exclusive_cids, sibling) || !core_keep(sibling))
		return;
	if (!cidmask_test(busy_cids, sibling) && !cidmask_test(idle_cids, sibling) &&
	    !cid_unyielding(sibling))
		scx_bpf_kick_cid(sibling, SCX_KICK_PREEMPT);
}

/*
 * The waker is about to sleep and hands its CPU over: cheaper than waking another, and what is passed
 * on is warm in its cache. Only on an exclusive cid, where nobody else waits for it. -1: not so.
 */
static __always_inline s32 sync_cid(const struct task_ctx *tctx, u64 wake_flags)
{
	s32 cid;

	if (!(wake_flags & SCX_WAKE_SYNC))
		return -1;
	cid = scx_bpf_this_cid();
	if (cid < 0 || !cidmask_test(exclusive_cids, cid) || !cidmask_test(busy_cids, cid) ||
	    !cidmask_test(tctx->allowed, cid) || scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cid) > 0)
		return -1;
	return cid;
}

/*
 * Where a waking task goes without waiting in a queue: with its waker, to an idle cid, or to one of
 * ours that is borrowed. From ops.select_cid().
 */
static __always_inline s32 wake_place(struct task_struct *p, struct task_ctx *tctx, s32 prev,
				      u64 wake_flags)
{
	s32 cid = sync_cid(tctx, wake_flags);
	u64 enq_flags = 0;

	if (cid < 0) {
		cid = idle_claim(tctx, prev, wake_flags & SCX_WAKE_FORK);
		enq_flags = SCX_ENQ_IMMED;
	}
	if (cid < 0) {
		cid = borrowed_cid(tctx, prev);
		enq_flags = SCX_ENQ_IMMED | SCX_ENQ_PREEMPT;
		if (cid >= 0)
			count(reclaims);
	}
	if (cid < 0)
		return prev;
	count(direct);
	dsq_insert(p, SCX_DSQ_LOCAL, slice_ns(), enq_flags);
	return cid;
}

/*
 * A task has just been queued: make sure that somebody looks. An idle cid is woken; failing that,
 * a cid of our own is taken back from whoever borrows it. @must_look: wake @home even if it does
 * not look idle now. The insert becomes visible only after ops.enqueue() returns and kicks are
 * delivered later still, so a CPU that goes idle in between finds the task. False: all cids it may
 * use are busy with what is due there.
 */
static __always_inline bool kick_for(struct task_ctx *tctx, s32 home, bool must_look)
{
	s32 cid = idle_claim(tctx, home, false);

	if (cid >= 0) {
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
		return true;
	}
	cid = borrowed_cid(tctx, home);
	if (cid >= 0) {
		count(reclaims);
		scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
		return true;
	}
	if (must_look)
		scx_bpf_kick_cid(home, SCX_KICK_IDLE);
	return false;
}

/*
 * The cid, one of @among, whose LLC queue a task belongs on: where it last ran if it may run there,
 * else the next one. -1: its affinity leaves it none of them.
 */
static __always_inline s32 home_cid(struct task_ctx *tctx, const u64 *among, s32 prev)
{
	if (prev >= 0 && cidmask_test(tctx->allowed, prev) && cidmask_test(among, prev))
		return prev;
	return cidmask_first_and(tctx->allowed, among);
}

/* A task waits this long for a cid before it is rescued, where it may yet get one. */
#define STRANDED_NS NSEC_PER_SEC

/*
 * Where the kernel is to rescue @p: where it last ran, else from a place of its own on, so that not all
 * crowd one cid. -1: it may run nowhere.
 */
static __always_inline s32 rescue_cid(const struct task_struct *p, const struct task_ctx *tctx)
{
	s32 prev = scx_bpf_task_cid(p);

	if (prev >= 0 && cidmask_test(tctx->allowed, prev))
		return prev;
	return cidmask_next(tctx->allowed, p->pid % nr_cids);
}

#endif /* FIEF_IDLE_BPF_H */
