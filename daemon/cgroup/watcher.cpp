// SPDX-License-Identifier: GPL-2.0-only
//
// An event is only a hint to look again. What it says may be out of date by the time it is read
// (a cgroup removed and made again sends three), so each one is reduced to the thing to look at,
// and looking compares the ids there now with the ids known. That makes the order and the number
// of events irrelevant.
#include "cgroup/watcher.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cgroup/hierarchy.hpp"
#include "cgroup/inotify.hpp"
#include "cgroup/walk.hpp"

namespace fief {
namespace {

constexpr std::uint32_t kChildMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
// IN_MODIFY: somebody wrote to a file in it.
constexpr std::uint32_t kDirectoryMask = kChildMask | IN_MODIFY | IN_ONLYDIR;

/// What a batch of events asks to look at, each thing once.
struct Hints {
  bool everything = false;                              ///< the queue overflowed
  std::set<std::pair<CgroupId, std::string>> children;  ///< parent and name
  std::set<CgroupId> removed;      ///< the kernel ended the watch on its directory
  std::set<CgroupId> populated;    ///< its cgroup.events
  std::set<CgroupId> controllers;  ///< its files of controllers: weight, idle, limit, cpus
  bool cpusets = false;            ///< everybody's: a partition takes CPUs from others
};

/// Adds what a write to the file @p name of a cgroup may have changed. A controller that is
/// switched off takes the files of the children with it, and their values with the files.
void add_written(CgroupId id, const CgroupHierarchy::Cgroup& cgroup, std::string_view name,
                 Hints& hints) {
  if (name == "cpu.weight" || name == "cpu.weight.nice" || name == "cpu.idle" || name == "cpu.max")
    hints.controllers.insert(id);
  else if (name == "cgroup.subtree_control")
    for (const auto& [child, child_id] : cgroup.children)
      hints.controllers.insert(child_id);
  else if (name.starts_with("cpuset.cpus"))
    hints.cpusets = true;
}

/// Whether two nodes are the same cgroup, in the same place.
bool is_same_place(const CgroupNode& one, const CgroupNode& other) {
  return one.id == other.id && one.path == other.path;
}

}  // namespace

class CgroupWatcher::Impl {
 public:
  Impl(Inotify inotify, UniqueFd mount) : inotify_(std::move(inotify)), mount_(std::move(mount)) {}

  /// First reading; nothing else may be called before.
  Status start();
  [[nodiscard]] int fd() const { return inotify_.fd(); }
  Status drain();
  bool note_weight(CgroupId id, std::uint32_t weight);
  Status read_noted();
  Status reread_cpusets();
  Status reread();
  /// Whether the view is another than at the last call.
  bool take_changed() { return std::exchange(changed_, false); }
  const CgroupTree& tree() { return hierarchy_->snapshot(); }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] std::string unfollowed() const;

 private:
  enum class WatchedFile { directory, events };
  struct Watched {
    CgroupId id;
    WatchedFile file = WatchedFile::directory;
  };
  struct Watches {
    int directory = -1;
    int events = -1;
  };

  Result<CgroupHierarchy> walk();
  Result<CgroupAttributes> watch_and_read(int directory);
  Status watch(CgroupId id, int directory);
  void keep(int& slot, int watch, Watched what);
  void unwatch(CgroupId id);
  void unwatch_unknown();
  Hints sort(const std::vector<InotifyEvent>& events);
  Status look(const Hints& hints);
  /// Nothing if the cgroup is unknown or gone: its parent's directory reports that.
  Result<std::optional<UniqueFd>> open_known(CgroupId id);
  Status look_at_child(CgroupId parent, const std::string& name);
  Status add(int directory, CgroupId id, CgroupId parent, const std::string& name);
  Status look_at_populated(CgroupId id);
  Status look_at_controllers(CgroupId id);
  void remove(CgroupId id);
  void note_places();
  void note_differences(CgroupHierarchy& fresh);

  Inotify inotify_;
  UniqueFd mount_;
  std::optional<CgroupHierarchy> hierarchy_;
  std::unordered_map<CgroupId, Watches> watches_;
  std::unordered_map<int, Watched> watched_;  ///< by watch
  std::set<CgroupId> unfollowed_;             ///< cgroups with children that are not followed
  std::set<CgroupId> noted_;                  ///< not read since their weights were told
  // A drain that failed half-way leaves these for the next one: what it took in still counts, what
  // it missed is read afresh.
  bool changed_ = false;
  bool stale_ = false;
  bool cpusets_stale_ = false;  ///< what others may use may have changed with a cgroup's cpuset
  std::uint64_t generation_ = 1;
};

