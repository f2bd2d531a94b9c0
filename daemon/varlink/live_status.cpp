// SPDX-License-Identifier: GPL-2.0-only
#include "varlink/live_status.hpp"

#include <boost/asio/post.hpp>

#include "status/view_json.hpp"
#include "varlink/message.hpp"

namespace fief::varlink {

// What is posted comes after everything that is ready now.
const std::string& LiveStatus::reply() {
  if (reply_->empty()) {
    *reply_ = reply_document(to_json(backend_.status(Figures::read)));
    boost::asio::post(io_, [known = std::weak_ptr(reply_)] {
      if (const auto reply = known.lock())
        reply->clear();
    });
  }
  return *reply_;
}

}  // namespace fief::varlink
