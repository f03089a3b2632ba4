// What a server's state says of the federation: its mesh gateways, those of others, and how far everything is.
#pragma once

#include "agent/doctor/view.h"
#include "agent/server/server.h"

namespace proconsul::agent::server {

// What is copied from the primary, by the names of doctor::Copying.
inline constexpr const char* kAclPolicies = "ACL policies";
inline constexpr const char* kAclRoles = "ACL roles";
inline constexpr const char* kAclTokens = "ACL tokens";
inline constexpr const char* kConfigEntries = "config entries and intentions";
inline constexpr const char* kFederationStates = "federation states";
inline constexpr const char* kOwnState = "the own federation state";

/// Fills in what is of the state, and who leads. Any thread.
void look_at_state(const Server& server, doctor::View& view);

}  // namespace proconsul::agent::server
