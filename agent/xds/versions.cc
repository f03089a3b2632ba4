#include "agent/xds/versions.h"

#include <charconv>
#include <utility>

namespace proconsul::agent::xds {

namespace {

/// "1.34.1": 1 and 34.
std::pair<unsigned, unsigned> minor_version(std::string_view text) {
  std::pair<unsigned, unsigned> version{};
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.first);
  if (error == std::errc{} && dot != end) std::from_chars(dot + 1, end, version.second);
  return version;
}

}  // namespace

std::string why_unsupported(const Node& node) {
  if (node.user_agent_name != "envoy" || !node.user_agent_build_version) return {};
  const SemanticVersion version =
      node.user_agent_build_version->version ? *node.user_agent_build_version->version : SemanticVersion{};
  if (std::pair(version.major_number, version.minor_number) >= minor_version(kEnvoyVersions.back())) return {};
  return "Envoy " + std::to_string(version.major_number) + '.' + std::to_string(version.minor_number) + '.' +
         std::to_string(version.patch) + " is too old and is not supported by Consul";
}

bool is_supported_envoy(std::string_view version) {
  const auto given = minor_version(version);
  return given >= minor_version(kEnvoyVersions.back()) && given <= minor_version(kEnvoyVersions.front());
}

}  // namespace proconsul::agent::xds
