// SPDX-License-Identifier: GPL-2.0-only
// The manual's list of metrics and what is printed: the same names, in the same order.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "cli/text/metrics.hpp"

namespace fief::test {
namespace {

// What follows @p lead, up to a blank, in each line of @p text that begins so.
std::vector<std::string> names_after(const std::string& lead, std::istream& text) {
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(lead)) {
      const auto name = line.substr(lead.size());
      names.push_back(name.substr(0, name.find(' ')));
    }
  return names;
}

TEST(MetricsReference, NamesWhatIsPrinted) {
  StatusView status;
  status.schedulers.emplace_back().path = "/";
  std::istringstream printed(cli::render_metrics(status, cli::MetricsFormat::prometheus));
  std::ifstream manual(FIEF_SOURCE_DIR "/packaging/man/fiefctl.1");
  std::vector<std::string> listed;
  for (const auto& name : names_after(".It Li ", manual))
    if (name.starts_with("fief_"))
      listed.push_back(name);
  EXPECT_EQ(listed, names_after("# HELP ", printed));
}

}  // namespace
}  // namespace fief::test
