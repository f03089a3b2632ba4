// What this build says it is: a Consul version where programs parse one, and its own name beside it.
#pragma once

namespace proconsul::agent {

inline constexpr const char* kConsulVersion = "1.21.4";
/// Of the Consul release whose behaviour this is.
inline constexpr const char* kBuildDate = "2025-08-13T00:00:00Z";
inline constexpr const char* kBuildName = "proconsul 0.1";

/// Gossip protocol: spoken by default, least and most understood.
inline constexpr int kProtocolDefault = 2;
inline constexpr int kProtocolMin = 2;
inline constexpr int kProtocolMax = 3;

}  // namespace proconsul::agent
