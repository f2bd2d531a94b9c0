// SPDX-License-Identifier: GPL-2.0-only
#include "control/policy/drop_in_writer.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace fief {

DropInWriter::DropInWriter(boost::asio::io_context& loop, DropIns drop_ins)
    : loop_(loop), drop_ins_(std::move(drop_ins)), alive_(std::make_shared<std::monostate>()) {}

// The work guard keeps the loop running until it has heard.
void DropInWriter::write(const DropIn& drop_in, Written written) {
  auto heard = [written = std::move(written), alive = std::weak_ptr(alive_)](const Status& status) {
    if (!alive.expired())
      written(status);
  };
  thread_ = std::jthread([&loop = loop_, guard = boost::asio::make_work_guard(loop_),
                          drop_ins = drop_ins_, drop_in, heard = std::move(heard)] {
    const auto name = drop_in.path.substr(drop_in.path.rfind('/') + 1);
    boost::asio::post(loop,
                      [heard, status = drop_ins.write(name, drop_in.text)] { heard(status); });
  });
}

}  // namespace fief
