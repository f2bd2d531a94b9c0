// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/client.hpp"

#include <cstdlib>

#include "cli/client/bus_transport.hpp"
#include "cli/client/varlink_transport.hpp"
#include "fief/varlink_names.hpp"
#include "status/view_json.hpp"

namespace fief::cli {
namespace {

constexpr char kSocketVariable[] = "FIEF_VARLINK";

}  // namespace

void prefer_socket(const std::string& path) {
  ::setenv(kSocketVariable, path.c_str(), 1);
}

Result<Connection> connect() {
  const char* preferred = std::getenv(kSocketVariable);
  if (preferred != nullptr && *preferred != '\0')
    return connect_to_socket(preferred);
  auto bus = connect_to_bus();
  if (bus && (*bus)->daemon_runs())
    return bus;
  // A container's own bus has no fief, but the host's socket may be bound in.
  auto socket = connect_to_socket(varlink::kSocket);
  if (socket)
    return socket;
  if (bus)  // it knows why there is none
    return bus;
  return fail(Errc::io, "{}, and {}", bus.error().message, socket.error().message);
}

Result<Answer> ask(const char* method, const Arguments& arguments) {
  return connect().and_then(
      [method, &arguments](const Connection& daemon) { return daemon->call(method, arguments); });
}

Result<StatusView> status_of(Transport& daemon) {
  const auto answer = daemon.call("GetStatus", {});
  if (!answer)
    return tl::unexpected(answer.error());
  auto status = status_from_json(answer->json);
  if (!status)  // not the caller's input: Errc::invalid would blame that
    return fail(Errc::io, "{}", status.error().message);
  return status;
}

Result<StatusView> fetch_status() {
  return connect().and_then([](const Connection& daemon) { return status_of(*daemon); });
}

}  // namespace fief::cli
