// How the mesh's certificates name whom they are for: SPIFFE ids in a URI.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::mesh {

struct SpiffeId {
  enum class Kind : std::uint8_t { service, agent, mesh_gateway, server, signing };
  Kind kind{};
  std::string host{};  // the trust domain
  std::string partition = "default";
  std::string name_space = "default";  // of a service
  std::string datacenter{};            // all but a signing authority's
  std::string name{};                  // of a service or an agent

  /// "spiffe://HOST/ns/default/dc/dc1/svc/web"
  std::string uri() const;
};

/// Errors have Consul's texts.
base::Result<SpiffeId> parse_spiffe(std::string_view uri);

/// "CLUSTER-ID.consul", whatever the DNS domain is.
std::string trust_domain(std::string_view cluster_id);
/// Whether an authority of this trust domain may sign for it. Agents are not asked: they learn the domain with the
/// certificate.
bool can_sign(std::string_view domain, const SpiffeId& id);

/// The common name of a root: "pri-UID.consul.ca.CLUSTER.consul".
std::string authority_name(std::string_view unique, std::string_view cluster_id, bool primary);

}  // namespace proconsul::agent::mesh
