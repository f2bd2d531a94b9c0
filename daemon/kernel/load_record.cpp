// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/load_record.hpp"

#include <bpf/bpf.h>

#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace fief {
namespace {

using nlohmann::json;

constexpr std::size_t kRecordSize = 8192;

json option_to_json(const OptionValue& value) {
  return std::visit([](const auto& held) { return json(held); }, value);
}

OptionValue option_from_json(const json& value) {
  if (value.is_boolean())
    return value.get<bool>();
  if (value.is_number_integer())
    return value.get<std::int64_t>();
  return value.get<std::string>();
}

}  // namespace

std::string to_json(const LoadRecord& record) {
  json options = json::object();
  for (const auto& [name, value] : record.request.options)
    options[name] = option_to_json(value);
  return json{{"cgroup_id", record.request.cgroup.value},
              {"cgroup", record.request.path},
              {"scheduler", record.request.scheduler},
              {"options", options},
              {"checksum", record.checksum}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<LoadRecord> load_record_from_json(std::string_view text) {
  try {
    const auto from = json::parse(text);
    LoadRecord record{.request = {.cgroup = CgroupId{from.at("cgroup_id").get<std::uint64_t>()},
                                  .path = from.at("cgroup").get<std::string>(),
                                  .scheduler = from.at("scheduler").get<std::string>(),
                                  .options = {}},
                      .checksum = from.at("checksum").get<std::uint32_t>()};
    for (const auto& [name, value] : from.at("options").items())
      record.request.options.emplace(name, option_from_json(value));
    return record;
  } catch (const json::exception& error) {
    return fail(Errc::invalid, "its record cannot be read: {}", error.what());
  }
}

Result<UniqueFd> make_record_map(const LoadRecord& record) {
  const auto text = to_json(record);
  std::array<char, kRecordSize> value{};
  if (text.size() >= value.size())
    return fail(Errc::invalid, "its options are longer than {} bytes", kRecordSize);
  text.copy(value.data(), text.size());
  UniqueFd map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "fief_record", sizeof(__u32), kRecordSize, 1, nullptr));
  if (!map)
    return fail(Errc::kernel, "cannot make its record: {}", std::strerror(errno));
  const __u32 key = 0;
  if (const int error = bpf_map_update_elem(map.get(), &key, value.data(), BPF_ANY); error != 0)
    return fail(Errc::kernel, "cannot write its record: {}", std::strerror(-error));
  return map;
}

Result<LoadRecord> read_record_map(int map_fd) {
  std::array<char, kRecordSize> value{};
  bpf_map_info info{};
  __u32 size = sizeof(info);
  const __u32 key = 0;
  if (bpf_map_get_info_by_fd(map_fd, &info, &size) != 0 || info.value_size != value.size() ||
      bpf_map_lookup_elem(map_fd, &key, value.data()) != 0)
    return fail(Errc::invalid, "its record cannot be read");
  value.back() = '\0';
  return load_record_from_json(value.data());
}

std::uint32_t checksum_of(std::string_view content) {
  boost::crc_32_type sum;
  sum.process_bytes(content.data(), content.size());
  return sum.checksum();
}

}  // namespace fief
