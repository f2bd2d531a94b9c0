// SPDX-License-Identifier: GPL-2.0-only
// What selectors mean in trees as systemd, kubelet's drivers and container runtimes make them.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "cgroup/reader.hpp"
#include "cgroup_fixture.hpp"
#include "cli/offline/pods.hpp"
#include "policy/load.hpp"
#include "policy/resolve.hpp"
#include "policy_texts.hpp"

namespace fief {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kId = "3f4a9c0d12be77f1aa0c52d6e1b90a4433c8d0e5f6a7b8c9d0e1f2a3b4c5d6e7";
constexpr std::string_view kOtherId =
    "a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6b7b8b9c0c1c2c3c4c5c6c7c8c9d0d1d2";
constexpr std::string_view kUid = "0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987";
constexpr std::string_view kFilePod = "0f3c2a1e5b7d4c119a64d2f1c0b3a987";

/// The tree of a directory that has those cgroups and all above them.
CgroupTree tree_of(const std::vector<std::string>& paths) {
  std::set<std::string> all;
  for (const auto& path : paths)
    for (fs::path each(path); each != "/"; each = each.parent_path())
      all.insert(each.string());
  const test::CgroupFixture cgroups;
  for (const auto& path : all)
    cgroups.make({.path = path});
  return read_cgroup_tree(cgroups.mount()).value();
}

/// The paths of the delegations that a policy makes of a tree.
std::vector<std::string> delegated(const Policy& policy, const CgroupTree& tree) {
  std::vector<std::string> paths;
  for (const auto& delegation : resolve(policy, tree).delegations)
    paths.push_back(delegation.cgroup);
  return paths;
}

std::vector<std::string> meant(const std::string& selector, const CgroupTree& tree) {
  const auto text = fmt::format(R"({{"delegations": [{{{}}}]}})", selector);
  const auto policy = test::parse({text});
  return policy ? delegated(*policy, tree) : std::vector{format_faults(policy.error())};
}

const CgroupTree& systemd() {
  static const auto tree = tree_of({
      "/init.scope",
      "/system.slice/db.service",
      "/system.slice/_cpu.service",
      R"(/system.slice/srv-a\x2db.mount)",
      "/system.slice/system-worker.slice/worker@1.service",
      "/system.slice/system-worker.slice/worker@2.service",
      "/a.slice/a-b.slice/nested.service",
      "/user.slice/user-1001.slice/session-3.scope",
      "/user.slice/user-1001.slice/user@1001.service/app.slice/db.service",
      "/user.slice/user-1001.slice/user@1001.service/app.slice/app-x@1.service",
      "/machine.slice/machine-guest.scope/system.slice/db.service",
  });
  return tree;
}

TEST(SystemdLayout, UnitsAreWhereTheirSlicesAre) {
  EXPECT_THAT(meant(R"("unit": "db.service")", systemd()), ElementsAre("/system.slice/db.service"));
  EXPECT_THAT(meant(R"("unit": "nested")", systemd()),
              ElementsAre("/a.slice/a-b.slice/nested.service"));
  EXPECT_THAT(meant(R"("unit": "worker@1.service")", systemd()),
              ElementsAre("/system.slice/system-worker.slice/worker@1.service"));
  EXPECT_THAT(meant(R"("unit": "worker@*.service")", systemd()),
              ElementsAre("/system.slice/system-worker.slice/worker@1.service",
                          "/system.slice/system-worker.slice/worker@2.service"));
  EXPECT_THAT(meant(R"("unit": "session-*.scope")", systemd()),
              ElementsAre("/user.slice/user-1001.slice/session-3.scope"));
  EXPECT_THAT(meant(R"("unit": "init.scope")", systemd()), ElementsAre("/init.scope"));
  EXPECT_THAT(meant(R"("unit": "app-x@1.service")", systemd()), IsEmpty());
}

TEST(SystemdLayout, EscapedNamesAreFound) {
  EXPECT_THAT(meant(R"("unit": "cpu.service")", systemd()),
              ElementsAre("/system.slice/_cpu.service"));
  EXPECT_THAT(meant(R"("unit": "srv-a\\x2db.mount")", systemd()),
              ElementsAre(R"(/system.slice/srv-a\x2db.mount)"));
}

TEST(SystemdLayout, SlicesAndUsersArePaths) {
  const auto& tree = systemd();
  for (const auto* selector :
       {R"("slice": "a-b.slice")", R"("slice": "system-worker.slice")", R"("user": "alice")"}) {
    const auto paths = meant(selector, tree);
    ASSERT_EQ(paths.size(), 1U) << selector;
    EXPECT_NE(tree.find(paths[0]), nullptr) << selector;
  }
}

struct RuntimeLayout {
  std::string name;
  std::string format;  ///< of the container's path, by its id
};

class ContainerLayout : public testing::TestWithParam<RuntimeLayout> {};

TEST_P(ContainerLayout, OneIsFoundByItsId) {
  const auto path = fmt::format(fmt::runtime(GetParam().format), kId);
  const auto tree = tree_of(
      {path + "/inside", fmt::format(fmt::runtime(GetParam().format), kOtherId),
       fmt::format("/machine.slice/libpod-conmon-{}.scope", kId), "/home/" + std::string(kId)});
  for (const auto digits : {12U, 20U, 64U})
    EXPECT_THAT(meant(fmt::format(R"("container": "{}")", kId.substr(0, digits)), tree),
                ElementsAre(path));
  EXPECT_THAT(meant(R"("container": "ffffffffffff")", tree), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, ContainerLayout,
    testing::Values(RuntimeLayout{"DockerSystemd", "/system.slice/docker-{}.scope"},
                    RuntimeLayout{"DockerInASlice", "/a.slice/a-b.slice/docker-{}.scope"},
                    RuntimeLayout{"DockerCgroupfs", "/docker/{}"},
                    RuntimeLayout{"Podman", "/machine.slice/libpod-{}.scope"},
                    RuntimeLayout{"PodmanPod",
                                  "/machine.slice/machine-libpod_pod_12ab.slice/libpod-{}.scope"},
                    RuntimeLayout{"Ctr", "/default/{}"},
                    RuntimeLayout{"PodmanCgroupfs", "/libpod_parent/libpod-{}"},
                    RuntimeLayout{"PodmanService", "/system.slice/cache.service/libpod-payload-{}"},
                    RuntimeLayout{"PodmanRootless",
                                  "/user.slice/user-1000.slice/user@1000.service/user.slice/"
                                  "libpod-{}.scope"},
                    RuntimeLayout{"Containerd",
                                  "/kubepods.slice/kubepods-burstable.slice/"
                                  "kubepods-burstable-pod1_2.slice/cri-containerd-{}.scope"},
                    RuntimeLayout{"ContainerdCgroupfs", "/kubepods/besteffort/pod1-2/{}"},
                    RuntimeLayout{"Crio", "/kubepods.slice/kubepods-pod1_2.slice/crio-{}.scope"},
                    RuntimeLayout{"CrioCgroupfs", "/kubepods/pod1-2/crio-{}"},
                    RuntimeLayout{"DockerUnderKubelet",
                                  "/kubepods.slice/kubepods-pod1_2.slice/docker-{}.scope"},
                    RuntimeLayout{"Nerdctl", "/system.slice/nerdctl-{}.scope"}),
    [](const auto& layout) { return layout.param.name; });

/// A node with a pod of each class, in whose cgroups there is a container.
struct NodeLayout {
  std::string name;
  std::string guaranteed;
  std::string burstable;
  std::string besteffort;

  [[nodiscard]] CgroupTree tree() const {
    return tree_of({fmt::format("{}/cri-containerd-{}.scope", guaranteed, kId),
                    fmt::format("{}/{}", burstable, kId), besteffort + "/x"});
  }
};

class PodLayout : public testing::TestWithParam<NodeLayout> {};

TEST_P(PodLayout, PodsAreFoundByClass) {
  const auto tree = GetParam().tree();
  EXPECT_THAT(meant(R"("pod": {"qos": "guaranteed"})", tree), ElementsAre(GetParam().guaranteed));
  EXPECT_THAT(meant(R"("pod": {"qos": "burstable"})", tree), ElementsAre(GetParam().burstable));
  EXPECT_THAT(meant(R"("pod": {"qos": "besteffort"})", tree), ElementsAre(GetParam().besteffort));
}

TEST_P(PodLayout, PodsAreFoundByUid) {
  const auto tree = GetParam().tree();
  EXPECT_THAT(meant(fmt::format(R"("pod": {{"uid": "{}"}})", kUid), tree),
              UnorderedElementsAre(GetParam().guaranteed, GetParam().burstable));
  EXPECT_THAT(meant(fmt::format(R"("pod": {{"uid": "{}"}})", kFilePod), tree),
              ElementsAre(GetParam().besteffort));
  EXPECT_THAT(meant(fmt::format(R"("pod": {{"qos": "burstable", "uid": "{}"}})", kUid), tree),
              ElementsAre(GetParam().burstable));
  EXPECT_THAT(meant(fmt::format(R"("pod": {{"qos": "besteffort", "uid": "{}"}})", kUid), tree),
              IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, PodLayout,
    testing::Values(
        NodeLayout{"Systemd",
                   "/kubepods.slice/kubepods-pod0f3c2a1e_5b7d_4c11_9a64_d2f1c0b3a987.slice",
                   "/kubepods.slice/kubepods-burstable.slice/"
                   "kubepods-burstable-pod0f3c2a1e_5b7d_4c11_9a64_d2f1c0b3a987.slice",
                   "/kubepods.slice/kubepods-besteffort.slice/"
                   "kubepods-besteffort-pod0f3c2a1e5b7d4c119a64d2f1c0b3a987.slice"},
        NodeLayout{"SystemdBelowACgroupRoot",
                   "/kubelet.slice/kubelet-kubepods.slice/"
                   "kubelet-kubepods-pod0f3c2a1e_5b7d_4c11_9a64_d2f1c0b3a987.slice",
                   "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                   "kubelet-kubepods-burstable-pod0f3c2a1e_5b7d_4c11_9a64_d2f1c0b3a987.slice",
                   "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
                   "kubelet-kubepods-besteffort-pod0f3c2a1e5b7d4c119a64d2f1c0b3a987.slice"},
        NodeLayout{"Cgroupfs", "/kubepods/pod0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987",
                   "/kubepods/burstable/pod0f3c2a1e-5b7d-4c11-9a64-d2f1c0b3a987",
                   "/kubepods/besteffort/pod0f3c2a1e5b7d4c119a64d2f1c0b3a987"}),
    [](const auto& layout) { return layout.param.name; });

TEST(SelectorsExample, DelegatesWhatItSays) {
  const std::vector files{std::string(FIEF_CONFIG_DIR) + "/examples/selectors.json"};
  const auto policy = load_policy_files(files, FileTrust::any);
  ASSERT_TRUE(policy);
  const auto tree = tree_of({
      "/system.slice/db.service",
      "/system.slice/system-web.slice/web@a.service",
      fmt::format("/system.slice/docker-{}.scope", kId),
      fmt::format("/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-{}.scope", kOtherId),
      "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod3.slice",
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod4.slice",
  });
  EXPECT_THAT(delegated(*policy, tree),
              UnorderedElementsAre(
                  "/background.slice", "/user.slice/user-1000.slice", "/system.slice/db.service",
                  "/system.slice/system-web.slice/web@a.service",
                  fmt::format("/system.slice/docker-{}.scope", kId),
                  "/kubepods.slice/kubepods-pod1_2.slice",
                  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod3.slice"));
}

// As libvirt 10, systemd-nspawn and machined make them.
TEST(MachinesExample, DelegatesWhatItSays) {
  const std::vector files{std::string(FIEF_CONFIG_DIR) + "/examples/machines.json"};
  const auto policy = load_policy_files(files, FileTrust::any);
  ASSERT_TRUE(policy);
  const std::string web = R"(/machine.slice/machine-qemu\x2d1\x2dweb.scope)";
  const auto tree = tree_of({
      web + "/libvirt/vcpu0",
      web + "/libvirt/vcpu1",
      web + "/libvirt/emulator",
      R"(/machine.slice/machine-qemu\x2d2\x2dbuild\x2da.scope/libvirt/vcpu0)",
      "/machine.slice/systemd-nspawn@build-b.service/payload/init.scope",
      R"(/machine.slice/machine-build\x2dc.scope)",
      R"(/machine.slice/machine-qemu\x2d3\x2dweb\x2dold.scope/libvirt/vcpu0)",
  });
  EXPECT_THAT(delegated(*policy, tree),
              UnorderedElementsAre(web, web + "/libvirt/vcpu0", web + "/libvirt/vcpu1",
                                   web + "/libvirt/emulator",
                                   R"(/machine.slice/machine-qemu\x2d2\x2dbuild\x2da.scope)",
                                   "/machine.slice/systemd-nspawn@build-b.service",
                                   R"(/machine.slice/machine-build\x2dc.scope)"));
}

// As crictl 1.31 writes it, but for what nobody reads.
constexpr char kSandboxes[] = R"({"items": [
  {"id": "b2", "metadata": {"name": "web-1", "uid": "11111111-2222-4333-8444-555555555555", "namespace": "shop", "attempt": 0},
   "state": "SANDBOX_READY", "createdAt": "1764264000000000000", "labels": {},
   "annotations": {"fief.io/class": "serving", "kubernetes.io/config.source": "api"}},
  {"id": "a1", "metadata": {"name": "web-0", "uid": "55555555-6666-4777-8888-999999999999", "namespace": "shop", "attempt": 1},
   "state": "SANDBOX_READY", "annotations": {"fief.io/class": "serving"}},
  {"id": "a0", "metadata": {"name": "web-0", "uid": "55555555-6666-4777-8888-999999999999", "namespace": "shop", "attempt": 0},
   "state": "SANDBOX_NOTREADY", "annotations": {"fief.io/class": "serving"}},
  {"id": "c3", "metadata": {"name": "proxy-node", "uid": "99999999-9999-4999-8999-999999999999", "namespace": "kube-system"},
   "state": "SANDBOX_READY",
   "annotations": {"fief.io/class": "serving", "kubernetes.io/config.hash": "0f3c2a1e5b7d4c119a64d2f1c0b3a987"}},
  {"id": "d4", "metadata": {"name": "greedy", "uid": "77777777-8888-4999-8aaa-bbbbbbbbbbbb", "namespace": "shop"},
   "state": "SANDBOX_READY", "annotations": {"fief.io/class": "root\u0027s"}},
  {"id": "e5", "metadata": {"name": "plain", "uid": "33333333-4444-4555-8666-777777777777", "namespace": "shop"},
   "state": "SANDBOX_READY", "annotations": {}}]})";

TEST(PodsDropIn, AnnotatedPodsGetTheirClass) {
  const auto made = cli::pods_drop_in(kSandboxes, {"serving", "build"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->passed_by, ElementsAre(R"(shop/greedy: class "root's" is not one of --class)"));
  const auto policy = parse_policy(std::vector{
      PolicyText{"policy.json", R"({"classes": {"serving": {"scheduler": "latency"}}})"},
      PolicyText{"50-pods.json", made->text}});
  ASSERT_TRUE(policy) << format_faults(policy.error());
  const std::string burstable = "/kubepods.slice/kubepods-burstable.slice/";
  const auto tree =
      tree_of({"/kubepods.slice/kubepods-pod11111111_2222_4333_8444_555555555555.slice",
               burstable + "kubepods-burstable-pod55555555_6666_4777_8888_999999999999.slice",
               "/kubepods.slice/kubepods-pod0f3c2a1e5b7d4c119a64d2f1c0b3a987.slice",
               "/kubepods.slice/kubepods-pod77777777_8888_4999_8aaa_bbbbbbbbbbbb.slice",
               "/kubepods.slice/kubepods-pod33333333_4444_4555_8666_777777777777.slice"});
  EXPECT_THAT(delegated(*policy, tree),
              UnorderedElementsAre(
                  "/kubepods.slice/kubepods-pod11111111_2222_4333_8444_555555555555.slice",
                  burstable + "kubepods-burstable-pod55555555_6666_4777_8888_999999999999.slice",
                  "/kubepods.slice/kubepods-pod0f3c2a1e5b7d4c119a64d2f1c0b3a987.slice"));
  EXPECT_EQ(policy->patterns.back().delegation.scheduler, "latency");
  EXPECT_EQ(policy->patterns.back().delegation.name, "kube-system/proxy-node");
}

TEST(PodsDropIn, WhatIsNoListingMakesNone) {
  EXPECT_EQ(cli::pods_drop_in(R"({"items": []})", {"x"})->text, "{\n  \"delegations\": []\n}\n");
  for (const auto* text : {"", "[]", "{}", R"({"items": [{"id": "a"}]})", R"({"items": 3})"})
    EXPECT_EQ(cli::pods_drop_in(text, {"x"}).error().code, Errc::invalid) << text;
}

}  // namespace
}  // namespace fief
