// SPDX-License-Identifier: GPL-2.0-only
// The service over the real controller and the model kernel, on a bus of its own, with the real
// journal. Prints the bus's address, then plays what it reads, a command a line, and says "done".
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <cstdio>
#include <cstdlib>
#include <istream>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "api/service.hpp"
#include "backend/time_budget.hpp"
#include "control_world.hpp"
#include "core/journal.hpp"
#include "dbus/private_bus.hpp"
#include "kernel/exit_kind.hpp"

namespace fief::test {
namespace {

void say(std::string_view line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

class Stage : public World {
 public:
  Stage() {
    log::set_sink(std::make_unique<log::JournalSink>());
    say(std::getenv("DBUS_SYSTEM_BUS_ADDRESS"));
    read_next();
  }

  /// Until the commands end.
  void run() {
    while (!ended_) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds{50});
      if (!line_)
        continue;
      play(*std::exchange(line_, std::nullopt));
      say("done");
      read_next();
    }
    stop();
  }

 private:
  void TestBody() override {}

  void read_next() {
    boost::asio::async_read_until(
        commands_, text_, '\n', [this](const boost::system::error_code& error, std::size_t) {
          std::string line;
          if (std::istream stream(&text_); !error && std::getline(stream, line))
            line_ = line;
          else
            ended_ = true;
        });
  }

  // "make /a 300", "weight /a 700", "waits /a 5 100", "end /a why", "policy {…}", "start", "stop"
  void play(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    std::string path;
    std::uint32_t number = 0;
    words >> command;
    if (command == "start")
      return begin();
    if (command == "stop")
      return stop();
    if (command == "policy")
      return set_policy(line.substr(command.size() + 1));
    words >> path;
    if (command == "end")
      return end(path, line.substr(command.size() + path.size() + 2));
    words >> number;
    if (command == "make")
      make(path, number);
    else if (command == "weight")
      set_weight(path, number);
    else if (command == "waits")
      wait(path, number, words);
    else
      ADD_FAILURE() << "unknown command: " << line;
  }

  void begin() {
    start();
    boosts_.emplace(io_, *controller_);
    service_.emplace(io_, *controller_, *boosts_, budget_);
    controller_->set_listener(&*service_);
    service_->start();
  }

  void stop() {
    if (!service_)
      return;
    service_->stop();
    controller_->set_listener(&listener_);
    service_.reset();
    boosts_.reset();
    crash();
  }

  void end(const std::string& path, std::string why) {
    kernel_.end_scheduler(id(path), exit_kind::kError, 0, std::move(why));
  }

  void wait(const std::string& path, std::uint32_t bucket, std::istream& words) {
    TimeHistogram waits;
    words >> waits.counts.at(bucket);
    kernel_.set_wake_waits(id(path), waits);
  }

  PrivateBus bus_;
  boost::asio::posix::stream_descriptor commands_{io_, ::dup(STDIN_FILENO)};
  boost::asio::streambuf text_;
  std::optional<std::string> line_;
  bool ended_ = false;
  std::optional<Boosts> boosts_;
  TimeBudget budget_;
  std::optional<Service> service_;
};

}  // namespace
}  // namespace fief::test

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  GTEST_FLAG_SET(throw_on_failure, true);
  fief::test::Stage().run();
}
