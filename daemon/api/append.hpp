// SPDX-License-Identifier: GPL-2.0-only
// Domain values as D-Bus values, and the getter that a vtable's property needs. For vtable files.
// Every append() returns what sd-bus returned: negative is an errno.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.hpp"
#include "status/view_facts.hpp"

namespace fief::dbus {

inline int append(sd_bus_message& message, const std::string& value) {
  // The bus closes the connection of whoever sends anything else, and a cgroup's name may be any
  // bytes.
  return sd_bus_message_append(&message, "s", to_utf8(value).c_str());
}
inline int append(sd_bus_message& message, bool value) {
  return sd_bus_message_append(&message, "b", static_cast<int>(value));
}
inline int append(sd_bus_message& message, std::uint32_t value) {
  return sd_bus_message_append(&message, "u", value);
}
inline int append(sd_bus_message& message, std::uint64_t value) {
  return sd_bus_message_append(&message, "t", value);
}
inline int append(sd_bus_message& message, double value) {
  return sd_bus_message_append(&message, "d", value);
}
int append(sd_bus_message& message, const CidSet& cids);                        // au
int append(sd_bus_message& message, const std::vector<std::uint32_t>& values);  // au
int append(sd_bus_message& message, const SharedCids& cids);                    // a(ud)
int append(sd_bus_message& message, const TimeHistogram& waits);                // at
int append(sd_bus_message& message, const Counters& counters);                  // a{st}
int append(sd_bus_message& message, const std::vector<CidInfo>& places);        // a(uuuuub)

/// The vtable getter of a property that is Fact(object); userdata is the Object.
template <class Object, auto Fact>
int get(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/, const char* /*property*/,
        sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  return append(*reply, Fact(*static_cast<Object*>(userdata)));
}

}  // namespace fief::dbus
