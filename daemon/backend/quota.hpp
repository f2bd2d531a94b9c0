// SPDX-License-Identifier: GPL-2.0-only
// How much one client may have under way.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace fief {

/// Counts by client. Tickets may outlive the quota.
class Quota {
 public:
  /// Gives its place back when the last copy of it goes.
  using Ticket = std::shared_ptr<void>;

  explicit Quota(std::size_t limit) : limit_(limit) {}

  /// A place for @p client, or nullptr if it has as many as it may.
  Ticket take(const std::string& client);

 private:
  using Counts = std::map<std::string, std::size_t>;
  std::size_t limit_;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();  // of clients that have any
};

}  // namespace fief
