// SPDX-License-Identifier: GPL-2.0-only
// The real kernel behind the port: libbpf, the arena, the event ring, /sys/kernel/sched_ext.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "kernel/port.hpp"

namespace fief {

struct BpfKernelConfig {
  std::string object_dir = "/usr/lib/fief/bpf";  ///< where <scheduler>.bpf.o lie
};

/// Loading and attaching run on one worker thread; everything else, and every callback, on
/// @p loop. Destroying the kernel waits for the worker and detaches what is attached.
std::unique_ptr<KernelPort> make_bpf_kernel(boost::asio::io_context& loop, BpfKernelConfig config);

}  // namespace fief
