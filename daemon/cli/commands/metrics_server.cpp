// SPDX-License-Identifier: GPL-2.0-only
#include "cli/commands/metrics_server.hpp"

#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/text/metrics.hpp"

namespace fief::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using Stream = beast::basic_stream<Protocol>;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

// A client that takes longer than this for its request or for the answer is left.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kFresh{1};
constexpr int kMaxClients = 32;
constexpr std::uint32_t kMaxHeader = 8192;
constexpr std::size_t kMaxRead = 16384;

constexpr char kPath[] = "/metrics";
constexpr char kOpenMetrics[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
constexpr char kPrometheus[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kPlain[] = "text/plain; charset=utf-8";

// What was fetched last, for as long as it is fresh: scraping often costs the daemon nothing.
class Source {
 public:
  explicit Source(std::function<Result<StatusView>()> fetch) : fetch_(std::move(fetch)) {}

  const Result<StatusView>& get() {
    const auto now = steady_clock::now();
    if (!last_ || now - fetched_at_ >= kFresh) {
      last_ = fetch_();
      fetched_at_ = now;
    }
    return *last_;
  }

 private:
  std::function<Result<StatusView>()> fetch_;
  std::optional<Result<StatusView>> last_;
  steady_clock::time_point fetched_at_;
};

bool accepts_openmetrics(const Request& request) {
  const auto accept = request[http::field::accept];
  return std::string_view(accept.data(), accept.size()).find("application/openmetrics-text") !=
         std::string_view::npos;
}

Response text_response(http::status status, const char* type, std::string body) {
  Response response(status, 11);
  response.set(http::field::content_type, type);
  response.body() = std::move(body);
  return response;
}

Response respond(const Request& request, Source& source) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto refusal = text_response(http::status::method_not_allowed, kPlain, "only GET and HEAD\n");
    refusal.set(http::field::allow, "GET, HEAD");
    return refusal;
  }
  const auto target = request.target();
  if (target.substr(0, target.find('?')) != kPath)
    return text_response(http::status::not_found, kPlain, "the metrics are at /metrics\n");
  const auto& status = source.get();
  if (!status)
    return text_response(http::status::service_unavailable, kPlain, status.error().message + "\n");
  const bool open = accepts_openmetrics(request);
  return text_response(
      http::status::ok, open ? kOpenMetrics : kPrometheus,
      render_metrics(*status, open ? MetricsFormat::openmetrics : MetricsFormat::prometheus));
}

// One request and its answer.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// @p client lives as long as the session.
  Session(Protocol::socket socket, Source& source, std::shared_ptr<void> client)
      : stream_(std::move(socket)), source_(source), client_(std::move(client)) {
    parser_.header_limit(kMaxHeader);
  }

  void start() {
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (!error)
                         self->answer();
                     });
  }

 private:
  void answer() {
    const auto& request = parser_.get();
    response_ = respond(request, source_);
    response_.keep_alive(false);
    response_.prepare_payload();
    if (request.method() == http::verb::head)
      response_.body().clear();
    stream_.expires_after(kPatience);
    // The connection ends with the session, once all is written.
    http::async_write(stream_, response_,
                      [self = shared_from_this()](const error_code&, std::size_t) {});
  }

  Stream stream_;
  Source& source_;
  std::shared_ptr<void> client_;
  beast::flat_buffer buffer_{kMaxRead};
  http::request_parser<http::empty_body> parser_;
  Response response_;
};

class Server {
 public:
  Server(asio::io_context& io, UniqueFd listening, const Protocol& protocol, Source& source)
      : acceptor_(io, protocol, listening.get()), source_(source) {
    static_cast<void>(listening.release());
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
      // One that comes while there are too many is closed at once.
      if (!error && clients_.use_count() <= kMaxClients)
        std::make_shared<Session>(std::move(socket), source_, clients_)->start();
      if (error != asio::error::operation_aborted)
        accept();
    });
  }

 private:
  Acceptor acceptor_;
  Source& source_;
  std::shared_ptr<void> clients_ = std::make_shared<int>();  ///< each session holds it
};

Result<Protocol> protocol_of(int fd) {
  int family = 0;
  int protocol = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0)
    return fail_errno(errno);
  return Protocol(family, protocol);
}

}  // namespace

Status serve_metrics(UniqueFd listening, std::function<Result<StatusView>()> fetch) {
  const auto protocol = protocol_of(listening.get());
  if (!protocol)
    return tl::unexpected(protocol.error());
  asio::io_context io(1);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](const error_code&, int) { io.stop(); });
  Source source(std::move(fetch));
  Server server(io, std::move(listening), *protocol, source);
  server.accept();
  io.run();
  return {};
}

}  // namespace fief::cli
