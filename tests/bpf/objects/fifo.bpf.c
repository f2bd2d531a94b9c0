/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fifo: a scheduler that is plainly not fief's: one queue, first in, first out, no arena state, no
 * events, and it wants SCX_OPS_TID_TO_TASK of its root. With the option @fault it is one that breaks
 * the rules in some way, for tests of what that does to others.
 *
 * held: cids with the baseline cap, written by sub_ecaps_updated.
 */
#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
} arena SEC(".maps");

enum {
	FAULT_NONE,
	FAULT_INIT, /* fails to start */
	FAULT_ERROR, /* reports an error with the first task */
	FAULT_STALL, /* never runs anybody */
	FAULT_UNHELD, /* inserts where it holds nothing, again and again */
	FAULT_SLICE, /* never lets go of a cid */
	FAULT_KICK, /* kicks cids that it does not hold */
};

const volatile u32 fault = FAULT_NONE;

#define QUEUE 1

cidmask_t held;

static u64 slice(void)
{
	return fault == FAULT_SLICE ? SCX_SLICE_INF : 5 * NSEC_PER_MSEC;
}

static void kick_held(void)
{
	u32 cid;

	bpf_for(cid, 0, FIEF_MAX_CIDS) {
		if (cid >= scx_bpf_nr_cids())
			break;
		if (cidmask_test(held, cid))
			scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
		else if (fault == FAULT_KICK)
			scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
	}
}

s32 FIEF_OP(fifo_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	return prev_cid;
}

void FIEF_OP(fifo_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (fault == FAULT_ERROR) {
		fief_error("out of order");
	} else if (fault == FAULT_UNHELD) {
		u32 cid;

		bpf_for(cid, 0, FIEF_MAX_CIDS) {
			if (cid >= scx_bpf_nr_cids())
				break;
			if (cidmask_test(held, cid))
				continue;
			dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice(), enq_flags);
			return;
		}
	}
	dsq_insert(p, QUEUE, slice(), enq_flags);
	kick_held();
}

void FIEF_OP(fifo_dispatch, s32 cid, struct task_struct *prev)
{
	if (fault != FAULT_STALL)
		dsq_move_to_local(QUEUE);
}

void FIEF_OP(fifo_sub_ecaps_updated, s32 cid, u64 before, u64 after)
{
	cidmask_assign(held, cid, after & SCX_CAP_ENQ_IMMED);
	scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

void FIEF_OP(fifo_update_idle, s32 cid, bool idle)
{
	if (idle && scx_bpf_dsq_nr_queued(QUEUE) > 0)
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

s32 FIEF_OP_SLEEPABLE(fifo_init)
{
	asm volatile("" ::"r"(&arena));
	return fault == FAULT_INIT ? -ENOMEM : scx_bpf_create_dsq(QUEUE, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid fifo_ops = {
	.select_cid = (void *)fifo_select_cid,
	.enqueue = (void *)fifo_enqueue,
	.dispatch = (void *)fifo_dispatch,
	.sub_ecaps_updated = (void *)fifo_sub_ecaps_updated,
	.update_idle = (void *)fifo_update_idle,
	.init = (void *)fifo_init,
	.flags = SCX_OPS_TID_TO_TASK,
	.timeout_ms = 5000,
	.name = "test_fifo",
};
