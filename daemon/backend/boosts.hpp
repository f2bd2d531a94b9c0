// SPDX-License-Identifier: GPL-2.0-only
// Changes that last as long as somebody holds a file descriptor open.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "backend/backend.hpp"
#include "backend/holds.hpp"
#include "backend/operation.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace fief {

class Boosts {
 public:
  /// Is given what holds a change that is in force: it ends with the last copy of the descriptor.
  using Held = std::function<void(Result<UniqueFd> descriptor)>;

  /// @p io and @p backend must outlive this.
  Boosts(boost::asio::io_context& io, Backend& backend)
      : backend_(backend),
        holds_(std::make_shared<Holds>(io, [&backend](Holds::Id hold) { backend.release(hold); })) {
  }

  /// Has the backend do @p boost under a hold of its own. Errc::busy: the requester has too many;
  /// else as Backend::perform(), and nothing is held. @p held may hear after this object is gone.
  void begin(Boost boost, const Requester& requester, Held held);

 private:
  Backend& backend_;
  std::shared_ptr<Holds> holds_;
};

}  // namespace fief
