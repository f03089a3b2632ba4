// The part of the configuration that the DNS server needs, prepared for use. Immutable: a reload makes a new one.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "base/result.h"

namespace proconsul::agent::dns {

/// A zone that this server answers for: a whole name in lower case.
struct Zone {
  std::string name{};
  std::size_t labels{};  // 0: there is no such zone
};

struct Recursor {
  sockaddr_storage address{};
  socklen_t size{};
  std::string text{};  // "10.0.0.1:53"
};

struct Settings {
  Zone domain{};
  Zone alt_domain{};
  std::string datacenter{};
  std::string node_name{};
  bool translate_wan_addresses{};
  bool sort_by_distance = true;  // what prepared queries find

  bool allow_stale = true;
  base::Duration max_stale{};
  bool use_cache{};
  base::Duration cache_max_age{};
  bool only_passing{};
  std::uint32_t node_ttl{};                                         // seconds, as all of these
  std::map<std::string, std::uint32_t> exact_ttl{};                 // by service
  std::vector<std::pair<std::string, std::uint32_t>> prefix_ttl{};  // by beginning of the service's name, longest first
  config::Soa soa{};
  std::size_t a_record_limit{};  // 0: none
  std::size_t udp_answer_limit{};
  bool enable_truncate{};
  bool compress = true;
  bool node_meta_txt = true;
  std::vector<Recursor> recursors{};
  bool random_recursor{};
  base::Duration recursor_timeout{};

  std::uint32_t service_ttl(std::string_view service) const;
};

/// The error names a recursor that cannot be used. Host names of recursors are looked up here, which may take a while.
base::Result<Settings> dns_settings(const config::Config& config);

}  // namespace proconsul::agent::dns
