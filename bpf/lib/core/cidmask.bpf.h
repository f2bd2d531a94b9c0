/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of cids as plain word arrays in .bss or map values, where the verifier allows every atomic
 * and the JIT supports them (x86 refuses fetching AND/OR on arena memory).
 *
 * Bit n % 64 of word n / 64 is cid n. Single bits are changed atomically; readers of whole words
 * take no lock and may see a set in the middle of a change, which costs a wrong guess, never an
 * access out of bounds.
 */
#ifndef FIEF_CIDMASK_BPF_H
#define FIEF_CIDMASK_BPF_H

#include "lib/core/base.bpf.h"

typedef u64 cidmask_t[FIEF_MASK_WORDS];

/* How many cids there are. Written by state_init() before the first task arrives, and constant from then on. */
u32 nr_cids = 1;

/* Words of a set that are in use: on most machines one, and a loop over them costs more than what it does. */
static __always_inline u32 cidmask_words(void)
{
	return (nr_cids + 63) / 64;
}

/* The index mask keeps the verifier sure of the bounds whatever the cid. */
#define cidmask_word(cid) (((u32)(cid) >> 6) & (FIEF_MASK_WORDS - 1))
#define cidmask_bit(cid) (1ULL << ((u32)(cid) & 63))

static __always_inline bool cidmask_test(const u64 *mask, s32 cid)
{
	return mask[cidmask_word(cid)] & cidmask_bit(cid);
}

static __always_inline void cidmask_set(u64 *mask, s32 cid)
{
	__sync_fetch_and_or(&mask[cidmask_word(cid)], cidmask_bit(cid));
}

static __always_inline void cidmask_clear(u64 *mask, s32 cid)
{
	__sync_fetch_and_and(&mask[cidmask_word(cid)], ~cidmask_bit(cid));
}

/* Clear @cid and tell whether this caller was the one who did. */
static __always_inline bool cidmask_claim(u64 *mask, s32 cid)
{
	u64 bit = cidmask_bit(cid);

	if (!(mask[cidmask_word(cid)] & bit))
		return false;
	return __sync_fetch_and_and(&mask[cidmask_word(cid)], ~bit) & bit;
}

static __always_inline void cidmask_assign(u64 *mask, s32 cid, bool on)
{
	if (on)
		cidmask_set(mask, cid);
	else
		cidmask_clear(mask, cid);
}

/* Index of the lowest set bit; @word must not be 0. */
static __always_inline u32 lowest_bit(u64 word)
{
	return __builtin_ctzll(word);
}

/* First cid in @a and @b, -1 if there is none. */
static __always_inline s32 cidmask_first_and(const u64 *a, const u64 *b)
{
	u32 words = cidmask_words(), w;

	if (a[0] & b[0])
		return lowest_bit(a[0] & b[0]);
	if (words == 1)
		return -1;
	bpf_for(w, 1, words) {
		u64 both = a[w & (FIEF_MASK_WORDS - 1)] & b[w & (FIEF_MASK_WORDS - 1)];

		if (both)
			return w * 64 + lowest_bit(both);
	}
	return -1;
}

static __always_inline s32 cidmask_first(const u64 *mask)
{
	return cidmask_first_and(mask, mask);
}

/* The first cid of @mask from @from on, and round again; -1 if it is empty. */
static __always_inline s32 cidmask_next(const u64 *mask, u32 from)
{
	u64 rest = mask[cidmask_word(from)] & ~(cidmask_bit(from) - 1);
	u32 words = cidmask_words(), w;

	if (rest)
		return cidmask_word(from) * 64 + lowest_bit(rest);
	bpf_for(w, 1, words + 1) {
		u32 i = (cidmask_word(from) + w) % words & (FIEF_MASK_WORDS - 1);

		if (mask[i])
			return i * 64 + lowest_bit(mask[i]);
	}
	return -1;
}

#endif /* FIEF_CIDMASK_BPF_H */
