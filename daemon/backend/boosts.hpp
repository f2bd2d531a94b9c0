// SPDX-License-Identifier: GPL-2.0-only
// Changes that last as long as somebody holds a file descriptor open.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "backend/changes.hpp"
#include "backend/holds.hpp"
#include "core/fd.hpp"

namespace fief {

class Boosts {
 public:
  /// @p io and @p backend must outlive this.
  Boosts(boost::asio::io_context& io, Backend& backend)
      : holds_(std::make_shared<Holds>(io, [&backend](Holds::Id hold) { backend.release(hold); })) {
  }

  struct Boost {
    Change change;
    /// Once the change is done, what holds it: it ends with the last copy of this descriptor.
    std::shared_ptr<UniqueFd> descriptor;
  };
  /// The change of a delegation's properties, to be carried out once. Errc::invalid: @p keys cannot
  /// be set.
  Result<Boost> make(const std::string& subject, ChangedKeys keys, const std::string& reason);

 private:
  std::shared_ptr<Holds> holds_;
};

}  // namespace fief
