// /v1/operator/keyring: the keys that seal the gossip.
#pragma once

#include "agent/http/route.h"
#include "base/type.h"

namespace proconsul::agent::http {

struct KeyringBody {
  std::string Key{};
};
PROCONSUL_DECLARE_TYPE(KeyringBody)

struct KeyringResponse {
  bool WAN{};
  std::string Datacenter{};
  std::string Segment{};
  base::Map<std::string> Messages{};
  base::Map<base::Int> Keys{};
  base::Map<base::Int> PrimaryKeys{};
  base::Int NumNodes{};
};
PROCONSUL_DECLARE_TYPE(KeyringResponse)

void keyring_list(Context& agent, const Request& request, Responder responder);
void keyring_install(Context& agent, const Request& request, Responder responder);
void keyring_use(Context& agent, const Request& request, Responder responder);
void keyring_remove(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
