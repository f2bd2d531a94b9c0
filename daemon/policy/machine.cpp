// SPDX-License-Identifier: GPL-2.0-only
#include "policy/machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/cid_set.hpp"

namespace fief {
namespace {

// As systemd calls what uname(2) says; others have the same name there.
std::string architecture_of(const std::string& machine) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames{
      {{"x86_64", "x86-64"}, {"aarch64", "arm64"}, {"ppc64le", "ppc64-le"}}};
  const auto* known = std::ranges::find(kNames, machine, &decltype(kNames)::value_type::first);
  return known == kNames.end() ? machine : std::string(known->second);
}

bool is_there(const char* path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// The daemon's sandbox has no /proc/cpuinfo.
bool has_hypervisor() {
#if defined(__x86_64__) || defined(__i386__)
  constexpr unsigned kHypervisor = 1U << 31;  // reserved by both vendors for hypervisors to set
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & kHypervisor) != 0)
    return true;
#endif
  return is_there("/sys/hypervisor/type") || is_there("/sys/firmware/devicetree/base/hypervisor");
}

std::string virtualization() {
  // What service managers and container engines leave there.
  for (const auto* sign : {"/run/systemd/container", "/run/host/container-manager",
                           "/run/.containerenv", "/.dockerenv"})
    if (is_there(sign))
      return "container";
  return has_hypervisor() ? "vm" : "none";
}

std::uint32_t count_nodes() {
  std::ifstream file("/sys/devices/system/node/has_cpu");
  std::string list;
  std::getline(file, list);
  const auto nodes = CidSet::parse(list);
  return nodes && !nodes->empty() ? nodes->size() : 1;
}

Machine read_machine() {
  Machine machine{.cpus = static_cast<std::uint32_t>(std::max(sysconf(_SC_NPROCESSORS_CONF), 1L)),
                  .nodes = count_nodes(),
                  .kernel = {},
                  .host = {},
                  .architecture = {},
                  .virtualization = virtualization()};
  utsname names{};
  if (uname(&names) == 0) {
    machine.kernel = names.release;
    machine.host = names.nodename;
    machine.architecture = architecture_of(names.machine);
  }
  return machine;
}

}  // namespace

const Surroundings& here() {
  static const Surroundings kHere{.users = user_id_of, .machine = read_machine()};
  return kHere;
}

}  // namespace fief
