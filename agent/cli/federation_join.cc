// federation join.
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "agent/cli/federation_commands.h"
#include "agent/cli/files.h"
#include "agent/cli/private_file.h"
#include "agent/cli/text.h"
#include "agent/cluster/join_address.h"
#include "agent/config/load.h"
#include "agent/invite/record.h"
#include "agent/invite/redeemer.h"
#include "agent/invite/secondary.h"
#include "agent/invite/secret.h"
#include "agent/invite/token.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "base/time.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using invite::Joiner;
using invite::Token;

constexpr Flag kFlags[] = {
    {.name = "bind",
     .kind = FlagKind::text,
     .help = "Address of this server, as the others of its datacenter reach it (bind_addr).",
     .value_name = "address"},
    {.name = "bootstrap-expect",
     .kind = FlagKind::integer,
     .help = "How many servers the datacenter begins with; by default as many as the token is for."},
    {.name = "ca-file",
     .kind = FlagKind::text,
     .help = "Authority of the servers' certificates, instead of the token's.",
     .value_name = "path"},
    {.name = "cert-file",
     .kind = FlagKind::text,
     .help = "Certificate of this server, for server.DATACENTER.DOMAIN, if the token brings none.",
     .value_name = "path"},
    {.name = "config-dir",
     .kind = FlagKind::text,
     .help = "Folder for the files that are written; what it has already counts too.",
     .value_name = "path"},
    {.name = "data-dir", .kind = FlagKind::text, .help = "Folder of the server's state.", .value_name = "path"},
    {.name = "datacenter",
     .kind = FlagKind::text,
     .help = "Which datacenter this is, if the token is for several.",
     .value_name = "name"},
    {.name = "gateway-address",
     .kind = FlagKind::text,
     .help = "Address of the built-in mesh gateway in this datacenter; by default port 8443 of -bind.",
     .value_name = "ip:port"},
    {.name = "gateway-wan-address",
     .kind = FlagKind::text,
     .help = "Address by which other datacenters reach it, if that is another one.",
     .value_name = "host:port"},
    {.name = "key-file", .kind = FlagKind::text, .help = "Private key of -cert-file.", .value_name = "path"},
    {.name = "no-gateway", .kind = FlagKind::boolean, .help = "Run no mesh gateway here: the datacenter has others."},
    {.name = "node",
     .kind = FlagKind::text,
     .help = "Name of this server; by default that of the host.",
     .value_name = "name"},
    {.name = "retry-join",
     .kind = FlagKind::list,
     .help = "Another server of this datacenter. May be repeated.",
     .value_name = "address"},
    {.name = "write-only",
     .kind = FlagKind::boolean,
     .help = "Only write the files and say what to run, instead of running the agent."},
};

constexpr std::string_view kGatewayPort = ":8443";

