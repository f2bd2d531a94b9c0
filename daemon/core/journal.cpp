// SPDX-License-Identifier: GPL-2.0-only
#include "core/journal.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/sealed_memory.hpp"

namespace fief::log {
namespace {

constexpr std::chrono::milliseconds kRetry{500};

int priority_of(Level level) {
  switch (level) {
    case Level::debug:
      return LOG_DEBUG;
    case Level::info:
      return LOG_INFO;
    case Level::notice:
      return LOG_NOTICE;
    case Level::warning:
      return LOG_WARNING;
    case Level::error:
      break;
  }
  return LOG_ERR;
}

/// The fields of one entry as they are sent.
class Entry {
 public:
  void add(std::string_view name, std::string_view value) {
    if (value.empty())
      return;
    bytes_ += name;
    if (value.find('\n') == std::string_view::npos)
      bytes_ += '=';
    else
      add_size(value.size());
    bytes_ += value;
    bytes_ += '\n';
  }
  template <class Number>
  void add(std::string_view name, const std::optional<Number>& number) {
    if (number)
      add(name, fmt::format("{}", *number));
  }
  std::string take() { return std::move(bytes_); }

 private:
  // Little-endian, whatever this machine is.
  void add_size(std::uint64_t size) {
    bytes_ += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      bytes_ += static_cast<char>(size >> shift & 0xff);
  }

  std::string bytes_;
};

// As it lies in the source tree, wherever that was when it was compiled.
std::string_view in_the_tree(std::string_view file) {
  const auto tree = file.rfind("/daemon/");
  return tree == std::string_view::npos ? file : file.substr(tree + 1);
}

std::string entry_of(const Record& record) {
  const auto& fields = record.fields;
  Entry entry;
  entry.add("MESSAGE", record.message);
  entry.add("PRIORITY", std::optional(priority_of(record.level)));
  entry.add("SYSLOG_IDENTIFIER", kIdentifier);
  entry.add("MESSAGE_ID", fields.message_id);
  entry.add("FIEF_CGROUP", fields.cgroup);
  if (fields.cgroup_id != CgroupId{})
    entry.add("FIEF_CGROUP_ID", std::optional(fields.cgroup_id.value));
  entry.add("FIEF_DELEGATION", fields.delegation);
  entry.add("FIEF_SCHEDULER", fields.scheduler);
  entry.add("FIEF_EXIT_KIND", fields.exit_kind);
  entry.add("FIEF_EXIT_CODE", fields.exit_code);
  entry.add("FIEF_PLAN", fields.plan);
  entry.add("FIEF_CAUSE", fields.cause);
  entry.add("FIEF_SENDER", fields.sender);
  entry.add("FIEF_SENDER_UID", fields.sender_uid);
  entry.add("FIEF_SENDER_PID", fields.sender_pid);
  entry.add("FIEF_SUBJECT", fields.subject);
  entry.add("FIEF_DUMP", fields.dump);
  if (fields.origin) {
    entry.add("CODE_FILE", in_the_tree(fields.origin->file_name()));
    entry.add("CODE_LINE", std::optional(fields.origin->line()));
  }
  return entry.take();
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

/// errno, 0 for success. An empty @p bytes sends @p descriptor alone.
int send_to(int socket, sockaddr_un address, std::string_view bytes, int descriptor) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof(address);
  message.msg_iov = &part;
  message.msg_iovlen = bytes.empty() ? 0 : 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/// Whether what failed may go well later: the journal starts anew, or memory is short.
bool is_passing(int error) {
  return error == ECONNREFUSED || error == ENOENT || error == EAGAIN || error == EINTR ||
         error == ENOBUFS || error == ENOMEM;
}

}  // namespace

JournalSink::JournalSink(std::string socket)
    : path_(std::move(socket)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

void JournalSink::write(const Record& record) {
  const auto entry = entry_of(record);
  while (!try_send(entry))
    std::this_thread::sleep_for(kRetry);
}

// Too long for a datagram, an exit dump perhaps, it goes as memory.
bool JournalSink::try_send(const std::string& entry) const {
  const auto address = address_of(path_);
  int error = send_to(socket_.get(), address, entry, -1);
  if (error == EMSGSIZE || error == ENOBUFS) {
    const auto memory = sealed_memory("fief-journal", entry);
    if (!memory)
      return false;
    error = send_to(socket_.get(), address, {}, memory->get());
  }
  return !is_passing(error);
}

}  // namespace fief::log
