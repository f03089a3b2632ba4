// Principals of AWS: AWS says who signed the request that a bearer token carries.
#include <algorithm>
#include <utility>

#include "agent/auth/aws_request.h"
#include "agent/auth/config_reader.h"
#include "agent/auth/method.h"
#include "agent/auth/web.h"
#include "agent/auth/xml.h"
#include "base/quote.h"

namespace proconsul::agent::auth {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::WaitedAnswer;

/// What selectors see.
struct AwsFields {
  std::string EntityName{}, EntityId{}, AccountId{}, EntityPath{};
  base::Map<std::string> EntityTags{};
};
PROCONSUL_DECLARE_TYPE(AwsFields)
PROCONSUL_DESCRIBE_TYPE(AwsFields, "awsauth.awsSelectableFields") {
  type.field("EntityName", &AwsFields::EntityName).filter("entity_name");
  type.field("EntityId", &AwsFields::EntityId).filter("entity_id");
  type.field("AccountId", &AwsFields::AccountId).filter("account_id");
  type.field("EntityPath", &AwsFields::EntityPath).filter("entity_path");
  type.field("EntityTags", &AwsFields::EntityTags).filter("entity_tags");
}

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

Result<> check_principals(const AwsConfig& config) {
  if (config.principals.empty()) {
    return failed("BoundIAMPrincipalARNs is required and must have at least 1 entry");
  }
  for (const std::string& arn : config.principals) {
    if (const auto stars = std::ranges::count(arn, '*'); stars > 0) {
      if (!config.entity_details) {
        return failed("Must set EnableIAMEntityDetails=true to use wildcards in BoundIAMPrincipalARNs");
      }
      if (stars != 1 || !arn.ends_with('*')) {
        return failed("Only one wildcard is allowed at the end of the bound IAM principal ARN");
      }
    }
    // "arn:partition:service:..." with six sections at least.
    const bool is_arn = arn.starts_with("arn:") && std::ranges::count(arn, ':') >= 5;
    const std::size_t service = is_arn ? arn.find(':', 4) + 1 : 0;
    const std::string name = is_arn ? arn.substr(service, arn.find(':', service) - service) : "";
    if (name != "iam" && name != "sts") return failed("Invalid principal ARN: " + base::quote(arn));
  }
  return {};
}

Result<> check_endpoint(const std::string& endpoint, const std::string& what) {
  if (endpoint.empty()) return {};
  const Result<base::net::Url> url = base::net::parse_url(endpoint);
  if (!url) return failed(what + " is invalid: " + url.error().detail);
  if (url->scheme.empty() || url->host.empty()) {
    return failed(what + " is invalid: url is invalid: " + base::quote(endpoint));
  }
  return {};
}

class AwsMethod final : public Method {
 public:
  static Result<MethodPtr> make(const catalog::ACLAuthMethod& method, const Means& means);
  Identity nobody() const override { return identity_of({}, {}); }
  Result<Identity> identify(const std::string& bearer) override;

 private:
  explicit AwsMethod(Web& web) : web_(web) {}
  Identity identity_of(AwsFields fields, const std::map<std::string, std::string>& tags) const;
  Result<XmlElement> ask(const AwsRequest& request);
  Result<XmlElement> ask_for(const AwsRequest& request, const std::string& what, const std::string& action);
  Result<> read_entity(const AwsToken& token, AwsFields& fields, std::map<std::string, std::string>& tags,
                       std::string& arn);
  bool is_trusted(const std::string& arn) const;

