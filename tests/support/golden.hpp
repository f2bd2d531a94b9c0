// SPDX-License-Identifier: GPL-2.0-only
// Texts held to files that people have looked at. FIEF_UPDATE_GOLDEN=1 writes them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace fief::test {

/// @p name: the file, below FIEF_GOLDEN_DIR.
inline void expect_golden(const std::string& name, const std::string& text) {
  const auto file = std::string(FIEF_GOLDEN_DIR) + "/" + name;
  if (std::getenv("FIEF_UPDATE_GOLDEN") != nullptr)
    std::ofstream(file) << text;
  std::ifstream stream(file);
  const std::string expected{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(text, expected) << "differs from " << file;
}

}  // namespace fief::test
