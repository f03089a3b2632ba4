// What a peer sends to the server port, as far as it is only bytes: headers of calls, bodies of every method, answers
// of servers. Whatever is read writes and reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/rpc/codec.h"
#include "agent/rpc/method.h"

namespace rpc = proconsul::agent::rpc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)rpc::read_response_header(input);
  // A stream of calls, as the server reads it.
  for (int calls = 0; calls < 16; ++calls) {
    const auto head = rpc::header_size(input);
    if (!head || *head == 0) return 0;
    const auto header = rpc::read_request_header(input.substr(0, *head));
    if (!header) return 0;
    const auto pair = rpc::measure(input, 1 << 20);
    if (!pair || !pair->whole()) return 0;
    if (pair->header != *head || pair->header + pair->body > input.size()) std::abort();
    if (const rpc::Method* method = rpc::find_method(header->service_method)) {
      const rpc::InvocationPtr invocation = method->make();
      if (!invocation->decode_request(input.substr(pair->header, pair->body))) return 0;
      std::string once, twice;
      invocation->encode_request(once);
      const rpc::InvocationPtr again = method->make();
      if (!again->decode_request(once)) std::abort();
      again->encode_request(twice);
      if (once != twice) std::abort();
      (void)invocation->decode_reply(input.substr(pair->header, pair->body));
    }
    input.remove_prefix(pair->header + pair->body);
  }
  return 0;
}
