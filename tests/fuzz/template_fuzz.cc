// Address templates: any text gives an address, or an error with a text, and soon.
#include <cstdint>
#include <string_view>

#include "agent/config/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::config;
  static const Surroundings host = [] {
    Surroundings out{.host_name = "host", .default_interface = "eth0"};
    out.interfaces.push_back({.name = "lo", .up = true, .loopback = true, .ip = *Ip::parse("127.0.0.1"), .prefix = 8});
    out.interfaces.push_back({.name = "eth0", .up = true, .ip = *Ip::parse("10.0.0.1"), .prefix = 8});
    out.interfaces.push_back({.name = "eth0", .up = true, .ip = *Ip::parse("2001:db8::1"), .prefix = 64});
    return out;
  }();
  const auto out = expand_template({reinterpret_cast<const char*>(data), size}, host);
  if (!out && out.error().detail.empty()) __builtin_trap();
  return 0;
}
