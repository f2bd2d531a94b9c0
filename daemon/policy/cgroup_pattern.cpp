// SPDX-License-Identifier: GPL-2.0-only
#include "policy/cgroup_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <utility>

namespace fief {
namespace {

// A path has at most 4095 bytes: what needs more steps than these goes round in circles.
constexpr std::uint32_t kMaxSteps = 20000;
constexpr std::uint32_t kMaxDepth = 1000;
constexpr std::uint32_t kMaxHeapKiB = 1024;

// Names are bytes: no UTF, and a "$" that means the end and not a newline before it.
constexpr std::uint32_t kOptions = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
                                   PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
// A converted glob has its own.
constexpr std::uint32_t kWhole = PCRE2_ANCHORED | PCRE2_ENDANCHORED;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};
using CodeHandle = std::unique_ptr<pcre2_code, Release<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>>;
using ConvertContext = std::unique_ptr<pcre2_convert_context, Release<pcre2_convert_context_free>>;

PCRE2_SPTR units(std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the library's name for bytes
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

tl::unexpected<Error> fault(int code, std::size_t offset) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as above
  return fail(Errc::invalid, "{} (at byte {})", reinterpret_cast<const char*>(text.data()),
              offset + 1);
}

// Backslashes stand for themselves: systemd's names are full of them.
Result<std::string> regex_of_glob(std::string_view glob) {
  const ConvertContext context(pcre2_convert_context_create(nullptr));
  pcre2_set_glob_escape(context.get(), 0);
  PCRE2_UCHAR* converted = nullptr;
  std::size_t length = 0;
  const int result = pcre2_pattern_convert(units(glob), glob.size(), PCRE2_CONVERT_GLOB, &converted,
                                           &length, context.get());
  const std::unique_ptr<PCRE2_UCHAR, Release<pcre2_converted_pattern_free>> owned(converted);
  if (result != 0)
    return fault(result, length);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as above
  return std::string(reinterpret_cast<const char*>(converted), length);
}

}  // namespace

struct CgroupPattern::Code {
  CodeHandle regex;
  MatchData match;
  MatchContext limits;
};

Result<CgroupPattern> CgroupPattern::compile(Kind kind, std::string_view text) {
  const auto regex = kind == Kind::glob ? regex_of_glob(text) : Result<std::string>(text);
  if (!regex)
    return tl::unexpected(regex.error());
  const auto options = kOptions | (kind == Kind::regex ? kWhole : 0);
  int error = 0;
  std::size_t offset = 0;
  auto code = std::make_shared<Code>();
  code->regex.reset(pcre2_compile(units(*regex), regex->size(), options, &error, &offset, nullptr));
  if (code->regex == nullptr)
    return fault(error, offset);
  code->match.reset(pcre2_match_data_create(1, nullptr));
  code->limits.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(code->limits.get(), kMaxSteps);
  pcre2_set_depth_limit(code->limits.get(), kMaxDepth);
  pcre2_set_heap_limit(code->limits.get(), kMaxHeapKiB);
  return CgroupPattern(kind, std::string(text), std::move(code));
}

bool CgroupPattern::matches(std::string_view path) const {
  return pcre2_match(code_->regex.get(), units(path), path.size(), 0, 0, code_->match.get(),
                     code_->limits.get()) >= 0;
}

}  // namespace fief