Status CgroupWatcher::Impl::start() {
  auto hierarchy = walk();
  if (!hierarchy)
    return tl::unexpected(hierarchy.error());
  hierarchy_ = std::move(*hierarchy);
  return {};
}

Result<CgroupHierarchy> CgroupWatcher::Impl::walk() {
  unfollowed_.clear();
  return walk_hierarchy(
      mount_.get(), [this](int directory) { return watch_and_read(directory); },
      [this](CgroupId parent) { unfollowed_.insert(parent); });
}

// Watching comes first: what changes after the reading then leaves an event behind.
Result<CgroupAttributes> CgroupWatcher::Impl::watch_and_read(int directory) {
  const auto id = read_cgroup_id(directory);
  if (!id)
    return tl::unexpected(id.error());
  if (const auto status = watch(*id, directory); !status)
    return tl::unexpected(status.error());
  auto attributes = read_cgroup(directory);
  if (!attributes)
    unwatch(*id);
  return attributes;
}

Status CgroupWatcher::Impl::watch(CgroupId id, int directory) {
  const auto own = inotify_.watch(directory, "", kDirectoryMask);
  if (!own)
    return tl::unexpected(own.error());
  keep(watches_[id].directory, *own, {.id = id, .file = WatchedFile::directory});

  const auto events = inotify_.watch(directory, "cgroup.events", IN_MODIFY);
  if (events)
    keep(watches_[id].events, *events, {.id = id, .file = WatchedFile::events});
  else if (events.error().code != Errc::not_found)  // the root has none
    return tl::unexpected(events.error());
  return {};
}

void CgroupWatcher::Impl::keep(int& slot, int watch, Watched what) {
  // What is still to come of a watch that this one replaces is not about what is there now.
  if (slot != watch)
    watched_.erase(slot);
  slot = watch;
  watched_[watch] = what;
}

// The kernel ends the watches of a removed cgroup by itself only since 7.1, and a watch that stays
// keeps the inode in memory.
void CgroupWatcher::Impl::unwatch(CgroupId id) {
  const auto found = watches_.find(id);
  if (found == watches_.end())
    return;
  for (const int watch : {found->second.directory, found->second.events}) {
    if (watch >= 0 && watched_.erase(watch) != 0)
      inotify_.unwatch(watch);
  }
  watches_.erase(found);
}

void CgroupWatcher::Impl::unwatch_unknown() {
  std::vector<CgroupId> unknown;
  for (const auto& [id, watches] : watches_) {
    if (hierarchy_->find(id) == nullptr)
      unknown.push_back(id);
  }
  for (const auto id : unknown)
    unwatch(id);
}

Status CgroupWatcher::Impl::drain() {
  const auto events = inotify_.read();
  if (!events)
    return tl::unexpected(events.error());
  const auto hints = sort(*events);
  if (hints.everything || stale_)
    return reread();
  auto status = look(hints);
  stale_ = !status;
  return status;
}

Hints CgroupWatcher::Impl::sort(const std::vector<InotifyEvent>& events) {
  Hints hints;
  for (const auto& event : events) {
    if ((event.mask & IN_Q_OVERFLOW) != 0)
      hints.everything = true;
    const auto found = watched_.find(event.watch);
    if (found == watched_.end())
      continue;
    const auto [id, file] = found->second;
    if ((event.mask & IN_IGNORED) != 0) {
      watched_.erase(found);
      if (file == WatchedFile::directory)
        hints.removed.insert(id);
    } else if (file == WatchedFile::events) {
      hints.populated.insert(id);
    } else if ((event.mask & kChildMask) != 0 && (event.mask & IN_ISDIR) != 0) {
      hints.children.emplace(id, event.name);
    } else if (const auto* cgroup = hierarchy_->find(id);
               (event.mask & IN_MODIFY) != 0 && cgroup != nullptr) {
      add_written(id, *cgroup, event.name, hints);
    }
  }
  return hints;
}

