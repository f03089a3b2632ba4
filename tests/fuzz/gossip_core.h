// A member of a pool with some peers, for the fuzz targets that talk to it.
#pragma once

#include <cstdlib>
#include <string>

#include "gossip/keyring.h"
#include "gossip/swim/core.h"
#include "gossip/swim/test_core.h"

namespace proconsul::fuzz {

namespace swim = gossip::swim;

inline const gossip::Keyring& keyring() {
  static const gossip::Keyring ring = [] {
    gossip::Keyring made;
    (void)made.add(std::string(32, 'k'));
    return made;
  }();
  return ring;
}

/// Bit 0: there is a key, but plaintext is taken too. Bit 1: there is a label. Bit 2: plaintext is refused.
inline swim::Config config_of(unsigned char how) {
  swim::Config config;
  if ((how & 1) != 0) {
    config.wrapping.keyring = &keyring();
    config.wrapping.verify_incoming = (how & 4) != 0;
  }
  if ((how & 2) != 0) config.wrapping.label = "blue";
  return config;
}

/// What holds whatever comes.
inline void check(swim::TestCore& member) {
  const swim::Core& core = *member.core;
  if (core.members().size() != core.alive_count()) std::abort();
  if (core.local().state != swim::NodeState::alive) std::abort();
  if (core.known_members() > 100'000) std::abort();
  for (const swim::Packet& packet : member.core->effects().packets) {
    if (packet.bytes.size() > 65'507) std::abort();  // nothing else fits a datagram
  }
}

}  // namespace proconsul::fuzz
