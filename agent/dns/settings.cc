#include "agent/dns/settings.h"

#include <netdb.h>

#include <algorithm>
#include <memory>

#include "agent/dns/name.h"

namespace proconsul::agent::dns {
namespace {

using base::Errc;
using base::Error;
using base::Result;

std::uint32_t seconds(base::Duration duration) {
  return static_cast<std::uint32_t>(duration.nanoseconds / 1'000'000'000);
}

Result<Zone> zone(const std::string& text) {
  std::string small = text;
  std::transform(small.begin(), small.end(), small.begin(), lower);
  std::optional<std::string> name = to_name(small);
  if (!name) return Error{Errc::invalid_argument, "Invalid DNS domain: " + text};
  Zone made{.name = std::move(*name), .labels = 0};
  made.labels = count_labels(made.name);
  return made;
}

Error wrong(const std::string& why) {
  return {Errc::invalid_argument, "Invalid recursor address: " + why};
}

/// "10.0.0.1", "10.0.0.1:53", "::1", "[::1]:53", "host:53".
Result<Recursor> recursor(const std::string& text) {
  std::string host = text;
  std::string port = "53";
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return wrong("address " + text + ": missing ']' in address");
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return wrong("address " + text + ": missing port in address");
      port = text.substr(end + 2);
    }
  } else if (const std::size_t colon = text.find(':'); colon != text.npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  } else if (colon != text.npos && !config::Ip::parse(text)) {
    return wrong("address " + text + ": too many colons in address");
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return wrong("lookup " + host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  Recursor made;
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen, reinterpret_cast<char*>(&made.address));
  made.size = found->ai_addrlen;
  made.text = (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + port;
  return made;
}

}  // namespace

std::uint32_t Settings::service_ttl(std::string_view service) const {
  if (!exact_ttl.empty()) {
    if (const auto found = exact_ttl.find(std::string(service)); found != exact_ttl.end()) return found->second;
  }
  for (const auto& [prefix, ttl] : prefix_ttl) {
    if (service.starts_with(prefix)) return ttl;
  }
  return 0;
}

Result<Settings> dns_settings(const config::Config& config) {
  Settings settings;
  Result<Zone> domain = zone(config.dns_domain);
  if (!domain) return domain.error();
  Result<Zone> alt = zone(config.dns_alt_domain);
  if (!alt) return alt.error();
  settings.domain = std::move(*domain);
  settings.alt_domain = std::move(*alt);
  settings.datacenter = config.datacenter;
  settings.node_name = config.node_name;
  settings.translate_wan_addresses = config.translate_wan_addrs;
  settings.sort_by_distance = !config.disable_coordinates;
  settings.allow_stale = config.dns_allow_stale;
  settings.max_stale = config.dns_max_stale;
  settings.use_cache = config.dns_use_cache;
  settings.cache_max_age = config.dns_cache_max_age;
  settings.only_passing = config.dns_only_passing;
  settings.node_ttl = seconds(config.dns_node_ttl);
  for (const auto& [name, ttl] : config.dns_service_ttl) {
    if (name.ends_with('*')) {
      settings.prefix_ttl.emplace_back(name.substr(0, name.size() - 1), seconds(ttl));
    } else {
      settings.exact_ttl.emplace(name, seconds(ttl));
    }
  }
  std::sort(settings.prefix_ttl.begin(), settings.prefix_ttl.end(),
            [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  settings.soa = config.dns_soa;
  settings.a_record_limit = static_cast<std::size_t>(config.dns_a_record_limit);
  settings.udp_answer_limit = static_cast<std::size_t>(config.dns_udp_answer_limit);
  settings.enable_truncate = config.dns_enable_truncate;
  settings.compress = !config.dns_disable_compression;
  settings.node_meta_txt = config.dns_node_meta_txt;
  for (const std::string& text : config.dns_recursors) {
    Result<Recursor> one = recursor(text);
    if (!one) return one.error();
    settings.recursors.push_back(std::move(*one));
  }
  settings.random_recursor = config.dns_recursor_strategy == "random";
  settings.recursor_timeout = config.dns_recursor_timeout;
  return settings;
}

}  // namespace proconsul::agent::dns
