// federation invite.
#include <algorithm>

#include "agent/cli/certificates.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/federation_commands.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "agent/invite/bundle.h"
#include "agent/invite/messages.h"
#include "agent/invite/secret.h"
#include "agent/invite/token.h"
#include "base/json.h"
#include "base/random.h"
#include "base/time.h"
#include "base/uuid.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using invite::Facts;
using invite::Token;

constexpr Flag kFlags[] = {
    {.name = "ca",
     .kind = FlagKind::text,
     .help = "With -ca-key: file of the certificate of the authority that signs the servers' certificates.",
     .value_name = "path"},
    {.name = "ca-key",
     .kind = FlagKind::text,
     .help =
         "File of its private key. It signs a certificate for each invited server, sealed so that nobody but who has "
         "the token can open it, and never leaves this machine.",
     .value_name = "path"},
    {.name = "datacenter",
     .kind = FlagKind::list,
     .help = "Datacenter that may join. May be repeated; without it any may, with certificates of its own.",
     .value_name = "name"},
    {.name = "days",
     .kind = FlagKind::integer,
     .help = "How long the servers' certificates are valid.",
     .default_value = "365"},
    {.name = "gateway",
     .kind = FlagKind::list,
     .help = "Address by which the others reach a mesh gateway of the primary, instead of those that its servers know. "
             "May be repeated.",
     .value_name = "host:port"},
    {.name = "servers",
     .kind = FlagKind::integer,
     .help = "How many servers of each datacenter may join by this token, each once.",
     .default_value = "1"},
    {.name = "ttl",
     .kind = FlagKind::duration,
     .help = "How long the token can be used: from 1m to 168h.",
     .default_value = "1h"},
};

constexpr std::string_view kPath = "/v1/internal/federation-invitation";

struct Signer {
  CertificatePair authority{};
  bool is_there = false;
};

std::string without_blanks(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  return out;
}

Result<Signer> read_signer(const FlagValues& flags, const Facts& facts) {
  Signer signer;
  const std::string& key_file = flags.text("ca-key");
  const std::string& file = flags.text("ca");
  if (key_file.empty() && file.empty()) return signer;
  const auto fault = [](std::string text) { return base::Error{Errc::invalid_argument, std::move(text)}; };
  if (key_file.empty() || file.empty()) return fault("-ca and -ca-key belong together");
  if (flags.list("datacenter").empty()) return fault("-ca-key needs -datacenter: certificates name the datacenter");
  Result<std::string> certificate = read_file(file);
  if (!certificate) return fault("Error reading CA: " + certificate.error().detail);
  Result<std::string> key = read_file(key_file);
  if (!key) return fault("Error reading CA key: " + key.error().detail);
  if (without_blanks(facts.Authority).find(without_blanks(*certificate)) == std::string::npos) {
    return fault(file +
                 " is not among the authorities of the primary's servers (tls.internal_rpc.ca_file): they would "
                 "not trust what it signs");
  }
  return Signer{.authority = {std::move(*certificate), std::move(*key)}, .is_there = true};
}

/// What a server of the datacenter shows to others, sealed for whoever has the token.
Result<std::string> sealed_certificate(const Signer& signer, const Token& token, const std::string& datacenter,
                                       long days) {
  const std::string name = "server." + datacenter + '.' + token.Domain;
  CertificateOptions options{.common_name = name, .days = days};
  options.dns_names = {name, "*." + name, "localhost"};
  options.ip_addresses = {"127.0.0.1"};
  options.for_server = options.for_client = true;
  Result<CertificatePair> made = make_certificate(signer.authority, options);
  if (!made) return made.error();
  const invite::Bundle bundle{.Certificate = std::move(made->certificate), .Key = std::move(made->key)};
  return invite::seal(token.Secret, datacenter, base::to_json(bundle), base::system_random());
}

