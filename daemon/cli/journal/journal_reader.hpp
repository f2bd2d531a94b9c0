// SPDX-License-Identifier: GPL-2.0-only
// What the journal holds of fief, entry by entry. Nothing else here reads it.
#pragma once

#include <systemd/sd-journal.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/text/history.hpp"
#include "core/result.hpp"

namespace fief::cli {

/// Which entries, all ends included; what is unset is no bound.
struct JournalRange {
  std::optional<std::uint64_t> since_usec;
  std::optional<std::uint64_t> until_usec;
  std::string boot;  ///< of this boot alone; empty: of any
};

class JournalReader {
 public:
  /// What takes an entry; false: no more are wanted.
  using Visit = std::function<bool(const HistoryEntry& entry)>;

  /// The journal of this system, or of the files in @p directory if that is not empty.
  /// Errc::denied says who may read it, Errc::not_found that there is none.
  static Result<JournalReader> open(const std::string& directory);

  /// Visits the entries in @p range, the newest first.
  Status read_back(const JournalRange& range, const Visit& visit);
  /// Visits those that come after what the last read_back() found in the journal, as they come,
  /// until none is wanted.
  Status follow(const Visit& visit);
  /// The id of the boot that runs, of a directory the one that was written last.
  [[nodiscard]] const std::string& last_boot() const { return last_boot_; }

 private:
  struct Close {
    void operator()(sd_journal* journal) const { ::sd_journal_close(journal); }
  };
  using Journal = std::unique_ptr<sd_journal, Close>;

  explicit JournalReader(Journal journal) : journal_(std::move(journal)) {}

  Status prepare(const std::string& directory);
  Status seek_end(const JournalRange& range);
  Status seek_behind_last();
  void note_cursor();
  [[nodiscard]] HistoryEntry current() const;

  Journal journal_;
  std::string last_boot_;
  std::string cursor_;  ///< of the newest entry that read_back() came by; empty: it found none
};

}  // namespace fief::cli
