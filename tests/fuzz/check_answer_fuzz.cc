// What the peers of health checks answer: HTTP in pieces, gRPC's health messages, Docker's JSON, systemctl's lines, and
// the URLs that redirects name.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/checks/docker.h"
#include "agent/checks/grpc_answer.h"
#include "agent/checks/os_service.h"
#include "base/net/http_exchange.h"
#include "base/net/url.h"

namespace {

using namespace proconsul::agent::checks;
using namespace proconsul::base::net;

void http(std::string_view text, std::size_t piece, bool decode) {
  constexpr std::size_t kTail = 64;
  AnswerReader reader(kTail, decode, false);
  bool whole = false;
  while (!text.empty() && !whole) {
    const auto taken = reader.take(text.substr(0, piece));
    if (!taken) return;
    whole = *taken;
    text.remove_prefix(std::min(piece, text.size()));
  }
  if (!whole) (void)reader.ended();
  if (!reader.has_head()) return;
  if (reader.body().text().size() > kTail) __builtin_trap();
  (void)reader.status_text();
  (void)reader.header("Location");
}

void h2(std::string_view text) {
  H2Codec codec;
  codec.request({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}}, "");
  (void)codec.output();
  (void)codec.take(text);
  (void)codec.output();
  (void)health_status(codec.answer());
}

void url(std::string_view text) {
  const auto parsed = parse_url(text);
  if (!parsed) return;
  // What is asked of a server must stay one line.
  for (const char c : parsed->request_target()) {
    if (static_cast<unsigned char>(c) <= ' ') __builtin_trap();
  }
  (void)parsed->dial_address();
  (void)parsed->host_name();
  (void)parsed->text();
  const std::size_t half = text.size() / 2;
  if (const auto from = parse_url(text.substr(0, half))) (void)resolve_url(*from, text.substr(half));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 7) {
    case 0:
    case 1:
      http(text, 1 + (data[0] >> 4), (data[0] & 1) != 0);
      break;
    case 2:
    case 3:
      http(text, text.size() + 1, (data[0] & 1) != 0);
      break;
    case 4: {
      H2Codec::Answer answer{.body = std::string(text), .closed = true};
      answer.fields = {{":status", "200"}, {"grpc-status", "0"}};
      if (data[0] >= 0x80)
        answer.fields = {{":status", "200"}, {"grpc-status", std::string(text)}, {"grpc-message", std::string(text)}};
      (void)health_status(answer);
      break;
    }
    case 5:
      (void)exec_id_of(text);
      (void)exit_code_of(text);
      break;
    case 6:
      (void)unit_health("x", text);
      h2(text);
      break;
    case 7:
      url(text);
      break;
  }
  return 0;
}
