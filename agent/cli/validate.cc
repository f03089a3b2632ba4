// validate.
#include "agent/auto_config/authorizer.h"
#include "agent/cli/commands.h"
#include "agent/config/load.h"

namespace proconsul::agent::cli {
namespace {

constexpr Flag kValidateFlags[] = {
    {.name = "config-format",
     .kind = FlagKind::text,
     .help = "hcl or json: read every file as that, whatever its extension.",
     .value_name = "format"},
    {.name = "quiet", .kind = FlagKind::boolean, .help = "Print nothing when all is well."},
};

int run_validate(const Context& context) {
  if (context.arguments.empty()) return fail(context, "Must specify at least one config file or directory");
  const std::string& format = context.flags.text("config-format");
  if (!format.empty() && format != "json" && format != "hcl") {
    return fail(context, "-config-format must be either 'hcl' or 'json");
  }
  const base::Result<config::Loaded> loaded = config::load({.paths = context.arguments, .format = format});
  if (!loaded) return fail(context, "Config validation failed: " + loaded.error().detail);
  if (const base::Result<> sound = auto_config::check_authorizer(loaded->config); !sound) {
    return fail(context, "Config validation failed: " + sound.error().detail);
  }
  if (context.flags.boolean("quiet")) return 0;
  for (const std::string& warning : loaded->warnings) context.ui.error(warning);
  context.ui.output("Configuration is valid!");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "validate",
     .synopsis = "Check configuration files",
     .usage = "validate [options] FILE_OR_DIRECTORY...",
     .help = R"(  Reads the files as the agent would and says what is wrong with them. They must be the
  whole configuration: a part of it may miss what another part gives.)",
     .flags = {kValidateFlags},
     .run = run_validate,
     .bad_flag = BadFlag::repeated},
};

}  // namespace

std::span<const Command> validate_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
