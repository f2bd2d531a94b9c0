// SPDX-License-Identifier: GPL-2.0-only
// MESSAGE_ID of every journal entry an administrator may want to search for or be alerted by.
// Each has an entry in systemd/fief.catalog; once released, an id keeps its meaning.
#pragma once

#include <string_view>

namespace fief::message {

inline constexpr std::string_view kRunning = "2be52b8253204bfaa914532ba2e65de0";
inline constexpr std::string_view kStopped = "74998ea47d6f47e5a3dbe9fa098c239b";
inline constexpr std::string_view kUnusable = "f19151e5b7e846e0a29e88598bcb0bb7";
inline constexpr std::string_view kSchedulerAttached = "11dca6caba2f4c63bd9c82803b9b162e";
inline constexpr std::string_view kSchedulerDetached = "5e2b89a8fba940448fb706c8a4e7e815";
inline constexpr std::string_view kSchedulerExited = "55da7abfa05f4a7f96096e5ad4073ce6";
inline constexpr std::string_view kAttachFailed = "b28fec0f6af04792b856f73e6868b2d2";
inline constexpr std::string_view kQuarantined = "1274e89b91f7466ca87c5f84003636a7";
inline constexpr std::string_view kRootExited = "c14aa96e33e24459ab60b31022837e41";
inline constexpr std::string_view kPlanApplied = "e59f7cb230744252bd6403998b4b13ce";
inline constexpr std::string_view kPlanRefused = "7c83587ec46c4382a110c987d4e5022d";
inline constexpr std::string_view kNotAsPlanned = "21eeba31ff594046ab41ba6b62c5ffcf";
inline constexpr std::string_view kPolicyLoaded = "ade3fdbf9a6848148e843bba625aa6f4";
inline constexpr std::string_view kPolicyRefused = "e0f0cac9a0e742b59d603bdd5ba09a22";
inline constexpr std::string_view kEventsDropped = "3e97abe79f33461db60d52dce83e0fe0";
inline constexpr std::string_view kCgroupsUnread = "9c2f75d0a1e84b6fb3d4086e5a7f1c28";
inline constexpr std::string_view kLogLost = "4f0e6c1d9b7a42d3a85e2f6071c3b9e4";
inline constexpr std::string_view kRequested = "119727c8519f4ad49a41546b7e6ca458";
inline constexpr std::string_view kAdopted = "08e79544db044e3190a24f68aa5fd86c";
inline constexpr std::string_view kKept = "b5a9ce28eb354af6954abd77d5e6fe67";
inline constexpr std::string_view kNotAdopted = "91da2f2b30d040e18e8f84b57b4f3d4b";
inline constexpr std::string_view kPolicyKept = "b0a6f2d43c5e4e1b8d7290f1c64a3e57";
inline constexpr std::string_view kRootRefused = "5d1c8f4e2a7b4c0f9f6e3b7a1d2c8e94";
inline constexpr std::string_view kRequestRefused = "c7ad8ab0e01d4ff1a8dab2a11a29afa8";
inline constexpr std::string_view kBoostEnded = "6f1d0b7c4f5a4a5fb7f6d3c0a8e2914d";
inline constexpr std::string_view kRootLoaded = "d3a90c5e6b1f47f2a4c87e95b0362f1a";

}  // namespace fief::message
