// SPDX-License-Identifier: GPL-2.0-only
// A set of cids: value type, grows as needed, ordered iteration.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace fief {

class CidSet {
 public:
  CidSet() = default;
  CidSet(std::initializer_list<std::uint32_t> cids);
  /// The set {0, …, count-1}.
  static CidSet first(std::uint32_t count);
  /// Reads the kernel's list format, "0-3,8" ("" is the empty set).
  static Result<CidSet> parse(std::string_view list);

  void insert(Cid cid);
  void erase(Cid cid);
  [[nodiscard]] bool contains(Cid cid) const;
  [[nodiscard]] std::uint32_t size() const;
  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool intersects(const CidSet& other) const;
  [[nodiscard]] bool is_subset_of(const CidSet& other) const;

  CidSet& operator|=(const CidSet& other);
  CidSet& operator&=(const CidSet& other);
  CidSet& operator-=(const CidSet& other);
  friend CidSet operator|(CidSet a, const CidSet& b) { return a |= b; }
  friend CidSet operator&(CidSet a, const CidSet& b) { return a &= b; }
  friend CidSet operator-(CidSet a, const CidSet& b) { return a -= b; }
  friend bool operator==(const CidSet& a, const CidSet& b);

  /// The kernel's list format, "0-3,8".
  [[nodiscard]] std::string to_string() const;
  /// Bit n%64 of word n/64 is cid n; trailing zero words are not stored.
  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return words_; }
  static CidSet from_words(const std::uint64_t* words, std::size_t count);

  class Iterator {
   public:
    using value_type = Cid;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const CidSet* set, std::uint32_t at) : set_(set), at_(at) {}
    Cid operator*() const { return Cid{at_}; }
    Iterator& operator++() {
      at_ = set_->next(at_ + 1);
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    const CidSet* set_ = nullptr;
    std::uint32_t at_ = 0;
  };
  [[nodiscard]] Iterator begin() const { return {this, next(0)}; }
  [[nodiscard]] Iterator end() const { return {this, kEnd}; }

 private:
  static constexpr std::uint32_t kEnd = UINT32_MAX;
  [[nodiscard]] std::uint32_t next(std::uint32_t from) const;
  void trim();

  std::vector<std::uint64_t> words_;
};

}  // namespace fief
