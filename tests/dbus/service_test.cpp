// SPDX-License-Identifier: GPL-2.0-only
// What the service shows on the bus, and what it announces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "status/view_facts.hpp"
#include "status/view_json.hpp"

namespace fief::test {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr CgroupId kA{4711};
constexpr CgroupId kB{4712};

class ServiceTest : public testing::Test {
 protected:
  void change(const std::function<void(StatusView&)>& edit) {
    service_.on_loop([&edit](StateBackend& backend, Service& service) {
      edit(backend.state);
      service.status_changed();
    });
  }
  Answer manager(const std::string& property) {
    return client_.property(dbus::kPath, dbus::kManagerInterface, property);
  }
  Answer of(CgroupId cgroup, const std::string& property) {
    return client_.property(object_path(cgroup), dbus::kSchedulerInterface, property);
  }

  PrivateBus bus_;
  RunningService service_;
  Client client_;
};

std::set<std::string> keys_of_dictionary(const dbus::MessageRef& message) {
  std::set<std::string> keys;
  sd_bus_message_enter_container(message.get(), 'a', nullptr);
  while (sd_bus_message_enter_container(message.get(), 'e', nullptr) > 0) {
    const char type = *sd_bus_message_get_signature(message.get(), 0);
    keys.insert(type == 'o' ? read_path(message) : read_string(message));
    sd_bus_message_skip(message.get(), nullptr);
    sd_bus_message_exit_container(message.get());
  }
  sd_bus_message_exit_container(message.get());
  return keys;
}

std::map<std::uint32_t, double> read_shared(const dbus::MessageRef& message) {
  std::map<std::uint32_t, double> shared;
  std::uint32_t cid = 0;
  double fraction = 0;
  sd_bus_message_enter_container(message.get(), 'a', "(ud)");
  while (sd_bus_message_read(message.get(), "(ud)", &cid, &fraction) > 0)
    shared[cid] = fraction;
  return shared;
}

std::set<std::string> changed_names(const Signal& signal) {
  EXPECT_NE(read_string(signal.message), "");
  return keys_of_dictionary(signal.message);
}

std::vector<std::string> members(const std::deque<Signal>& signals) {
  std::vector<std::string> names;
  names.reserve(signals.size());
  for (const auto& signal : signals)
    names.push_back(signal.member);
  return names;
}

TEST_F(ServiceTest, ManagerShowsTheWhole) {
  EXPECT_EQ(read_string(manager("Version").message), FIEF_VERSION);
  EXPECT_EQ(read_string(manager("State").message), "running");
  EXPECT_EQ(read_u64(manager("PlanNumber").message), 7U);
  EXPECT_EQ(read_u32(manager("Cpus").message), 8U);
  EXPECT_TRUE(read_bool(manager("AsPlanned").message));
  EXPECT_EQ(read_string(manager("PolicyFile").message), "/etc/fief/policy.json");
  EXPECT_EQ(read_string(manager("PolicyError").message), "");
}

TEST_F(ServiceTest, SchedulerShowsWhatItHolds) {
  EXPECT_EQ(read_u64(of(kA, "CgroupId").message), kA.value);
  EXPECT_EQ(read_string(of(kA, "Cgroup").message), "/demo.slice/a.service");
  EXPECT_EQ(read_string(of(kA, "Delegation").message), "a");
  EXPECT_EQ(read_string(of(kA, "Scheduler").message), "fair");
  EXPECT_EQ(read_string(of(kA, "State").message), "attached");
  EXPECT_FALSE(read_bool(of(kA, "Foreign").message));
  EXPECT_EQ(read_u32(of(kA, "Weight").message), 100U);
  EXPECT_DOUBLE_EQ(read_double(of(kA, "Entitlement").message), 3.5);
  EXPECT_EQ(read_string(of(kA, "ExclusiveCids").message), "2-4");
  EXPECT_EQ(read_shared(of(kA, "SharedCids").message), (std::map<std::uint32_t, double>{{1, .5}}));
  EXPECT_TRUE(read_bool(of(kA, "AsPlanned").message));
  EXPECT_EQ(read_string(of(kSelf, "Cgroup").message), "/");
  EXPECT_EQ(read_string(of(kSelf, "ExclusiveCids").message), "0");
}

TEST_F(ServiceTest, CidsHoldExclusiveAndShared) {
  const auto answer = of(kA, "Cids");
  std::set<std::uint32_t> cids;
  std::uint32_t cid = 0;
  sd_bus_message_enter_container(answer.message.get(), 'a', "u");
  while (sd_bus_message_read(answer.message.get(), "u", &cid) > 0)
    cids.insert(cid);
  EXPECT_THAT(cids, ElementsAre(1, 2, 3, 4));
}

TEST_F(ServiceTest, ObservedIsShownWhereItDiffersFromThePlan) {
  change([](StatusView& status) {
    status.schedulers[1].held.by_cap[1] = CidSet{2, 3};
    status.schedulers[1].as_planned = false;
    status.as_planned = false;
  });
  EXPECT_FALSE(read_bool(manager("AsPlanned").message));
  EXPECT_EQ(read_string(of(kA, "ExclusiveCids").message), "2-3");
  EXPECT_EQ(read_string(of(kA, "PlannedExclusiveCids").message), "2-4");
  // Cid 4 is held, but no longer as its own.
  EXPECT_EQ(read_string(of(kA, "BorrowableCids").message), "4");
  EXPECT_EQ(read_shared(of(kA, "SharedCids").message), (std::map<std::uint32_t, double>{{1, .5}}));
}

TEST_F(ServiceTest, OnlyWhatChangedIsAnnounced) {
  change([](StatusView& status) {
    status.plan_number = 8;
    status.schedulers[2].weight = 300;
    status.schedulers[2].last_error = "it failed once";
  });
  const auto scheduler = client_.next_signal("PropertiesChanged");
  EXPECT_EQ(scheduler.path, object_path(kB));
  EXPECT_THAT(changed_names(scheduler), UnorderedElementsAre("Weight", "LastError"));
  const auto manager = client_.next_signal("PropertiesChanged");
  EXPECT_EQ(manager.path, dbus::kPath);
  EXPECT_THAT(changed_names(manager), UnorderedElementsAre("PlanNumber"));
  EXPECT_THAT(members(client_.pending_signals()), ElementsAre());
}

// Reading CPU time takes milliseconds on a busy machine, and the next change may be waiting.
TEST_F(ServiceTest, AnAnnouncementReadsNoFigures) {
  const auto reads = [this] {
    int count = 0;
    service_.on_loop([&count](StateBackend& backend, Service&) { count = backend.figure_reads; });
    return count;
  };
  const auto before = reads();
  change([](StatusView& status) {
    status.plan_number = 8;
    status.schedulers[2].weight = 300;
  });
  client_.next_signal("PropertiesChanged");
  client_.next_signal("PropertiesChanged");
  EXPECT_EQ(reads(), before);
  EXPECT_TRUE(of(kB, "UsageUSec"));
  EXPECT_EQ(reads(), before + 1);
}

TEST_F(ServiceTest, BurstsBecomeOneAnnouncement) {
  service_.on_loop([](StateBackend& backend, Service& service) {
    for (std::uint64_t number = 10; number < 20; ++number) {
      backend.state.plan_number = number;
      service.status_changed();
    }
  });
  client_.next_signal("PropertiesChanged");
  // Whatever else there is to announce comes before this answer.
  EXPECT_TRUE(client_.call_manager("GetStatus"));
  EXPECT_THAT(members(client_.pending_signals()), ElementsAre());
}

TEST_F(ServiceTest, UsageIsReadLiveAndNotAnnounced) {
  EXPECT_EQ(read_u64(of(kA, "UsageUSec").message), 1'004'711U);
  change([](StatusView& status) {
    status.schedulers[1].usage_usec = 5'000'000;
    status.schedulers[1].counters.enqueued = 42;
  });
  EXPECT_THAT(members(client_.pending_signals()), ElementsAre());
  EXPECT_EQ(read_u64(of(kA, "UsageUSec").message), 5'000'000U);
  EXPECT_THAT(
      keys_of_dictionary(of(kA, "Counters").message),
      UnorderedElementsAre("enqueued", "direct", "reenq_cap", "reenq_immed", "reenq_preempted",
                           "reenq_other", "rescued", "reclaims", "aged", "parked", "graced",
                           "limit_periods", "limit_throttled", "borrowed_ns", "lent_ns", "denied"));
}

TEST_F(ServiceTest, AttachAnnouncesTheObjectFirst) {
  service_.on_loop([](StateBackend& backend, Service& service) {
    auto view = backend.state.schedulers[2];
    view.cgroup = CgroupId{99};
    view.path = "/demo.slice/c.service";
    backend.state.schedulers.push_back(view);
    service.scheduler_attached(view);
  });
  const auto signals = client_.pending_signals();
  ASSERT_THAT(members(signals), ElementsAre("InterfacesAdded", "SchedulerAttached"));
  EXPECT_EQ(read_path(signals[0].message), object_path(CgroupId{99}));
  EXPECT_THAT(keys_of_dictionary(signals[0].message), testing::Contains(dbus::kSchedulerInterface));
  EXPECT_EQ(read_path(signals[1].message), object_path(CgroupId{99}));
  EXPECT_EQ(read_u64(signals[1].message), 99U);
  EXPECT_EQ(read_string(signals[1].message), "/demo.slice/c.service");
  EXPECT_EQ(read_string(signals[1].message), "fair");
  EXPECT_EQ(read_string(of(CgroupId{99}, "Cgroup").message), "/demo.slice/c.service");
}

TEST_F(ServiceTest, DetachSaysWhyAndTakesTheObject) {
  service_.on_loop([](StateBackend& backend, Service& service) {
    const auto view = backend.state.schedulers[1];
    backend.state.schedulers.erase(backend.state.schedulers.begin() + 1);
    service.scheduler_detached(view, "killed");
  });
  const auto signals = client_.pending_signals();
  ASSERT_THAT(members(signals), ElementsAre("SchedulerDetached", "InterfacesRemoved"));
  EXPECT_EQ(read_path(signals[0].message), object_path(kA));
  read_u64(signals[0].message);
  read_string(signals[0].message);
  read_string(signals[0].message);
  EXPECT_EQ(read_string(signals[0].message), "killed");
  EXPECT_EQ(read_path(signals[1].message), object_path(kA));
  EXPECT_EQ(of(kA, "Weight").error, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

TEST_F(ServiceTest, ObjectManagerListsEverything) {
  const auto objects =
      client_.call(dbus::kPath, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  ASSERT_TRUE(objects) << objects.sentence;
  EXPECT_THAT(keys_of_dictionary(objects.message),
              testing::IsSupersetOf({object_path(kSelf), object_path(kA), object_path(kB)}));
}

// The bus cuts off whoever sends what is no UTF-8; the names of cgroups are bytes.
TEST_F(ServiceTest, ACgroupWithANameOfAnyBytesSpoilsNoListing) {
  change([](StatusView& status) { status.schedulers[1].path = "/demo.slice/\xff\xfe.service"; });
  EXPECT_EQ(read_string(of(kA, "Cgroup").message), "/demo.slice/\xef\xbf\xbd\xef\xbf\xbd.service");
  EXPECT_TRUE(client_.call_manager("ListSchedulers"));
  EXPECT_TRUE(client_.call_manager("GetStatus"));
  EXPECT_TRUE(client_.call(dbus::kPath, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
}

TEST_F(ServiceTest, WaitingDelegationsHaveNoObject) {
  change([](StatusView& status) {
    SchedulerView waiting;
    waiting.path = "/demo.slice/absent.service";
    status.schedulers.push_back(waiting);
  });
  EXPECT_EQ(client_.call_manager("GetSchedulerByCgroup", {"/demo.slice/absent.service"}).error,
            dbus::kErrorNoSuchScheduler);
  EXPECT_EQ(read_string(of(kSelf, "Cgroup").message), "/");
}

TEST_F(ServiceTest, FindsSchedulersByCgroup) {
  const auto found = client_.call_manager("GetSchedulerByCgroup", {"/demo.slice/b.service"});
  ASSERT_TRUE(found) << found.sentence;
  EXPECT_EQ(read_path(found.message), object_path(kB));
  EXPECT_EQ(read_path(client_.call_manager("GetSchedulerByCgroup", {"/"}).message),
            object_path(kSelf));
  const auto absent = client_.call_manager("GetSchedulerByCgroup", {"/nowhere"});
  EXPECT_EQ(absent.error, dbus::kErrorNoSuchScheduler);
  EXPECT_THAT(absent.sentence, testing::HasSubstr("/nowhere"));
}

TEST_F(ServiceTest, ListsSchedulers) {
  const auto list = client_.call_manager("ListSchedulers");
  ASSERT_TRUE(list) << list.sentence;
  std::vector<std::string> paths;
  const char *object = nullptr, *cgroup = nullptr, *scheduler = nullptr;
  std::uint64_t id = 0;
  sd_bus_message_enter_container(list.message.get(), 'a', "(otss)");
  while (sd_bus_message_read(list.message.get(), "(otss)", &object, &id, &cgroup, &scheduler) > 0) {
    EXPECT_EQ(object, object_path(CgroupId{id}));
    paths.emplace_back(cgroup);
  }
  EXPECT_THAT(paths, ElementsAre("/", "/demo.slice/a.service", "/demo.slice/b.service"));
}

TEST_F(ServiceTest, GetStatusIsTheWholeStateAsJson) {
  const auto answer = client_.call_manager("GetStatus");
  ASSERT_TRUE(answer) << answer.sentence;
  const auto status = status_from_json(read_string(answer.message));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(to_json(*status), to_json(demo_status()));
}

TEST_F(ServiceTest, UnknownThingsAreNamedErrors) {
  EXPECT_EQ(client_.call_manager("Frobnicate").error, SD_BUS_ERROR_UNKNOWN_METHOD);
  EXPECT_EQ(manager("Colour").error, SD_BUS_ERROR_UNKNOWN_PROPERTY);
  EXPECT_EQ(client_.call_manager("GetSchedulerByCgroup").error, SD_BUS_ERROR_INVALID_ARGS);
  const std::string prefix = dbus::kSchedulerPathPrefix;
  for (const auto* name : {"0", "04711", "4711x", "99999999999999999999999", "nonsense"})
    EXPECT_EQ(client_.property(prefix + name, dbus::kSchedulerInterface, "Cgroup").error,
              SD_BUS_ERROR_UNKNOWN_OBJECT)
        << name;
}

}  // namespace
}  // namespace fief::test
