/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads what the kernel has been told about a CPU's speed: the target that schedutil goes by, which no
 * file shows.
 */
#include "lib/core/base.bpf.h"

char _license[] SEC("license") = "GPL";

extern const struct rq runqueues __ksym;

struct perf_target_args {
	u32 cpu;
	u32 target; /* of SCX_CPUPERF_ONE */
};

SEC("syscall")
int perf_target(struct perf_target_args *args)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, args->cpu);

	args->target = rq ? rq->scx.cpuperf_target : 0;
	return 0;
}
