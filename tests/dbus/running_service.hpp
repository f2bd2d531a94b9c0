// SPDX-License-Identifier: GPL-2.0-only
// The real services, D-Bus and Varlink, on a loop of their own, over a state that the test sets.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "api/service.hpp"
#include "backend/backend.hpp"
#include "unit/temp_dir.hpp"
#include "varlink/server.hpp"

namespace fief::test {

/// A machine of 8 CPUs with the root scheduler and a, b below /demo.slice; all as planned.
StatusView demo_status();

/// A policy with one delegation.
ShownPolicy demo_policy();

/// Answers with what the test put here. Loop thread only.
class StateBackend final : public Backend {
 public:
  StatusView state = demo_status();
  ShownPolicy shown = demo_policy();
  Status outcome;                                            ///< of every change
  std::vector<std::function<void(Status)>>* held = nullptr;  ///< collect instead of answer
  mutable int status_calls = 0;
  mutable int figure_reads = 0;
  int reload_calls = 0;
  std::chrono::milliseconds cost{0};  ///< of every change, in CPU time
  uid_t tenant = 0;                   ///< who may change what is called by a path

  /// What was asked of it: "change db weight=300 persistent", in order.
  std::vector<std::string> requests;

  [[nodiscard]] StatusView status(Figures figures) const override;
  void perform(const Operation& operation, const Requester& requester, Done done) override;
  [[nodiscard]] Result<ExplanationTexts> preview_reload() const override;
  [[nodiscard]] Status check_tenant(const OwnersWish& wish, uid_t uid) const override;
  void release(std::uint64_t hold) override;
  [[nodiscard]] std::string plan() const override;
  [[nodiscard]] const ShownPolicy& policy() const override { return shown; }
  [[nodiscard]] Result<ExplanationTexts> explain(const std::string& subject) const override;

 private:
  void record(std::string request, Done done);
};

class RunningService {
 public:
  /// Returns once the service owns its name on the bus.
  RunningService();
  RunningService(const RunningService&) = delete;
  RunningService& operator=(const RunningService&) = delete;
  RunningService(RunningService&&) = delete;
  RunningService& operator=(RunningService&&) = delete;
  ~RunningService();

  /// Runs @p work on the service's loop and waits for it.
  void on_loop(const std::function<void(StateBackend&, Service&)>& work);
  /// What the service's thread has had of the CPUs until now. Any thread may ask.
  [[nodiscard]] std::chrono::nanoseconds cpu_time();

  /// Where it answers on Varlink.
  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  TempDir directory_;
  std::string socket_ = (directory_.path() / "io.fief.Manager").string();
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  StateBackend backend_;
  Boosts boosts_;
  TimeBudget budget_;
  Service service_;
  varlink::Server varlink_;
  std::thread thread_;
};

}  // namespace fief::test
