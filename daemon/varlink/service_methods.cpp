// SPDX-License-Identifier: GPL-2.0-only
// org.varlink.service: what every service says of itself.
#include "fief/varlink_names.hpp"
#include "varlink/arguments.hpp"
#include "varlink/descriptions.hpp"
#include "varlink/methods.hpp"

namespace fief::varlink {
namespace {

std::string interface_not_found(const std::string& interface) {
  return reply_error("org.varlink.service.InterfaceNotFound", {{"interface", interface}});
}

std::string info() {
  return reply({{"vendor", "fief"},
                {"product", "fiefd"},
                {"version", FIEF_VERSION},
                {"url", ""},
                {"interfaces", {kServiceInterface, kManagerInterface}}});
}

std::string describe(const std::string& interface) {
  if (interface == kManagerInterface)
    return reply({{"description", kManagerDescription}});
  if (interface == kServiceInterface)
    return reply({{"description", kServiceDescription}});
  return interface_not_found(interface);
}

}  // namespace

std::string call_service(const Call& call) {
  if (call.interface != kServiceInterface)
    return interface_not_found(call.interface);
  Arguments arguments(call.parameters);
  std::string answer;
  if (call.method == "GetInfo")
    answer = info();
  else if (call.method == "GetInterfaceDescription")
    answer = describe(arguments.text("interface"));
  else
    return method_not_found(call);
  const auto fault = arguments.fault();
  return fault ? invalid_parameter(*fault) : answer;
}

std::string method_not_found(const Call& call) {
  return reply_error("org.varlink.service.MethodNotFound",
                     {{"method", call.interface + '.' + call.method}});
}

std::string invalid_parameter(const std::string& parameter) {
  return reply_error("org.varlink.service.InvalidParameter", {{"parameter", parameter}});
}

}  // namespace fief::varlink
