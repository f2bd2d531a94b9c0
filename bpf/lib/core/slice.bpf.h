/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a task runs before the next one is looked for. The loader may set it before load; a
 * scheduler with another default than 4 ms defines SLICE_US before it includes anything.
 */
#ifndef FIEF_SLICE_BPF_H
#define FIEF_SLICE_BPF_H

#include "lib/core/base.bpf.h"

#ifndef SLICE_US
#define SLICE_US 4000
#endif

const volatile u32 slice_us = SLICE_US;

#define SLICE_MIN_US 100
#define SLICE_MAX_US 1000000

static __always_inline u64 slice_ns(void)
{
	return slice_us * NSEC_PER_USEC;
}

#endif /* FIEF_SLICE_BPF_H */
