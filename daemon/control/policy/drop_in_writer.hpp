// SPDX-License-Identifier: GPL-2.0-only
// Writes drop-ins so that they outlive a crash, in a thread: a disk may take its time, and nothing
// on the loop waits for one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <variant>

#include "control/policy/candidate.hpp"
#include "policy/drop_ins.hpp"

namespace fief {

class DropInWriter {
 public:
  using Written = std::function<void(const Status&)>;

  /// @p loop outlives this object.
  DropInWriter(boost::asio::io_context& loop, DropIns drop_ins);
  DropInWriter(const DropInWriter&) = delete;
  DropInWriter& operator=(const DropInWriter&) = delete;
  /// Waits until what is being written is written. Nobody hears of that any more.
  ~DropInWriter() = default;

  [[nodiscard]] const DropIns& drop_ins() const { return drop_ins_; }
  /// As DropIns::write(); @p written hears on the loop what became of it, unless this object is
  /// gone by then. One at a time: not before the last one has been heard of.
  void write(const DropIn& drop_in, Written written);

 private:
  boost::asio::io_context& loop_;
  DropIns drop_ins_;
  std::shared_ptr<std::monostate> alive_;
  std::jthread thread_;
};

}  // namespace fief
