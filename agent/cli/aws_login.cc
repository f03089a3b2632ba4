#include "agent/cli/aws_login.h"

#include <cctype>

#include "agent/cli/api_client.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kIdentityBody = "Action=GetCallerIdentity&Version=2011-06-15";
constexpr const char* kContentType = "application/x-www-form-urlencoded; charset=utf-8";

// "x-amz-date" as "X-Amz-Date".
std::string canonical(std::string name) {
  bool first = true;
  for (char& c : name) {
    c = static_cast<char>(first ? std::toupper(static_cast<unsigned char>(c))
                                : std::tolower(static_cast<unsigned char>(c)));
    first = c == '-';
  }
  return name;
}

std::string headers_json(const std::map<std::string, std::string>& headers) {
  base::Map<base::List<std::string>> lists;
  for (const auto& [name, value] : headers) lists[name].push_back(value);
  return base::to_json(lists);
}

// What AWS's own tools would use: flags, then the environment, then the shared files.
struct AwsAccount {
  backup::S3Credentials credentials{};
  std::string region{};
};

std::string shared_file(const Context& context, const char* variable, const char* name) {
  std::string path = context.environment(variable).value_or("");
  if (path.empty()) path = context.environment("HOME").value_or("") + "/.aws/" + name;
  return read_file(path).value_or("");
}

std::string value_at(const std::map<std::string, std::string>& section, const char* key) {
  const auto found = section.find(key);
  return found == section.end() ? "" : found->second;
}

