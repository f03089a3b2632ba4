// login, logout.
#include <ctime>

#include "agent/cli/acl_commands.h"
#include "agent/cli/acl_flags.h"
#include "agent/cli/acl_types.h"
#include "agent/cli/aws_login.h"
#include "agent/cli/files.h"
#include "agent/cli/private_file.h"
#include "agent/cli/text.h"
#include "agent/cli/tokenless.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kStrayWords = "Should have no non-flag arguments.";

constexpr Flag kLoginFlags[] = {
    {.name = "bearer-token-file",
     .kind = FlagKind::text,
     .help = "File with the secret by which the auth method knows the caller, such as a JWT.",
     .value_name = "path"},
    {.name = "meta", .kind = FlagKind::map, .help = "Something to remember with the token. May be repeated."},
    {.name = "method", .kind = FlagKind::text, .help = "The auth method. Required.", .value_name = "name"},
    {.name = "token-sink-file",
     .kind = FlagKind::text,
     .help = "File that gets the token's secret, readable by its owner only. Required.",
     .value_name = "path"},
    {.name = "type",
     .kind = FlagKind::text,
     .help = "The auth method's type. It changes nothing in this edition: every type logs in with a bearer token."},
};

Result<std::string> bearer_token(const Context& context) {
  const FlagValues& flags = context.flags;
  if (Result<> fit = check_aws_flags(flags); !fit) return fit.error();
  const std::string& file = flags.text("bearer-token-file");
  if (flags.boolean("aws-auto-bearer-token")) {
    if (!file.empty()) {
      return {Errc::invalid_argument, "Cannot use '-bearer-token-file' flag with '-aws-auto-bearer-token'"};
    }
    Result<std::string> token = aws_bearer_token(context, std::time(nullptr));
    if (!token) return {token.error().code, "Error with aws-iam auth method: " + token.error().detail};
    return token;
  }
  if (file.empty()) return {Errc::invalid_argument, "Missing required '-bearer-token-file' flag"};
  const Result<std::string> text = read_file(file);
  if (!text) return text.error();
  std::string token(trim_space(*text));
  if (token.empty()) return {Errc::invalid_argument, "No bearer token found in " + file};
  return token;
}

Result<AclToken> traded(ApiClient& client, const ApiRequest& request) {
  // A refusal is about the bearer token: the advice on tokens of requests would mislead.
  const Result<ApiResponse> answer = client.call(request, {200, 403});
  if (!answer) return answer.error();
  if (answer->status == 403) {
    return {Errc::permission_denied, "Unexpected response code: 403 (" + std::string(trim_space(answer->body)) + ')'};
  }
  return base::from_json<AclToken>(answer->body, {.input = base::JsonInput::first});
}

int run_login(const Context& context) {
  const FlagValues& flags = context.flags;
  if (!context.arguments.empty()) return fail(context, kStrayWords);
  if (flags.text("method").empty()) return fail(context, "Missing required '-method' flag");
  const std::string& sink = flags.text("token-sink-file");
  if (sink.empty()) return fail(context, "Missing required '-token-sink-file' flag");
  Result<std::string> bearer = bearer_token(context);
  if (!bearer) return fail(context, bearer.error().detail);

  // Who logs in has no token yet: one that is around is for something else, and may be a bad one.
  Result<ApiConfig> config = tokenless_config(context);
  Result<ApiClient> client = config ? ApiClient::make(std::move(*config)) : Result<ApiClient>(config.error());
  if (!client) return fail(context, "Error connecting to Consul agent: " + client.error().detail);
  AclLogin login{.AuthMethod = flags.text("method"), .BearerToken = std::move(*bearer)};
  for (const auto& [key, value] : flags.map("meta")) login.Meta[key] = value;
  ApiRequest request = client->request("POST", "/v1/acl/login");
  request.body = base::to_json(login);
  const Result<AclToken> token = traded(*client, request);
  if (!token) return fail(context, "Error logging in: " + token.error().detail);
  if (const Result<> written = write_private_file(sink, token->SecretID); !written) {
    return fail(context, "Error writing token to file sink: " + written.error().detail);
  }
  return 0;
}

int run_logout(const Context& context) {
  if (!context.arguments.empty()) return fail(context, kStrayWords);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<ApiResponse> done = client->call(client->request("POST", "/v1/acl/logout"));
  if (!done) return fail(context, "Error destroying token: " + done.error().detail);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "login",
     .synopsis = "Get a token from an auth method",
     .usage = "login -method=NAME -bearer-token-file=PATH -token-sink-file=PATH [options]",
     .help = R"(  Shows the auth method a secret that somebody else has given, and writes the secret of the
  token that comes back into a file. "logout" gives it back.

      $ consul login -method=ci -bearer-token-file=job.jwt -token-sink-file=consul.token
      $ consul kv get -token-file=consul.token app/colour)",
     .flags = {kLoginFlags, kAwsFlags, kAclClientFlags},
     .run = run_login},
    {.name = "logout",
     .synopsis = "Give back a token of login",
     .usage = "logout [options]",
     .help = R"(  Destroys the token that the request carries, if "login" made it.

      $ consul logout -token-file=consul.token)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_logout},
};

}  // namespace

std::span<const Command> login_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
