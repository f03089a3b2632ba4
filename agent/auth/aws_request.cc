#include "agent/auth/aws_request.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <span>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Url;

namespace {

constexpr std::size_t kMostToken = 64 * 1024;
constexpr std::string_view kServerIdHeader = "X-Consul-IAM-ServerID";
constexpr std::string_view kEntityMethod = "X-Consul-IAM-GetEntity-Method";
constexpr std::string_view kEntityUrl = "X-Consul-IAM-GetEntity-URL";
constexpr std::string_view kEntityHeaders = "X-Consul-IAM-GetEntity-Headers";
constexpr std::string_view kEntityBody = "X-Consul-IAM-GetEntity-Body";

using HeaderMap = base::Map<base::List<std::string>>;

struct RawToken {
  std::string method{}, url{}, headers{}, body{};
};
PROCONSUL_DECLARE_TYPE(RawToken)
PROCONSUL_DESCRIBE_TYPE(RawToken,
                        "struct { Method string; UrlBase64 string; HeadersBase64 string; BodyBase64 string }") {
  type.field("Method", &RawToken::method).json("iam_http_request_method");
  type.field("UrlBase64", &RawToken::url).json("iam_request_url");
  type.field("HeadersBase64", &RawToken::headers).json("iam_request_headers");
  type.field("BodyBase64", &RawToken::body).json("iam_request_body");
}

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// "X-Amz-Date"
std::string canonical_header(std::string name) {
  bool first = true;
  for (char& c : name) {
    c = static_cast<char>(first ? std::toupper(static_cast<unsigned char>(c))
                                : std::tolower(static_cast<unsigned char>(c)));
    first = c == '-';
  }
  return name;
}

/// What HTTP itself needs is written by who makes the request.
bool is_of_http(std::string_view name) {
  for (const std::string_view own :
       {"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Upgrade"}) {
    if (same(name, own)) return true;
  }
  return false;
}

base::net::Headers flat(const HeaderMap& headers) {
  base::net::Headers out;
  for (const auto& [name, values] : headers) {
    if (is_of_http(name)) continue;
    for (const std::string& value : values) out.emplace_back(name, value);
  }
  return out;
}

Result<std::string> only_header(const HeaderMap& headers, std::string_view name) {
  const std::string* found = nullptr;
  std::size_t count = 0;
  for (const auto& [key, values] : headers) {
    if (!same(key, name)) continue;
    for (const std::string& value : values) {
      found = &value;
      ++count;
    }
  }
  if (count == 0) return failed("missing header " + base::quote(name));
  if (count > 1) return failed("invalid value for header " + base::quote(name) + " (expected 1 item)");
  return *found;
}

Result<Url> parse_full_url(const std::string& text) {
  Result<Url> url = base::net::parse_url(text);
  if (!url) return url;
  if (url->scheme.empty() || url->host.empty()) return failed("url is invalid: " + base::quote(text));
  url->has_user = false;
  return url;
}

std::string unescape_query(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return base::net::unescape_path(text);
}

using Form = std::map<std::string, std::vector<std::string>>;

/// A form with an Action that is one of `actions`, and no other fields than those.
Result<Form> read_form(const std::string& body, std::span<const std::string_view> actions,
                       std::span<const std::string_view> fields) {
  Form form;
  for (std::size_t begin = 0; begin <= body.size();) {
    const std::size_t end = std::min(body.find('&', begin), body.size());
    const std::string pair = body.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) continue;
    if (pair.find(';') != std::string::npos) return failed("invalid semicolon separator in query");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string value = equals < pair.size() ? pair.substr(equals + 1) : "";
    form[unescape_query(pair.substr(0, equals))].push_back(unescape_query(value));
  }
  const auto action = form.find("Action");
  if (action == form.end() || action->second.front().empty()) return failed("missing field \"Action\"");
  for (const auto& [key, values] : form) {
    if (key == "Action") continue;
    if (std::ranges::find(fields, key) == fields.end()) return failed("unexpected field " + base::quote(key));
  }
  if (action->second.size() != 1 || std::ranges::find(actions, action->second.front()) == actions.end()) {
    std::string shown;
    for (const std::string& value : action->second) shown += (shown.empty() ? "" : " ") + value;
    return failed("unexpected value Action=[" + shown + "]");
  }
  return form;
}

