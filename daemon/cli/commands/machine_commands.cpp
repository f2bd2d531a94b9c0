// SPDX-License-Identifier: GPL-2.0-only
// fiefctl irq and run: what this machine, and a program, are told of who has which CPUs. Nothing is
// changed but the environment of the program.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/client/client.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/program.hpp"
#include "cli/text/cpu_rights.hpp"
#include "cli/text/interrupts.hpp"
#include "cli/text/runtimes.hpp"
#include "core/fd.hpp"
#include "status/view_facts.hpp"

namespace fief::cli {
namespace {

constexpr int kIndent = 2;
// Of /proc; more than the lines of any machine's interrupts.
constexpr std::size_t kMaxText = 16U << 20;

// Where it goes now; one that no device has asked for goes nowhere, and keeps where it has been.
void read_destination(Interrupt& interrupt) {
  const auto text =
      read_file(fmt::format("/proc/irq/{}/effective_affinity_list", interrupt.number), kMaxText);
  const auto cpus = text.and_then(
      [](const std::string& list) { return CidSet::parse(list.substr(0, list.find('\n'))); });
  if (cpus && !cpus->empty())
    interrupt.cpus = *cpus;
}

Result<std::vector<Interrupt>> read_interrupts() {
  auto interrupts = read_file("/proc/interrupts", kMaxText).and_then([](const std::string& text) {
    return parse_interrupts(text);
  });
  if (interrupts)
    for (auto& interrupt : *interrupts)
      read_destination(interrupt);
  return interrupts;
}

// Before a path of cgroup v2 in /proc/PID/cgroup: it has an empty list of controllers.
constexpr std::string_view kUnified = "0::";

// The path of this process's cgroup, "/a/b.service".
Result<std::string> own_cgroup() {
  return read_file("/proc/self/cgroup", kMaxText)
      .and_then([](const std::string& text) -> Result<std::string> {
        const auto begin = text.rfind(kUnified);
        if (begin == std::string::npos)
          return fail(Errc::unsupported, "this process is in no cgroup of version 2");
        const auto path = text.substr(begin + kUnified.size());
        return path.substr(0, path.find('\n'));
      });
}

// By its name, its path or the last part of that; nothing is asked for: the one this is part of.
Result<const SchedulerView*> find_delegation(const StatusView& status, const std::string& subject) {
  if (subject.empty()) {
    const auto path = own_cgroup();
    if (!path)
      return tl::unexpected(path.error());
    if (const auto* around = delegation_around(status, *path))
      return around;
    return fail(Errc::not_found, "{} is part of no delegation; name one with --of", *path);
  }
  for (const auto& view : status.schedulers)
    if (!is_root(view) && (view.delegation == subject || view.path == subject ||
                           std::filesystem::path(view.path).filename() == subject))
      return &view;
  return fail(Errc::not_found, "there is no delegation {}; fiefctl status names them", subject);
}

// What is set already stays: whoever set it meant it. Java's options are added to.
void set_variables(unsigned cpus) {
  const char* java = std::getenv("JAVA_TOOL_OPTIONS");
  for (const auto& [name, value] : runtime_variables(cpus, java == nullptr ? "" : java))
    setenv(name.c_str(), value.c_str(), name == "JAVA_TOOL_OPTIONS" ? 1 : 0);
}

int become(std::vector<std::string> command) {
  const auto arguments = argument_vector(command);
  execvp(arguments.front(), arguments.data());
  report({Errc::not_found, fmt::format("cannot run {}: {}", command.front(), std::strerror(errno))},
         false);
  return kNotRun;
}

}  // namespace

int irq_command(bool irqbalance, bool json) {
  const auto status = fetch_status();
  if (!status)
    return report(status.error(), json);
  const auto rights = cpu_rights(*status);
  if (irqbalance) {
    fmt::print("{}", irqbalance_line(rights));
    return kDone;
  }
  const auto interrupts = read_interrupts();
  if (!interrupts)
    return report(interrupts.error(), json);
  fmt::print("{}", json ? to_json(*interrupts, rights, kIndent) + '\n'
                        : render_interrupts(*interrupts, rights, detect_style()));
  return kDone;
}

int run_command(const std::string& of, const std::vector<std::string>& command) {
  const auto status = fetch_status();
  if (!status)
    return report(status.error(), false);
  const auto delegation = find_delegation(*status, of);
  if (!delegation)
    return report_refusal(delegation.error(), false);
  set_variables(cpus_to_think_of(**delegation));
  return become(command);
}

}  // namespace fief::cli
