// A client that sends anything where HTTP/2 is served, to a server that answers each stream in another way: nothing is
// kept beyond its bounds, and every stream that was told of ends once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "agent/grpc/headers.h"
#include "base/net/h2_server_codec.h"

namespace net = proconsul::base::net;
namespace grpc = proconsul::agent::grpc;

namespace {

constexpr std::uint32_t kMostStreams = 16;
constexpr std::size_t kMostFields = 4096;
constexpr std::uint32_t kWindow = 16 * 1024;
constexpr std::uint32_t kConnectionWindow = 70'000;  // no less than what every connection begins with

struct User final : net::H2ServerCodec::User {
  using StreamId = net::H2ServerCodec::StreamId;
  void request(StreamId id, net::H2Fields fields, bool finished) override {
    std::size_t size = 0;
    for (const auto& [name, value] : fields) size += name.size() + value.size();
    if (size > kMostFields || !open.insert(id).second || open.size() > kMostStreams) std::abort();
    (void)grpc::content_subtype(net::field(fields, "content-type"));
    (void)grpc::decode_timeout(net::field(fields, "grpc-timeout"));
    (void)grpc::encode_message(net::field(fields, ":path"));
    if (finished) return this->finished(id);
    if (id % 8 == 7) codec->answer(id, {{":status", "415"}});
  }
  bool oversized(StreamId id) override {
    if (id % 8 == 1) return false;
    if (!open.insert(id).second || open.size() > kMostStreams) std::abort();
    codec->answer(id, {{":status", "431"}});
    return true;
  }
  void received(StreamId id, std::string_view data) override {
    if (!open.contains(id)) std::abort();
    if (bounded) {
      held[id] += data.size();
      all_held += data.size();
      if (held[id] > kWindow || all_held > kConnectionWindow) std::abort();
      if (id % 8 == 1) codec->inform(id, {{":status", "100"}});
    }
    if (id % 8 == 5) return codec->reset(id, 8);
    codec->respond(id, {{":status", "200"}});
    codec->send(id, std::make_shared<const std::string>(data));
  }
  void finished(StreamId id) override {
    if (!open.contains(id)) std::abort();
    codec->respond(id, {{":status", "200"}});
    codec->send(id, std::make_shared<const std::string>(id % 8 == 3 ? 100'000 : 10, 'x'));
    codec->finish(id, {{"grpc-status", "0"}});
  }
  void closed(StreamId id, std::uint32_t) override {
    if (open.erase(id) != 1) std::abort();
  }
  /// What was held back is dealt with, that of streams which are over too.
  void deal() {
    for (const auto& [id, bytes] : held) codec->consumed(id, bytes);
    held.clear();
    all_held = 0;
  }

  net::H2ServerCodec* codec = nullptr;
  std::set<StreamId> open{};
  bool bounded = false;  // by a window of the connection, as HTTPS has it
  std::map<StreamId, std::size_t> held{};
  std::size_t all_held = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  User user;
  user.bounded = !input.empty() && (input.front() & 1) != 0;
  if (!input.empty()) input.remove_prefix(1);
  net::H2ServerCodec::Options options{.most_streams = kMostStreams, .most_fields = kMostFields};
  if (user.bounded) {
    options.window = kWindow;
    options.connection_window = kConnectionWindow;
    options.patience = 4096;
  }
  net::H2ServerCodec codec(options, user);
  user.codec = &codec;
  // What every client says first; most mutations would only break this.
  if (!codec.take("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) std::abort();
  while (!input.empty()) {
    const auto lead = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::string_view piece = input.substr(0, 1 + (lead & 0x7f));
    input.remove_prefix(piece.size());
    const bool well = codec.take(piece).has_value();
    if (lead & 0x80 || !well) (void)codec.output(64 * 1024);
    if ((lead & 0x40) != 0) user.deal();
    if (!well) break;
  }
  (void)codec.output(64 * 1024);
  return 0;
}
