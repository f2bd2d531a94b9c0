// SPDX-License-Identifier: GPL-2.0-only
// What clients hold for as long as they keep a file descriptor open: it ends with its last copy,
// so also when the client is killed. (logind's inhibitors work the same way.)
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <map>

#include "core/fd.hpp"
#include "core/result.hpp"

namespace fief {

class Holds {
 public:
  using Id = std::uint64_t;

  /// @p ended is called, in a later turn of @p io, for every hold whose descriptor was closed.
  Holds(boost::asio::io_context& io, std::function<void(Id)> ended)
      : io_(io), ended_(std::move(ended)) {}
  Holds(const Holds&) = delete;
  Holds& operator=(const Holds&) = delete;
  Holds(Holds&&) = delete;
  Holds& operator=(Holds&&) = delete;
  ~Holds() = default;

  struct Opened {
    Id id = 0;
    UniqueFd descriptor;  ///< to be handed to the client, and then closed here
  };
  /// A new hold of @p uid, which lasts until close() or the end of every copy of its descriptor.
  /// Errc::busy: it has too many, or all but root have; Errc::io.
  Result<Opened> open(uid_t uid);
  /// Ends a hold without telling.
  void close(Id id) { watched_.erase(id); }

 private:
  struct Hold {
    uid_t uid = 0;
    boost::asio::posix::stream_descriptor descriptor;
  };

  [[nodiscard]] Status check_room(uid_t uid) const;
  void watch(Id id);

  boost::asio::io_context& io_;
  std::function<void(Id)> ended_;
  Id last_ = 0;  // ids are never used again; 0 stands for no hold
  std::map<Id, Hold> watched_;
};

}  // namespace fief
