// SPDX-License-Identifier: GPL-2.0-only
#include "control_world.hpp"

#include <boost/asio/post.hpp>

#include "policy/parse.hpp"

namespace fief::test {
namespace {

class Recorder : public log::Sink {
 public:
  explicit Recorder(std::vector<log::Record>& records) : records_(records) {}
  void write(const log::Record& record) override { records_.push_back(record); }

 private:
  std::vector<log::Record>& records_;
};

}  // namespace

World::World(const std::string& topology)
    : kernel_(parse_topology_spec(topology).value(),
              [this](std::function<void()> run) { boost::asio::post(io_, std::move(run)); }) {
  log::set_sink(std::make_unique<Recorder>(records_));
  root_restart_.first_delay = std::chrono::milliseconds{10};
}

World::~World() {
  EXPECT_THAT(kernel_.violations(), ::testing::IsEmpty());
  log::set_sink(log::default_sink());
}

void World::start(std::chrono::milliseconds limit) {
  auto watcher = CgroupWatcher::open(cgroups_.mount());
  ASSERT_TRUE(watcher) << watcher.error().message;
  watcher_.emplace(std::move(*watcher));
  ControllerConfig config;
  config.read_policy = [this] { return read_policy(); };
  config.drop_ins.emplace(drop_ins_.path() / "policy.d");
  config.policy_files = [] { return std::string("policy.json"); };
  config.kept.emplace(drop_ins_.path() / "kept");
  config.cgroup_mount = cgroups_.mount();
  if (!directories_have_owners_)
    config.owner_of = [this](const std::string& path) -> Result<uid_t> {
      const auto known = owners_.find(path);
      return known == owners_.end() ? 0 : known->second;
    };
  config.root_restart = root_restart_;
  controller_.emplace(io_, kernel_, *watcher_, std::move(config),
                      ControllerHooks{.ready = [this] { ready_ = true; },
                                      .failed = [this](const Error& error) { failure_ = error; },
                                      .left = [this] { left_ = true; },
                                      .progress = [](const std::string&) {}});
  controller_->set_listener(&listener_);
  controller_->start();
  wait_until("ready or failed", [this] { return ready_ || failure_; }, limit);
}

void World::crash() {
  settle();
  controller_.reset();
  io_.restart();
  io_.poll();  // the wait on the descriptor ends
  watcher_.reset();
  ready_ = false;
  listener_ = {};
}

// As the daemon's own directories: one file, and whatever drop-ins there are by now.
PolicySources World::read_policy() const {
  const auto file = drop_ins_.path() / "policy.json";
  write_file(file, policy_text_);
  return fief::read_policy({.directories = {drop_ins_.path()}, .trust = FileTrust::any});
}

Status World::perform(const Operation& operation, const Requester& requester) {
  std::optional<Status> outcome;
  controller_->perform(operation, requester,
                       [&outcome](const Status& status) { outcome = status; });
  wait_until("an answer", [&outcome] { return outcome.has_value(); });
  return outcome.value_or(fail(Errc::io, "no answer"));
}

void World::begin(const Operation& operation, std::optional<Status>* outcome) {
  controller_->perform(operation, {}, [outcome](const Status& status) {
    if (outcome != nullptr)
      *outcome = status;
  });
}

Status World::reload() {
  return perform(Reload{});
}

CgroupId World::make(const std::string& path, std::uint32_t weight) {
  cgroups_.make({.path = path, .weight = weight, .populated = true, .usage_usec = 1000});
  kernel_.add_cgroup(id(path), path);
  return id(path);
}

void World::remove(const std::string& path) {
  const auto cgroup = id(path);
  cgroups_.remove(path);
  kernel_.remove_cgroup(cgroup);
}

void World::set_weight(const std::string& path, std::uint32_t weight) {
  cgroups_.set_weight(path, weight);
  kernel_.change_weight(id(path), weight);
}

void World::wait_until(const std::string& what, const std::function<bool()>& condition,
                       std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited for: " << what;
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds{50});
  }
}

void World::settle() {
  io_.restart();
  io_.poll();
}

void World::wait_for(const std::string& path, SchedulerState state) {
  wait_until(fmt::format("{} {}", path, to_string(state)), [&] {
    const auto now = view(path);
    return now.state == state && (state != SchedulerState::attached || now.as_planned);
  });
}

SchedulerView World::view(const std::string& path) {
  for (const auto& scheduler : controller_->status(Figures::read).schedulers)
    if (scheduler.path == path)
      return scheduler;
  return {};
}

std::uint32_t World::owned(const std::string& path) {
  const auto observation = kernel_.observe();
  const auto* found = observation->find(id(path));
  return found == nullptr ? 0 : found->held.enq().size();
}

std::size_t World::logged(std::string_view message_id) const {
  return static_cast<std::size_t>(std::ranges::count_if(records_, [message_id](const auto& record) {
    return record.fields.message_id == message_id;
  }));
}

std::string quick(const std::string& cgroup, int tries) {
  return fmt::format(
      R"({{"cgroup": "{}", "restart": {{"first_delay_ms": 10, "max_delay_ms": 20, "quarantine_after": {}}}}})",
      cgroup, tries);
}

std::string policy_of(const std::vector<std::string>& delegations) {
  return fmt::format(R"({{"delegations": [{}]}})", fmt::join(delegations, ", "));
}

}  // namespace fief::test
