// Firing user events: what `event` and `exec` have in common.
#pragma once

#include <string>

#include "agent/cli/client_flags.h"

namespace proconsul::agent::cli {

/// Regular expressions; empty ones take everything.
struct UserEventFilter {
  std::string node{};
  std::string service{};
  std::string tag{};
};

inline constexpr Flag kEventFilterFlags[] = {
    {.name = "node",
     .kind = FlagKind::text,
     .help = "Only nodes whose name matches this regular expression.",
     .value_name = "regex"},
    {.name = "service",
     .kind = FlagKind::text,
     .help = "Only nodes with a service whose name matches this regular expression.",
     .value_name = "regex"},
    {.name = "tag",
     .kind = FlagKind::text,
     .help = "With -service: of which a tag matches this regular expression.",
     .value_name = "regex"},
};

/// The filter of the command's kEventFilterFlags; the detail of an error is the whole message.
base::Result<UserEventFilter> event_filter(const Context& context);

/// PUT /v1/event/fire/NAME; the new event's ID.
base::Result<std::string> fire_event(ApiClient& client, const std::string& name, const UserEventFilter& filter,
                                     std::string payload);

}  // namespace proconsul::agent::cli
