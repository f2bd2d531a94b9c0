// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/libbpf_handles.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <vector>

namespace fief {
namespace {

// libbpf's print callback is process-wide; each thread collects its own text.
thread_local std::string* collected = nullptr;

int collect(libbpf_print_level /*level*/, const char* format, va_list args) {
  if (collected == nullptr)
    return 0;
  va_list again;
  va_copy(again, args);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0)
    return 0;
  std::vector<char> line(static_cast<std::size_t>(length) + 1);
  (void)std::vsnprintf(line.data(), line.size(), format, args);
  *collected += line.data();
  return length;
}

bool is_noise(std::string_view line) {
  return line.empty() || line.starts_with("processed ") || line.find("-- END ") != line.npos ||
         line.find("-- BEGIN ") != line.npos || line.starts_with("libbpf: prog '") ||
         line.starts_with("libbpf: failed to load object");
}

}  // namespace

void BpfDeleter::operator()(btf* types) const {
  btf__free(types);
}

Status associate_with_struct_ops(const bpf_program& program, const bpf_map& struct_ops) {
  bpf_attr attr{};
  attr.prog_assoc_struct_ops.map_fd = static_cast<__u32>(bpf_map__fd(&struct_ops));
  attr.prog_assoc_struct_ops.prog_fd = static_cast<__u32>(bpf_program__fd(&program));
  if (syscall(SYS_bpf, BPF_PROG_ASSOC_STRUCT_OPS, &attr, sizeof(attr)) != 0)
    return fail(Errc::kernel, "cannot associate program {} with its scheduler: {}",
                bpf_program__name(&program), std::strerror(errno));
  return {};
}

Status run_syscall_program(int program_fd, const char* name, void* args, std::uint32_t size) {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = args;
  options.ctx_size_in = size;
  const int error = bpf_prog_test_run_opts(program_fd, &options);
  if (error != 0)
    return fail(Errc::kernel, "cannot run program {}: {}", name, std::strerror(-error));
  if (options.retval != 0)
    return fail(Errc::kernel, "program {} failed: {}", name,
                std::strerror(-static_cast<int>(options.retval)));
  return {};
}

LibbpfLog::LibbpfLog() {
  libbpf_set_print(collect);
  collected = &text_;
}

LibbpfLog::~LibbpfLog() {
  collected = nullptr;
}

std::string LibbpfLog::reason() const {
  std::string_view rest = text_;
  std::string_view best;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    if (!is_noise(line))
      best = line;
  }
  constexpr std::string_view prefix = "libbpf: ";
  if (best.starts_with(prefix))
    best.remove_prefix(prefix.size());
  return std::string(best);
}

}  // namespace fief
