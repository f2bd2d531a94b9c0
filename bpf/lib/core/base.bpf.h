/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every fief BPF program starts from: kernel types, kfuncs, the shared ABI, and the few
 * macros that the rest is written in.
 */
#ifndef FIEF_BASE_BPF_H
#define FIEF_BASE_BPF_H

#include <linux/bpf/vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "fief/abi.h"

#define ENODEV 19
#define EBUSY 16
#define EINVAL 22
#define ENOSPC 28
#define ENOMEM 12

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL
#define NUMA_NO_NODE (-1)
#define CLOCK_MONOTONIC 1
#define PF_KTHREAD 0x00200000
#define PF_EXITING 0x00000004
#define ENQUEUE_RESTORE 0x0002 /* kernel/sched/sched.h */
#define SIGKILL_BIT (1ULL << (9 - 1))

#define __arena __attribute__((address_space(1)))

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

/*
 * The kernel's newer forms of two kfuncs carry a ___v2 suffix, which libbpf would strip as a CO-RE
 * flavour. It strips only the last one, hence the second suffix.
 */
extern bool scx_bpf_dsq_insert___v2___fief(struct task_struct *p, u64 dsq_id, u64 slice,
					   u64 enq_flags) __ksym;
extern bool scx_bpf_dsq_move_to_local___v2___fief(u64 dsq_id, u64 enq_flags) __ksym;

/* Insert @p into a FIFO or local DSQ to run for @slice ns. False: the caller lost the race. */
static __always_inline bool dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)
{
	return scx_bpf_dsq_insert___v2___fief(p, dsq_id, slice, enq_flags);
}

/* Insert @p into a DSQ ordered by @vtime. */
static __always_inline bool dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice,
					     u64 vtime, u64 enq_flags)
{
	struct scx_bpf_dsq_insert_vtime_args args = {
		.dsq_id = dsq_id,
		.slice = slice,
		.vtime = vtime,
		.enq_flags = enq_flags,
	};

	return __scx_bpf_dsq_insert_vtime(p, &args);
}

/*
 * Move the first task of a DSQ that may run here to this CPU. Dispatch context only. It runs at once, or
 * comes back: also when a task of real-time priority takes the CPU, which may keep it for long.
 */
static __always_inline bool dsq_move_to_local(u64 dsq_id)
{
	return scx_bpf_dsq_move_to_local___v2___fief(dsq_id, SCX_ENQ_IMMED);
}

/* End this scheduler with a message for people; every task returns to its parent. */
#define fief_error(fmt, args...)                                                                   \
	({                                                                                         \
		static char ___fmt[] = fmt;                                                        \
		unsigned long long ___param[___bpf_narg(args) ?: 1] = {};                          \
		___bpf_fill(___param, args);                                                       \
		scx_bpf_error_bstr(___fmt, ___param, ___bpf_narg(args) * 8);                       \
	})

#define fief_dump(fmt, args...)                                                                    \
	({                                                                                         \
		static char ___fmt[] = fmt;                                                        \
		unsigned long long ___param[___bpf_narg(args) ?: 1] = {};                          \
		___bpf_fill(___param, args);                                                       \
		scx_bpf_dump_bstr(___fmt, ___param, ___bpf_narg(args) * 8);                        \
	})

/* The iterator of the enclosing bpf_for_each(), for kfuncs that want it. */
#define BPF_FOR_EACH_ITER (&___it)

/*
 * A function that the verifier looks at once, whoever calls it, and not again at every call. For what
 * loops: its arguments are all it knows.
 */
#define FIEF_VERIFIED_ONCE __attribute__((noinline, weak))

/* An op of a scheduler; its name is also the program's. */
#define FIEF_OP(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define FIEF_OP_SLEEPABLE(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)

/* a < b on a clock that wraps */
static __always_inline bool vtime_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* The later of two times on such a clock */
static __always_inline u64 vtime_max(u64 a, u64 b)
{
	return vtime_before(a, b) ? b : a;
}

#endif /* FIEF_BASE_BPF_H */
