// SPDX-License-Identifier: GPL-2.0-only
#include "api/authority.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace fief::dbus {
namespace {

constexpr std::chrono::seconds kBusTimeout{25};
// People need time to find their password; a client gives up sooner than that if it likes.
constexpr std::chrono::minutes kPolkitTimeout{5};
constexpr std::uint32_t kAllowUserInteraction = 1;  // org.freedesktop.PolicyKit1.Authority

// The ids of systemd/org.fief.Fief1.policy.
const char* polkit_action(Permission permission) {
  return permission == Permission::load_scheduler ? "org.fief.Fief1.load-scheduler"
                                                  : "org.fief.Fief1.reconfigure";
}

MessageRef new_call(sd_bus_message& request, const char* service, const char* path,
                    const char* interface, const char* method) {
  sd_bus_message* call = nullptr;
  sd_bus_message_new_method_call(sd_bus_message_get_bus(&request), &call, service, path, interface,
                                 method);
  return adopt(call);
}

MessageRef credentials_call(sd_bus_message& request, const Sender& sender) {
  auto call = new_call(request, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                       "org.freedesktop.DBus", "GetConnectionCredentials");
  if (call && sd_bus_message_append(call.get(), "s", sender.name.c_str()) < 0)
    return {};
  return call;
}

bool may_ask_a_person(sd_bus_message& request) {
  return sd_bus_message_get_allow_interactive_authorization(&request) > 0;
}

MessageRef polkit_call(sd_bus_message& request, const char* action, const Sender& sender,
                       const std::string& question) {
  auto call =
      new_call(request, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
               "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
  const std::uint32_t flags = may_ask_a_person(request) ? kAllowUserInteraction : 0;
  if (call &&
      sd_bus_message_append(call.get(), "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                            sender.name.c_str(), action, 0, flags, question.c_str()) < 0)
    return {};
  return call;
}

// One entry of the dictionary; those that nobody asks for are skipped.
int read_credential(sd_bus_message& reply, Sender& sender, bool& has_uid) {
  const char* key = nullptr;
  std::uint32_t value = 0;
  if (const int result = sd_bus_message_read(&reply, "s", &key); result < 0)
    return result;
  const std::string_view name = key;
  if (name != "UnixUserID" && name != "ProcessID")
    return sd_bus_message_skip(&reply, "v");
  const int result = sd_bus_message_read(&reply, "v", "u", &value);
  if (name == "UnixUserID") {
    sender.uid = value;
    has_uid = result >= 0;
  } else {
    sender.pid = static_cast<pid_t>(value);
  }
  return result;
}

// The answer of GetConnectionCredentials; false unless it says who it is.
bool read_credentials(sd_bus_message& reply, Sender& sender) {
  bool has_uid = false;
  if (sd_bus_message_is_method_error(&reply, nullptr) > 0 ||
      sd_bus_message_enter_container(&reply, SD_BUS_TYPE_ARRAY, "{sv}") < 0)
    return false;
  while (sd_bus_message_enter_container(&reply, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0)
    if (read_credential(reply, sender, has_uid) < 0 || sd_bus_message_exit_container(&reply) < 0)
      return false;
  return has_uid;
}

// Why the owner of a cgroup may not comes first, where there is one who asks for what is theirs:
// that they can act upon.
tl::unexpected<Error> refusal(const std::string& no_tenant, std::string_view alone,
                              std::string_view after_reason) {
  if (no_tenant.empty())
    return fail(Errc::denied, "{}", alone);
  return fail(Errc::denied, "{}; {}", no_tenant, after_reason);
}

// What polkit answered, as the sentence a person can act upon; @p no_tenant: why the sender may not
// do it as the owner of a cgroup, "" for what no owner may.
Status verdict(sd_bus_message& reply, const std::string& no_tenant) {
  if (const auto* error = sd_bus_message_get_error(&reply); error != nullptr) {
    const auto why = fmt::format("because polkit cannot be asked: {}",
                                 error->message != nullptr ? error->message : error->name);
    return refusal(no_tenant, "only root may do this, " + why, "else only root may, " + why);
  }
  int authorized = 0;
  int challenge = 0;
  if (sd_bus_message_enter_container(&reply, SD_BUS_TYPE_STRUCT, "bba{ss}") < 0 ||
      sd_bus_message_read(&reply, "bb", &authorized, &challenge) < 0)
    return fail(Errc::denied, "polkit gave an answer that cannot be read");
  if (authorized != 0)
    return {};
  if (challenge != 0)
    return refusal(no_tenant, "this needs an administrator's authentication",
                   "or authenticate as an administrator");
  return refusal(no_tenant, "polkit does not permit this", "nor does polkit permit it");
}

// The answer that is withdrawn still comes, as an error.
void withdraw(sd_bus& bus, const std::string& question) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_method_call(
          &bus, &raw, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
          "org.freedesktop.PolicyKit1.Authority", "CancelCheckAuthorization") < 0)
    return;
  const auto call = adopt(raw);
  if (sd_bus_message_set_expect_reply(call.get(), 0) >= 0 &&
      sd_bus_message_append(call.get(), "s", question.c_str()) >= 0)
    sd_bus_send(&bus, call.get(), nullptr);
}

}  // namespace

struct Authority::Question {
  std::string id;
  Quota::Ticket of_one_user;
  Quota::Ticket of_all;
  TrackHandle client;  ///< tells when it leaves
};

void Authority::check(sd_bus_message& request, Permission permission, const TenantCheck& tenant,
                      const Then& then) {
  const char* name = sd_bus_message_get_sender(&request);
  const Sender sender{.name = name != nullptr ? name : ""};
  const auto call = credentials_call(request, sender);
  const auto on_credentials = [this, request = hold(request), action = polkit_action(permission),
                               sender, tenant, then](sd_bus_message& reply) {
    Sender known = sender;
    if (!read_credentials(reply, known))
      return then(fail(Errc::denied, "the bus does not know who {} is", sender.name));
    if (known.uid == 0)
      return then(known);
    const auto as_tenant = tenant(known.uid);
    known.is_tenant = as_tenant.has_value();
    if (known.is_tenant)
      return then(known);
    ask_polkit(*request, action, known, as_tenant.error().message, then);
  };
  if (!call || calls_.send(*call, kBusTimeout, on_credentials) < 0)
    then(fail(Errc::denied, "the bus cannot be asked who {} is", sender.name));
}

void Authority::ask_polkit(sd_bus_message& request, const char* action, const Sender& sender,
                           const std::string& no_tenant, const Then& then) {
  const auto question = open_question(request, sender);
  if (!question)
    return then(tl::unexpected(question.error()));
  const auto call = polkit_call(request, action, sender, (*question)->id);
  const auto on_verdict = [question = *question, sender, no_tenant, then](sd_bus_message& reply) {
    if (const auto allowed = verdict(reply, no_tenant); !allowed)
      return then(tl::unexpected(allowed.error()));
    then(sender);
  };
  if (!call || calls_.send(*call, kPolkitTimeout, on_verdict) < 0)
    then(fail(Errc::denied, "polkit cannot be asked"));
}

// What polkit decides by itself is decided at once, and takes no place.
Result<std::shared_ptr<Authority::Question>> Authority::open_question(sd_bus_message& request,
                                                                      const Sender& sender) {
  auto question = std::make_shared<Question>();
  if (!may_ask_a_person(request))
    return question;
  question->of_one_user = of_one_user_.take(std::to_string(sender.uid));
  if (!question->of_one_user)
    return fail(Errc::busy, "{} requests of uid {} wait for a password already", kMaxOfOneUser,
                sender.uid);
  question->of_all = of_all_.take("");
  if (!question->of_all)
    return fail(Errc::busy, "{} requests wait for a password already", kMaxQuestions);
  question->id = fmt::format("fief-{}", ++last_question_);
  sd_bus_track* client = nullptr;
  if (sd_bus_track_new(sd_bus_message_get_bus(&request), &client, on_client_left, question.get()) >=
      0) {
    question->client.reset(client);
    sd_bus_track_add_sender(client, &request);
  }
  return question;
}

// Its places are free at once, however long polkit takes.
int Authority::on_client_left(sd_bus_track* client, void* userdata) {
  auto& question = *static_cast<Question*>(userdata);
  question.of_one_user.reset();
  question.of_all.reset();
  withdraw(*sd_bus_track_get_bus(client), question.id);
  return 1;  // 0: sd-bus would tell it again
}

}  // namespace fief::dbus
