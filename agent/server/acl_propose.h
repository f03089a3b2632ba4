// A change of ACLs into the log, and what the state has of it afterwards.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

/// Proposes, and answers with what `written` finds in the state afterwards. `what` is for error texts: "policy upsert".
template <class T, class Written>
void propose(Server& server, std::string command, std::string_view what, Answered<T> done, Written written) {
  server.apply(std::move(command), [&server, what, done = std::move(done),
                                    written = std::move(written)](base::Result<catalog::ApplyResult> result) mutable {
    const base::Error* error = result ? result->error() : &result.error();
    if (error) {
      return done(base::Error{error->code, "Failed to apply " + std::string(what) + " request: " + error->detail});
    }
    const auto view = server.view();
    done(written(view->tables()));
  });
}

}  // namespace proconsul::agent::server