/// Whether the server's id stands in the headers and is among what was signed.
Result<> check_server_id(const HeaderMap& headers, const std::string& wanted) {
  std::string given, authorization;
  for (const auto& [name, values] : headers) {
    for (const std::string& value : values) {
      std::string* const to = same(name, kServerIdHeader)   ? &given
                              : same(name, "Authorization") ? &authorization
                                                            : nullptr;
      if (to) *to += (to->empty() ? "" : ",") + value;
    }
  }
  if (given.empty()) return failed("missing header " + base::quote(kServerIdHeader));
  if (given != wanted) return failed("expected " + base::quote(wanted) + " but got " + base::quote(given));
  if (authorization.empty()) return failed("missing Authorization header");
  constexpr std::string_view kMark = "SignedHeaders=";
  const std::size_t mark = authorization.rfind(kMark);
  if (mark == std::string::npos) return failed("server id header wasn't signed");
  std::string signed_headers = authorization.substr(mark + kMark.size());
  signed_headers.resize(std::min(signed_headers.find(','), signed_headers.size()));
  for (std::size_t begin = 0; begin <= signed_headers.size();) {
    const std::size_t end = std::min(signed_headers.find(';', begin), signed_headers.size());
    if (same(signed_headers.substr(begin, end - begin), kServerIdHeader)) return {};
    begin = end + 1;
  }
  return failed("header wasn't signed");
}

/// Sets where a request to `signed_url` is made: at the configured endpoint, or at that service of AWS.
Result<> aim(AwsRequest& request, const std::string& signed_url, const std::string& endpoint,
             std::string_view service) {
  Result<Url> url = parse_full_url(signed_url);
  if (!url) return url.error();
  request.host = url->host;
  if (endpoint.empty()) {
    const std::string host = url->host_name(), name(service);
    std::string small = name;
    for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool is_aws =
        host.ends_with(".amazonaws.com") && (host.starts_with(small + ".") || host.starts_with(small + "-fips."));
    if (!is_aws || url->scheme != "https") return failed("invalid " + name + " hostname: " + base::quote(host));
    request.url = std::move(*url);
    return {};
  }
  Result<Url> target = parse_full_url(endpoint);
  if (!target) return target.error();
  std::string& path = target->path;
  while (path.ends_with('/')) path.pop_back();
  path += url->path.starts_with('/') ? url->path : "/" + url->path;
  target->query = url->query;
  target->has_query = url->has_query;
  request.url = std::move(*target);
  return {};
}

Result<> check_sts_headers(const HeaderMap& headers, const AwsConfig& config) {
  constexpr std::string_view kAllowed[] = {"X-Amz-Algorithm",     "X-Amz-Content-Sha256", "X-Amz-Credential",
                                           "X-Amz-Date",          "X-Amz-Security-Token", "X-Amz-Signature",
                                           "X-Amz-Signedheaders", "X-Amz-SignedHeaders"};
  for (const auto& [name, values] : headers) {
    const std::string header = canonical_header(name);
    if (!header.starts_with("X-Amz-") || std::ranges::find(kAllowed, header) != std::end(kAllowed)) continue;
    if (std::ranges::find(config.allowed_headers, header) != config.allowed_headers.end()) continue;
    return failed("invalid request header: " + header);
  }
  return {};
}

Result<> read_entity(const HeaderMap& headers, const AwsConfig& config, AwsToken& token) {
  std::map<std::string_view, std::string> parts;
  for (const std::string_view name : {kEntityMethod, kEntityUrl, kEntityHeaders, kEntityBody}) {
    Result<std::string> value = only_header(headers, name);
    if (!value) return value.error();
    parts[name] = std::move(*value);
  }
  AwsRequest& request = token.entity.emplace();
  request.method = parts[kEntityMethod];
  if (!base::net::is_token(request.method)) return failed("net/http: invalid method " + base::quote(request.method));
  request.body = parts[kEntityBody];
  Result<HeaderMap> own = base::from_json<HeaderMap>(parts[kEntityHeaders]);
  if (!own) return failed(own.error().detail);
  if (Result<> aimed = aim(request, parts[kEntityUrl], config.iam_endpoint, "IAM"); !aimed) return aimed;
  constexpr std::string_view kActions[] = {"GetRole", "GetUser"};
  constexpr std::string_view kFields[] = {"RoleName", "UserName", "Version"};
  const Result<Form> form = read_form(request.body, kActions, kFields);
  const std::string where = "iam_request_headers[" + std::string(kEntityBody) + "] error: ";
  if (!form) return failed(where + form.error().detail);
  token.entity_action = form->at("Action").front();
  const bool role = form->contains("RoleName"), user = form->contains("UserName");
  if (token.entity_action == "GetRole" ? !role || user : !user || role) {
    return failed(where + "invalid request body " + base::quote(request.body));
  }
  request.headers = flat(*own);
  if (!config.server_id.empty()) return check_server_id(*own, config.server_id);
  return {};
}

}  // namespace

