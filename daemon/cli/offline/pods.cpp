// SPDX-License-Identifier: GPL-2.0-only
#include "cli/offline/pods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "status/json_values.hpp"

namespace fief::cli {
namespace {

using json::Json;

constexpr char kReady[] = "SANDBOX_READY";
// A pod that kubelet has from a file goes by this in the paths of cgroups.
constexpr char kFileHash[] = "kubernetes.io/config.hash";

struct Pod {
  std::string name;  ///< "namespace/name"
  std::string uid;   ///< as in the paths of cgroups
  std::string class_name;
};

// A pod that runs and is annotated. Throws where the document is another.
std::optional<Pod> read_pod(const Json& sandbox) {
  const auto& annotations = sandbox.at("annotations");
  const auto wanted = annotations.find(kClassAnnotation);
  if (wanted == annotations.end() || sandbox.at("state") != kReady)
    return std::nullopt;
  const auto& metadata = sandbox.at("metadata");
  const auto hash = annotations.find(kFileHash);
  return Pod{.name = metadata.at("namespace").get<std::string>() + '/' +
                     metadata.at("name").get<std::string>(),
             .uid = (hash != annotations.end() ? *hash : metadata.at("uid")).get<std::string>(),
             .class_name = wanted->get<std::string>()};
}

// By name, so that the same pods make the same text.
std::vector<Pod> read_pods(const Json& listing) {
  std::vector<Pod> pods;
  for (const auto& sandbox : listing.at("items"))
    if (auto pod = read_pod(sandbox))
      pods.push_back(std::move(*pod));
  std::ranges::sort(pods, {}, &Pod::name);
  return pods;
}

PodsDropIn drop_in_of(const std::vector<Pod>& pods, const std::vector<std::string>& classes) {
  PodsDropIn made;
  auto delegations = Json::array();
  for (const auto& pod : pods) {
    if (std::ranges::find(classes, pod.class_name) != classes.end())
      delegations.push_back(
          {{"name", pod.name}, {"pod", {{"uid", pod.uid}}}, {"class", pod.class_name}});
    else
      made.passed_by.push_back(
          fmt::format("{}: class \"{}\" is not one of --class", pod.name, pod.class_name));
  }
  made.text = json::to_text({{"delegations", std::move(delegations)}}, 2) + '\n';
  return made;
}

}  // namespace

Result<PodsDropIn> pods_drop_in(std::string_view listing, const std::vector<std::string>& classes) {
  try {
    return drop_in_of(read_pods(Json::parse(listing)), classes);
  } catch (const Json::exception& error) {
    return fail(Errc::invalid, "not what \"crictl pods --output json\" writes: {}", error.what());
  }
}

}  // namespace fief::cli