Result<AwsAccount> account_of(const Context& context) {
  const auto variable = [&](const char* name) { return context.environment(name).value_or(""); };
  const auto first = [&](std::initializer_list<const char*> names) {
    std::string value;
    for (const char* name : names) {
      if (value.empty()) value = variable(name);
    }
    return value;
  };
  const std::string profile = first({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
  const std::string section = profile.empty() ? "default" : profile;

  AwsAccount account{.region = context.flags.text("aws-region")};
  if (account.region.empty()) account.region = first({"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (account.region.empty()) {
    const std::string text = shared_file(context, "AWS_CONFIG_FILE", "config");
    account.region = value_at(ini_section(text, section == "default" ? section : "profile " + section), "region");
  }
  if (account.region.empty()) return {Errc::invalid_argument, "AWS region not found"};

  backup::S3Credentials& credentials = account.credentials;
  credentials = {.access_key_id = context.flags.text("aws-access-key-id"),
                 .secret_access_key = context.flags.text("aws-secret-access-key"),
                 .session_token = context.flags.text("aws-session-token")};
  if (credentials.access_key_id.empty()) {
    credentials = {.access_key_id = first({"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"}),
                   .secret_access_key = first({"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"}),
                   .session_token = variable("AWS_SESSION_TOKEN")};
  }
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    const auto keys = ini_section(shared_file(context, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), section);
    credentials = {.access_key_id = value_at(keys, "aws_access_key_id"),
                   .secret_access_key = value_at(keys, "aws_secret_access_key"),
                   .session_token = value_at(keys, "aws_session_token")};
  }
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return {Errc::invalid_argument, "AWS credentials not found"};
  }
  return account;
}

std::string sts_url(const std::string& endpoint, const std::string& region) {
  if (endpoint.empty()) {
    return "https://sts." + region + (region.starts_with("cn-") ? ".amazonaws.com.cn/" : ".amazonaws.com/");
  }
  std::string url = endpoint.find("://") == std::string::npos ? "https://" + endpoint : endpoint;
  if (url.find('/', url.find("://") + 3) == std::string::npos) url += '/';
  return url;
}

// Our own name in AWS, which AWS tells to everybody who can sign.
Result<std::string> own_arn(const AwsCall& identity) {
  Result<ApiClient> client =
      ApiClient::make({.address = identity.url.substr(0, identity.url.find("://") + 3) + identity.host});
  if (!client) return client.error();
  ApiRequest request{.method = "POST", .target = identity.path, .body = identity.body};
  for (const auto& [name, value] : identity.headers) {
    if (name == "Content-Type") {
      request.content_type = value;
    } else {
      request.headers.emplace_back(name, value);
    }
  }
  const Result<ApiResponse> answer = client->call(request);
  if (!answer) return {answer.error().code, "GetCallerIdentity: " + answer.error().detail};
  constexpr std::string_view kOpen = "<Arn>";
  const std::size_t start = answer->body.find(kOpen);
  const std::size_t end = start == std::string::npos ? start : answer->body.find("</Arn>", start);
  if (end == std::string::npos) return {Errc::corrupt, "GetCallerIdentity: the answer has no Arn"};
  return answer->body.substr(start + kOpen.size(), end - start - kOpen.size());
}

struct IamService {
  std::string url, region;
};

// The service is one for each partition of AWS.
IamService iam_of(const std::string& arn) {
  if (arn.starts_with("arn:aws-cn:")) return {"https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"};
  if (arn.starts_with("arn:aws-us-gov:")) return {"https://iam.us-gov.amazonaws.com/", "us-gov-west-1"};
  return {"https://iam.amazonaws.com/", "us-east-1"};
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

Result<> check_aws_flags(const FlagValues& flags) {
  const auto missing = [](std::string_view what) -> base::Error {
    return {Errc::invalid_argument, "Missing " + std::string(what)};
  };
  const bool id = !flags.text("aws-access-key-id").empty();
  const bool secret = !flags.text("aws-secret-access-key").empty();
  const bool session = !flags.text("aws-session-token").empty();
  if (!flags.boolean("aws-auto-bearer-token") &&
      (id || secret || session || flags.boolean("aws-include-entity") || !flags.text("aws-sts-endpoint").empty() ||
       !flags.text("aws-region").empty() || !flags.text("aws-server-id-header-value").empty())) {
    return missing("'-aws-auto-bearer-token' flag");
  }
  if (id && !secret) return missing("'-aws-secret-access-key' flag");
  if (secret && !id) return missing("'-aws-access-key-id' flag");
  if (session && !id) return missing("'-aws-access-key-id' and '-aws-secret-access-key' flags");
  return {};
}

AwsCall sign_aws(std::string url, std::string body, const std::map<std::string, std::string>& headers,
                 const backup::S3Credentials& credentials, const std::string& region, const std::string& service,
                 std::int64_t unix_seconds) {
  AwsCall call{.url = std::move(url), .body = std::move(body)};
  const std::size_t host = call.url.find("://") + 3;
  const std::size_t slash = std::min(call.url.find('/', host), call.url.size());
  call.host = call.url.substr(host, slash - host);
  call.path = slash == call.url.size() ? "/" : call.url.substr(slash);
  backup::S3Request request{
      .method = "POST", .host = call.host, .path = call.path, .payload_sha256 = backup::sha256_hex(call.body)};
  request.headers.emplace_back("content-type", kContentType);
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  for (const auto& [name, value] : backup::signed_headers(request, credentials, region, unix_seconds, service)) {
    call.headers[canonical(name)] = value;
  }
  return call;
}

std::string bearer_token_of(const AwsCall& identity) {
  base::Map<std::string> token;
  token["iam_http_request_method"] = "POST";
  token["iam_request_url"] = base::to_base64(identity.url);
  token["iam_request_headers"] = base::to_base64(headers_json(identity.headers));
  token["iam_request_body"] = base::to_base64(identity.body);
  return base::to_json(token);
}

Result<std::string> entity_request(const std::string& arn) {
  const auto refuse = [](std::string why) -> base::Error {
    return {Errc::invalid_argument, "unrecognized arn: " + std::move(why)};
  };
  const std::vector<std::string> parts = split(arn, ':');
  if (parts.size() != 6) {
    return refuse("contains " + std::to_string(parts.size()) + " colon-separated parts, expected 6");
  }
  if (parts[0] != "arn") return refuse("does not begin with \"arn:\"");
  const std::vector<std::string> entity = split(parts[5], '/');
  const bool assumed = entity[0] == "assumed-role";
  const std::size_t wanted = assumed ? 3 : 2;
  if (entity.size() < wanted) {
    return refuse(base::quote(parts[5]) + " contains fewer than " + std::to_string(wanted) + " slash-separated parts");
  }
  const std::string& name = assumed ? entity[1] : entity.back();
  if (name.empty()) return refuse(base::quote(arn) + " is missing the resource name");
  const std::string escaped = backup::escape_s3(name, false);
  if (assumed || entity[0] == "role") return "Action=GetRole&RoleName=" + escaped + "&Version=2010-05-08";
  if (entity[0] == "user") return "Action=GetUser&UserName=" + escaped + "&Version=2010-05-08";
  return {Errc::invalid_argument, "unrecognized principal type: " + base::quote(entity[0])};
}

std::map<std::string, std::string> ini_section(std::string_view text, std::string_view section) {
  std::map<std::string, std::string> keys;
  bool here = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_space(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      here = line.ends_with(']') && trim_space(line.substr(1, line.size() - 2)) == section;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!here || equals == line.npos) continue;
    keys[std::string(trim_space(line.substr(0, equals)))] = trim_space(line.substr(equals + 1));
  }
  return keys;
}

Result<std::string> aws_bearer_token(const Context& context, std::int64_t unix_seconds) {
  const Result<AwsAccount> account = account_of(context);
  if (!account) return account.error();
  const std::string url = sts_url(context.flags.text("aws-sts-endpoint"), account->region);
  std::map<std::string, std::string> headers;
  if (const std::string& id = context.flags.text("aws-server-id-header-value"); !id.empty()) {
    headers["x-consul-iam-serverid"] = id;
  }
  const auto sign_identity = [&] {
    return sign_aws(url, std::string(kIdentityBody), headers, account->credentials, account->region, "sts",
                    unix_seconds);
  };
  if (context.flags.boolean("aws-include-entity")) {
    const Result<std::string> arn = own_arn(sign_identity());
    if (!arn) return arn.error();
    Result<std::string> body = entity_request(*arn);
    if (!body) return body.error();
    const IamService iam = iam_of(*arn);
    const AwsCall entity =
        sign_aws(iam.url, std::move(*body), headers, account->credentials, iam.region, "iam", unix_seconds);
    headers["x-consul-iam-getentity-method"] = "POST";
    headers["x-consul-iam-getentity-url"] = entity.url;
    headers["x-consul-iam-getentity-headers"] = headers_json(entity.headers);
    headers["x-consul-iam-getentity-body"] = entity.body;
  }
  return bearer_token_of(sign_identity());
}

}  // namespace proconsul::agent::cli
