// Commands that need no agent: version, keygen.
#include <openssl/rand.h>

#include "agent/cli/api_types.h"
#include "agent/cli/commands.h"
#include "agent/cli/text.h"
#include "agent/version.h"
#include "base/base64.h"
#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

constexpr Flag kFormatFlags[] = {
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
};

// Clients parse the first line, so it is Consul's; our own name follows it.
std::string pretty_version() {
  const std::string protocol = std::to_string(kProtocolDefault);
  return "Consul v" + std::string(kConsulVersion) + '\n' + std::string(kBuildName) + " v" + std::string(kBuildVersion) +
         "\nBuild Date " + std::string(kBuildDate) + "\nProtocol " + protocol + " spoken by default, understands " +
         std::to_string(kProtocolMin) + " to " + std::to_string(kProtocolMax) +
         " (agent will automatically use protocol >" + protocol + " when speaking to compatible agents)\n";
}

VersionReport version_report() {
  return {.Version = std::string(kConsulVersion),
          .Build = std::string(kBuildName) + ' ' + std::string(kBuildVersion),
          .BuildDate = std::string(kBuildDate),
          .RPC = {.Default = kProtocolDefault, .Min = kProtocolMin, .Max = kProtocolMax}};
}

int run_version(const Context& context) {
  const std::string& format = context.flags.text("format");
  if (format == "pretty") {
    context.ui.output(pretty_version());
  } else if (format == "json") {
    context.ui.output(indented_json(base::to_json(version_report()), "   "));
  } else {
    context.ui.error("Unknown format: " + format);
    return 1;
  }
  return 0;
}

int run_keygen(const Context& context) {
  std::string key(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
    context.ui.error("Error reading random data: the system gave none");
    return 1;
  }
  context.ui.output(base::to_base64(key));
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "keygen",
     .synopsis = "Make a key for gossip encryption",
     .usage = "keygen",
     .help = R"(  Prints 32 random bytes in base64, fit for the agent's option -encrypt.)",
     .run = run_keygen},
    {.name = "version",
     .synopsis = "Print the version",
     .usage = "version [options]",
     .help = R"(  Prints the Consul version that this build is compatible with, and its own.)",
     .flags = {kFormatFlags},
     .run = run_version},
};

}  // namespace

std::span<const Command> tool_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
