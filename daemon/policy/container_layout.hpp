// SPDX-License-Identifier: GPL-2.0-only
// Where container runtimes and Kubernetes put their cgroups, as regular expressions over paths.
// Private to the parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fief {

/// Kubernetes' classes of service.
enum class QosClass { guaranteed, burstable, besteffort };

/// Which pods are meant; what is unset is any.
struct PodSelector {
  std::optional<QosClass> qos;
  std::optional<std::string> uid;
};

/// The container whose id begins with @p id, hexadecimal digits: of docker, podman (rootless too),
/// containerd and CRI-O, whether systemd makes its cgroup or the runtime does itself.
std::string container_regex(std::string_view id);

/// The pods' own cgroups, which hold those of their containers, by both of kubelet's drivers.
std::string pod_regex(const PodSelector& pod);

/// "qos=burstable,uid=…".
std::string to_text(const PodSelector& pod);

}  // namespace fief
