/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the schedulers tell the daemon: one ring for all of them (the loader makes children reuse
 * the root's map) and one exit record for each.
 *
 * A full ring loses records but nothing that matters: events_dropped makes the daemon observe
 * everything afresh.
 */
#ifndef FIEF_EVENTS_BPF_H
#define FIEF_EVENTS_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/state.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct fief_exit exit_record SEC(FIEF_EXIT_SECTION);

/* Space for one record with the common fields set; NULL when the ring is full. */
static __always_inline struct fief_event *event_reserve(u32 kind, u64 cgroup_id)
{
	struct fief_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(events_dropped);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->time_ns = bpf_ktime_get_ns();
	event->scheduler = state.cgroup_id;
	event->cgroup_id = cgroup_id;
	return event;
}

static __always_inline void event_submit(struct fief_event *event)
{
	bpf_ringbuf_submit(event, 0);
}

/* A record with nothing beyond kind, cgroup and value. */
static __always_inline void event_emit(u32 kind, u64 cgroup_id, u32 value)
{
	struct fief_event *event = event_reserve(kind, cgroup_id);

	if (!event)
		return;
	event->value = value;
	event_submit(event);
}

/* Keep why this scheduler ended and report it. From ops.exit(). */
static __always_inline void exit_report(const struct scx_exit_info *info)
{
	struct fief_event *event;

	touch_arena();
	exit_record.code = info->exit_code;
	bpf_probe_read_kernel_str(exit_record.reason, sizeof(exit_record.reason), info->reason);
	bpf_probe_read_kernel_str(exit_record.msg, sizeof(exit_record.msg), info->msg);
	bpf_probe_read_kernel_str(exit_record.dump, sizeof(exit_record.dump), info->dump);
	/* last: the reader takes a kind other than 0 as "the rest is complete" */
	exit_record.kind = info->kind;

	event = event_reserve(FIEF_EVENT_EXITED, state.cgroup_id);
	if (!event)
		return;
	event->value = info->kind;
	event->code = info->exit_code;
	event_submit(event);
}

#endif /* FIEF_EVENTS_BPF_H */
