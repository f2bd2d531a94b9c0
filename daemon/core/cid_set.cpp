// SPDX-License-Identifier: GPL-2.0-only
#include "core/cid_set.hpp"

#include <algorithm>
#include <charconv>

namespace fief {
namespace {

constexpr std::uint32_t kWordBits = 64;
// Far above any machine; keeps a mistyped list from asking for gigabytes.
constexpr std::uint32_t kMaxCid = 1U << 20;

Result<std::uint32_t> parse_number(std::string_view text, std::string_view list) {
  std::uint32_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value >= kMaxCid)
    return fail(Errc::invalid, R"("{}" is not a CPU list: "{}" is not a number below {})", list,
                text, kMaxCid);
  return value;
}

}  // namespace

CidSet::CidSet(std::initializer_list<std::uint32_t> cids) {
  for (const auto cid : cids)
    insert(Cid{cid});
}

CidSet CidSet::first(std::uint32_t count) {
  CidSet set;
  for (std::uint32_t cid = 0; cid < count; ++cid)
    set.insert(Cid{cid});
  return set;
}

Result<CidSet> CidSet::parse(std::string_view list) {
  CidSet set;
  std::string_view rest = list;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto item = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto dash = item.find('-');
    const auto low = parse_number(item.substr(0, dash), list);
    const auto high =
        dash == std::string_view::npos ? low : parse_number(item.substr(dash + 1), list);
    if (!low)
      return tl::unexpected(low.error());
    if (!high)
      return tl::unexpected(high.error());
    if (*low > *high)
      return fail(Errc::invalid, "\"{}\" is not a CPU list: {} is above {}", list, *low, *high);
    for (auto cid = *low; cid <= *high; ++cid)
      set.insert(Cid{cid});
  }
  return set;
}

CidSet CidSet::from_words(const std::uint64_t* words, std::size_t count) {
  CidSet set;
  set.words_.assign(words, words + count);
  set.trim();
  return set;
}

void CidSet::insert(Cid cid) {
  const auto word = cid.value / kWordBits;
  if (word >= words_.size())
    words_.resize(word + 1);
  words_[word] |= std::uint64_t{1} << (cid.value % kWordBits);
}

void CidSet::erase(Cid cid) {
  const auto word = cid.value / kWordBits;
  if (word >= words_.size())
    return;
  words_[word] &= ~(std::uint64_t{1} << (cid.value % kWordBits));
  trim();
}

bool CidSet::contains(Cid cid) const {
  const auto word = cid.value / kWordBits;
  return word < words_.size() && ((words_[word] >> (cid.value % kWordBits)) & 1) != 0;
}

std::uint32_t CidSet::size() const {
  std::uint32_t count = 0;
  for (const auto word : words_)
    count += static_cast<std::uint32_t>(std::popcount(word));
  return count;
}

bool CidSet::empty() const {
  return words_.empty();
}

bool CidSet::intersects(const CidSet& other) const {
  const auto words = std::min(words_.size(), other.words_.size());
  for (std::size_t i = 0; i < words; ++i)
    if ((words_[i] & other.words_[i]) != 0)
      return true;
  return false;
}

bool CidSet::is_subset_of(const CidSet& other) const {
  return (*this - other).empty();
}

CidSet& CidSet::operator|=(const CidSet& other) {
  words_.resize(std::max(words_.size(), other.words_.size()));
  for (std::size_t i = 0; i < other.words_.size(); ++i)
    words_[i] |= other.words_[i];
  return *this;
}

CidSet& CidSet::operator&=(const CidSet& other) {
  words_.resize(std::min(words_.size(), other.words_.size()));
  for (std::size_t i = 0; i < words_.size(); ++i)
    words_[i] &= other.words_[i];
  trim();
  return *this;
}

CidSet& CidSet::operator-=(const CidSet& other) {
  const auto words = std::min(words_.size(), other.words_.size());
  for (std::size_t i = 0; i < words; ++i)
    words_[i] &= ~other.words_[i];
  trim();
  return *this;
}

bool operator==(const CidSet& a, const CidSet& b) {
  return a.words_ == b.words_;
}

std::string CidSet::to_string() const {
  std::string text;
  auto it = begin();
  while (it != end()) {
    const auto low = (*it).value;
    auto high = low;
    for (++it; it != end() && (*it).value == high + 1; ++it)
      ++high;
    if (!text.empty())
      text += ',';
    text += low == high ? fmt::format("{}", low) : fmt::format("{}-{}", low, high);
  }
  return text;
}

std::uint32_t CidSet::next(std::uint32_t from) const {
  for (std::size_t word = from / kWordBits; word < words_.size(); ++word) {
    auto bits = words_[word];
    if (word == from / kWordBits)
      bits &= ~std::uint64_t{0} << (from % kWordBits);
    if (bits != 0)
      return static_cast<std::uint32_t>(word * kWordBits) +
             static_cast<std::uint32_t>(std::countr_zero(bits));
  }
  return kEnd;
}

// Keeps equality a comparison of vectors.
void CidSet::trim() {
  while (!words_.empty() && words_.back() == 0)
    words_.pop_back();
}

}  // namespace fief
