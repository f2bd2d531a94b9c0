// SPDX-License-Identifier: GPL-2.0-only
#include "core/printable.hpp"

#include <gtest/gtest.h>

namespace fief {
namespace {

TEST(Printable, WhatPeopleReadStays) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("/system.slice/größe-\xf0\x9f\x90\xa7 a\\x2db.service"),
            "/system.slice/größe-\xf0\x9f\x90\xa7 a\\x2db.service");
}

TEST(Printable, WhatATerminalWouldDoIsWritten) {
  EXPECT_EQ(printable("/a\x1b[2J\r\tb\x7f"), "/a\\x1b[2J\\x0d\\x09b\\x7f");
  EXPECT_EQ(printable("one\ntwo"), "one\\x0atwo");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // the control sequences of eight bits
  const std::string right_to_left{'\xe2', '\x80', '\xae'};
  EXPECT_EQ(printable(right_to_left), "\\xe2\\x80\\xae");
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");  // a separator of lines
  EXPECT_EQ(printable("a\xff"), "a\\xff");
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("one\n\x1btwo\n"), "one\n\\x1btwo\n");
}

TEST(Shortened, TellsHowLongItIs) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened(std::string(61440, 'x'), 4), "xxxx... (61440 bytes)");
  EXPECT_EQ(shortened("aaöö", 3), "aa... (6 bytes)");  // no half of a character
}

}  // namespace
}  // namespace fief
