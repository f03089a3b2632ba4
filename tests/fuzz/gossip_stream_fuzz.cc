// A stream of anybody into a live member, as its question and as the answer to its own. The first byte says how the pool
// is dressed, the second in which pieces the bytes come.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/gossip_core.h"

namespace base = proconsul::base;
namespace fuzz = proconsul::fuzz;
namespace swim = proconsul::gossip::swim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = 1 + data[1] * 8u;
  swim::TestCore member(1, fuzz::config_of(data[0]));
  const auto feed = [&](swim::StreamId stream) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      member.core->stream_bytes(member.now, stream, bytes.substr(at, piece));
    }
    member.core->stream_closed(member.now, stream, {});
  };

  feed(member.core->stream_accepted(member.now, swim::address_of(2)));
  bool joined = false;
  member.core->join({swim::address_of(2)}, [&](swim::JoinOutcome) { joined = true; });
  const swim::StreamId stream = std::get<swim::OpenStream>(member.core->effects().streams.back()).stream;
  member.core->stream_opened(member.now, stream);
  feed(stream);

  if (!joined || member.core->open_streams() != 0) std::abort();
  fuzz::check(member);
  member.pass(base::seconds(2));
  fuzz::check(member);
  return 0;
}
