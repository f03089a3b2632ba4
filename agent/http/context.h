// What handlers work with. One Context per agent; it outlives every request.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/server/server.h"
#include "base/background.h"
#include "base/time.h"

namespace proconsul::base {
class WatchRegistry;
}

namespace proconsul::agent::server {
class Operator;
}
namespace proconsul::agent::cluster {
class Pools;
}
namespace proconsul::agent::local {
class LocalAgent;
}
namespace proconsul::agent::event {
class Events;
}
namespace proconsul::agent::grpc {
class LeaderTransfer;
class Subscriber;
}  // namespace proconsul::agent::grpc
namespace proconsul::agent::tokens {
class RemoteResolver;
class Resolver;
class Store;
}  // namespace proconsul::agent::tokens
namespace proconsul::agent::mesh {
class LeafCerts;
}
namespace proconsul::agent::peering {
class Caller;
}
namespace proconsul::agent::rpc {
class ArchiveServers;
class Caller;
}  // namespace proconsul::agent::rpc
namespace proconsul::base::net {
class Loops;
}
namespace proconsul::ui_proxy {
class MetricsProxy;
}

namespace proconsul::agent::http {

class RequestLimits;

/// The part of the configuration that the HTTP API needs; filled at start from agent/config.
struct Settings {
  std::string datacenter = "dc1";
  std::string node_name{};
  bool dev_mode = false;                     // answers are always indented
  std::string default_acl_policy = "allow";  // X-Consul-Default-Acl-Policy; empty: no header
  bool translate_wan_addresses = false;      // X-Consul-Translate-Addresses: true
  std::map<std::string, std::string> response_headers{};
  std::vector<std::string> block_endpoints{};   // path prefixes that answer 403
  std::vector<std::string> allow_write_from{};  // CIDRs; empty: everybody
  bool use_cache = true;                        // http_config.use_cache
  bool use_streaming_backend = true;            // use_streaming_backend
  base::Duration discovery_max_stale{};
  base::Duration max_query_time = base::seconds(600);
  base::Duration default_query_time = base::seconds(300);
  base::Duration rpc_hold_timeout = base::seconds(7);
  base::Duration session_ttl_min = base::seconds(10);
  std::uint64_t kv_max_value_size = 512 * 1024;
  std::uint64_t txn_max_ops = 128;
  std::uint64_t txn_max_req_len = 512 * 1024;
  std::uint64_t max_body_bytes = 64 * 1024 * 1024;  // every other body; Consul has no limit there, memory has
  std::uint32_t max_header_bytes = 1024 * 1024;     // http_config.max_header_bytes; 0 is Go's default, 1 MiB
  std::int64_t max_connections_per_client = 200;    // limits.http_max_conns_per_client; <= 0: no limit
  base::Duration handshake_timeout = base::seconds(5);
  base::Duration head_timeout = base::seconds(20);     // from a request's first byte to the end of its head
  base::Duration body_timeout = base::seconds(30);     // between two pieces of a body
  base::Duration write_timeout = base::seconds(120);   // a client that takes nothing of its answer for so long is gone
  bool allow_unprintable_paths = false;                // disable_http_unprintable_char_filter
  std::string serf_lan_address{}, serf_wan_address{};  // that other agents know
  bool acls_enabled = false;
  bool key_list_policy = false;  // acl.enable_key_list_policy
  bool disable_coordinates = false;
  bool connect_enabled = true;
  std::string default_intention_policy{};  // empty: what ACLs say
  std::string scratch_directory{};         // for archives on their way in; empty: the system's
  std::vector<std::string> dns_domains{};  // the domain and, if there is one, the alternative
  bool ui_enabled = false;
  std::string ui_content_path = "/ui/";
};

/// What the API asks of the process as a whole.
class AgentControl {
 public:
  virtual ~AgentControl() = default;
  virtual base::Result<> reload() = 0;
  /// Leaves the cluster and ends the process once the answer is on its way.
  virtual base::Result<> leave() = 0;
  /// enable_debug: whether /debug/pprof is served.
  virtual bool debug_enabled() const = 0;
  /// Sections of `info` that are the mode's own: "consul", and on a server "raft".
  virtual std::map<std::string, std::map<std::string, std::string>> statistics() const = 0;
  /// The configuration as /v1/agent/self shows it, encoded: the blocks "Config" and "DebugConfig".
  virtual std::string config_json() const = 0;
  virtual std::string debug_config_json() const = 0;
};

class Overview;
class StreamHub;

struct Context {
  server::Server* server;              // null on a client agent, which has no state: all is asked of servers
  base::WatchRegistry& local_watches;  // changes of this agent's own services and checks
  Settings settings{};
  // Null only where no endpoint that needs them is served.
  server::Operator* cluster = nullptr;
  base::Background* background = nullptr;
  local::LocalAgent* local = nullptr;
  event::Events* events = nullptr;
  AgentControl* control = nullptr;
  Overview* overview = nullptr;
  StreamHub* streams = nullptr;
  cluster::Pools* pools = nullptr;
  RequestLimits* limits = nullptr;      // null: none
  tokens::Store* own_tokens = nullptr;  // of the agent; null: it has none
  // By the state of a server, or on a client agent by asking servers; null, both of them: ACLs are off.
  tokens::Resolver* tokens = nullptr;
  tokens::RemoteResolver* remote_tokens = nullptr;
  ui_proxy::MetricsProxy* metrics_proxy = nullptr;
  rpc::Caller* caller = nullptr;  // asks servers: of another datacenter, and on a client agent of this one
  base::net::Loops* loops = nullptr;
  rpc::ArchiveServers* archives = nullptr;       // where snapshots are that are not here
  const grpc::Subscriber* subscriber = nullptr;  // follows what other servers have; null: they are asked instead
  mesh::LeafCerts* leaf_certs = nullptr;         // null: there are none
  grpc::LeaderTransfer* transfer = nullptr;      // who hands over the lead, here or by asking servers
  peering::Caller* peerings = nullptr;           // who answers about peerings, here or by asking servers
};

}  // namespace proconsul::agent::http
