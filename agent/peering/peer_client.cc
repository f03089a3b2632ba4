#include "agent/peering/peer_client.h"

#include <utility>

#include "agent/cluster/join_address.h"

namespace proconsul::agent::peering {

using base::Result;

namespace {

constexpr std::size_t kMostAddresses = 128;  // the other side says how many it has

grpc::Client::Options options(std::function<base::net::Destination(const rpc::Target&)> route) {
  grpc::Client::Options options;
  options.route = std::move(route);
  options.type = "peer";
  options.kind_byte = false;
  return options;
}

}  // namespace

PeerClient::PeerClient(base::net::Loops& loops)
    : client_(loops, options([this](const rpc::Target& target) { return route(target); })) {}

void PeerClient::stop() {
  stopping_ = true;
  resolver_.stop();
  client_.stop();
}

Result<> PeerClient::know(const catalog::Peering& peering) {
  std::string pems;
  for (const std::string& pem : peering.PeerCAPems) pems += pem;
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(peering.ID);
    if (found != known_.end() && found->second.pems == pems && found->second.name == peering.PeerServerName) return {};
  }
  std::shared_ptr<base::net::TlsContext> tls;
  if (!pems.empty()) {
    Result<std::shared_ptr<base::net::TlsContext>> made = base::net::TlsContext::client({.ca_pem = pems});
    if (!made) return {made.error().code, "failed to build TLS dial option from peering: " + made.error().detail};
    tls = std::move(*made);
  }
  const std::lock_guard lock(mutex_);
  known_[peering.ID] = {
      .version = ++versions_, .pems = std::move(pems), .name = peering.PeerServerName, .tls = std::move(tls)};
  return {};
}

void PeerClient::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  known_.erase(id);
}

rpc::Target PeerClient::target(const std::string& id, const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(id);
  // A connection that began with other certificates is not used any more.
  const std::uint64_t version = found == known_.end() ? 0 : found->second.version;
  return {.datacenter = std::to_string(version), .node = id, .address = address};
}

base::net::Destination PeerClient::route(const rpc::Target& target) const {
  base::net::Destination destination{.address = target.address};
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(target.node);
  if (found == known_.end()) {
    destination.refusal = "the peering is not known";
    return destination;
  }
  destination.tls = found->second.tls;
  destination.peer = {.name = found->second.name, .protocols = "\x02h2"};
  return destination;
}

void PeerClient::resolve(std::vector<std::string> addresses, base::net::Loop& loop,
                         std::move_only_function<void(std::vector<std::string>)> done) {
  if (addresses.size() > kMostAddresses) addresses.resize(kMostAddresses);
  resolver_.post([this, addresses = std::move(addresses), &loop, done = std::move(done)]() mutable {
    std::vector<std::string> found;
    for (const std::string& address : addresses) {
      if (stopping_) return;  // a name server may take many seconds for each
      const Result<cluster::JoinAddress> host = cluster::parse_join_address(address, 0);
      if (!host) continue;
      const auto resolved = cluster::resolve(*host);
      if (!resolved) continue;
      for (const gossip::swim::Address& each : *resolved) found.push_back(to_string(each));
    }
    loop.post([done = std::move(done), found = std::move(found)]() mutable { done(std::move(found)); });
  });
}

}  // namespace proconsul::agent::peering
