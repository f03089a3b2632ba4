// Members of the cluster as the agent API shows them.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::http {

/// serf.Member; Status is a gossip::serf::MemberStatus.
struct Member {
  std::string Name{};
  std::string Addr{};
  std::uint16_t Port{};
  base::Map<std::string> Tags{};
  std::int32_t Status{};
  std::uint8_t ProtocolMin{};
  std::uint8_t ProtocolMax{};
  std::uint8_t ProtocolCur{};
  std::uint8_t DelegateMin{};
  std::uint8_t DelegateMax{};
  std::uint8_t DelegateCur{};
};
PROCONSUL_DECLARE_TYPE(Member)
Member shown(const gossip::serf::Member& member);

}  // namespace proconsul::agent::http
