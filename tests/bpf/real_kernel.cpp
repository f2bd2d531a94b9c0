// SPDX-License-Identifier: GPL-2.0-only
#include "real_kernel.hpp"

#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/bpf_kernel.hpp"

namespace fief::test {
namespace {

constexpr char kSysfs[] = "/sys/kernel/sched_ext";
/// Nobody makes a real-time task wait this long but whoever keeps the whole guest from running.
constexpr auto kStill = std::chrono::milliseconds(500);
constexpr char kCgroupRoot[] = "/sys/fs/cgroup";

std::string read_file(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string sysfs_directory(CgroupId cgroup) {
  auto root = std::string(kSysfs) + "/root";
  if (cgroup == kSelf)
    return root;
  const auto name = "sub-" + std::to_string(cgroup.value);
  std::error_code gone;
  for (std::filesystem::recursive_directory_iterator at(root, gone), end; !gone && at != end;
       at.increment(gone))
    if (at->path().filename() == name)
      return at->path();
  return root + "/sub/" + name;
}

ParticipantPlan owner(CgroupId cgroup, const CidSet& cids) {
  ParticipantPlan participant;
  participant.cgroup = cgroup;
  participant.exclusive = cids;
  participant.lend = Lend::nothing;
  return participant;
}

std::string default_object_dir() {
  const char* set = std::getenv("FIEF_BPF_DIR");
  return set == nullptr ? BpfKernelConfig{}.object_dir : set;
}

}  // namespace

TestCgroup::TestCgroup(const std::string& name, Below below)
    : directory_(std::string(kCgroupRoot) + "/" + name), path_("/" + name) {
  std::ofstream(std::string(kCgroupRoot) + "/cgroup.subtree_control") << "+cpu";
  std::filesystem::create_directory(directory_);
  struct stat status{};
  EXPECT_EQ(stat(directory_.c_str(), &status), 0);
  id_ = CgroupId{status.st_ino};
  if (below == Below::cpu)
    write("cgroup.subtree_control", "+cpu");
}

TestCgroup::~TestCgroup() {
  remove();
}

void TestCgroup::remove() {
  // With whatever they have started.
  if (!started_.empty())
    std::ofstream(directory_ + "/cgroup.kill") << "1";
  for (const pid_t pid : started_) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  started_.clear();
  std::error_code ignored;
  std::filesystem::remove(directory_, ignored);
}

double TestCgroup::usage() const {
  std::istringstream lines(read_file(directory_ + "/cpu.stat"));
  std::string key;
  std::uint64_t value = 0;
  while (lines >> key >> value)
    if (key == "usage_usec")
      return static_cast<double>(value) / 1e6;
  ADD_FAILURE() << directory_ << "/cpu.stat has no usage_usec";
  return 0;
}

// Another program: what a process of this one leaves behind under sanitizers takes seconds to
// clear.
pid_t TestCgroup::start_shell(std::string command) {
  std::string shell = "sh";
  std::string option = "-c";
  const std::array<char*, 4> arguments{shell.data(), option.data(), command.data(), nullptr};
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, "/bin/sh", nullptr, nullptr, arguments.data(), environ), 0);
  started_.push_back(pid);
  return pid;
}

pid_t TestCgroup::run_above_all(std::uint32_t cpu, double busy, double idle) {
  return run(
      fmt::format("exec taskset -c {} chrt --fifo 50 python3 -c 'import time\n"
                  "while True:\n  end = time.monotonic() + {}\n"
                  "  while time.monotonic() < end: pass\n  time.sleep({})'",
                  cpu, busy, idle));
}

pid_t TestCgroup::run(const std::string& command) {
  const pid_t pid = start_shell(command);
  write("cgroup.procs", std::to_string(pid));
  return pid;
}

pid_t TestCgroup::spin(int cpu, int nice_value) {
  const pid_t pid = start_shell("while :; do :; done");
  if (cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<std::size_t>(cpu), &cpus);
    EXPECT_EQ(sched_setaffinity(pid, sizeof(cpus), &cpus), 0);
  }
  EXPECT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(pid), nice_value), 0);
  write("cgroup.procs", std::to_string(pid));
  return pid;
}

