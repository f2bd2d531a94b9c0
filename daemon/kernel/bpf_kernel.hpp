// SPDX-License-Identifier: GPL-2.0-only
// The real kernel behind the port: libbpf, the arena, the event ring, /sys/kernel/sched_ext.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "kernel/object_directory.hpp"
#include "kernel/port.hpp"

namespace fief {

struct BpfKernelConfig {
  std::string object_dir = kDefaultObjectDirectory;  ///< where <scheduler>.bpf.o lie
  std::string pin_dir = "/sys/fs/bpf/fief";          ///< where schedulers outlive the daemon
};

/// Loading and attaching run on one worker thread; everything else, and every callback, on
/// @p loop. Destroying the kernel waits for the worker; what is attached stays so.
std::unique_ptr<KernelPort> make_bpf_kernel(boost::asio::io_context& loop, BpfKernelConfig config);

/// Detaches every scheduler that daemons before left pinned below @p pin_dir. Errc::busy: one runs.
Status end_left_schedulers(const std::string& pin_dir);

}  // namespace fief
