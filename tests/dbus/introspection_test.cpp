// SPDX-License-Identifier: GPL-2.0-only
// Holds the running service to the interface files that are installed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "dbus/client.hpp"
#include "dbus/private_bus.hpp"
#include "dbus/running_service.hpp"
#include "status/view_facts.hpp"

namespace fief::test {
namespace {

using boost::property_tree::ptree;
constexpr int kPlain = boost::property_tree::xml_parser::no_comments |
                       boost::property_tree::xml_parser::trim_whitespace;

// One line for each element, its attributes sorted: what two descriptions must agree in.
void describe(const ptree& element, const std::string& indent, std::multiset<std::string>& lines) {
  for (const auto& [tag, child] : element) {
    if (tag == "<xmlattr>")
      continue;
    std::map<std::string, std::string> attributes;
    for (const auto& [key, value] : child.get_child("<xmlattr>", ptree{}))
      attributes[key] = value.data();
    auto line = fmt::format("{}/{}", indent, tag);
    for (const auto& [key, value] : attributes)
      line += fmt::format(" {}={}", key, value);
    lines.insert(line);
    describe(child, line, lines);
  }
}

std::multiset<std::string> describe(std::istream& xml, const std::string& interface) {
  ptree document;
  read_xml(xml, document, kPlain);
  std::multiset<std::string> lines;
  for (const auto& [tag, child] : document.get_child("node"))
    if (tag == "interface" && child.get<std::string>("<xmlattr>.name") == interface)
      describe(child, interface, lines);
  return lines;
}

class IntrospectionTest : public testing::Test {
 protected:
  std::multiset<std::string> running(const std::string& path, const std::string& interface) {
    const auto answer = client_.call(path, "org.freedesktop.DBus.Introspectable", "Introspect");
    EXPECT_TRUE(answer) << answer.sentence;
    std::istringstream xml(read_string(answer.message));
    return describe(xml, interface);
  }
  static std::multiset<std::string> installed(const std::string& interface) {
    std::ifstream xml(std::string(FIEF_API_DIR) + "/" + interface + ".xml");
    return describe(xml, interface);
  }

  PrivateBus bus_;
  RunningService service_;
  Client client_;
};

TEST_F(IntrospectionTest, ManagerIsAsInstalled) {
  const auto expected = installed(dbus::kManagerInterface);
  EXPECT_GT(expected.size(), 10U);
  EXPECT_EQ(running(dbus::kPath, dbus::kManagerInterface), expected);
}

TEST_F(IntrospectionTest, SchedulersAreAsInstalled) {
  const auto expected = installed(dbus::kSchedulerInterface);
  EXPECT_GT(expected.size(), 10U);
  EXPECT_EQ(running(object_path(kSelf), dbus::kSchedulerInterface), expected);
  EXPECT_EQ(running(object_path(CgroupId{4711}), dbus::kSchedulerInterface), expected);
}

TEST_F(IntrospectionTest, ObjectsCanBeBrowsedFromTheTop) {
  const auto answer = client_.call("/org/fief/Fief1/scheduler",
                                   "org.freedesktop.DBus.Introspectable", "Introspect");
  ASSERT_TRUE(answer) << answer.sentence;
  const auto xml = read_string(answer.message);
  for (const auto* node : {"\"root\"", "\"4711\"", "\"4712\""})
    EXPECT_NE(xml.find(node), std::string::npos) << xml;
}

}  // namespace
}  // namespace fief::test