Result<invite::InviteRequest> make_invitation(const FlagValues& flags, const Facts& facts, const Signer& signer,
                                              Token& token) {
  invite::InviteRequest request;
  request.ID = token.ID;
  request.Digest = invite::digest_of(invite::proof_of(token.Secret));
  request.TTL = flags.duration("ttl");
  std::vector<std::string> datacenters = token.Datacenters;
  if (datacenters.empty()) datacenters.emplace_back();
  for (const std::string& datacenter : datacenters) {
    for (base::Int i = 0; i < token.Servers; ++i) {
      invite::Place& place = request.Places.emplace_back();
      place.Datacenter = datacenter;
      if (!signer.is_there) continue;
      Result<std::string> sealed = sealed_certificate(signer, token, datacenter, flags.integer("days"));
      if (!sealed) return sealed.error();
      place.Sealed = std::move(*sealed);
    }
  }
  if (!signer.is_there) return request;
  // To be let in at the door, as long as the invitation: it is no server's.
  const std::string name = "invitation." + facts.Datacenter + '.' + facts.Domain;
  CertificateOptions options{.common_name = name, .seconds = request.TTL.nanoseconds / 1'000'000'000 + 60};
  options.dns_names = {name};
  options.for_client = true;
  Result<CertificatePair> shown = make_certificate(signer.authority, options);
  if (!shown) return shown.error();
  token.Certificate = std::move(shown->certificate);
  token.Key = std::move(shown->key);
  return request;
}

int run_invite(const Context& context) {
  const FlagValues& flags = context.flags;
  if (!context.arguments.empty()) return too_many_arguments(context, "0");
  const std::int64_t servers = flags.integer("servers");
  const auto most = static_cast<std::int64_t>(invite::kMostServers);
  if (servers < 1 || servers > most) {
    return fail(context, "-servers must be between 1 and " + std::to_string(most));
  }
  for (const std::string& name : flags.list("datacenter")) {
    if (!invite::is_datacenter_name(name)) {
      return fail(context, "\"" + name + "\" is no name of a datacenter: " + std::string(invite::kDatacenterNames));
    }
  }
  for (const std::string& address : flags.list("gateway")) {
    if (!invite::is_gateway_address(address)) return fail(context, "-gateway takes host:port, not " + address);
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<Facts> facts = client->fetch<Facts>(client->request("GET", std::string(kPath)));
  if (!facts) return fail(context, "Error asking the primary's servers: " + facts.error().detail);
  base::List<std::string> gateways = facts->Gateways;
  if (!flags.list("gateway").empty()) gateways = flags.list("gateway");
  if (!facts->Faults.empty()) {
    std::string text = "Nobody could join now:";
    for (const std::string& fault : facts->Faults) text += "\n  " + fault;
    return fail(context, text);
  }

  Token token;
  token.ID = base::generate_uuid(base::system_random());
  token.Secret = base::Bytes(invite::new_secret(base::system_random()));
  token.Primary = facts->Datacenter;
  token.Domain = facts->Domain;
  token.Datacenters = flags.list("datacenter");
  token.Servers = servers;
  token.Gateways = std::move(gateways);
  token.Authority = facts->Authority;
  const Result<Signer> signer = read_signer(flags, *facts);
  if (!signer) return fail(context, signer.error().detail);
  Result<invite::InviteRequest> request = make_invitation(flags, *facts, *signer, token);
  if (!request) return fail(context, "Error making certificates: " + request.error().detail);

  // What would be refused where it is redeemed is not handed out.
  if (const Result<Token> read = invite::parse_token(invite::to_text(token)); !read) {
    return fail(context, "Error inviting: " + read.error().detail);
  }

  ApiRequest call = client->request("PUT", std::string(kPath));
  call.body = base::to_json(*request);
  const Result<invite::InviteReply> kept = client->fetch<invite::InviteReply>(call);
  if (!kept) return fail(context, "Error inviting: " + kept.error().detail);
  token.Expires = kept->Expires;
  context.ui.output(invite::to_text(token));
  context.ui.error(
      "Good until " + base::to_rfc3339(base::from_unix(token.Expires)) + " for " + std::to_string(servers) +
      (servers == 1 ? " server" : " servers of each datacenter") + ". On each of them: " + context.ui.program +
      " federation join TOKEN" + (signer->is_there ? "" : " -cert-file FILE -key-file FILE") +
      "\nWhoever has the token can join: hand it over as you would a password. With - in place of TOKEN it is "
      "read from the standard input and does not show in the list of processes.");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "federation invite",
     .synopsis = "Make a token by which servers of another datacenter join",
     .usage = "federation invite [options]",
     .help = R"(  Run in the primary datacenter, with a token that may write operator and acl. Prints a
  text that "federation join" takes on a server of another datacenter. It says where the
  primary's mesh gateways are and whom to trust; what must stay secret - gossip key, ACL
  tokens, the key of the server's certificate - is handed out once for each server, when
  the token is redeemed through a gateway.

      $ consul federation invite -datacenter dc2 -servers 3 \
          -ca consul-agent-ca.pem -ca-key consul-agent-ca-key.pem

  Without -ca-key a server that joins needs a certificate of its own, for the name
  server.DATACENTER.DOMAIN and signed by the primary's authority.)",
     .flags = {kFlags, kClientFlags},
     .run = run_invite},
};

}  // namespace

std::span<const Command> federation_invite_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
