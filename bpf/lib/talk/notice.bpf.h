/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler and its parent tell each other (struct fief_notice): the parent that a limit keeps
 * the child back, so that it does not put tasks on idle cids by itself; the child that tasks of it
 * have waited too long, so that it is asked more often than it is due, whether it wants to run at all,
 * and what it has used; and that one has woken that finds no CPU.
 *
 * The map is one, which the loader makes children share with the root, by the child's cgroup id. Foreign children
 * have no notice.
 *
 * A child without notices (another parent than fief's, a full map) does as if there were nothing to tell:
 * the parent still decides on every dispatch.
 */
#ifndef FIEF_NOTICE_BPF_H
#define FIEF_NOTICE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"

struct fief_notice {
	u64 held_back; /* parent: a limit keeps the child back, it starts nothing now */
	u64 lends_cores; /* parent: others are to stay off the cores that the child runs on */
	u64 due_sooner; /* parent: the child has had less than it is due, and may call */
	u64 waiting; /* child: tasks that have waited too long */
	u64 active; /* child: something below wants to run now */
	u64 used_ns; /* child: CPU time used by its tasks, and those of its children */
	u64 nr_away; /* child: how many bits are set in away */
	cidmask_t away; /* child: cids for which tasks wait that may run on none of its own */
	u64 calls; /* child: tasks it has called for since the parent last listened */
	cidmask_t wanted; /* child: cids that they may run on */
	cidmask_t called_for; /* parent: the same, of the calls it serves now */
	struct bpf_timer call; /* parent: listens; started by the child */
};
#define FIEF_MAX_NOTICES 4096

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FIEF_MAX_NOTICES);
	__type(key, u64);
	__type(value, struct fief_notice);
} notices SEC(".maps");

/* A cgroup above this scheduler's, or its own, has a limit. Written by a timer, see cpuctl_poll(). */
bool limited_above;

static __always_inline struct fief_notice *notice_of(u64 cgroup_id)
{
	return bpf_map_lookup_elem(&notices, &cgroup_id);
}

/* What this scheduler and its parent tell each other. NULL: it is the root, or there is nothing to be told by. */
static __always_inline struct fief_notice *notice_own(void)
{
	return state.cgroup_id ? notice_of(state.cgroup_id) : NULL;
}

/* What a notice says at first: nothing. Too large for a stack, and never written. */
u8 notice_blank[sizeof(struct fief_notice)];

static __always_inline void notice_make(u64 cgroup_id)
{
	bpf_map_update_elem(&notices, &cgroup_id, notice_blank, BPF_ANY);
}

static __always_inline void notice_drop(u64 cgroup_id)
{
	bpf_map_delete_elem(&notices, &cgroup_id);
}

/* The child in @cgroup_id, if there is one, lends whole cores only, or it does not. */
static __always_inline void notice_lends_cores(u64 cgroup_id, bool lends)
{
	struct fief_notice *notice = cgroup_id ? notice_of(cgroup_id) : NULL;

	if (notice)
		notice->lends_cores = lends;
}

/* A limit above keeps this scheduler back: its tasks wait for its turn. */
static __always_inline bool held_back(void)
{
	struct fief_notice *notice = limited_above ? notice_of(state.cgroup_id) : NULL;

	return notice && notice->held_back;
}

/* Has this scheduler with all that is below it had less than it is due? */
static __always_inline bool notice_due_sooner(void)
{
	struct fief_notice *notice = notice_own();

	return notice && notice->due_sooner;
}

#define NOTICE_TRIES 8

/* Whether this scheduler wants to run follows from @load, of all that is below it, which has just changed. */
static __always_inline void notice_active(const u64 __arena *load)
{
	struct fief_notice *notice = notice_own();
	u32 i;

	if (!notice)
		return;
	/* who writes last has looked after everybody else's change */
	bpf_for(i, 0, NOTICE_TRIES) {
		u64 active = *load != 0;

		if (__sync_lock_test_and_set(&notice->active, active) == active &&
		    (*load != 0) == active)
			break;
	}
}

/* @used ns of CPU time more have been used in this scheduler's subtree. */
static __always_inline void notice_used(u64 used)
{
	struct fief_notice *notice = notice_own();

	if (notice)
		__sync_fetch_and_add(&notice->used_ns, used);
}

/* Set the bit of @cid if @set, else clear it; it is counted. */
static __always_inline void notice_mark_away(struct fief_notice *notice, u32 cid, bool set)
{
	u64 *word = &notice->away[cid / 64 & (FIEF_MASK_WORDS - 1)], bit = 1ULL << (cid & 63);
	u64 before = set ? __sync_fetch_and_or(word, bit) : __sync_fetch_and_and(word, ~bit);

	if (!!(before & bit) != set)
		__sync_fetch_and_add(&notice->nr_away, set ? 1 : -1);
}

/* @tasks, those of this scheduler for which only @cid and others like it are left, are some now, or none. */
static __always_inline void notice_away(u32 cid, const u32 __arena *tasks)
{
	struct fief_notice *notice = notice_own();
	u32 i;

	if (!notice)
		return;
	/* who writes last has looked after everybody else's change */
	bpf_for(i, 0, NOTICE_TRIES) {
		bool some = *tasks != 0;

		notice_mark_away(notice, cid, some);
		if ((*tasks != 0) == some)
			break;
	}
}

/* The parent is to listen. False: it does not, or cannot now. */
static __always_inline bool notice_call(struct fief_notice *notice)
{
	if (__sync_fetch_and_add(&notice->calls, 1) != 0)
		return true;
	if (!bpf_timer_start(&notice->call, 0, 0))
		return true;
	notice->calls = 0;
	return false;
}

/* @tasks of this scheduler have waited too long. */
static __always_inline void notice_waiting(u64 tasks)
{
	struct fief_notice *notice = notice_own();

	if (notice)
		notice->waiting = tasks;
}

#endif /* FIEF_NOTICE_BPF_H */
