// SPDX-License-Identifier: GPL-2.0-only
// Ring records to typed events.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <span>

#include "events/event.hpp"
#include "fief/abi.h"

namespace fief {
namespace {

std::span<const std::byte> bytes(const fief_event& record) {
  return std::as_bytes(std::span(&record, 1));
}

fief_event record(fief_event_kind kind) {
  fief_event raw{};
  raw.kind = kind;
  raw.time_ns = 1'500'000;
  raw.value = 250;
  raw.scheduler = 7;
  raw.cgroup_id = 4242;
  raw.code = -3;
  std::strncpy(raw.name, "fief_fair", sizeof(raw.name));
  return raw;
}

template <class T>
T decoded(const fief_event& raw) {
  const auto event = decode_event(bytes(raw));
  EXPECT_TRUE(event && std::holds_alternative<T>(*event));
  return event && std::holds_alternative<T>(*event) ? std::get<T>(*event) : T{};
}

TEST(DecodeEvent, AttachCarriesParentCgroupAndName) {
  const auto event = decoded<ChildAttached>(record(FIEF_EVENT_CHILD_ATTACHED));
  EXPECT_EQ(event.scheduler, CgroupId{7});
  EXPECT_EQ(event.cgroup, CgroupId{4242});
  EXPECT_EQ(event.name, "fief_fair");
}

TEST(DecodeEvent, NameMayFillItsField) {
  auto raw = record(FIEF_EVENT_CHILD_ATTACHED);
  std::memset(raw.name, 'x', sizeof(raw.name));
  EXPECT_EQ(decoded<ChildAttached>(raw).name, std::string(FIEF_NAME_LEN, 'x'));
}

TEST(DecodeEvent, OtherKinds) {
  EXPECT_EQ(decoded<ChildDetached>(record(FIEF_EVENT_CHILD_DETACHED)).cgroup, CgroupId{4242});
  EXPECT_EQ(decoded<ActivityChanged>(record(FIEF_EVENT_ACTIVITY_CHANGED)).scheduler, CgroupId{7});
  const auto weight = decoded<WeightChanged>(record(FIEF_EVENT_WEIGHT_CHANGED));
  EXPECT_EQ(weight.cgroup, CgroupId{4242});
  EXPECT_EQ(weight.weight, 250U);
  EXPECT_EQ(weight.written.time_since_epoch(), std::chrono::microseconds(1500));
  const auto exited = decoded<SchedulerExited>(record(FIEF_EVENT_EXITED));
  EXPECT_EQ(exited.cgroup, CgroupId{4242});
  EXPECT_EQ(exited.kind, 250U);
  EXPECT_EQ(exited.code, -3);
}

TEST(DecodeEvent, HotplugDirectionIsTheKind) {
  const auto up = decoded<CidHotplug>(record(FIEF_EVENT_CID_ONLINE));
  EXPECT_EQ(up.cid, Cid{250});
  EXPECT_TRUE(up.online);
  EXPECT_FALSE(decoded<CidHotplug>(record(FIEF_EVENT_CID_OFFLINE)).online);
}

TEST(DecodeEvent, RefusesOtherSizes) {
  const std::array<fief_event, 2> two{record(FIEF_EVENT_EXITED), record(FIEF_EVENT_EXITED)};
  const auto all = std::as_bytes(std::span(two));
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, sizeof(fief_event) - 1,
                                 sizeof(fief_event) + 1, 2 * sizeof(fief_event)}) {
    const auto event = decode_event(all.first(size));
    ASSERT_FALSE(event) << size;
    EXPECT_EQ(event.error().code, Errc::invalid);
  }
}

TEST(DecodeEvent, RefusesUnknownKinds) {
  for (const std::uint32_t kind : {0U, 8U, 0xffffffffU}) {
    auto raw = record(FIEF_EVENT_EXITED);
    raw.kind = kind;
    const auto event = decode_event(bytes(raw));
    ASSERT_FALSE(event) << kind;
    EXPECT_EQ(event.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace fief
