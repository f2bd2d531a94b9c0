// SPDX-License-Identifier: GPL-2.0-only
#include "policy/container_layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "policy/systemd_unit.hpp"

namespace fief {
namespace {

constexpr std::string_view kUserManager = R"(/user\.slice/user-[0-9]+\.slice/user@[0-9]+\.service)";
constexpr std::string_view kScopePrefix = "(?:docker|libpod|cri-containerd|crio|nerdctl)-";
constexpr std::string_view kAnyClass = "(?:burstable|besteffort)";

std::string_view name_of(QosClass qos) {
  switch (qos) {
    case QosClass::guaranteed:
      return "guaranteed";
    case QosClass::burstable:
      return "burstable";
    case QosClass::besteffort:
      return "besteffort";
  }
  return {};
}

// The class as a part of a name or a path, between what separates it from the rest; guaranteed pods
// have no such part.
std::string class_regex(std::optional<QosClass> qos, std::string_view before,
                        std::string_view after) {
  if (!qos)
    return fmt::format("(?:{}{}{})?", before, kAnyClass, after);
  if (*qos == QosClass::guaranteed)
    return {};
  return fmt::format("{}{}{}", before, name_of(*qos), after);
}

// systemd takes "-" in a name for a step into another slice.
std::string with_underscores(std::string uid) {
  std::ranges::replace(uid, '-', '_');
  return uid;
}

}  // namespace

std::string container_regex(std::string_view id) {
  const auto whole_id = fmt::format("{}[0-9a-f]*", id);
  const auto in_scope =
      fmt::format(R"((?:{})?{}/{}{}\.scope)", kUserManager, kSlicesRegex, kScopePrefix, whole_id);
  const auto in_pod = fmt::format("/kubepods{}/pod[^/]+/(?:crio-)?{}",
                                  class_regex(std::nullopt, "/", ""), whole_id);
  const auto in_service = fmt::format(R"((?:{})?{}/[^/]+\.service/libpod-payload-{})", kUserManager,
                                      kSlicesRegex, whole_id);
  // The last is containerd's own client's, by its namespaces.
  return fmt::format(R"({}|{}|{}|/docker/{}|/libpod_parent/libpod-{}|/(?:default|k8s\.io)/{})",
                     in_scope, in_pod, in_service, whole_id, whole_id, whole_id);
}

std::string pod_regex(const PodSelector& pod) {
  const auto uid = pod.uid.value_or("[^/]+");
  return fmt::format(R"({}/(?:[^/]+-)?kubepods-{}pod{}\.slice|/kubepods{}/pod{})", kSlicesRegex,
                     class_regex(pod.qos, "", "-"), pod.uid ? with_underscores(uid) : uid,
                     class_regex(pod.qos, "/", ""), uid);
}

std::string to_text(const PodSelector& pod) {
  std::string text;
  if (pod.qos)
    text = fmt::format("qos={}", name_of(*pod.qos));
  if (pod.uid)
    text += fmt::format("{}uid={}", text.empty() ? "" : ",", *pod.uid);
  return text;
}

}  // namespace fief
