#include "agent/grpc/connect_ca_service.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/grpc/public_messages.h"
#include "agent/grpc/rpc_errors.h"
#include "agent/grpc/unary.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/spiffe.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/x509/certificate.h"
#include "base/log.h"
#include "catalog/registry/connect_ca.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Error;
using base::Result;

namespace {

const base::log::Logger kLog("agent.grpc-api.connect-ca");

Status disabled() {
  return {Code::failed_precondition, mesh::kConnectDisabled};
}

Timestamp timestamp(base::Time time) {
  Timestamp out;
  out.seconds = base::unix_seconds(time);
  out.nanos = time.nanoseconds;
  return out;
}

/// What is wrong with a request for a certificate, in the texts of who signs.
bool is_about_request(std::string_view text) {
  constexpr std::array<std::string_view, 7> kTexts = {
      "CSR SAN ", "SPIFFE ID in CSR ", "Non default partition ", "no PEM-encoded data", "x509: ",
      "asn1: ",   "SPIFFE ID "};
  for (const std::string_view each : kTexts) {
    if (text.find(each) != text.npos) return true;
  }
  return false;
}

Status status_of_signing(const Error& error) {
  const std::string& text = error.detail;
  if (is_refusal(error)) {
    return {is_unknown_token(error) ? Code::unauthenticated : Code::permission_denied, text};
  }
  if (is_about_request(text)) return {Code::invalid_argument, text};
  if (text.find("limit reached") != text.npos) return {Code::resource_exhausted, text};
  if (const auto unreachable = status_of_way(error)) return *unreachable;
  kLog.error("failed to sign leaf certificate", {{"error", error}});
  return {Code::internal, "failed to sign leaf certificate"};
}

}  // namespace

class ConnectCaService::Roots final : public Followed {
 public:
  using Followed::Followed;

 private:
  Result<> take(std::string_view message) override {
    NoFields none;
    return public_schema().parse(message, none);
  }
  Result<std::optional<std::string>> show(const catalog::View& view, base::KeySet& keys) override {
    const catalog::CARootsAnswer found = catalog::ca_roots(view.tables(), &keys);
    if (!found.configuration || found.configuration->ClusterID.empty()) {
      return Error{Errc::internal, "Connect CA is not yet initialized"};
    }
    WatchRootsResponse response;
    response.trust_domain = mesh::trust_domain(found.configuration->ClusterID);
    for (const catalog::CARoot* root : found.roots) {
      CARoot& shown = response.roots.emplace_back();
      shown.id = root->ID;
      shown.name = root->Name;
      shown.serial_number = root->SerialNumber;
      shown.signing_key_id = root->SigningKeyID;
      shown.root_cert = root->RootCert;
      shown.intermediate_certs.assign(root->IntermediateCerts.begin(), root->IntermediateCerts.end());
      shown.active = root->Active;
      shown.rotated_out_at.emplace() = timestamp(root->RotatedOutAt);
      if (root->Active) response.active_root_id = root->ID;
    }
    std::string out;
    public_schema().append(out, response);
    return std::optional<std::string>(std::move(out));
  }
};

void ConnectCaService::sign(std::string token, SignRequest request, Answer<SignResponse> answer) {
  if (!enabled_) return answer(std::unexpected(disabled()));
  if (request.csr.empty()) return answer(std::unexpected(Status{Code::invalid_argument, "CSR is required"}));
  if (const auto read = x509::read_request(request.csr); !read) {
    return answer(std::unexpected(Status{Code::invalid_argument, read.error().detail}));
  }
  rpc::CASignRequest wanted;
  wanted.CSR = std::move(request.csr);
  wanted.Token = std::move(token);
  rpc::ask<rpc::CASignRequest, rpc::IssuedCert>(caller_, loops_.next(), "ConnectCA.Sign", std::move(wanted),
                                                [answer = std::move(answer)](Result<rpc::IssuedCert> issued) mutable {
                                                  if (!issued)
                                                    return answer(std::unexpected(status_of_signing(issued.error())));
                                                  answer(SignResponse{.cert_pem = std::move(issued->CertPEM)});
                                                });
}

void ConnectCaService::add_to(Services& services) {
  services.add("hashicorp.consul.connectca.ConnectCAService",
               {{.name = "WatchRoots",
                 .shape = Shape::server_stream,
                 .start = [this](Call& call) -> std::unique_ptr<Handler> {
                   if (enabled_) return std::make_unique<Roots>(call, followers_);
                   call.end(disabled());
                   return nullptr;
                 },
                 .load = Load::read},
                unary<SignRequest, SignResponse>("Sign", Load::write,
                                                 [this](Call& call, SignRequest request, Answer<SignResponse> answer) {
                                                   sign(call.token(), std::move(request), std::move(answer));
                                                 })});
}

}  // namespace proconsul::agent::grpc
