// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client/varlink_transport.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "cli/client/unix_address.hpp"
#include "fief/varlink_names.hpp"

namespace fief::cli {
namespace {

using json::Json;

constexpr std::size_t kMaxAnswer = 64U << 20;

// What a call is given, as JSON.
struct Writer {
  Json operator()(const auto& plain) const { return plain; }
  template <class Value>
  Json operator()(const std::map<std::string, Value>& values) const {
    auto object = Json::object();
    for (const auto& [key, value] : values)
      object[key] = std::visit(*this, value);
    return object;
  }
};

std::string call_text(const std::string& method, const Arguments& arguments, bool more) {
  auto parameters = Json::object();
  for (const auto& [name, value] : arguments)
    parameters[name] = std::visit(Writer{}, value);
  Json call{{"method", fmt::format("{}.{}", varlink::kManagerInterface, method)},
            {"parameters", std::move(parameters)}};
  if (more)
    call["more"] = true;
  return json::to_text(call) + '\0';
}

Result<std::string> receive(int socket) {
  std::string text;
  std::array<char, 65536> chunk;
  while (!text.ends_with('\0') && text.size() < kMaxAnswer) {
    const auto got = ::recv(socket, chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return no_answer();
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  text.pop_back();
  return text;
}

// "" if it has none.
std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

tl::unexpected<Error> needs_bus(std::string_view what) {
  return fail(Errc::unsupported, "{} cannot be had by Varlink; it needs the system bus", what);
}

tl::unexpected<Error> failure(const std::string& error, const Json& parameters) {
  if (error == "org.varlink.service.MethodNotFound")
    return needs_bus(text_of(parameters, "method"));
  if (error == "org.varlink.service.InvalidParameter")
    return fail(Errc::invalid, "fiefd does not take this {}", text_of(parameters, "parameter"));
  const auto message = text_of(parameters, "message");
  return fail(code_of(error), "{}", message.empty() ? error : message);
}

// The parameters of a reply.
Result<Json> read_reply(const std::string& text) {
  const auto reply = Json::parse(text, nullptr, false);
  if (!reply.is_object())
    return unreadable("it is no JSON object");
  auto parameters = reply.value("parameters", Json::object());
  if (const auto error = text_of(reply, "error"); !error.empty())
    return failure(error, parameters);
  return parameters;
}

class VarlinkTransport final : public Transport {
 public:
  explicit VarlinkTransport(UniqueFd socket) : socket_(std::move(socket)) {}

  bool daemon_runs() override { return true; }  // it listens
  Result<Answer> call(const std::string& method, const Arguments& arguments) override {
    return exchange(method, call_text(method, arguments, false)).map([](const Json& parameters) {
      const auto json = parameters.find("json");
      return Answer{text_of(parameters, "text"),
                    json == parameters.end() ? std::string{} : json::to_text(*json)};
    });
  }
  // The connection is what lasts.
  Result<UniqueFd> open(const std::string& method, const Arguments& arguments) override {
    return exchange(method, call_text(method, arguments, true))
        .map([this](const Json& /*parameters*/) { return std::move(socket_); });
  }
  Status follow(const Listener& /*tell*/) override { return needs_bus("monitoring"); }

 private:
  Result<Json> exchange(const std::string& method, const std::string& call) {
    const timeval patience{.tv_sec = patience_for(method).count(), .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::send(socket_.get(), call.data(), call.size(), MSG_NOSIGNAL) < 0)
      return no_answer();
    return receive(socket_.get()).and_then(read_reply);
  }

  UniqueFd socket_;
};

}  // namespace

Result<std::unique_ptr<Transport>> connect_to_socket(const std::string& path) {
  const auto address = unix_address(path);
  if (!address)
    return fail(Errc::io, "{} is too long for a socket's path", path);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), as_sockaddr(*address), sizeof *address) != 0) {
    const auto why = fail_errno(errno);
    return context(fmt::format("cannot connect to fiefd at {}", path), why.value());
  }
  return std::make_unique<VarlinkTransport>(std::move(socket));
}

}  // namespace fief::cli
