// What introduces client agents: the messages on the wire, which anybody may send, and the file of the answer. What was
// read is written to bytes that are read as the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/auto_config/messages.h"

namespace {

using namespace proconsul::agent::auto_config;

void check(bool holds) {
  if (!holds) __builtin_trap();
}

void response(const Response& first) {
  const std::string wire = to_protobuf(first);
  const auto second = read_response(wire);
  check(static_cast<bool>(second));
  check(to_protobuf(*second) == wire);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      if (const auto request = read_request(bytes)) {
        const std::string wire = to_protobuf(*request);
        const auto again = read_request(wire);
        check(again && to_protobuf(*again) == wire);
      }
      break;
    case 1:
      if (const auto read = read_response(bytes)) {
        response(*read);
        (void)to_json(*read);
      }
      break;
    case 2:
      if (const auto kept = from_json(bytes)) {
        response(*kept);
        const auto again = from_json(to_json(*kept));
        check(again && to_json(*again) == to_json(*kept));
      }
      break;
  }
  return 0;
}
