// The flags that the commands of access control share, above all those by which tokens and roles are given policies,
// roles, identities and templates.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "agent/cli/client_flags.h"

namespace proconsul::agent::cli {

/// The tables as one: a command has four at most.
template <std::size_t... N>
constexpr auto joined(const Flag (&... tables)[N]) {
  std::array<Flag, (N + ...)> all{};
  auto* next = all.data();
  ((next = std::ranges::copy(tables, next).out), ...);
  return all;
}

inline constexpr Flag kFormatFlags[] = {
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
};

/// -format and -meta.
inline constexpr Flag kShowFlags[] = {
    kFormatFlags[0],
    {.name = "meta",
     .kind = FlagKind::boolean,
     .help = "Also print the raft indexes and the hash, or what else is kept with it."},
};

/// How the commands of access control reach the agent.
inline constexpr auto kAclClientFlags = joined(kClientFlags, kServerFlags, kTenancyFlags);

inline constexpr Flag kPolicyLinkFlags[] = {
    {.name = "policy-id",
     .kind = FlagKind::list,
     .help = "A policy, by its ID or the front of it. May be repeated.",
     .value_name = "id"},
    {.name = "policy-name",
     .kind = FlagKind::list,
     .help = "A policy, by its name. May be repeated.",
     .value_name = "name"},
};

inline constexpr Flag kRoleLinkFlags[] = {
    {.name = "role-id",
     .kind = FlagKind::list,
     .help = "A role, by its ID or the front of it. May be repeated.",
     .value_name = "id"},
    {.name = "role-name",
     .kind = FlagKind::list,
     .help = "A role, by its name. May be repeated.",
     .value_name = "name"},
};

inline constexpr Flag kIdentityFlags[] = {
    {.name = "node-identity",
     .kind = FlagKind::list,
     .help = "What an agent on that node needs, as NODE:DATACENTER. May be repeated.",
     .value_name = "identity"},
    {.name = "service-identity",
     .kind = FlagKind::list,
     .help = "What that service and its sidecar need, as SERVICE or SERVICE:DATACENTER,DATACENTER. May be repeated.",
     .value_name = "identity"},
};

inline constexpr Flag kVariableFlag = {
    .name = "var",
    .kind = FlagKind::list,
    .help = "A variable of the templated policy that is named on the command line, as name:VALUE. May be repeated.",
    .value_name = "name:value"};

/// Of commands that make something new.
inline constexpr Flag kTemplateFlags[] = {
    {.name = "templated-policy",
     .kind = FlagKind::text,
     .help = "A templated policy, by the name of its template; -var gives what it asks for.",
     .value_name = "name"},
    {.name = "templated-policy-file",
     .kind = FlagKind::text,
     .help = "File of templated policies with their variables, instead of -templated-policy.",
     .value_name = "path"},
    kVariableFlag,
};

/// Of commands that change something.
inline constexpr Flag kTemplateChangeFlags[] = {
    {.name = "append-templated-policy",
     .kind = FlagKind::text,
     .help = "A templated policy to add, by the name of its template; -var gives what it asks for.",
     .value_name = "name"},
    {.name = "append-templated-policy-file",
     .kind = FlagKind::text,
     .help = "File of templated policies to add, with their variables.",
     .value_name = "path"},
    {.name = "replace-templated-policy",
     .kind = FlagKind::text,
     .help = "A templated policy to have instead of those that are there.",
     .value_name = "name"},
    {.name = "replace-templated-policy-file",
     .kind = FlagKind::text,
     .help = "File of templated policies to have instead of those that are there.",
     .value_name = "path"},
    kVariableFlag,
};

}  // namespace proconsul::agent::cli
