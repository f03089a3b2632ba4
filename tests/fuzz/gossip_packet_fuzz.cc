// A datagram from anybody into a live member: it is refused or does what it says, once. The first byte says how the pool
// is dressed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/gossip_core.h"

namespace base = proconsul::base;
namespace fuzz = proconsul::fuzz;
namespace swim = proconsul::gossip::swim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view datagram(reinterpret_cast<const char*>(data) + 1, size - 1);
  swim::TestCore member(1, fuzz::config_of(0));
  member.know(2);
  member.know(3);
  swim::TestCore dressed(1, fuzz::config_of(data[0]));
  for (swim::TestCore* one : {&member, &dressed}) {
    one->core->packet(one->now, swim::address_of(2), datagram);
    fuzz::check(*one);
    const std::size_t known = one->core->known_members();
    one->core->packet(one->now, swim::address_of(2), datagram);  // again
    if (one->core->known_members() != known) std::abort();
    for (int second = 0; second < 3; ++second) {
      one->pass(base::seconds(1));
      fuzz::check(*one);
      one->core->effects().clear();
    }
  }
  return 0;
}
