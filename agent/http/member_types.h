// Members of the cluster as the agent API shows them.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"

namespace proconsul::agent::http {

/// serf.Member: Status 1 is alive; the protocol versions are those of Consul 1.21.
struct Member {
  std::string Name{};
  std::string Addr{};
  std::uint16_t Port{};
  base::Map<std::string> Tags{};
  std::int32_t Status = 1;
  std::uint8_t ProtocolMin = 1;
  std::uint8_t ProtocolMax = 5;
  std::uint8_t ProtocolCur = 2;
  std::uint8_t DelegateMin = 2;
  std::uint8_t DelegateMax = 5;
  std::uint8_t DelegateCur = 4;
};
PROCONSUL_DECLARE_TYPE(Member)

}  // namespace proconsul::agent::http