Error wrong(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

Result<Joiner> joiner_of(const FlagValues& flags, const Token& token) {
  Joiner joiner;
  joiner.datacenter = flags.text("datacenter");
  if (joiner.datacenter.empty() && token.Datacenters.size() == 1) joiner.datacenter = token.Datacenters.front();
  if (joiner.datacenter.empty()) return wrong("-datacenter must say which datacenter this is");
  if (!invite::is_datacenter_name(joiner.datacenter)) {
    return wrong("\"" + joiner.datacenter + "\" is no name of a datacenter: " + std::string(invite::kDatacenterNames));
  }
  if (joiner.datacenter == token.Primary) {
    return wrong("datacenter " + token.Primary + " is the primary itself: this command is for servers of another one");
  }
  if (!token.may_join(joiner.datacenter)) {
    std::string names;
    for (const std::string& name : token.Datacenters) names += (names.empty() ? "" : ", ") + name;
    return wrong("the token is for datacenter " + names + ", not for " + joiner.datacenter);
  }
  joiner.node = flags.text("node").empty() ? host_name() : flags.text("node");
  if (const std::string why = invite::wrong_node_name(joiner.node, false); !why.empty()) return wrong("-node: " + why);
  std::error_code error;
  for (const char* name : {"config-dir", "data-dir"}) {
    if (flags.text(name).empty()) return wrong("-config-dir and -data-dir must say where files are written");
  }
  joiner.config_dir = std::filesystem::absolute(flags.text("config-dir"), error).lexically_normal();
  joiner.data_dir = std::filesystem::absolute(flags.text("data-dir"), error).lexically_normal();
  if (error) return wrong("-config-dir, -data-dir: " + error.message());
  joiner.bind = flags.text("bind");
  joiner.bootstrap_expect = flags.integer("bootstrap-expect");
  if (joiner.bootstrap_expect < 0) return wrong("-bootstrap-expect must not be negative");
  joiner.retry_join = flags.list("retry-join");
  joiner.gateway = !flags.boolean("no-gateway");
  if (!joiner.gateway) return joiner;
  joiner.gateway_address = flags.text("gateway-address");
  if (joiner.gateway_address.empty()) {
    if (joiner.bind.empty()) return wrong("-gateway-address must say where the mesh gateway listens (or -no-gateway)");
    const bool v6 = joiner.bind.find(':') != std::string::npos;
    joiner.gateway_address = (v6 ? '[' + joiner.bind + ']' : joiner.bind) + std::string(kGatewayPort);
  }
  joiner.gateway_wan_address = flags.text("gateway-wan-address");
  const Result<cluster::JoinAddress> listens = cluster::parse_join_address(joiner.gateway_address, 0);
  const std::optional<config::Ip> ip = listens ? config::Ip::parse(listens->host) : std::nullopt;
  if (!ip || listens->port == 0) return wrong("-gateway-address takes ip:port, where the gateway listens");
  if (ip->is_any()) {
    return wrong(
        "-gateway-address must be one address of this host, by which its datacenter reaches the gateway, not " +
        joiner.gateway_address);
  }
  if (!joiner.gateway_wan_address.empty() && !invite::is_gateway_address(joiner.gateway_wan_address)) {
    return wrong("-gateway-wan-address takes host:port");
  }
  return joiner;
}

/// The certificate that the operator gives; empty: the token has to bring one.
Result<invite::Bundle> own_certificate(const FlagValues& flags, const Token& token) {
  const std::string& certificate_file = flags.text("cert-file");
  const std::string& key_file = flags.text("key-file");
  if (certificate_file.empty() != key_file.empty()) return wrong("-cert-file and -key-file belong together");
  if (certificate_file.empty()) {
    if (!token.Certificate.empty()) return invite::Bundle{};
    return wrong(
        "the token brings no certificate: give one with -cert-file and -key-file, or invite with -ca and -ca-key");
  }
  Result<std::string> certificate = read_file(certificate_file);
  if (!certificate) return certificate.error();
  Result<std::string> key = read_file(key_file);
  if (!key) return key.error();
  return invite::Bundle{.Certificate = std::move(*certificate), .Key = std::move(*key)};
}

/// The same for as long as this server has not joined: an answer that was lost is asked for again.
Result<std::string> attempt_of(const Joiner& joiner, const Token& token) {
  const std::string path = joiner.config_dir + "/.federation-join-" + token.ID;
  if (Result<std::string> known = base::read_file(path, 256); known && !known->empty()) return known;
  std::string attempt = base::to_hex(base::system_random().bytes(32));
  if (Result<> kept = write_private_file(path, attempt); !kept) return kept.error();
  return attempt;
}

Result<> write_files(const Context& context, const std::vector<invite::NewFile>& files) {
  for (const invite::NewFile& file : files) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(file.path).parent_path(), error);
    Result<> written = file.secret ? write_private_file(file.path, file.content)
                                   : base::write_file_atomically(file.path, file.content, 0644);
    if (!written) return written;
    context.ui.output("==> Wrote " + file.path);
  }
  return {};
}

/// The token as an argument stands for all users in the list of processes: with "-" it is read from the input.
Result<Token> token_of(const Context& context) {
  const std::string& given = context.arguments[0];
  if (given != "-") return invite::parse_token(given);
  const std::string text = read_all(context.ui.in);
  if (text.find_first_not_of(" \t\r\n") == text.npos) {
    return wrong("the standard input has no token: give it the text that \"federation invite\" printed");
  }
  return invite::parse_token(text);
}

