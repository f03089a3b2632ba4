// A server that sends anything to an HTTP/2 client with several streams: nothing is kept beyond its bounds, and every
// stream ends once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "agent/grpc/headers.h"
#include "base/net/h2_client_codec.h"

namespace net = proconsul::base::net;
namespace grpc = proconsul::agent::grpc;

namespace {

constexpr std::size_t kMostFields = 4096;
constexpr std::uint32_t kWindow = 32 * 1024;

struct User final : net::H2ClientCodec::User {
  using StreamId = net::H2ClientCodec::StreamId;
  static void check(const net::H2Fields& fields) {
    std::size_t size = 0;
    for (const auto& [name, value] : fields) size += name.size() + value.size();
    if (size > kMostFields) std::abort();
    (void)grpc::content_subtype(net::field(fields, "content-type"));
    (void)grpc::decode_message(net::field(fields, "grpc-message"));
  }
  void answered(StreamId id, net::H2Fields head, bool finished) override {
    if (!open.contains(id) || ended.contains(id) || !answers.insert(id).second) std::abort();
    check(head);
    if (finished) ended.insert(id);
  }
  void received(StreamId id, std::string_view data) override {
    if (!open.contains(id) || ended.contains(id)) std::abort();
    held += data.size();
    if (id == 1) codec->consumed(id, data.size());
    if (id == 5) codec->reset(id, 8);
    if (id == 7) codec->send(id, std::make_shared<const std::string>(data));
    if (id != 1 && (held_of[id % 8] += data.size()) > kWindow) std::abort();
  }
  void finished(StreamId id, net::H2Fields trailers) override {
    if (!open.contains(id) || !ended.insert(id).second) std::abort();
    check(trailers);
  }
  void closed(StreamId id, std::uint32_t, bool) override {
    if (open.erase(id) != 1) std::abort();
  }
  net::H2ClientCodec* codec = nullptr;
  std::set<StreamId> open{}, answers{}, ended{};
  std::size_t held = 0, held_of[8] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  User user;
  net::H2ClientCodec codec({.most_fields = kMostFields, .window = kWindow, .connection_window = 64 * 1024}, user);
  user.codec = &codec;
  for (int i = 0; i < 4; ++i) {
    const auto id =
        codec.open({{":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"}, {":authority", "x"}}, false);
    if (!id) std::abort();
    user.open.insert(*id);
    codec.send(*id, std::make_shared<const std::string>(100, 'x'));
    if (i < 3) codec.finish(*id);
  }
  (void)codec.output(64 * 1024);
  while (!input.empty()) {
    const auto lead = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::string_view piece = input.substr(0, 1 + (lead & 0x7f));
    input.remove_prefix(piece.size());
    const bool well = codec.take(piece).has_value();
    if (lead & 0x80 || !well) (void)codec.output(64 * 1024);
    if (!well) break;
  }
  (void)codec.output(64 * 1024);
  return 0;
}
