// A yamux session whose peer sends anything: it goes on or ends, holds no more than its bounds, and what it sends is
// whole frames.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/net/yamux.h"

namespace net = proconsul::base::net;

namespace {

constexpr std::size_t kMostUnread = 300'000;

struct User final : net::Yamux::User {
  void incoming(net::Yamux::StreamId id) override {
    if (id % 8 == 7) return core->reset(id);
    if (id % 8 != 5) core->accept(id);
  }
  void data(net::Yamux::StreamId id, std::string_view bytes) override {
    unread += bytes.size();
    if (unread > kMostUnread + net::yamux::kWindow) std::abort();
    if (id % 16 == 9) return;
    unread -= bytes.size();
    core->consumed(id, bytes.size());
    core->write(id, bytes);
  }
  void peer_finished(net::Yamux::StreamId id) override { core->finish(id, {}); }
  void closed(net::Yamux::StreamId) override {}
  void broken(net::Yamux::StreamId, const proconsul::base::Error&) override {}
  void written(net::Yamux::StreamId) override {}
  net::Yamux* core = nullptr;
  std::size_t unread = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  User user;
  net::Yamux core({.accept_backlog = 4, .most_incoming = 16, .most_unread = kMostUnread, .most_control = 4096}, user,
                  {});
  user.core = &core;
  (void)core.open({});
  std::string out;
  while (!input.empty()) {
    // The first byte of each piece says how long it is and whether what there is to send is taken.
    const auto lead = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::string_view piece = input.substr(0, 1 + (lead & 0x3f));
    input.remove_prefix(piece.size());
    core.receive(piece, {});
    if (lead & 0x40) core.take_output(out, 1000);
    if (lead & 0x80) core.tick(net::Yamux::Instant() + std::chrono::hours(lead & 1));
  }
  while (core.take_output(out, 1 << 16)) {
  }
  for (std::string_view rest = out; !rest.empty();) {
    if (rest.size() < net::yamux::kHeaderSize) std::abort();
    const net::yamux::Header header = net::yamux::read_header(rest);
    const std::size_t whole = net::yamux::kHeaderSize + (header.type == 0 ? header.length : 0);
    if (header.version != 0 || header.type > 3 || rest.size() < whole) std::abort();
    rest.remove_prefix(whole);
  }
  return 0;
}
