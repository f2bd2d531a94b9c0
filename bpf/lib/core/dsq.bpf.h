/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues of a scheduler and their numbers, all in one place so that none is given twice.
 */
#ifndef FIEF_DSQ_BPF_H
#define FIEF_DSQ_BPF_H

/* Tasks in the order of virtual time, one queue for each LLC. */
#define VQUEUE_DSQ_BASE 0x1000ULL
#define vqueue_dsq(llc) (VQUEUE_DSQ_BASE + (llc))

/* Tasks that may run on this cid only, and it is not the scheduler's own. */
#define PINNED_DSQ_BASE 0x2000ULL
#define pinned_dsq(cid) (PINNED_DSQ_BASE + (u32)(cid))

/* Tasks that have waited too long. */
#define AGED_DSQ 0x3000ULL

/* Tasks that wait until the kernel's rescue may take them. */
#define RESCUE_DSQ 0x3001ULL

/* Tasks kept back by a limit, one queue for each group that has had one. */
#define LIMIT_DSQ_BASE 0x10000ULL
#define limit_dsq(group) (LIMIT_DSQ_BASE + (group)->limit.number)

#endif /* FIEF_DSQ_BPF_H */
