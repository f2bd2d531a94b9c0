/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler's arena with its one struct fief_state, and what is read from the kernel once at
 * init: how many cids there are and where they sit.
 *
 * Writers: see struct fief_state in fief/abi.h. llc_of[], llc_cids[] and core_*[] are written by
 * state_init() before the first task arrives and constant from then on.
 */
#ifndef FIEF_STATE_BPF_H
#define FIEF_STATE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096); /* pages */
} arena SEC(".maps");

struct fief_state __arena state;

/*
 * The first cid of each core, and those first ones whose core has the next cid too: a core's cids are
 * neighbours. Whether any core has more than one.
 */
cidmask_t core_first;
cidmask_t core_paired;
bool has_smt;

/* LLC of each cid, and the cids of each LLC. */
u16 llc_of[FIEF_MAX_CIDS];
cidmask_t llc_cids[FIEF_MAX_LLCS];
u32 nr_llcs = 1;

/*
 * The verifier ties a program to the arena by an instruction that names the map. Programs that
 * reach the arena through globals only need this once.
 */
#define touch_arena() ({ asm volatile("" ::"r"(&arena)); })

/* @times more of what the counter @counter of struct fief_counters counts. */
#define count_many(counter, times)                                                                 \
	__sync_fetch_and_add(                                                                      \
		&state.counters[bpf_get_smp_processor_id() & (FIEF_STRIPES - 1)].counter, times)
#define count(counter) count_many(counter, 1)

/* Slot 0 is this scheduler's own. */
static __always_inline bool has_children(void)
{
	return state.nr_slots > 1;
}

static __always_inline u32 cid_llc(s32 cid)
{
	return llc_of[(u32)cid & (FIEF_MAX_CIDS - 1)] & (FIEF_MAX_LLCS - 1);
}

static __always_inline u64 *llc_mask(u32 llc)
{
	return llc_cids[llc & (FIEF_MAX_LLCS - 1)];
}

/* Copy the kernel's set of online cids into the topology table. */
static __always_inline void state_refresh_online(void)
{
	const struct scx_cmask __arena *online = scx_bpf_online_cmask();
	u32 cid;

	if (!online)
		return;
	bpf_for(cid, 0, nr_cids) {
		u32 word = cid / 64 - online->base / 64;

		state.topo[cid & (FIEF_MAX_CIDS - 1)].online =
			(online->bits[word] >> (cid & 63)) & 1;
	}
}

/* Cids come in ascending order. */
static __always_inline void core_note(u32 cid, s32 core)
{
	if (cid == 0 || core < 0 || state.topo[(cid - 1) & (FIEF_MAX_CIDS - 1)].core != core) {
		cidmask_set(core_first, cid);
	} else if (cidmask_test(core_first, cid - 1)) {
		cidmask_set(core_paired, cid - 1);
		has_smt = true;
	}
}

/* One cid's place. A cid the kernel could not place counts to LLC 0. */
static __noinline int state_init_cid(u32 cid)
{
	struct fief_cid_topo __arena *out;
	struct scx_cid_topo topo = {};
	u32 llc;

	touch_arena();
	if (cid >= FIEF_MAX_CIDS)
		return -EINVAL;
	scx_bpf_cid_topo(cid, &topo, sizeof(topo));
	out = &state.topo[cid];
	out->cpu = scx_bpf_cid_to_cpu(cid);
	out->core = topo.core_idx;
	out->llc = topo.llc_idx;
	out->node = topo.node_idx;
	out->shard = topo.shard_idx;

	llc = topo.llc_idx < 0 ? 0 : topo.llc_idx;
	if (llc >= FIEF_MAX_LLCS)
		return -EINVAL;
	llc_of[cid] = llc;
	if (llc + 1 > nr_llcs)
		nr_llcs = llc + 1;
	cidmask_set(llc_mask(llc), cid);
	core_note(cid, topo.core_idx);
	return 0;
}

/* Fill the constant part of the state. From ops.init(); returns 0 or a negative errno. */
static __always_inline s32 state_init(u64 cgroup_id)
{
	u32 cid;

	touch_arena();
	nr_cids = scx_bpf_nr_cids();
	if (nr_cids > FIEF_MAX_CIDS) {
		fief_error("this machine has %u cids, fief serves at most %u", nr_cids,
			   FIEF_MAX_CIDS);
		return -EINVAL;
	}
	state.abi_version = FIEF_ABI_VERSION;
	state.nr_cids = nr_cids;
	state.cgroup_id = cgroup_id;
	bpf_for(cid, 0, nr_cids) {
		if (state_init_cid(cid)) {
			fief_error("cid %u lies in an LLC beyond the %u that fief serves", cid,
				   FIEF_MAX_LLCS);
			return -EINVAL;
		}
	}
	state_refresh_online();
	return 0;
}

/* Tells the loader where the state lies in its mapping of the arena. */
SEC("syscall")
int fief_info(struct fief_info_args *args)
{
	touch_arena();
	args->state_addr = (u64)&state;
	args->abi_version = FIEF_ABI_VERSION;
	args->state_size = sizeof(struct fief_state);
	return 0;
}

#endif /* FIEF_STATE_BPF_H */
