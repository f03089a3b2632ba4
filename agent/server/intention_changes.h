// What the leader decides before a change of an intention goes into the log: ids, times, and whether it makes sense.
#pragma once

#include <string>

#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "agent/tokens/who.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::server {

/// By the names of both sides (upsert, delete), or, as old clients do it, by an ID (create, update, delete with one).
/// The answer is the ID, of those that have one. What is not there is deleted already, but by ID that is an error.
void change_intention(Server& server, const tokens::Who& who, catalog::IntentionChange change,
                      Answered<std::string> done);

}  // namespace proconsul::agent::server
