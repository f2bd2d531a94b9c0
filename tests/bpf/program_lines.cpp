// SPDX-License-Identifier: GPL-2.0-only
// program_lines: until it gets SIGTERM, keeps every BPF program that the kernel has or is given, so
// that no address is used twice. Then writes which source lines lie where, a JSON document for each
// function:
//   {"program": "root_enqueue", "function": "limit_check", "address": "ffffffffc0001000",
//    "length": 96, "files": ["/src/bpf/root.bpf.c"], "lines": [[OFFSET, INDEX OF FILE, LINE], …]}
// What has no line information is left out.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sched.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/fd.hpp"

namespace {

using Fd = fief::UniqueFd;
using BtfPointer = std::unique_ptr<btf, decltype([](btf* gone) { btf__free(gone); })>;

/// A program has to live at least as long as this to be seen.
constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 20'000'000};

class Programs {
 public:
  /// Keeps those that are new since the last time.
  void look() {
    std::uint32_t id = 0;
    while (bpf_prog_get_next_id(last_, &id) == 0) {
      last_ = id;
      if (Fd fd(bpf_prog_get_fd_by_id(id)); fd)
        kept_.push_back(std::move(fd));
    }
  }
  [[nodiscard]] const std::vector<Fd>& kept() const { return kept_; }

 private:
  std::uint32_t last_ = 0;
  std::vector<Fd> kept_;
};

/// What the kernel tells of a program that was compiled with line information.
struct Code {
  std::uint32_t btf_id = 0;
  std::string name;
  std::vector<bpf_func_info> functions;
  std::vector<std::uint64_t> addresses;
  std::vector<std::uint32_t> lengths;
  std::vector<bpf_line_info> lines;
  std::vector<std::uint64_t> line_addresses;
};

template <typename Value>
std::uint64_t room(std::vector<Value>& values, std::uint32_t count) {
  values.resize(count);
  return reinterpret_cast<std::uintptr_t>(values.data());
}

Code code_of(const Fd& program) {
  bpf_prog_info count{};
  std::uint32_t size = sizeof(count);
  if (bpf_prog_get_info_by_fd(program.get(), &count, &size) != 0)
    return {};
  Code code;
  code.btf_id = count.btf_id;
  code.name = count.name;
  bpf_prog_info info{};
  info.func_info = room(code.functions, info.nr_func_info = count.nr_func_info);
  info.func_info_rec_size = sizeof(bpf_func_info);
  info.jited_ksyms = room(code.addresses, info.nr_jited_ksyms = count.nr_jited_ksyms);
  info.jited_func_lens = room(code.lengths, info.nr_jited_func_lens = count.nr_jited_func_lens);
  info.line_info = room(code.lines, info.nr_line_info = count.nr_line_info);
  info.line_info_rec_size = sizeof(bpf_line_info);
  info.jited_line_info =
      room(code.line_addresses, info.nr_jited_line_info = count.nr_jited_line_info);
  info.jited_line_info_rec_size = sizeof(std::uint64_t);
  size = sizeof(info);
  if (bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0)
    return {};
  // The kernel has none of one kind where it may not show addresses.
  const bool whole = code.lines.size() == code.line_addresses.size() &&
                     code.functions.size() == code.addresses.size() &&
                     code.functions.size() == code.lengths.size();
  return whole ? code : Code{};
}

nlohmann::json function_json(const Code& code, std::size_t index, const btf& types) {
  const std::uint64_t begin = code.addresses[index];
  const std::uint64_t end = begin + code.lengths[index];
  const btf_type* type = btf__type_by_id(&types, code.functions[index].type_id);
  std::map<std::uint32_t, std::size_t> numbers;
  auto files = nlohmann::json::array();
  auto lines = nlohmann::json::array();
  for (std::size_t at = 0; at < code.lines.size(); ++at) {
    const std::uint64_t address = code.line_addresses[at];
    if (address < begin || address >= end)
      continue;
    const auto [number, is_new] = numbers.try_emplace(code.lines[at].file_name_off, files.size());
    if (is_new)
      files.push_back(btf__name_by_offset(&types, number->first));
    lines.push_back(
        {address - begin, number->second, BPF_LINE_INFO_LINE_NUM(code.lines[at].line_col)});
  }
  return {{"program", code.name},
          {"function", type == nullptr ? "" : btf__name_by_offset(&types, type->name_off)},
          {"address", fmt::format("{:x}", begin)},
          {"length", code.lengths[index]},
          {"files", std::move(files)},
          {"lines", std::move(lines)}};
}

void write(const std::vector<Fd>& programs) {
  BtfPointer types;
  std::uint32_t types_id = 0;
  for (const Fd& program : programs) {
    const Code code = code_of(program);
    if (code.lines.empty())
      continue;
    // The programs of an object follow each other, and have the same.
    if (types == nullptr || types_id != code.btf_id)
      types.reset(btf__load_from_kernel_by_id(types_id = code.btf_id));
    for (std::size_t at = 0; types != nullptr && at < code.functions.size(); ++at)
      fmt::print("{}\n", function_json(code, at, *types).dump());
  }
}

}  // namespace

int main() {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  // Before everything that the schedulers under test have to say.
  const sched_param priority{.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
    std::perror("program_lines: sched_setscheduler");
    return 1;
  }
  Programs programs;
  do
    programs.look();
  while (sigtimedwait(&end, nullptr, &kPause) < 0);
  write(programs.kept());
  return 0;
}