Status CgroupWatcher::Impl::look(const Hints& hints) {
  for (const auto id : hints.removed) {
    if (id != hierarchy_->root() && hierarchy_->find(id) != nullptr)
      remove(id);
  }
  for (const auto& [parent, name] : hints.children) {
    if (auto status = look_at_child(parent, name); !status)
      return status;
  }
  for (const auto id : hints.populated) {
    if (auto status = look_at_populated(id); !status)
      return status;
  }
  for (const auto id : hints.controllers) {
    if (noted_.contains(id))
      continue;
    if (auto status = look_at_controllers(id); !status)
      return status;
  }
  return hints.cpusets || cpusets_stale_ ? reread_cpusets() : Status{};
}

Result<std::optional<UniqueFd>> CgroupWatcher::Impl::open_known(CgroupId id) {
  if (hierarchy_->find(id) == nullptr)
    return std::nullopt;
  auto directory = open_cgroup(mount_.get(), hierarchy_->path(id), id);
  if (!directory && directory.error().code == Errc::not_found)
    return std::nullopt;
  if (!directory)
    return tl::unexpected(directory.error());
  return std::move(*directory);
}

Status CgroupWatcher::Impl::look_at_child(CgroupId parent, const std::string& name) {
  if (hierarchy_->find(parent) != nullptr && !hierarchy_->has_room(parent, name)) {
    unfollowed_.insert(parent);
    return {};
  }
  const auto directory = open_known(parent);
  if (!directory)
    return tl::unexpected(directory.error());
  if (!*directory)
    return {};
  const auto child = open_child((*directory)->get(), name);
  if (!child && child.error().code != Errc::not_found)
    return context(name, child.error());
  const auto present = child ? read_cgroup_id(child->get()) : CgroupId{};
  if (!present)
    return context(name, present.error());

  const auto known = hierarchy_->child(parent, name);
  if (known && *known == *present)
    return {};
  if (known)
    remove(*known);
  return child ? add(child->get(), *present, parent, name) : Status{};
}

Status CgroupWatcher::Impl::add(int directory, CgroupId id, CgroupId parent,
                                const std::string& name) {
  // Known by another name only where directories can be renamed; cgroup2 has no such thing.
  if (hierarchy_->find(id) != nullptr)
    remove(id);
  const ReadCgroup read = [this](int opened) { return watch_and_read(opened); };
  const ToldUnfollowed unfollowed = [this](CgroupId above) { unfollowed_.insert(above); };
  auto status = walk_subtree(directory, parent, name, read, unfollowed, *hierarchy_);
  if (hierarchy_->find(id) != nullptr)
    note_places();
  return status;
}

Status CgroupWatcher::Impl::look_at_populated(CgroupId id) {
  const auto directory = open_known(id);
  if (!directory)
    return tl::unexpected(directory.error());
  if (!*directory)
    return {};
  const auto populated = read_populated((*directory)->get());
  if (!populated && populated.error().code == Errc::not_found)
    return {};
  if (!populated)
    return context(hierarchy_->path(id), populated.error());
  auto attributes = hierarchy_->find(id)->attributes;
  if (std::exchange(attributes.populated, *populated) == *populated)
    return {};
  hierarchy_->update(attributes);
  changed_ = true;
  return {};
}

void CgroupWatcher::Impl::remove(CgroupId id) {
  for (const auto gone : hierarchy_->subtree(id)) {
    cpusets_stale_ |= hierarchy_->find(gone)->attributes.cpus.has_value();  // was it a partition?
    unwatch(gone);
    unfollowed_.erase(gone);
  }
  hierarchy_->erase(id);
  note_places();
}

// Takes in what the files of a cgroup's controllers say now.
Status CgroupWatcher::Impl::look_at_controllers(CgroupId id) {
  const auto directory = open_known(id);
  if (!directory)
    return tl::unexpected(directory.error());
  if (!*directory)
    return {};
  auto read = read_cgroup((*directory)->get());
  if (!read && read.error().code == Errc::not_found)
    return {};
  if (!read)
    return context(hierarchy_->path(id), read.error());
  const auto& known = hierarchy_->find(id)->attributes;
  read->populated = known.populated;  // look_at_populated() sees to that one
  cpusets_stale_ |= known.cpus != read->cpus;
  changed_ |= known != *read;
  hierarchy_->update(*read);
  return {};
}

