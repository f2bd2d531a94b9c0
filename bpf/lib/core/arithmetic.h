/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of shares and of limits, without anything of BPF: tests on the build machine run the
 * same (tests/property/arithmetic_property_test.cpp). The including file has u32, u64 and s64.
 */
#ifndef FIEF_ARITHMETIC_H
#define FIEF_ARITHMETIC_H

#define COST_SHIFT 12
#define COST_ONE (1ULL << COST_SHIFT)
/* A share below a millionth counts as a millionth. */
#define COST_MAX (COST_ONE << 20)

/* At most this much CPU time is charged at once: the product with COST_MAX fits. */
#define CHARGE_MAX_NS (1ULL << 30)

/* After this many periods of sleep nothing more is owed or kept. */
#define LIMIT_PERIODS_MAX 1024ULL

/*
 * The cost of somebody of weight @part (0 counts as 1) at one level up, where @load competes, its own
 * weight included: @cost by load over part. COST_ONE is the cost of whoever is alone.
 */
static __always_inline u64 cost_up(u64 cost, u64 load, u64 part)
{
	u64 up;

	if (load <= part)
		return cost;
	up = cost * load / (part ? part : 1);
	return up < COST_MAX ? up : COST_MAX;
}

/* CPU time in virtual time at a cost. */
static __always_inline u64 cost_of(u64 cost, u64 runtime_ns)
{
	return (cost * (runtime_ns < CHARGE_MAX_NS ? runtime_ns : CHARGE_MAX_NS)) >> COST_SHIFT;
}

/*
 * What a budget of which @left ns are left, below 0 if it was overdrawn, gains when @periods have ended:
 * a quota for each, and never more than one quota and the burst in all.
 */
static __always_inline s64 budget_gain(s64 left, u64 quota_ns, u64 burst_ns, u64 periods)
{
	s64 more = (s64)((periods < LIMIT_PERIODS_MAX ? periods : LIMIT_PERIODS_MAX) * quota_ns);
	s64 room = (s64)(quota_ns + burst_ns) - left;

	return more < room ? more : room;
}

/* @value on its way to @sample, after @time of a way that takes about @constant ns. */
static __always_inline u64 smooth(u64 value, u64 sample, u64 time, u64 constant)
{
	if (time > constant)
		time = constant;
	return sample > value ? value + (sample - value) * time / constant :
				value - (value - sample) * time / constant;
}

#endif /* FIEF_ARITHMETIC_H */