Result<AwsToken> read_aws_token(std::string_view text, const AwsConfig& config) {
  const auto invalid = [](const std::string& why) { return failed("invalid token: " + why); };
  if (text.size() > kMostToken) return invalid("it is larger than " + std::to_string(kMostToken) + " bytes");
  const Result<RawToken> raw = base::from_json<RawToken>(text);
  if (!raw) return invalid(raw.error().detail);
  const Result<std::string> url = base::from_base64(raw->url), headers = base::from_base64(raw->headers),
                            body = base::from_base64(raw->body);
  for (const Result<std::string>* part : {&url, &headers, &body}) {
    if (!*part) return invalid(part->error().detail);
  }
  const Result<HeaderMap> fields = base::from_json<HeaderMap>(*headers);
  if (!fields) return invalid(fields.error().detail);
  if (const Result<Url> parsed = parse_full_url(*url); !parsed) return invalid(parsed.error().detail);

  if (raw->method != "POST") return failed("iam_http_request_method must be POST");
  AwsToken token;
  token.caller.method = raw->method;
  token.caller.body = *body;
  token.caller.headers = flat(*fields);
  if (Result<> aimed = aim(token.caller, *url, config.sts_endpoint, "STS"); !aimed) return aimed.error();
  constexpr std::string_view kActions[] = {"GetCallerIdentity"};
  constexpr std::string_view kFields[] = {"Version"};
  if (const Result<Form> form = read_form(*body, kActions, kFields); !form) {
    return failed("iam_request_body error: " + form.error().detail);
  }
  if (Result<> allowed = check_sts_headers(*fields, config); !allowed) return allowed.error();
  if (!config.server_id.empty()) {
    if (Result<> known = check_server_id(*fields, config.server_id); !known) return known.error();
  }
  if (config.entity_details) {
    if (Result<> read = read_entity(*fields, config, token); !read) return read.error();
  }
  return token;
}

std::string AwsPrincipal::canonical() const {
  return "arn:" + partition + ":iam::" + account + ":" + (type == "assumed-role" ? "role" : type) + "/" + name;
}

Result<AwsPrincipal> parse_arn(std::string_view arn) {
  const auto split = [](std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(separator, begin), text.size());
      parts.emplace_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  };
  const auto unknown = [](const std::string& why) { return failed("unrecognized arn: " + why); };
  const std::vector<std::string> parts = split(arn, ':');
  if (parts.size() != 6) {
    return unknown("contains " + std::to_string(parts.size()) + " colon-separated parts, expected 6");
  }
  if (parts[0] != "arn") return unknown("does not begin with \"arn:\"");
  if (parts[1].empty()) return unknown(base::quote(arn) + " is missing the partition");
  if (parts[2] != "iam" && parts[2] != "sts") {
    return failed("unrecognized service: " + parts[2] + ", not one of iam or sts");
  }
  if (parts[4].empty()) return unknown(base::quote(arn) + " is missing the account number");
  const std::vector<std::string> resource = split(parts[5], '/');
  if (resource.size() < 2) return unknown(base::quote(parts[5]) + " contains fewer than 2 slash-separated parts");
  AwsPrincipal principal{.partition = parts[1], .account = parts[4], .type = resource[0], .name = resource.back()};
  if (principal.type == "assumed-role") {
    if (resource.size() < 3) return unknown(base::quote(parts[5]) + " contains fewer than 3 slash-separated parts");
    principal.name = resource[1];  // behind it is the session
  } else if (principal.type != "user" && principal.type != "role") {
    return failed("unrecognized principal type: " + base::quote(principal.type));
  }
  if (principal.name.empty()) return unknown(base::quote(arn) + " is missing the resource name");
  return principal;
}

}  // namespace proconsul::agent::auth
