// SPDX-License-Identifier: GPL-2.0-only
// Records in the journal, with their fields, by its native protocol (systemd's
// JOURNAL_NATIVE_PROTOCOL): sd-journal would hide whether an entry arrived.
#pragma once

#include <string>

#include "core/fd.hpp"
#include "core/log.hpp"

namespace fief::log {

inline constexpr char kJournalSocket[] = "/run/systemd/journal/socket";

class JournalSink final : public Sink {
 public:
  /// @p socket is the path of the socket that the journal reads, or will read.
  explicit JournalSink(std::string socket = kJournalSocket);

  /// Returns when the journal has @p record, however long that takes: one that is full or away is
  /// waited for. What it can never take is dropped.
  void write(const Record& record) override;

 private:
  [[nodiscard]] bool try_send(const std::string& entry) const;

  std::string path_;
  UniqueFd socket_;
};

}  // namespace fief::log
