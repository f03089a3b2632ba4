#include "agent/grpc/acl_service.h"

#include <string_view>
#include <utility>

#include "agent/grpc/public_messages.h"
#include "agent/grpc/rpc_errors.h"
#include "agent/grpc/unary.h"
#include "agent/rpc/acl_types.h"
#include "base/log.h"
#include "base/quote.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Error;
using base::Result;

namespace {

const base::log::Logger kLog("agent.grpc-api.acl");
constexpr const char* kDisabled = "ACL support disabled";
constexpr const char* kNotReplicated = "token replication is required for auth methods to function";

bool says(const Error& error, std::string_view text) {
  return error.detail.find(text) != std::string::npos;
}

/// Whether it is a failure of the servers, and not about who wants to log in.
bool is_ours(const Error& error) {
  switch (error.code) {
    case Errc::no_leader:
    case Errc::not_leader:
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::cancelled:
    case Errc::corrupt:
      return true;
    default:
      return false;
  }
}

Status status_of_login(const Error& error, const std::string& method) {
  if (const auto unreachable = status_of_way(error)) return *unreachable;
  if (is_unknown_token(error)) return {Code::invalid_argument, "auth method " + base::quote(method) + " not found"};
  if (is_refusal(error)) return {Code::permission_denied, error.detail};
  if (says(error, kNotReplicated)) return {Code::failed_precondition, kNotReplicated};
  if (says(error, kDisabled)) return {Code::failed_precondition, kDisabled};
  if (says(error, "limit")) return {Code::resource_exhausted, error.detail};
  if (is_ours(error)) {
    kLog.error("failed to create token", {{"error", error}});
    return {Code::internal, "failed to create token"};
  }
  kLog.error("failed to validate login", {{"error", error}});
  return {Code::unauthenticated, error.detail};
}

Status status_of_logout(const Error& error) {
  if (const auto unreachable = status_of_way(error)) return *unreachable;
  if (is_refusal(error)) return {Code::permission_denied, error.detail};
  if (says(error, kNotReplicated)) return {Code::failed_precondition, kNotReplicated};
  if (says(error, kDisabled)) return {Code::failed_precondition, kDisabled};
  kLog.error("failed to delete token", {{"error", error}});
  return {Code::internal, "failed to delete token"};
}

}  // namespace

void AclService::add_to(Services& services) {
  const auto log_in = [this](Call&, LoginRequest request, Answer<LoginResponse> answer) {
    if (!enabled_) return answer(std::unexpected(Status{Code::failed_precondition, kDisabled}));
    rpc::ACLLoginRequest wanted;
    wanted.Datacenter = request.datacenter.empty() ? datacenter_ : std::move(request.datacenter);
    rpc::ACLLoginParams& given = wanted.Auth.emplace();
    given.AuthMethod = request.auth_method;
    given.BearerToken = std::move(request.bearer_token);
    given.Meta = std::move(request.meta);
    rpc::ask<rpc::ACLLoginRequest, catalog::ACLToken>(
        caller_, loops_.next(), "ACL.Login", std::move(wanted),
        [answer = std::move(answer), method = std::move(request.auth_method)](Result<catalog::ACLToken> made) mutable {
          if (!made) return answer(std::unexpected(status_of_login(made.error(), method)));
          LoginResponse response;
          response.token.emplace() = {.accessor_id = std::move(made->AccessorID),
                                      .secret_id = std::move(made->SecretID)};
          answer(std::move(response));
        });
  };
  const auto log_out = [this](Call&, LogoutRequest request, Answer<NoFields> answer) {
    if (!enabled_) return answer(std::unexpected(Status{Code::failed_precondition, kDisabled}));
    if (request.token.empty()) {
      return answer(std::unexpected(Status{Code::invalid_argument, "token is required"}));
    }
    rpc::ACLLogoutRequest wanted;
    wanted.Datacenter = request.datacenter.empty() ? datacenter_ : std::move(request.datacenter);
    wanted.Token = std::move(request.token);
    rpc::ask<rpc::ACLLogoutRequest, bool>(caller_, loops_.next(), "ACL.Logout", std::move(wanted),
                                          [answer = std::move(answer)](const Result<bool>& gone) mutable {
                                            // Who is logged out already is.
                                            if (gone || is_unknown_token(gone.error())) return answer(NoFields());
                                            answer(std::unexpected(status_of_logout(gone.error())));
                                          });
  };
  services.add("hashicorp.consul.acl.ACLService", {unary<LoginRequest, LoginResponse>("Login", Load::write, log_in),
                                                   unary<LogoutRequest, NoFields>("Logout", Load::write, log_out)});
}

}  // namespace proconsul::agent::grpc
