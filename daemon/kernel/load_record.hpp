// SPDX-License-Identifier: GPL-2.0-only
// What the next daemon must know of a scheduler that it finds attached: what was asked for when it
// was loaded, and from which object file. Pinned beside the scheduler as a map with one value, a
// JSON text, which `bpftool map dump pinned` shows to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/fd.hpp"
#include "core/result.hpp"
#include "kernel/port.hpp"

namespace fief {

struct LoadRecord {
  AttachRequest request;
  std::uint32_t checksum = 0;  ///< of the object file
  friend bool operator==(const LoadRecord&, const LoadRecord&) = default;
};

std::string to_json(const LoadRecord& record);
/// Errc::invalid: not a text that to_json() made.
Result<LoadRecord> load_record_from_json(std::string_view text);

/// Makes the map that holds @p record. Errc::invalid if it is too long for one.
Result<UniqueFd> make_record_map(const LoadRecord& record);
Result<LoadRecord> read_record_map(int map_fd);

/// CRC-32 of what an object file holds.
std::uint32_t checksum_of(std::string_view content);

}  // namespace fief
