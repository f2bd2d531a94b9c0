// SPDX-License-Identifier: GPL-2.0-only
// The answer to GetStatus: one look at the kernel's files in a turn of the loop, however many ask
// for it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "backend/backend.hpp"

namespace fief::varlink {

class LiveStatus {
 public:
  /// Both must outlive this.
  LiveStatus(boost::asio::io_context& io, const Backend& backend) : io_(io), backend_(backend) {}

  /// The reply as of this turn. Valid until the next call.
  const std::string& reply();

 private:
  boost::asio::io_context& io_;
  const Backend& backend_;
  std::shared_ptr<std::string> reply_ = std::make_shared<std::string>();  ///< empty: out of date
};

}  // namespace fief::varlink
