#include "agent/cli/service_files.h"

#include "agent/config/load.h"

namespace proconsul::agent::cli {

base::Result<base::List<catalog::ServiceDefinition>> read_service_files(const std::vector<std::string>& paths,
                                                                        const Ui& ui) {
  // Development mode lacks nothing that a file of services does not say, and defines no service of its own.
  base::Result<config::Loaded> loaded = config::load({.development = true, .paths = paths});
  if (!loaded) return loaded.error();
  for (const std::string& warning : loaded->warnings) ui.error(warning);
  return std::move(loaded->config.services);
}

}  // namespace proconsul::agent::cli