std::vector<pid_t> TestCgroup::spin_many(int tasks, int nice_value) {
  std::vector<pid_t> pids(static_cast<std::size_t>(tasks));
  std::ranges::generate(pids, [this, nice_value] { return spin(-1, nice_value); });
  return pids;
}

void TestCgroup::write(const std::string& file, const std::string& text) const {
  std::ofstream out(directory_ + "/" + file);
  out << text << std::flush;
  EXPECT_TRUE(out.good()) << directory_ << "/" << file;
}

RealKernel::RealKernel() : object_dir_(default_object_dir()) {
  // Whoever measures must never wait for what is measured. What it starts is not of this class.
  sched_param priority{};
  priority.sched_priority = 1;
  EXPECT_EQ(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority), 0);
  // See refuse_huge_pages(): khugepaged, nice 19, keeps whoever it works for from running.
  EXPECT_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  make_kernel();
}

void RealKernel::use_test_objects() {
  namespace fs = std::filesystem;
  const auto all = fs::temp_directory_path() / ("fief-objects-" + std::to_string(getpid()));
  const auto beside = fs::read_symlink("/proc/self/exe").parent_path() / "objects";
  fs::create_directories(all);
  for (const auto& from : {fs::path(object_dir_), beside})
    for (const auto& object : fs::directory_iterator(from))
      fs::copy_file(object.path(), all / object.path().filename(),
                    fs::copy_options::overwrite_existing);
  object_dir_ = all;
  make_kernel();
}

void RealKernel::make_kernel() {
  kernel_.reset();  // a second one beside it would be refused
  kernel_ = make_bpf_kernel(loop_, {.object_dir = object_dir_});
  kernel_->set_event_sink([this](const Event& event) { events_.push_back(event); });
}

Adoption RealKernel::restart() {
  kernel_.reset();
  make_kernel();
  const auto probed = kernel_->probe();
  EXPECT_TRUE(probed) << probed.error().message;
  auto adoption = kernel_->adopt();
  EXPECT_TRUE(adoption) << adoption.error().message;
  return adoption.value_or(Adoption{});
}

RealKernel::~RealKernel() {
  EXPECT_TRUE(kernel_->leave());
  if (object_dir_ != default_object_dir())
    std::filesystem::remove_all(object_dir_);
}

void RealKernel::load_root(const Options& options) {
  const auto probed = kernel_->probe();
  ASSERT_TRUE(probed) << probed.error().message;
  const auto outcome = std::make_shared<std::optional<Status>>();
  kernel_->load_root(options, [outcome](Status status) { *outcome = std::move(status); });
  wait_until(
      "the root scheduler", [outcome] { return outcome->has_value(); }, std::chrono::seconds(90));
  ASSERT_TRUE(outcome->has_value());
  ASSERT_TRUE(**outcome) << (*outcome)->error().message;
}

Status RealKernel::try_attach(const TestCgroup& cgroup, const std::string& scheduler,
                              const Options& options) {
  // Shared: after a wait that was given up the answer may still come.
  const auto outcome = std::make_shared<std::optional<Status>>();
  kernel_->attach({cgroup.id(), cgroup.path(), scheduler, options},
                  [outcome](Status status) { *outcome = std::move(status); });
  wait_until(
      "a child scheduler", [outcome] { return outcome->has_value(); }, std::chrono::seconds(90));
  return outcome->value_or(fail(Errc::stale, "no answer in time"));
}

void RealKernel::attach(const TestCgroup& cgroup, const std::string& scheduler) {
  const auto status = try_attach(cgroup, scheduler);
  ASSERT_TRUE(status) << status.error().message;
}

void RealKernel::apply(const LevelPlan& level) {
  const auto observed = kernel_->observe();
  ASSERT_TRUE(observed) << observed.error().message;
  std::map<CgroupId, HeldCaps> held;
  for (const auto& scheduler : observed->schedulers)
    if (scheduler.cgroup != kSelf && scheduler.parent == level.scheduler)
      held[scheduler.cgroup] = scheduler.held;
  const auto refused =
      kernel_->apply(level, grant_operations(level, held, kernel_->topology()), ++plan_number_);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_TRUE(refused->empty());
}

void RealKernel::wait_until(const std::string& what, const std::function<bool()>& condition,
                            std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "gave up waiting for " << what;
    loop_.restart();
    loop_.run_one_for(std::chrono::milliseconds(20));
  }
}

