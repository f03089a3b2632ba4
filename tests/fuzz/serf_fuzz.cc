// A live node of serf that hears whatever comes: messages of every type, states, pings, and a snapshot file. Nothing
// that is heard may stop it, and the state that it ends with must be readable for another one.
//
// The input is a list of pieces, each with its length (two bytes) and what it is (one byte) before it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gossip/serf/fake_membership.h"
#include "gossip/serf/keyring_file.h"

namespace serf = proconsul::gossip::serf;
namespace base = proconsul::base;

namespace {

std::string_view take(std::string_view& input, std::size_t size) {
  const std::string_view piece = input.substr(0, size);
  input.remove_prefix(piece.size());
  return piece;
}

void hear(serf::LoneNode& node, unsigned char what, std::string_view piece) {
  switch (what % 8) {
    case 0:
      return node.serf->merge_remote_state(piece, (what & 8) != 0);
    case 1:
      return node.serf->ping_complete(serf::node_named("other", 2), base::milliseconds(10), piece);
    case 2: {
      proconsul::gossip::swim::Node other = serf::node_named("other", 2);
      other.meta = piece;
      return node.serf->node_updated(other);
    }
    case 3:
      return node.serf->node_left(serf::node_named(std::string(piece), 3));
    case 4:
      return node.pass(base::seconds(what));
    case 5:
      node.add(std::string(piece), what);
      return;
    default:
      return node.serf->user_message(piece);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  proconsul::gossip::Keyring ring;
  (void)ring.add(std::string(32, 'k'));
  serf::Settings settings = serf::Settings::consul_lan();
  settings.enable_name_conflict_resolution = true;
  const bool keeps = !input.empty() && (input[0] & 1) != 0;
  const std::string kept(keeps ? input : std::string_view());
  if (const auto state = serf::read_snapshot(input, false, base::log::Logger("fuzz")); !state.alive.empty()) {
    (void)proconsul::gossip::parse_address(state.alive.begin()->second);
  }
  (void)serf::decode_keyring(input, "fuzz");
  serf::LoneNode node(settings, &ring, kept, true);
  node.clock.advance(base::seconds(1));
  node.add("other", 2);
  node.serf->name_conflict(node.membership.local(), serf::node_named("self", 9));
  node.serf->key_operation(serf::KeyOperation::list, "", 1, [](serf::KeyResult) {});
  (void)node.serf->query("q", {}, {.request_ack = true}, {});
  node.settle();
  while (input.size() > 3) {
    const std::string_view head = take(input, 3);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
    hear(node, byte(2), take(input, static_cast<std::size_t>(byte(0) << 8 | byte(1))));
    node.settle();
  }
  for (serf::IncomingQuery& query : node.observer.queries)
    (void)node.serf->respond(query, base::Bytes(std::string("a")));
  (void)node.queued();
  const std::string state = node.serf->local_state(false);
  serf::LoneNode reader;
  reader.serf->merge_remote_state(state, false);
  // Whatever was heard can be written and read back.
  if (reader.serf->stats().member_time < node.serf->stats().member_time) std::abort();
  return 0;
}
