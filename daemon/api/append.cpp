// SPDX-License-Identifier: GPL-2.0-only
#include "api/append.hpp"

#include <algorithm>
#include <array>

namespace fief::dbus {
namespace {

// Opens an array, appends each element by @p one, closes it; stops at the first failure.
template <class Range, class One>
int append_array(sd_bus_message& message, const char* element, const Range& range, One one) {
  int result = sd_bus_message_open_container(&message, SD_BUS_TYPE_ARRAY, element);
  for (const auto& value : range) {
    if (result < 0)
      return result;
    result = one(value);
  }
  return result < 0 ? result : sd_bus_message_close_container(&message);
}

}  // namespace

int append(sd_bus_message& message, const CidSet& cids) {
  return append_array(message, "u", cids, [&message](Cid cid) {
    return sd_bus_message_append(&message, "u", cid.value);
  });
}

int append(sd_bus_message& message, const std::vector<std::uint32_t>& values) {
  return sd_bus_message_append_array(&message, SD_BUS_TYPE_UINT32, values.data(),
                                     values.size() * sizeof(std::uint32_t));
}

int append(sd_bus_message& message, const SharedCids& cids) {
  return append_array(message, "(ud)", cids, [&message](const SharedCid& shared) {
    return sd_bus_message_append(&message, "(ud)", shared.cid.value, to_cpus(shared.fraction));
  });
}

int append(sd_bus_message& message, const TimeHistogram& waits) {
  std::array<std::uint64_t, TimeHistogram::kBuckets + 1> values{};
  std::ranges::copy(waits.counts, values.begin());
  values.back() = waits.sum_us;
  return sd_bus_message_append_array(&message, SD_BUS_TYPE_UINT64, values.data(), sizeof(values));
}

int append(sd_bus_message& message, const Counters& counters) {
  std::vector<std::pair<const char*, std::uint64_t>> entries;
  for_each_counter(counters, [&entries](const char* name, std::uint64_t value) {
    entries.emplace_back(name, value);
  });
  return append_array(message, "{st}", entries, [&message](const auto& entry) {
    return sd_bus_message_append(&message, "{st}", entry.first, entry.second);
  });
}

int append(sd_bus_message& message, const std::vector<CidInfo>& places) {
  return append_array(message, "(uuuuub)", places, [&message](const CidInfo& place) {
    return sd_bus_message_append(&message, "(uuuuub)", place.cpu, place.core, place.llc, place.node,
                                 place.shard, static_cast<int>(place.online));
  });
}

}  // namespace fief::dbus
