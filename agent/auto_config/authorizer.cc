#include "agent/auto_config/authorizer.h"

#include <utility>

#include "agent/auth/interpolate.h"
#include "agent/auth/web.h"
#include "agent/mesh/spiffe.h"
#include "agent/x509/certificate.h"
#include "base/clock.h"
#include "base/filter/filter.h"
#include "base/net/loop.h"
#include "base/quote.h"
#include "base/regex.h"

namespace proconsul::agent::auto_config {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}
Error refused(const std::string& why) {
  return {Errc::permission_denied, "Permission denied: " + why};
}

/// What is put into an assertion must not end the text in which it stands there.
Result<> check_names(const Request& request) {
  static const base::Regex ends_texts = *base::Regex::compile("[`'\"\\s]+");
  static const base::Regex label = *base::Regex::compile("^[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?$");
  const auto invalid = [](const char* field, const std::string& value) {
    return failed(std::string("Invalid request field. ") + field + " = `" + value + "`");
  };
  if (ends_texts.matches(request.Node)) return invalid("node", request.Node);
  if (ends_texts.matches(request.Segment)) return invalid("segment", request.Segment);
  if (!request.Partition.empty() && !label.matches(request.Partition)) return invalid("partition", request.Partition);
  return {};
}

Result<> check_assertion(const std::string& raw, const Request& request, const auth::Identity& identity) {
  const Result<std::string> filled =
      auth::interpolate(raw, {{"node", request.Node}, {"segment", request.Segment}, {"partition", ""}});
  if (!filled) {
    return failed("Failed to render claim assertion template " + base::quote(raw) + ": " + filled.error().detail);
  }
  const Result<base::filter::Filter> assertion = base::filter::Filter::compile(*filled, *identity.type);
  if (!assertion) {
    return failed("Failed to create evaluator for claim assertion " + base::quote(*filled) + ": " +
                  assertion.error().detail);
  }
  if (!assertion->matches_object(identity.fields.get())) return refused("Failed JWT claim assertion");
  return {};
}

Result<> check_signing_request(const Request& request) {
  const Result<x509::Asked> asked = x509::read_request(request.CSR);
  if (!asked) return failed("Failed to parse CSR: " + asked.error().detail);
  if (asked->uris.size() != 1) {
    return failed("CSR SAN contains an invalid number of URIs: " + std::to_string(asked->uris.size()));
  }
  if (!asked->emails.empty()) return failed("CSR SAN does not allow specifying email addresses");
  const Result<mesh::SpiffeId> id = mesh::parse_spiffe(asked->uris[0]);
  if (!id) return failed("Failed to parse the SPIFFE URI: " + id.error().detail);
  if (id->kind != mesh::SpiffeId::Kind::agent) return failed("SPIFFE ID is not an Agent ID");
  if (id->name == request.Node) return {};
  return failed("Spiffe ID agent name (" + id->name +
                ") of the certificate signing request is not for the correct node (" + request.Node + ")");
}

}  // namespace

catalog::ACLAuthMethod auth_method(const config::AutoConfigAuthorizer& settings) {
  catalog::ACLAuthMethod method;
  method.Name = "Auto Config Authorizer";
  method.Type = "jwt";
  method.Config = settings.method;
  method.ModifyIndex = 1;  // it never changes
  return method;
}

Result<> check_authorizer(const config::Config& config) {
  const config::AutoConfigAuthorizer& settings = config.auto_config.authorizer;
  if (!settings.enabled) return {};
  base::net::Loops loops(1);
  auth::Web web(loops[0]);
  const Result<auth::MethodPtr> method = auth::make_method(auth_method(settings), {web, base::system_clock()});
  web.stop();
  loops.stop();
  if (!method) return failed("auto_config.authorization.static has invalid configuration: " + method.error().detail);
  const auth::Identity nobody = (*method)->nobody();
  for (const std::string& raw : settings.claim_assertions) {
    const Result<std::string> filled =
        auth::interpolate(raw, {{"node", "fake"}, {"segment", "fake"}, {"partition", "fake"}});
    Result<> sound = filled ? Result<>() : Result<>(filled.error());
    if (sound) {
      const Result<base::filter::Filter> assertion = base::filter::Filter::compile(*filled, *nobody.type);
      if (!assertion) sound = assertion.error();
    }
    if (!sound) {
      return failed("auto_config.authorization.static.claim_assertion " + base::quote(raw) +
                    " is invalid: " + sound.error().detail);
    }
  }
  return {};
}

Result<> authorize(auth::Method& method, const config::AutoConfigAuthorizer& settings, const Request& request) {
  const Result<auth::Identity> identity = method.identify(request.JWT);
  if (!identity) return refused("Failed JWT authorization: " + identity.error().detail);
  if (Result<> sound = check_names(request); !sound) return sound;
  for (const std::string& assertion : settings.claim_assertions) {
    if (Result<> holds = check_assertion(assertion, request, *identity); !holds) return holds;
  }
  return request.CSR.empty() ? Result<>() : check_signing_request(request);
}

}  // namespace proconsul::agent::auto_config
