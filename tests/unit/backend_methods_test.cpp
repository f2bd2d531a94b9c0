// SPDX-License-Identifier: GPL-2.0-only
// The table of methods is what the interface files say, which clients go by.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "backend/methods.hpp"

namespace fief {
namespace {

using boost::property_tree::ptree;

// "SetProperties(s delegation, a{sv} properties, t flags)" by name, with "-> h descriptor".
std::map<std::string, std::string> methods_of_xml() {
  ptree document;
  std::ifstream file(std::string(FIEF_API_DIR) + "/org.fief.Fief1.Manager.xml");
  read_xml(file, document);
  std::map<std::string, std::string> methods;
  for (const auto& [tag, method] : document.get_child("node.interface")) {
    if (tag != "method")
      continue;
    std::vector<std::string> in;
    std::vector<std::string> out;
    for (const auto& [kind, argument] : method)
      if (kind == "arg")
        (argument.get<std::string>("<xmlattr>.direction") == "in" ? in : out)
            .push_back(fmt::format("{} {}", argument.get<std::string>("<xmlattr>.type"),
                                   argument.get<std::string>("<xmlattr>.name")));
    methods[method.get<std::string>("<xmlattr>.name")] =
        fmt::format("({}) -> {}", fmt::join(in, ", "), fmt::join(out, ", "));
  }
  return methods;
}

std::string as_in_xml(const Method& method) {
  std::vector<std::string> arguments;
  arguments.reserve(method.arguments.size());
  for (const auto kind : method.arguments)
    arguments.push_back(fmt::format("{} {}", form_of(kind).dbus, form_of(kind).name));
  return fmt::format("({}) -> {}", fmt::join(arguments, ", "),
                     method.is_held ? "h descriptor" : "");
}

std::string as_in_varlink(const Method& method) {
  std::vector<std::string> arguments;
  arguments.reserve(method.arguments.size());
  for (const auto kind : method.arguments)
    arguments.push_back(fmt::format("{}: {}", form_of(kind).name, form_of(kind).varlink));
  return fmt::format("\nmethod {}({}) -> ()\n", method.name, fmt::join(arguments, ", "));
}

TEST(MethodsTest, AreThoseOfTheBus) {
  const auto written = methods_of_xml();
  for (const auto& method : change_methods()) {
    const auto found = written.find(std::string(method.name));
    ASSERT_NE(found, written.end()) << method.name;
    EXPECT_EQ(as_in_xml(method), found->second) << method.name;
  }
}

TEST(MethodsTest, WhatElseTheBusHasReads) {
  std::set<std::string> others;
  for (const auto& [name, arguments] : methods_of_xml())
    if (find_change_method(name) == nullptr)
      others.insert(name);
  EXPECT_THAT(others, testing::ElementsAre("DumpByFileDescriptor", "Explain", "GetPlan",
                                           "GetPolicy", "GetSchedulerByCgroup", "GetStatus",
                                           "ListSchedulers", "PreviewReload"));
}

TEST(MethodsTest, AreThoseOfVarlink) {
  std::ifstream file(std::string(FIEF_VARLINK_DIR) + "/io.fief.Manager.varlink");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& method : change_methods())
    EXPECT_THAT(text, testing::HasSubstr(as_in_varlink(method)));
}

TEST(MethodsTest, MakeOperationsOfTheirValues) {
  const MethodValues values{.subject = "db",
                            .scheduler = "batch",
                            .options = {{"slice_us", std::int64_t{500}}},
                            .properties = {{"weight", std::int64_t{300}}},
                            .reason = "enough",
                            .lifetime = Lifetime::until_restart,
                            .from_scratch = true};
  std::map<std::string_view, std::string> made;
  for (const auto& method : change_methods())
    made[method.name] = to_text(method.make(values));
  const std::map<std::string_view, std::string> expected{
      {"Attach",
       "attach a scheduler to db: options={slice_us=500}, scheduler=batch, until a restart"},
      {"Boost", "boost db: weight=300, for enough"},
      {"Detach", "detach the scheduler of db, until a restart"},
      {"Kill", "kill the scheduler of db: enough"},
      {"Leave", "leave for good"},
      {"Reload", "reload the policy"},
      {"Replan", "plan from scratch"},
      {"Revert", "revert what was changed of db"},
      {"SetProperties", "set weight=300 of db, until a restart"}};
  EXPECT_EQ(made, expected);
}

TEST(MethodsTest, OptionsAreNoReals) {
  EXPECT_TRUE(to_options({{"eager", true}, {"slice_us", std::int64_t{5}}}));
  const auto real = to_options({{"slice_us", 0.5}});
  ASSERT_FALSE(real);
  EXPECT_EQ(real.error().code, Errc::invalid);
}

}  // namespace
}  // namespace fief
