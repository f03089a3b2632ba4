// What the endpoints of /v1/acl have in common.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "base/json.h"
#include "base/result.h"

namespace proconsul::agent::http {

/// Calls a method of this datacenter (or of the one in the request) that changes something, and shows its reply.
template <class Rep, class Req>
void change_acl(Context& agent, std::string_view method, Req change, Responder responder) {
  ask<Req, Rep>(agent, method, std::move(change), [responder = std::move(responder)](base::Result<Rep> reply) mutable {
    if (!reply) return responder.send(base::Result<Reply>(reply.error()));
    responder.send(base::Result<Reply>(json(base::to_json(*reply))));
  });
}

/// A deletion: true, or 404 "Cannot find token to delete".
template <class Req>
void delete_acl(Context& agent, std::string_view method, Req change, std::string_view kind, Responder responder) {
  ask<Req, std::string>(agent, method, std::move(change),
                        [responder = std::move(responder), kind](base::Result<std::string> reply) mutable {
                          if (!reply && reply.error().detail.find("ACL not found") != std::string::npos) {
                            return responder.send(base::Result<Reply>(
                                base::Error{base::Errc::not_found, "Cannot find " + std::string(kind) + " to delete"}));
                          }
                          if (!reply) return responder.send(base::Result<Reply>(reply.error()));
                          responder.send(base::Result<Reply>(json("true")));
                        });
}

/// 404 of a read.
inline Answer no_such(std::string_view kind) {
  return Answer{
      .reply = failure({base::Errc::not_found, "Requested " + std::string(kind) + " does not exist: ACL not found"})};
}

/// "Missing policy ID" and the like, with status 400.
inline base::Result<std::string> named_in_path(const Request& request, const char* what) {
  base::Result<std::string_view> part = path_part(request, what);
  if (!part) return part.error();
  return std::string(*part);
}

}  // namespace proconsul::agent::http
