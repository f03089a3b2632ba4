// HTTP requests: any bytes are a request, an incomplete one, or a refusal; what outlives the buffer is the same
// request; and a chunked body means the same however it is cut into pieces.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/encode.h"
#include "agent/http/parser.h"
#include "agent/http/request_reader.h"
#include "agent/http/router.h"

namespace {

using namespace proconsul::agent::http;

void require(bool holds) {
  if (!holds) std::abort();
}

void same(const Request& a, const Request& b) {
  require(a.path == b.path && a.query == b.query && a.target == b.target && a.escaped_path == b.escaped_path);
  std::string one, other;
  a.each_param([&](std::string_view name, std::string_view value) { one.append(name).append("=").append(value); });
  b.each_param([&](std::string_view name, std::string_view value) { other.append(name).append("=").append(value); });
  require(one == other);
  for (const char* name : {"Host", "Content-Type", "X-Consul-Token", "Accept-Encoding"}) {
    require(a.header(name) == b.header(name));
  }
}

ChunkDecoder::State decode(std::string_view data, std::size_t piece, std::string& out) {
  ChunkDecoder decoder;
  while (!data.empty()) {
    std::string_view part = data.substr(0, piece);
    data.remove_prefix(part.size());
    const ChunkDecoder::State state = decoder.feed(part, out, 1 << 20);
    if (state != ChunkDecoder::State::more || out.size() > 1 << 20) return state;
  }
  return ChunkDecoder::State::more;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Router router(all_routes());
  static const Settings settings;
  std::string_view data(reinterpret_cast<const char*>(bytes), size);
  const std::size_t length = head_length(data, 0);
  if (length == std::string_view::npos) {
    (void)may_become_head(data);
    return 0;
  }
  // On the heap and no longer than it is: a read beyond the head is found.
  const auto head = std::make_unique<char[]>(length);
  data.copy(head.get(), length);
  std::string_view body = data.substr(length);

  Request request;
  Framing framing;
  if (!parse_head({head.get(), length}, request, framing)) {
    require(framing.content_length >= -1);
    const std::shared_ptr<Request> kept = request.own();
    same(request, *kept);
    same(*kept, *kept->own());
    (void)read_query_options(request, settings, true);
    (void)refuse_enterprise(request, true);
    (void)meta_filter(request);
    (void)request.source_ip();
    (void)request.encoded_params();
    (void)accepts_gzip(request.header("Accept-Encoding"));
    (void)is_printable(request.path);
    if (const Endpoint* endpoint = router.find(request.escaped_path)) require(!endpoint->pattern.empty());
    const std::string clean = clean_path(request.escaped_path);
    require(clean.starts_with('/') && clean_path(clean) == clean);
    Reply reply = text(200, std::string(request.path));
    reply.header("X-Echo", request.path);
    Exchange exchange;
    Encoder encoder(settings);
    std::string out;
    encoder.head(exchange, reply, nullptr, out);
    require(out.find("\r\n\r\n") == out.size() - 4);
  }
  std::string whole, pieces;
  const ChunkDecoder::State at_once = decode(body, body.size() + 1, whole);
  const ChunkDecoder::State bit_by_bit = decode(body, 1 + size % 7, pieces);
  require(at_once == bit_by_bit && whole == pieces);
  (void)indent(body);
  return 0;
}
