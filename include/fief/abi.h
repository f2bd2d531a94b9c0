/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one header that fief's BPF programs and its daemon share.
 *
 * Everything here has a fixed width and a fixed place. Sizes are asserted below
 * and this header is compiled on both sides, so a drift stops the build. BPF
 * takes the __u types from vmlinux.h, user space from <linux/types.h>.
 *
 * Vocabulary (the kernel's words, kernel/sched/ext/sub.c):
 *   cid         a CPU's number in topology order
 *   caps        FIEF_CAP_* held by a scheduler on a cid
 *   child       a sub-scheduler directly below a scheduler
 * and fief's own:
 *   slot        index of a participant in a scheduler's tables; FIEF_SLOT_SELF
 *               stands for the scheduler's own tasks, others are children
 *   exclusive   a cid with one entitled participant
 *   shared      a cid whose time is divided among several participants
 */
#ifndef FIEF_ABI_H
#define FIEF_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#ifdef __cplusplus
#define FIEF_STATIC_ASSERT static_assert
#else
#define FIEF_STATIC_ASSERT _Static_assert
#endif

/* Raised whenever the layout below changes; the daemon refuses to adopt other objects. */
#define FIEF_ABI_VERSION 8

/* Limits. A scheduler refuses to start on a machine with more cids. */
#define FIEF_MAX_CIDS 1024
#define FIEF_MAX_LLCS 128
#define FIEF_MAX_SLOTS 256 /* participants of one scheduler, itself included */
#define FIEF_MAX_SHARERS 16 /* participants that divide one cid */
#define FIEF_MAX_OPS 512 /* grant operations of one apply */
#define FIEF_MASK_WORDS (FIEF_MAX_CIDS / 64)
#define FIEF_NAME_LEN 32
#define FIEF_PATH_LEN 256
#define FIEF_KILL_REASON_LEN 128
#define FIEF_EXIT_REASON_LEN 128
#define FIEF_EXIT_MSG_LEN 1024
#define FIEF_EXIT_DUMP_LEN 32768

#define FIEF_SLOT_SELF 0
#define FIEF_SLOT_NONE 0xffff

/* One CPU's worth of time, in the units of plan fractions. */
#define FIEF_CPU_UNIT 65536

/* Mirrors enum scx_cap_flags (kernel/sched/ext/internal.h). */
enum fief_cap {
	FIEF_CAP_ENQ_IMMED = 1,
	FIEF_CAP_ENQ = 2,
	FIEF_CAP_PREEMPT = 4,
	FIEF_CAP_PERF = 8,
};
#define FIEF_NR_CAPS 4
#define FIEF_CAPS_EXCLUSIVE (FIEF_CAP_ENQ_IMMED | FIEF_CAP_ENQ | FIEF_CAP_PREEMPT)
#define FIEF_CAPS_SHARED FIEF_CAP_ENQ_IMMED
#define FIEF_CAPS_ALL (FIEF_CAPS_EXCLUSIVE | FIEF_CAP_PERF)

/* A plain set of cids, bit n of the array is cid n. */
struct fief_cidset {
	__u64 bits[FIEF_MASK_WORDS];
};

/* One participant's right to a cid: @fraction of FIEF_CPU_UNIT. */
struct fief_share {
	__u16 slot;
	__u16 pad;
	__u32 fraction;
};

/* fief_cid_plan::flags */
#define FIEF_CID_LENT 1 /* while its owners have nothing to run, others may use it */

/*
 * Who may use one cid. Order is the tie-break order. nr == 0: nobody below this
 * scheduler, the cid is its own to use. Who may borrow a lent cid is not written
 * here: whoever holds the baseline cap on it may.
 */
struct fief_cid_plan {
	__u32 nr;
	__u32 flags;
	struct fief_share share[FIEF_MAX_SHARERS];
};

/* fief_participant::flags */
#define FIEF_PARTICIPANT_KEEPS                                                                     \
	1 /* lends nothing: what it is due is its own, also while it sleeps */
#define FIEF_PARTICIPANT_LENDS_CORES                                                               \
	2 /* lends a cid of its own only while it runs on no other thread of its core */

/*
 * A participant as the plan has it. cgroup_id 0 marks a free slot (and the self slot). CPU time in
 * 1/FIEF_CPU_UNIT of a CPU.
 */
struct fief_participant {
	__u64 cgroup_id;
	__u32 entitlement; /* due by the plan */
	__u32 least; /* due at least whenever it wants to run; 0: nothing is promised */
	__u32 most; /* due at most; 0: no limit */
	__u32 weight; /* that counts instead of its cgroup's cpu.weight; 0: that one does */
	__u32 flags;
	__u32 pad;
};

/*
 * Who has wanted to run lately, as far as it decides what a participant is due: for the next plan.
 * others[0] is what competed with the participant's cgroup among its siblings, others[1] what competed
 * with the cgroup above it, and so on up to below the scheduler's cgroup: their weights, each by the part
 * of the time in which it wanted to run, in 1/FIEF_WEIGHT_UNIT of the cpu.weight of 100. Rises within a
 * second, falls within ten, and is published in steps. nr_levels 0: nothing is known yet.
 */
#define FIEF_ACTIVITY_LEVELS 16 /* a power of two */
#define FIEF_WEIGHT_UNIT 1024
#define FIEF_ACTIVITY_UNIT 1024
struct fief_activity {
	__u32 nr_levels;
	__u32 awake; /* it wants to run time and again; 0: it sleeps but for moments */
	__u32 active; /* part of the time in which it wanted to run, of FIEF_ACTIVITY_UNIT */
	__u32 pad;
	__u32 others[FIEF_ACTIVITY_LEVELS];
};

/* The account of a participant, in CLOCK_MONOTONIC ns; every CPU adds to it. */
struct fief_slot {
	struct fief_participant participant;
	__u64 dispatched; /* times its dispatch put a task on a cid */
	__u64 charged_ns; /* CPU time it used of what it is due */
	__u64 borrowed_ns; /* CPU time it used of what others left idle */
	__u64 lent_ns; /* CPU time others used of what it is due and left idle */
	struct fief_activity activity;
};

enum fief_op_kind {
	FIEF_OP_REVOKE = 1,
	FIEF_OP_GRANT = 2,
};

/*
 * One step of an apply. Input: kind, caps, cgroup_id, cids. Output: result
 * (0 or a negative errno) and, for a refused grant, the refused cids.
 */
struct fief_op {
	__u32 kind;
	__u32 caps;
	__u64 cgroup_id;
	__s32 result;
	__u32 pad;
	struct fief_cidset cids;
	struct fief_cidset refused;
};

/* What the kernel says a participant holds, a set for each cap bit. */
struct fief_caps_view {
	__u64 cgroup_id;
	__s32 result; /* 0, or why the kernel could not be asked */
	__u32 pad;
	struct fief_cidset held[FIEF_NR_CAPS];
};

/* Topology of one cid, from scx_bpf_cid_topo(). Indices are -1 where unknown. */
struct fief_cid_topo {
	__s32 cpu;
	__s32 core;
	__s32 llc;
	__s32 node;
	__s32 shard;
	__u32 online;
};

/*
 * What every wake-up and every switch counts is kept in stripes, so that CPUs do not pull at one cache line: on
 * machines of up to so many CPUs each has one of its own. A power of two.
 */
#define FIEF_STRIPES 32

/* Counters of one scheduler's own tasks, a stripe; written by BPF, read through the mapping. */
struct fief_counters {
	__u64 enqueued; /* tasks put on a queue */
	__u64 direct; /* tasks put straight on an idle cid */
	__u64 reenq_cap; /* came back: a cap was missing */
	__u64 reenq_immed; /* came back: the cid was busy */
	__u64 reenq_preempted; /* came back: thrown off by a higher class or owner */
	__u64 reenq_other;
	__u64 aged; /* waited so long that they ran before those due first */
	__u64 parked; /* kept back by a limit */
	__u64 graced; /* of these: ran for a moment all the same, before the watchdog minds */
	__u64 limit_periods; /* periods of the limits of its own cgroup and below */
	__u64 limit_throttled; /* those in which all was used up */
	__u64 rescued; /* inserts that asked for the kernel's rescue */
	__u64 turn_preempts; /* turns ended early so that another participant could run */
	__u64 wake_preempts; /* tasks that had to go for one that has woken, and is due sooner */
	__u64 reclaims; /* own cids taken back from a borrower by preemption */
	__u64 events_dropped; /* ring full: the daemon must observe afresh */
};

/*
 * How long tasks that woke waited until they ran: count[0] less than 1 us, count[i] from 2^(i-1) us to
 * 2^i us, the last all that is longer.
 */
#define FIEF_WAIT_BUCKETS 23
struct fief_waits {
	__u64 count[FIEF_WAIT_BUCKETS];
	__u64 sum_us;
};

/*
 * How a scheduler ended, from ops.exit(). @kind 0: it has not. Lives in a data section of its own,
 * FIEF_EXIT_SECTION, because helpers that copy kernel strings cannot write to an arena.
 */
#define FIEF_EXIT_SECTION ".data.fief_exit"
struct fief_exit {
	__u32 kind; /* enum scx_exit_kind */
	__u32 pad;
	__s64 code;
	char reason[FIEF_EXIT_REASON_LEN];
	char msg[FIEF_EXIT_MSG_LEN];
	char dump[FIEF_EXIT_DUMP_LEN];
};

/* Argument of the syscall programs that return addresses and sizes. */
struct fief_info_args {
	__u64 state_addr; /* user-space address of struct fief_state in the arena */
	__u32 abi_version;
	__u32 state_size;
};

/* Argument of fief_apply: the staged plan is described by struct fief_state. */
struct fief_apply_args {
	__u32 nr_ops;
	__u32 nr_slots; /* slots [0, nr_slots) of the staged table are meaningful */
	__u64 plan_number;
};

/* Argument of fief_kill. */
struct fief_kill_args {
	__u64 cgroup_id; /* a direct child; naming any other scheduler ends the caller */
	__s32 result; /* 0, or -ENODEV: it had gone */
	__u32 pad;
	char reason[FIEF_KILL_REASON_LEN]; /* ends with a NUL */
};

/*
 * All state of one fief scheduler, at a fixed place in its arena map.
 *
 * Writers: user space writes staged_* and ops[].{kind,caps,cgroup_id,cids}
 * between applies, and options before load; BPF writes everything else.
 * fief_apply copies staged_* to live while dispatch reads live without a lock:
 * a reader may see one cid's old and another's new entry, never a torn slot,
 * and a wrong guess costs one refused dispatch.
 */
struct fief_state {
	__u32 abi_version;
	__u32 nr_cids;
	__u64 cgroup_id; /* 0 for the root scheduler */
	__u64 plan_number; /* plan in force */
	__u32 nr_slots; /* slots [0, nr_slots) are in use */
	__u32 pad;
	struct fief_counters counters[FIEF_STRIPES];
	struct fief_waits waits[FIEF_STRIPES];
	struct fief_cid_topo topo[FIEF_MAX_CIDS];

	struct fief_slot slots[FIEF_MAX_SLOTS]; /* live */
	struct fief_cid_plan cids[FIEF_MAX_CIDS]; /* live */
	struct fief_participant staged_slots[FIEF_MAX_SLOTS];
	struct fief_cid_plan staged_cids[FIEF_MAX_CIDS];
	struct fief_op ops[FIEF_MAX_OPS];

	/* fief_observe: what this scheduler (index 0) and its slots hold */
	struct fief_caps_view caps[FIEF_MAX_SLOTS];
};

/* Records of the event ring, each begins with this header. */
enum fief_event_kind {
	FIEF_EVENT_CHILD_ATTACHED = 1,
	FIEF_EVENT_CHILD_DETACHED = 2,
	FIEF_EVENT_WEIGHT_CHANGED = 3,
	FIEF_EVENT_ACTIVITY_CHANGED = 4,
	FIEF_EVENT_EXITED = 5,
	FIEF_EVENT_CID_ONLINE = 6,
	FIEF_EVENT_CID_OFFLINE = 7,
};

/*
 * One fixed-size record serves every kind, unused fields are 0.
 *   scheduler   cgroup id of the scheduler that reports, 0 for the root
 *   cgroup_id   the cgroup it reports about
 *   value       weight, cid, caps or exit kind, by kind
 *   code        exit code
 *   name        child's ops name on attach
 */
struct fief_event {
	__u32 kind;
	__u32 value;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 scheduler;
	__u64 cgroup_id;
	__s64 code;
	char name[FIEF_NAME_LEN];
};

FIEF_STATIC_ASSERT(sizeof(struct fief_share) == 8, "fief_share");
FIEF_STATIC_ASSERT(sizeof(struct fief_cid_plan) == 8 + 8 * FIEF_MAX_SHARERS, "fief_cid_plan");
FIEF_STATIC_ASSERT(sizeof(struct fief_participant) == 32, "fief_participant");
FIEF_STATIC_ASSERT(sizeof(struct fief_slot) == 144, "fief_slot");
FIEF_STATIC_ASSERT(sizeof(struct fief_counters) == 128, "fief_counters");
FIEF_STATIC_ASSERT(sizeof(struct fief_waits) == 192, "fief_waits");
FIEF_STATIC_ASSERT(sizeof(struct fief_op) == 24 + 2 * FIEF_MAX_CIDS / 8, "fief_op");
FIEF_STATIC_ASSERT(sizeof(struct fief_caps_view) == 16 + FIEF_NR_CAPS * FIEF_MAX_CIDS / 8,
		   "fief_caps_view");
FIEF_STATIC_ASSERT(sizeof(struct fief_cid_topo) == 24, "fief_cid_topo");
FIEF_STATIC_ASSERT(sizeof(struct fief_event) == 72, "fief_event");
FIEF_STATIC_ASSERT(sizeof(struct fief_apply_args) == 16, "fief_apply_args");
FIEF_STATIC_ASSERT(sizeof(struct fief_kill_args) == 16 + FIEF_KILL_REASON_LEN, "fief_kill_args");

#endif /* FIEF_ABI_H */
