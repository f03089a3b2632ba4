// A change of central configuration before and after the log: its canonical form, what is wrong with it by itself,
// whether it is allowed and changes anything. What it has to do with other entries is for the store.
#pragma once

#include "agent/server/changes.h"
#include "agent/server/server.h"
#include "agent/tokens/who.h"
#include "catalog/types/config_entry.h"

namespace proconsul::agent::server {

/// Whether it took effect: false of a cas that did not apply. What says the same as before is not written. `connect`:
/// connect.enabled.
void apply_config_entry(Server& server, const tokens::Who& who, bool connect, catalog::ConfigEntryRequest change,
                        Answered<bool> done);
/// Whether it is gone now.
void delete_config_entry(Server& server, const tokens::Who& who, bool connect, catalog::ConfigEntryRequest change,
                         Answered<bool> done);

}  // namespace proconsul::agent::server
