// What the core wants done: datagrams, streams, lines for the operator. Whoever runs the core carries them out in
// order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::swim {

/// Names a stream between the core and whoever runs it; never used twice.
using StreamId = std::uint64_t;

struct Packet {
  Address to{};
  std::string bytes{};
};

/// Answer with Core::stream_opened or stream_closed.
struct OpenStream {
  StreamId stream{};
  Address to{};
};
struct SendBytes {
  StreamId stream{};
  std::string bytes{};
};
/// Once the bytes before it are out. The core knows the stream no more.
struct CloseStream {
  StreamId stream{};
};
using StreamEffect = std::variant<OpenStream, SendBytes, CloseStream>;

struct Line {
  base::log::Level level{};
  std::string text{};
};

/// Times and sizes that are measured one by one.
enum class Sampled : std::uint8_t { probe, push_pull, remote_state };
struct Measurement {
  Sampled what{};
  double value{};  // milliseconds or bytes
};

struct Effects {
  std::vector<Packet> packets{};
  std::vector<StreamEffect> streams{};
  std::vector<Line> lines{};
  std::vector<Measurement> measurements{};

  void clear() {
    packets.clear();
    streams.clear();
    lines.clear();
    measurements.clear();
  }
};

/// What happened since the start.
struct Counts {
  std::uint64_t alive{};  // messages that changed something
  std::uint64_t suspect{};
  std::uint64_t dead{};
  std::uint64_t degraded_probes{};    // slowed down, because this node doubts itself
  std::uint64_t degraded_timeouts{};  // members that died without the confirmations that were hoped for
  std::uint64_t packets_refused{};
  std::uint64_t streams_refused{};
  std::uint64_t late_acks{};  // for probes that are over, or that never were
  std::uint64_t streams_opened{};
  std::uint64_t streams_accepted{};
  std::uint64_t stream_bytes_sent{};
  std::uint64_t refutations{};
  std::uint64_t gossip_rounds{};
};

}  // namespace proconsul::gossip::swim