bool CgroupWatcher::Impl::note_weight(CgroupId id, std::uint32_t weight) {
  const auto* known = hierarchy_->find(id);
  if (known == nullptr || known->attributes.weight == weight)
    return false;
  auto attributes = known->attributes;
  attributes.weight = weight;
  hierarchy_->update(attributes);
  noted_.insert(id);
  return true;
}

Status CgroupWatcher::Impl::read_noted() {
  for (const auto id : std::exchange(noted_, {})) {
    if (auto status = look_at_controllers(id); !status) {
      stale_ = true;
      return status;
    }
  }
  return {};
}

// Those without the file got or lost it by a write to their parent's cgroup.subtree_control, which
// is looked at by itself.
Status CgroupWatcher::Impl::reread_cpusets() {
  for (const auto id : hierarchy_->subtree(hierarchy_->root())) {
    auto attributes = hierarchy_->find(id)->attributes;
    if (!attributes.cpus)
      continue;
    const auto directory = open_known(id);
    if (!directory)
      return tl::unexpected(directory.error());
    if (!*directory)
      continue;
    auto cpus = read_cpus((*directory)->get());
    if (!cpus)
      return context(hierarchy_->path(id), cpus.error());
    if (attributes.cpus == *cpus)
      continue;
    attributes.cpus = std::move(*cpus);
    hierarchy_->update(attributes);
    changed_ = true;
  }
  cpusets_stale_ = false;
  return {};
}

// A reading that failed half-way has seen some that are not in the view.
std::string CgroupWatcher::Impl::unfollowed() const {
  for (const auto id : unfollowed_)
    if (hierarchy_->find(id) != nullptr)
      return hierarchy_->path(id);
  return {};
}

Status CgroupWatcher::Impl::reread() {
  auto fresh = walk();
  stale_ = !fresh;
  cpusets_stale_ = false;
  if (!fresh)
    return tl::unexpected(fresh.error());
  note_differences(*fresh);
  hierarchy_ = std::move(*fresh);
  unwatch_unknown();
  return {};
}

// A cgroup came, went or moved.
void CgroupWatcher::Impl::note_places() {
  ++generation_;
  changed_ = true;
}

void CgroupWatcher::Impl::note_differences(CgroupHierarchy& fresh) {
  const auto& before = hierarchy_->snapshot().nodes;
  const auto& now = fresh.snapshot().nodes;
  if (!std::ranges::equal(before, now, is_same_place))
    note_places();
  changed_ |= before != now;
}

CgroupWatcher::CgroupWatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CgroupWatcher::CgroupWatcher(CgroupWatcher&&) noexcept = default;
CgroupWatcher& CgroupWatcher::operator=(CgroupWatcher&&) noexcept = default;
CgroupWatcher::~CgroupWatcher() = default;

Result<CgroupWatcher> CgroupWatcher::open(std::string_view mount) {
  auto directory = open_cgroup_mount(mount);
  if (!directory)
    return tl::unexpected(directory.error());
  auto inotify = Inotify::open();
  if (!inotify)
    return tl::unexpected(inotify.error());
  auto impl = std::make_unique<Impl>(std::move(*inotify), std::move(*directory));
  if (const auto status = impl->start(); !status)
    return context(mount, status.error());
  return CgroupWatcher(std::move(impl));
}

int CgroupWatcher::fd() const {
  return impl_->fd();
}

Result<bool> CgroupWatcher::drain() {
  return impl_->drain().map([this] { return impl_->take_changed(); });
}

bool CgroupWatcher::note_weight(CgroupId id, std::uint32_t weight) {
  return impl_->note_weight(id, weight);
}

Result<bool> CgroupWatcher::read_noted() {
  return impl_->read_noted().map([this] { return impl_->take_changed(); });
}

Result<bool> CgroupWatcher::reread() {
  return impl_->reread().map([this] { return impl_->take_changed(); });
}

Result<bool> CgroupWatcher::reread_cpusets() {
  return impl_->reread_cpusets().map([this] { return impl_->take_changed(); });
}

std::string CgroupWatcher::unfollowed() const {
  return impl_->unfollowed();
}

std::uint64_t CgroupWatcher::generation() const {
  return impl_->generation();
}

const CgroupTree& CgroupWatcher::tree() {
  return impl_->tree();
}

}  // namespace fief
