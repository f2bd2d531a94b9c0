// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a ring record: decoded or refused, never read past.
#include <cstddef>
#include <cstdint>
#include <span>

#include "events/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = fief::decode_event(std::as_bytes(std::span(data, size)));
  if (!event && event.error().code != fief::Errc::invalid)
    __builtin_trap();
  return 0;
}