  Web& web_;
  AwsConfig config_{};
};

Result<MethodPtr> AwsMethod::make(const catalog::ACLAuthMethod& method, const Means& means) {
  std::shared_ptr<AwsMethod> made(new AwsMethod(means.web));
  AwsConfig& config = made->config_;
  ConfigReader reader(method.Config);
  reader.read("BoundIAMPrincipalARNs", config.principals);
  reader.read("EnableIAMEntityDetails", config.entity_details);
  reader.read("IAMEntityTags", config.entity_tags);
  reader.read("ServerIDHeaderValue", config.server_id);
  reader.read("MaxRetries", config.most_retries);
  reader.read("IAMEndpoint", config.iam_endpoint);
  reader.read("STSEndpoint", config.sts_endpoint);
  reader.read("AllowedSTSHeaderValues", config.allowed_headers);
  if (Result<> read = reader.finish(); !read) return read.error();
  if (Result<> good = check_principals(config); !good) return good.error();
  if (!config.entity_tags.empty() && !config.entity_details) {
    return failed("Must set EnableIAMEntityDetails=true to use IAMUserTags");
  }
  if (Result<> good = check_endpoint(config.sts_endpoint, "STSEndpoint"); !good) return good.error();
  if (Result<> good = check_endpoint(config.iam_endpoint, "IAMEndpoint"); !good) return good.error();
  return MethodPtr(std::move(made));
}

Identity AwsMethod::identity_of(AwsFields fields, const std::map<std::string, std::string>& tags) const {
  std::map<std::string, std::string> variables = {
      {"entity_name", fields.EntityName}, {"entity_id", fields.EntityId}, {"account_id", fields.AccountId}};
  fields.EntityTags.make_present();
  if (config_.entity_details) {
    variables["entity_path"] = fields.EntityPath;
    for (const std::string& tag : config_.entity_tags) {
      const auto found = tags.find(tag);
      const std::string value = found == tags.end() ? "" : found->second;
      variables["entity_tags." + tag] = value;
      fields.EntityTags[tag] = value;
    }
  }
  return make_identity(std::move(fields), std::move(variables));
}

Result<XmlElement> AwsMethod::ask(const AwsRequest& request) {
  constexpr std::int64_t kMostRetries = 20;
  constexpr base::Duration kFirstWait = base::milliseconds(500), kLongestWait = base::seconds(30);
  const std::int64_t attempts = 1 + std::clamp<std::int64_t>(config_.most_retries, 0, kMostRetries);
  base::Duration wait = kFirstWait;
  std::string why;
  for (std::int64_t attempt = 1; attempt <= attempts; ++attempt) {
    const Result<WaitedAnswer> answer = web_.ask({.method = request.method,
                                                  .url = request.url,
                                                  .host = request.host,
                                                  .headers = request.headers,
                                                  .body = request.body});
    const bool is_passing = !answer || answer->status == 429 || (answer->status >= 500 && answer->status != 501);
    if (!is_passing) {
      if (answer->header("Content-Type") != "text/xml") return failed("response body is invalid");
      if (answer->status != 200) {
        return failed("received error code " + std::to_string(answer->status) + ": " + excerpt(answer->body));
      }
      return read_xml(answer->body);
    }
    why = answer ? std::string() : ": " + answer.error().detail;
    if (attempt < attempts && !web_.pause(wait)) break;
    wait = std::min(base::Duration{wait.nanoseconds * 2}, kLongestWait);
  }
  return failed("error making request: " + request.method + " " + request.url.text() + " giving up after " +
                std::to_string(attempts) + " attempt(s)" + why);
}

/// The one result in the response to an action.
Result<XmlElement> AwsMethod::ask_for(const AwsRequest& request, const std::string& what, const std::string& action) {
  Result<XmlElement> response = ask(request);
  if (!response) return response;
  if (response->name != action + "Response") return failed("error parsing " + what + " response");
  const std::vector<const XmlElement*> results = response->all(action + "Result");
  if (results.size() != 1) {
    return failed("received " + std::to_string(results.size()) + " identities in " + what + " response but expected 1");
  }
  return *results.front();
}

Result<> AwsMethod::read_entity(const AwsToken& token, AwsFields& fields, std::map<std::string, std::string>& tags,
                                std::string& arn) {
  const bool is_role = token.entity_action == "GetRole";
  const Result<XmlElement> result = ask_for(*token.entity, "IAM", token.entity_action);
  if (!result) return result.error();
  const std::vector<const XmlElement*> entities = result->all(is_role ? "Role" : "User");
  if (entities.size() != 1) return failed("error parsing IAM response");
  const XmlElement& entity = *entities.front();
  // Only the caller's identity says who he is; these are details of that one or of nobody.
  if (entity.text_of(is_role ? "RoleId" : "UserId") != fields.EntityId) {
    return failed("unique id mismatch in login token");
  }
  arn = entity.text_of("Arn");
  fields.EntityPath = entity.text_of("Path");
  for (const XmlElement* list : entity.all("Tags")) {
    for (const XmlElement* member : list->all("member")) tags[member->text_of("Key")] = member->text_of("Value");
  }
  return {};
}

bool AwsMethod::is_trusted(const std::string& arn) const {
  return std::ranges::any_of(config_.principals, [&](const std::string& principal) {
    if (principal == arn) return true;
    return config_.entity_details && principal.ends_with('*') &&
           arn.starts_with(std::string_view(principal).substr(0, principal.size() - 1));
  });
}

Result<Identity> AwsMethod::identify(const std::string& bearer) {
  const Result<AwsToken> token = read_aws_token(bearer, config_);
  if (!token) return token.error();
  const Result<XmlElement> caller = ask_for(token->caller, "STS", "GetCallerIdentity");
  if (!caller) return caller.error();
  const Result<AwsPrincipal> principal = parse_arn(caller->text_of("Arn"));
  if (!principal) return principal.error();
  std::string arn = principal->canonical();
  const std::string id = caller->text_of("UserId");
  AwsFields fields{
      .EntityName = principal->name, .EntityId = id.substr(0, id.find(':')), .AccountId = caller->text_of("Account")};
  std::map<std::string, std::string> tags;
  if (config_.entity_details) {
    if (Result<> read = read_entity(*token, fields, tags, arn); !read) return read.error();
  }
  if (!is_trusted(arn)) return failed("IAM principal " + arn + " is not trusted");
  return identity_of(std::move(fields), tags);
}

}  // namespace

Result<MethodPtr> make_aws_method(const catalog::ACLAuthMethod& method, const Means& means) {
  return AwsMethod::make(method, means);
}

}  // namespace proconsul::agent::auth
