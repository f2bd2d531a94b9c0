// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/object_options.hpp"

#include <bpf/btf.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>

#include "core/trusted_file.hpp"

namespace fief {
namespace {

constexpr char kSection[] = ".rodata";

const btf_type* type_of(const btf& types, std::uint32_t id) {
  return btf__type_by_id(&types, id);
}

// Without "volatile" the compiler has put the value where it is used already.
bool is_volatile(const btf& types, std::uint32_t id) {
  const auto* type = type_of(types, id);
  while (type != nullptr && (btf_is_const(type) || btf_is_typedef(type)))
    type = type_of(types, type->type);
  return type != nullptr && btf_is_volatile(type);
}

OptionRange range_of(const btf_type& type, std::uint32_t size) {
  const bool is_int = btf_is_int(&type);
  if (is_int && btf_int_encoding(&type) == BTF_INT_BOOL)
    return {.least = 0, .most = 1, .is_bool = true};
  const bool is_signed = is_int && (btf_int_encoding(&type) & BTF_INT_SIGNED) != 0;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const auto bits = size * 8U - (is_signed ? 1U : 0U);
  const auto most = bits >= 63 ? kMost : (std::int64_t{1} << bits) - 1;
  return {.least = is_signed ? -most - 1 : 0, .most = most};
}

std::optional<Tunable> tunable_of(const btf& types, const btf_var_secinfo& place) {
  const auto* variable = type_of(types, place.type);
  if (variable == nullptr || !is_volatile(types, variable->type))
    return std::nullopt;
  const int id = btf__resolve_type(&types, variable->type);
  const auto* type = id < 0 ? nullptr : type_of(types, static_cast<__u32>(id));
  const bool is_number = type != nullptr && (btf_is_int(type) || btf_is_any_enum(type));
  if (!is_number || place.size == 0 || place.size > sizeof(std::int64_t))
    return std::nullopt;
  return Tunable{.offset = place.offset, .size = place.size, .range = range_of(*type, place.size)};
}

}  // namespace

std::string object_path(const std::string& directory, const std::string& scheduler) {
  return fmt::format("{}/{}{}", directory, scheduler, kObjectSuffix);
}

std::map<std::string, Tunable, std::less<>> tunables_of(const bpf_object& object) {
  std::map<std::string, Tunable, std::less<>> found;
  const btf* types = bpf_object__btf(&object);
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, kSection, BTF_KIND_DATASEC);
  if (id < 0)
    return found;
  const auto* section = type_of(*types, static_cast<__u32>(id));
  const auto* place = btf_var_secinfos(section);
  for (unsigned i = 0; i < btf_vlen(section); ++i, ++place)
    if (const auto tunable = tunable_of(*types, *place))
      found.emplace(btf__name_by_offset(types, type_of(*types, place->type)->name_off), *tunable);
  return found;
}

SchedulerOptions options_of(const bpf_object& object) {
  SchedulerOptions options;
  for (const auto& [name, tunable] : tunables_of(object))
    if (name != kCgroupConstant)
      options.emplace(name, tunable.range);
  if (bpf_object__find_program_by_name(&object, kInfoProgram) != nullptr)
    narrow_to_own_ranges(options);
  return options;
}

Status set_tunable(bpf_object& object, std::string_view name, std::int64_t value) {
  const auto tunables = tunables_of(object);
  const auto found = tunables.find(name);
  const bpf_map* section = bpf_object__find_map_by_name(&object, kSection);
  std::size_t size = 0;
  auto* data = section == nullptr ? nullptr
                                  : static_cast<std::byte*>(bpf_map__initial_value(section, &size));
  if (found == tunables.end() || data == nullptr ||
      std::size_t{found->second.offset} + found->second.size > size)
    return fail(Errc::invalid, "the scheduler has no option \"{}\"", name);
  std::memcpy(data + found->second.offset, &value, found->second.size);
  return {};
}

BpfPtr<bpf_object> open_object(std::string_view content, const std::string& name) {
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  return BpfPtr<bpf_object>(bpf_object__open_mem(content.data(), content.size(), &options));
}

Result<SchedulerOptions> options_in_file(const std::string& file, FileTrust trust) {
  const LibbpfLog log;  // what is wrong is the loader's to say
  const auto content = trust == FileTrust::root_only ? read_file_of_root(file, kMaxObjectBytes)
                                                     : read_regular_file(file, kMaxObjectBytes);
  if (!content)
    return context(file, content.error());
  const auto object = open_object(*content, "options");
  if (!object)
    return fail(Errc::invalid, "{}: cannot open it: {}", file, std::strerror(errno));
  return options_of(*object);
}

std::set<std::string> schedulers_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const auto file = entries->path().filename().string();
    if (file.ends_with(kObjectSuffix) && !file.starts_with("root."))
      names.insert(file.substr(0, file.size() - kObjectSuffix.size()));
  }
  return names;
}

OptionCatalog options_in_directory(std::string directory, FileTrust trust) {
  return [directory = std::move(directory),
          trust](const std::string& scheduler) -> Result<SchedulerOptions> {
    const auto file = object_path(directory, scheduler);
    std::error_code error;
    if (std::filesystem::exists(file, error))
      return options_in_file(file, trust);
    const auto others = schedulers_in(directory);
    if (others.empty())
      return fail(Errc::unsupported, "{} has no schedulers", directory);
    return no_such_scheduler(scheduler, others);
  };
}

}  // namespace fief