void RealKernel::run_for(std::chrono::milliseconds time) {
  loop_.restart();
  loop_.run_for(time);
}

std::vector<double> RealKernel::cpus(const std::vector<const TestCgroup*>& cgroups,
                                     std::chrono::milliseconds time) {
  const auto began = std::chrono::steady_clock::now();
  auto used = used_during(cgroups, [this, time] { run_for(time); });
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
  for (auto& one : used)
    one /= passed.count();
  return used;
}

bool RealKernel::saw(const std::function<bool(const Event&)>& predicate) const {
  return std::ranges::any_of(events_, predicate);
}

CidSet sysfs_caps(CgroupId cgroup, const std::string& cap) {
  std::istringstream lines(read_file(sysfs_directory(cgroup) + "/caps"));
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with(cap + ":"))
      continue;
    const auto list = line.substr(cap.size() + 1);
    const auto first = list.find_first_not_of(' ');
    const auto set = CidSet::parse(first == std::string::npos ? "" : list.substr(first));
    EXPECT_TRUE(set) << line;
    return set.value_or(CidSet{});
  }
  ADD_FAILURE() << "no line \"" << cap << "\" in the caps file of " << cgroup.value;
  return {};
}

std::chrono::milliseconds RealKernel::longest_gap(const std::vector<pid_t>& pids,
                                                  std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  struct Watched {
    double used;
    Clock::time_point since;
  };
  std::map<pid_t, Watched> watched;
  for (const pid_t pid : pids)
    watched[pid] = {cpu_seconds(pid), Clock::now()};
  Clock::duration longest{};
  auto last = Clock::now();
  for (const auto end = last + time; last < end;) {
    run_for(std::chrono::milliseconds(100));
    const auto now = Clock::now();
    const bool machine_stood_still = now - last > kStill;
    last = now;
    for (auto& [pid, task] : watched) {
      const auto used = cpu_seconds(pid);
      if (!machine_stood_still)
        longest = std::max(longest, now - task.since);
      if (machine_stood_still || used > task.used)
        task = {used, now};
    }
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
}

std::vector<double> used_during(const std::vector<const TestCgroup*>& cgroups,
                                const std::function<void()>& wait) {
  std::vector<double> used;
  used.reserve(cgroups.size());
  for (const auto* cgroup : cgroups)
    used.push_back(-cgroup->usage());
  wait();
  for (std::size_t i = 0; i < cgroups.size(); ++i)
    used[i] += cgroups[i]->usage();
  return used;
}

double cpu_seconds(pid_t pid) {
  std::uint64_t nanoseconds = 0;
  std::istringstream(read_file("/proc/" + std::to_string(pid) + "/schedstat")) >> nanoseconds;
  return static_cast<double>(nanoseconds) / 1e9;
}

bool sysfs_attached(CgroupId cgroup) {
  return std::filesystem::exists(sysfs_directory(cgroup));
}

std::string sysfs_state() {
  auto text = read_file(std::string(kSysfs) + "/state");
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

LevelPlan level_of(const Topology& topology,
                   const std::vector<std::pair<CgroupId, CidSet>>& owners) {
  return level_below(kSelf, CidSet::first(topology.nr_cids()), owners);
}

LevelPlan level_below(CgroupId scheduler, const CidSet& held,
                      const std::vector<std::pair<CgroupId, CidSet>>& owners) {
  LevelPlan level;
  level.scheduler = scheduler;
  level.held = held;
  level.participants.push_back(owner(kSelf, level.held));
  for (const auto& [cgroup, cids] : owners) {
    level.participants.front().exclusive -= cids;
    level.participants.push_back(owner(cgroup, cids));
  }
  return level;
}

LevelPlan lending(LevelPlan level) {
  for (auto& participant : level.participants)
    participant.lend = Lend::cpus;
  return level;
}

void divide_first_cid(LevelPlan& level, const std::vector<CpuTime>& parts) {
  level.participants.front().exclusive.erase(Cid{0});
  for (std::size_t i = 0; i < parts.size(); ++i)
    level.participants.at(i + 1).shared = {{Cid{0}, parts[i]}};
}

}  // namespace fief::test
