// SPDX-License-Identifier: GPL-2.0-only
#include "core/utf8.hpp"

#include <gtest/gtest.h>

namespace fief {
namespace {

TEST(Utf8, WhatIsValidStays) {
  EXPECT_EQ(to_utf8(""), "");
  EXPECT_EQ(to_utf8("/system.slice/größe-\xf0\x9f\x90\xa7.service"),
            "/system.slice/größe-\xf0\x9f\x90\xa7.service");
}

TEST(Utf8, EveryOtherByteIsReplaced) {
  const std::string mark(kReplacement);
  EXPECT_EQ(to_utf8("a\xff\xfe"), "a" + mark + mark);
  EXPECT_EQ(to_utf8("\xc3"), mark);                               // cut off
  EXPECT_EQ(to_utf8("\xc0\xaf"), mark + mark);                    // overlong
  EXPECT_EQ(to_utf8("\xed\xa0\x80z"), mark + mark + mark + "z");  // a surrogate
}

}  // namespace
}  // namespace fief
