// SPDX-License-Identifier: GPL-2.0-only
// Owners of what libbpf hands out, and the two bpf(2) calls that libbpf 1.4 has no wrapper for.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>

#include "core/result.hpp"

namespace fief {

struct BpfDeleter {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  void operator()(btf* types) const;
};
template <class T>
using BpfPtr = std::unique_ptr<T, BpfDeleter>;

/// Lets a program that is not an op act on behalf of a scheduler (BPF_PROG_ASSOC_STRUCT_OPS).
Status associate_with_struct_ops(const bpf_program& program, const bpf_map& struct_ops);

/// Runs a SEC("syscall") program with @p args as its context. Errc::kernel if it could not run or
/// returned something else than 0; @p name is for the message.
Status run_syscall_program(int program_fd, const char* name, void* args, std::uint32_t size);

/// Collects what libbpf and the verifier say on this thread while it lives, for error messages.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;
  [[nodiscard]] const std::string& text() const { return text_; }
  /// The line that tells most: the verifier's last words, else libbpf's last warning.
  [[nodiscard]] std::string reason() const;

 private:
  std::string text_;
};

}  // namespace fief
