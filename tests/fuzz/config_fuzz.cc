// Configuration files: any text becomes a configuration or an error with a text, and so does its double.
#include <cstdint>
#include <string>

#include "agent/config/build.h"
#include "agent/config/origin.h"
#include "agent/config/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::config;
  if (size == 0) return 0;
  const Source source{.name = "fuzz",
                      .format = data[0] == '{' ? "json" : "hcl",
                      .text = std::string(reinterpret_cast<const char*>(data), size)};
  std::vector<std::string> warnings;
  auto settings = read_source(source, warnings);
  if (!settings) {
    if (settings.error().detail.empty()) __builtin_trap();
    return 0;
  }
  Surroundings host{.host_name = "host"};
  host.interfaces.push_back({.name = "eth0", .up = true, .ip = *Ip::parse("10.0.0.1"), .prefix = 8});
  Origins origins;
  origins.add(source, *settings);
  Settings merged = default_settings(true);
  merge(merged, *settings);
  merge(merged, std::move(*settings));
  std::vector<std::string> errors;
  auto config = build(std::move(merged), true, host, warnings, errors);
  if (!config) {
    if (config.error().detail.empty()) __builtin_trap();
    (void)origins.of(config.error().detail);
    return 0;
  }
  for (const std::string& error : errors) (void)origins.of(error);
  if (auto valid = validate(*config, host, warnings, errors); !valid) (void)origins.of(valid.error().detail);
  (void)debug_view(*config);
  return 0;
}