/// Everything up to the files; nothing is asked of anybody before all that can be known here is right.
Result<Joiner> join(const Context& context) {
  const FlagValues& flags = context.flags;
  const Result<Token> token = token_of(context);
  if (!token) return token.error();
  const std::int64_t now = base::unix_seconds(base::system_clock().wall());
  if (now >= token->Expires) {
    return wrong("the token is over since " + base::to_rfc3339(base::from_unix(token->Expires)) +
                 ": make a new one with \"federation invite\" in the primary datacenter");
  }
  Result<Joiner> joiner = joiner_of(flags, *token);
  if (!joiner) return joiner;
  if (file_exists(invite::main_file(*joiner))) {
    return wrong(invite::main_file(*joiner) + " is there: this server has joined already. Start it with: " +
                 context.ui.program + " agent -config-dir " + joiner->config_dir);
  }
  std::string authority = token->Authority;
  if (const std::string& file = flags.text("ca-file"); !file.empty()) {
    Result<std::string> given = read_file(file);
    if (!given) return given.error();
    authority = std::move(*given);
  }
  if (authority.empty()) return wrong("the token names no authority: give it with -ca-file");
  Result<invite::Bundle> bundle = own_certificate(flags, *token);
  if (!bundle) return bundle.error();
  const Result<std::string> attempt = attempt_of(*joiner, *token);
  if (!attempt) return attempt.error();

  invite::RedeemRequest request;
  request.ID = token->ID;
  request.Proof = invite::proof_of(token->Secret);
  request.Joining = joiner->datacenter;
  request.Node = joiner->node;
  request.Attempt = *attempt;
  const bool brings = !bundle->Certificate.empty();
  const base::net::TlsPair shown = brings ? base::net::TlsPair{bundle->Certificate, bundle->Key}
                                          : base::net::TlsPair{token->Certificate, token->Key};
  const Result<invite::RedeemReply> reply = invite::redeem(*token, shown, authority, std::move(request));
  if (!reply) return reply.error();
  if (!brings) {
    const Result<std::string> opened = invite::open(token->Secret, joiner->datacenter, reply->Sealed);
    if (!opened) return opened.error();
    bundle = base::from_json<invite::Bundle>(*opened);
    if (!bundle) return wrong("the certificate of the invitation makes no sense: " + bundle.error().detail);
  }
  if (Result<> written = write_files(context, invite::files_of(*joiner, *token, authority, *bundle, *reply));
      !written) {
    return written.error();
  }
  (void)base::remove_file(joiner->config_dir + "/.federation-join-" + token->ID);
  return joiner;
}

int run_join(const Context& context) {
  if (context.arguments.size() != 1)
    return fail_with_help(context, "This command takes the token of an invitation, or - to read it from stdin.");
  const Result<Joiner> joiner = join(context);
  if (!joiner) return fail(context, "Error joining: " + joiner.error().detail);
  const Result<config::Loaded> loaded = config::load({.paths = {joiner->config_dir}});
  if (!loaded) {
    return fail(context, "The files are written, but the configuration is not right yet: " + loaded.error().detail);
  }
  if (context.flags.boolean("write-only")) {
    context.ui.output("Run: " + context.ui.program + " agent -config-dir " + joiner->config_dir);
    return 0;
  }
  context.ui.out.flush();
  const char* const words[] = {"proconsul", "agent", "-config-dir", joiner->config_dir.c_str(), nullptr};
  ::execv("/proc/self/exe", const_cast<char* const*>(words));
  return fail(context, "The files are written, but the agent does not start: " + errno_text(errno));
}

constexpr Command kCommands[] = {
    {.name = "federation join",
     .synopsis = "Join this server's datacenter to others",
     .usage = "federation join [options] TOKEN|-",
     .help = R"(  Makes this host a server of a new datacenter: redeems the token of "federation invite"
  through a mesh gateway of the primary, writes the configuration (federation.json and
  certificates) and runs the agent with it, a mesh gateway included.

      $ consul federation join -bind 10.2.0.4 -gateway-wan-address 203.0.113.7:8443 \
          -config-dir /etc/consul.d -data-dir /opt/consul TOKEN

  With - in place of TOKEN it is read from the standard input: an argument shows in the
  list of processes, for whoever may see that.

  For several servers the invitation says how many (-servers); each is told of another
  one with -retry-join. They can start in any order. If the answer is lost, the same
  command asks for it again.)",
     .flags = {kFlags},
     .run = run_join},
};

}  // namespace

std::span<const Command> federation_join_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
