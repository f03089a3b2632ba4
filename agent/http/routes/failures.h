// Answers that rows of several families announce.
#pragma once

#include "agent/http/description.h"

namespace proconsul::agent::http {

// Answers that existing clients tell by status and text. A 500 among them is Consul's own for what is the client's
// fault: libraries retry or give up by it, so it stays.
inline constexpr Failure kNothing{404, "", "There is nothing."};
inline constexpr Failure kRefusedWrite{
    500,
    R"((raft apply failed|apply failed|Must provide|Invalid|Bad|Node|Unknown service ID|cannot register|failed inserting)[\s\S]*)",
    "The servers refuse it: Consul's status for all that they find wrong themselves."};
inline constexpr Failure kNoDatacenter{500, "No path to datacenter",
                                       "Clients tell a datacenter that is not there by this text."};
// Of ACLs.
inline constexpr Failure kNoAcls{401, "ACL support disabled", "ACLs are off."};
inline constexpr Failure kDenied{403, R"((Permission denied|[\s\S]*ACL not found)[\s\S]*)",
                                 "The token does not allow it."};
inline constexpr Failure kUnknownToken{404, R"(Token "[\s\S]*" is unknown)", "The agent has no token of this kind."};
// Of the mesh.
inline constexpr Failure kNoMesh{500, R"((Connect must be enabled|CA has not finished initializing)[\s\S]*)",
                                 "Servers have connect.enabled = false, or the first leader has just begun."};
inline constexpr Failure kTooManyCertificates{429, "Rate limit reached, try again later", "csr_max_per_second"};
inline constexpr Failure kNotSigned{500, R"([\s\S]+)", "The servers do not sign it: the text says why."};
inline constexpr Failure kNoSuchAcl{404, R"((Requested|Cannot find)[\s\S]*)", "There is none."};
inline constexpr Failure kRefusedAcl{500, R"([\s\S]+)", "The servers refuse it."};

}  // namespace proconsul::agent::http
