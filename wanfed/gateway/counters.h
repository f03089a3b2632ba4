// What a gateway counts, and why it ends connections.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wanfed/gateway/balancer.h"
#include "wanfed/gateway/routes.h"

namespace proconsul::wanfed::gateway {

/// Why a connection came to nothing, or was ended by the gateway.
enum class Refusal : std::uint8_t {
  closed_before_hello,  // nobody: health checks of load balancers come and go so
  not_tls,
  sslv2,
  not_client_hello,
  malformed_hello,
  hello_too_large,
  no_server_name,
  hello_timeout,
  unknown_name,
  no_endpoints,    // the name is known, and nobody is there
  connect_failed,  // every endpoint that was tried
  leads_back,      // the only endpoints are the gateway's own address
  no_answer,       // an endpoint took the hello and said nothing
  idle,
  drained,  // its time was over, or its route was gone
  too_many_connections,
  too_many_from_source,
  too_many_opening,  // the oldest one without a hello makes room
};
inline constexpr std::size_t kRefusals = 18;
/// "unknown_name": for labels.
std::string_view label(Refusal refusal);
/// "no route for this server name": for log lines.
std::string_view to_string(Refusal refusal);

/// Written by every loop, read by anybody.
struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::int64_t> active{0};
  std::array<std::atomic<std::uint64_t>, kRefusals> refused{};
};

struct RouteSnapshot {
  std::string name{};
  ClusterKind kind{};
  bool gone = false;              // no route any more: what was open is draining
  std::uint64_t connections = 0;  // forwarded so far
  std::int64_t active = 0;        // now
  std::uint64_t bytes_up = 0;     // from clients to the endpoint
  std::uint64_t bytes_down = 0;   // back
  std::uint64_t connect_failures = 0;
  std::uint64_t ejections = 0;
  std::uint64_t refused = 0;  // clients that were turned away although the name is known
  std::vector<Balancer::Status> endpoints{};
};

struct Snapshot {
  std::uint64_t accepted = 0;
  std::int64_t active = 0;
  std::array<std::uint64_t, kRefusals> refused{};  // by Refusal
  std::vector<RouteSnapshot> routes{};             // by name
};

}  // namespace proconsul::wanfed::gateway
