#include "agent/cli/client_flags.h"

#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "agent/cli/tokenless.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

std::string variable(const Context& context, const char* name) {
  return context.environment(name).value_or(std::string());
}

// An unreadable switch is reported and, as in Consul, counts as false.
bool switched(const Context& context, const char* name, bool fallback) {
  const std::string value = variable(context, name);
  if (value.empty()) return fallback;
  const Result<bool> parsed = base::parse_bool(value);
  if (!parsed) {
    context.ui.error("[WARN]  consul-api: could not parse " + std::string(name) +
                     ": error=" + base::quote(parsed.error().detail));
  }
  return parsed.value_or(false);
}

// What the flag says; the environment, if the flag is empty or absent.
std::string choose(const Context& context, std::string_view flag, const char* name) {
  std::string value = context.flags.has(flag) ? context.flags.text(flag) : std::string();
  return value.empty() ? variable(context, name) : value;
}

Result<std::string> read_token(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) {
    return {base::Errc::invalid_argument, "Error loading token file " + path + " : " + text.error().detail};
  }
  return std::string(trim_space(*text));
}

struct Token {
  std::string value{};
  std::string source{};  // empty if there is no token
};

// First of: -token-file, -token, CONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_TOKEN. An empty file falls through.
Result<Token> choose_token(const Context& context) {
  const std::string environment_file = variable(context, "CONSUL_HTTP_TOKEN_FILE");
  const std::string environment_token = variable(context, "CONSUL_HTTP_TOKEN");
  const std::string& flag_file = context.flags.text("token-file");
  const std::string& flag_token = context.flags.text("token");
  Token fallback{.value = flag_token.empty() ? environment_token : flag_token};
  if (!fallback.value.empty()) fallback.source = flag_token.empty() ? "CONSUL_HTTP_TOKEN" : "-token";

  std::string file = flag_file;
  if (file.empty() && (flag_token.empty() || flag_token == environment_token)) file = environment_file;
  if (file.empty()) return fallback;
  Result<std::string> token = read_token(file);
  if (!token) return token.error();
  if (token->empty()) return fallback;
  const std::string name = flag_file.empty() ? "CONSUL_HTTP_TOKEN_FILE" : "-token-file";
  return Token{.value = std::move(*token), .source = name + " (" + file + ')'};
}

/// A command may name datacenters for something else than to ask one of them: then it names several.
bool asks_datacenter(const Command& command) {
  for (const std::span<const Flag> table : command.flags) {
    for (const Flag& flag : table) {
      if (flag.name == "datacenter") return flag.kind == FlagKind::text;
    }
  }
  return false;
}

ApiConfig config_with(const Context& context, Token token) {
  ApiConfig config;
  if (std::string address = choose(context, "http-addr", "CONSUL_HTTP_ADDR"); !address.empty()) {
    config.address = std::move(address);
  }
  config.use_tls = switched(context, "CONSUL_HTTP_SSL", false);
  config.verify_server = switched(context, "CONSUL_HTTP_SSL_VERIFY", true);
  if (std::string auth = variable(context, "CONSUL_HTTP_AUTH"); !auth.empty()) {
    config.basic_auth = auth.find(':') == std::string::npos ? auth + ':' : std::move(auth);
  }
  if (asks_datacenter(context.command)) config.datacenter = context.flags.text("datacenter");
  config.name_space = choose(context, "namespace", "CONSUL_NAMESPACE");
  config.partition = choose(context, "partition", "CONSUL_PARTITION");
  config.ca_file = choose(context, "ca-file", "CONSUL_CACERT");
  config.ca_path = choose(context, "ca-path", "CONSUL_CAPATH");
  config.client_cert = choose(context, "client-cert", "CONSUL_CLIENT_CERT");
  config.client_key = choose(context, "client-key", "CONSUL_CLIENT_KEY");
  config.tls_server_name = choose(context, "tls-server-name", "CONSUL_TLS_SERVER_NAME");
  config.token = std::move(token.value);
  const bool by_flag = !context.flags.text("http-addr").empty();
  const bool by_variable = !variable(context, "CONSUL_HTTP_ADDR").empty();
  context.advice.set_sources(by_flag       ? "-http-addr"
                             : by_variable ? "CONSUL_HTTP_ADDR"
                                           : "the default address",
                             std::move(token.source));
  config.advice = &context.advice;
  return config;
}

}  // namespace

Result<ApiConfig> client_config(const Context& context) {
  Result<Token> token = choose_token(context);
  if (!token) return token.error();
  return config_with(context, std::move(*token));
}

Result<ApiConfig> tokenless_config(const Context& context) {
  return config_with(context, {});
}

Result<ApiClient> make_client(const Context& context, base::Interrupt* interrupt) {
  Result<ApiConfig> config = client_config(context);
  if (!config) return config.error();
  config->interrupt = interrupt;
  return ApiClient::make(std::move(*config));
}

std::optional<ApiClient> connect(const Context& context, base::Interrupt& interrupt) {
  return connect(context, "Error connecting to Consul agent", &interrupt);
}

std::optional<ApiClient> connect(const Context& context, std::string_view prefix, base::Interrupt* interrupt) {
  Result<ApiClient> client = make_client(context, interrupt);
  if (client) return std::move(*client);
  context.ui.error(std::string(prefix) + ": " + client.error().detail);
  return std::nullopt;
}

void apply_stale(const Context& context, ApiRequest& request) {
  if (context.flags.has("stale") && context.flags.boolean("stale")) request.set("stale", "");
}

}  // namespace proconsul::agent::cli
