// What this build is, and what it says it is to peers and clients that parse Consul's version.
#pragma once

#include <string_view>

namespace proconsul::agent {

inline constexpr std::string_view kConsulVersion = "1.21.4";  // the Consul we are compatible with
inline constexpr std::string_view kBuildTag = "1.21.4:";      // among gossip's tags: version and, if any, revision
inline constexpr std::string_view kBuildName = "Proconsul";
inline constexpr std::string_view kBuildVersion = "0.1.0";
inline constexpr int kProtocolDefault = 2;  // gossip protocol spoken
inline constexpr int kProtocolMin = 2;
inline constexpr int kProtocolMax = 3;

/// When the sources were committed, RFC 3339; the build system sets it, a build without it says the epoch.
#ifdef PROCONSUL_BUILD_DATE
inline constexpr std::string_view kBuildDate = PROCONSUL_BUILD_DATE;
#else
inline constexpr std::string_view kBuildDate = "1970-01-01T00:00:01Z";
#endif

}  // namespace proconsul::agent
