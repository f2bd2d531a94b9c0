// SPDX-License-Identifier: GPL-2.0-only
#include "app/policy_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <utility>

#include "core/log.hpp"

namespace fief {
namespace {

constexpr std::uint32_t kChanges =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;

bool same(const std::vector<PolicyText>& a, const std::vector<PolicyText>& b) {
  return std::ranges::equal(a, b, [](const PolicyText& one, const PolicyText& other) {
    return one.file == other.file && one.text == other.text;
  });
}

}  // namespace

PolicyWatch::PolicyWatch(boost::asio::io_context& io, std::vector<std::string> directories,
                         std::function<PolicySources()> read, std::function<void()> changed)
    : directories_(std::move(directories)),
      read_(std::move(read)),
      changed_(std::move(changed)),
      quiet_(io),
      wait_(io, [this] { return take_in(); }) {}

Status PolicyWatch::start() {
  auto inotify = Inotify::open();
  if (!inotify)
    return tl::unexpected(inotify.error());
  inotify_.emplace(std::move(*inotify));
  if (const auto watched = watch_all(); !watched)
    return watched;
  known_ = read_().texts;
  wait_.start(inotify_->fd());
  return {};
}

void PolicyWatch::stop() {
  wait_.stop();
  quiet_.cancel();
}

// Again after every change: a directory may have come, or another one stand in its place.
Status PolicyWatch::watch_all() {
  for (const auto& directory : directories_) {
    const auto opened = open_at(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
    if (!opened)
      continue;
    if (const auto watched = inotify_->watch(opened->get(), "", kChanges);
        !watched && watched.error().code != Errc::not_found)
      return context(directory, watched.error());
  }
  return {};
}

PacedWait::Pause PolicyWatch::take_in() {
  static_cast<void>(inotify_->read());
  if (std::exchange(is_due_, true))
    return {};
  quiet_.expires_after(kQuiet);
  quiet_.async_wait([this](const boost::system::error_code& error) {
    if (!error)
      compare();
  });
  return {};
}

void PolicyWatch::compare() {
  is_due_ = false;
  if (const auto watched = watch_all(); !watched)
    log::warning({}, "changes of the policy's files may go unnoticed: {}", watched.error());
  auto now = read_().texts;
  if (same(now, known_))
    return;
  known_ = std::move(now);
  changed_();
}

}  // namespace fief
