// Several commands, one after the other.
#pragma once

#include <memory>
#include <utility>

#include "agent/peering/imports.h"
#include "agent/server/server.h"
#include "base/result.h"
#include "catalog/commands.h"

namespace proconsul::agent::peering {

/// Stops at the first that fails. `done` comes from any thread, perhaps within the call.
inline void apply_all(server::Server& server, std::shared_ptr<const Commands> commands, server::Done done,
                      std::size_t next = 0) {
  if (next == commands->size()) return done({});
  server.apply((*commands)[next],
               [&server, commands, done = std::move(done), next](base::Result<catalog::ApplyResult> applied) mutable {
                 if (!applied) return done(applied.error());
                 if (const base::Error* error = applied->error()) return done(*error);
                 apply_all(server, std::move(commands), std::move(done), next + 1);
               });
}

}  // namespace proconsul::agent::peering
