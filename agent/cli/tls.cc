// tls ca create, tls cert create.
#include <algorithm>

#include "agent/cli/certificates.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/private_file.h"
#include "agent/cli/text.h"
#include "base/files.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr unsigned kPublicMode = 0644;
constexpr int kHighestNumber = 9999;  // of certificates of one kind in a folder

int save(const Context& context, const CertificatePair& pair, const std::string& certificate_file,
         const std::string& key_file) {
  // A domain or a datacenter with a slash names a folder, which the key's file would make too late.
  if (Result<> made = make_parent_folder(certificate_file); !made) return fail(context, made.error().detail);
  if (Result<> saved = base::write_file_atomically(certificate_file, pair.certificate, kPublicMode); !saved) {
    return fail(context, saved.error().detail);
  }
  context.ui.output("==> Saved " + certificate_file);
  if (Result<> saved = write_private_file(key_file, pair.key); !saved) {
    return fail(context, saved.error().detail);
  }
  context.ui.output("==> Saved " + key_file);
  return 0;
}

// ---- ca create

constexpr Flag kCaFlags[] = {
    {.name = "additional-name-constraint",
     .kind = FlagKind::list,
     .help = "With -name-constraint: a further DNS domain that the CA may sign for. May be repeated.",
     .value_name = "domain"},
    {.name = "cluster-id",
     .kind = FlagKind::text,
     .help = "Id of the cluster; the CA then carries the SPIFFE id of the cluster and the domain.",
     .value_name = "id"},
    {.name = "common-name", .kind = FlagKind::text, .help = "Common name of the CA.", .value_name = "name"},
    {.name = "days", .kind = FlagKind::integer, .help = "How long the CA is valid.", .default_value = "1825"},
    {.name = "domain",
     .kind = FlagKind::text,
     .help = "DNS domain of the cluster; it names the files, the constraint and the SPIFFE id.",
     .default_value = "consul"},
    {.name = "name-constraint",
     .kind = FlagKind::boolean,
     .help = "Let the CA sign only for localhost, the domain of -domain and those of -additional-name-constraint."},
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return text;
}

int run_ca_create(const Context& context) {
  const std::string& domain = context.flags.text("domain");
  const std::string certificate_file = domain + "-agent-ca.pem";
  const std::string key_file = domain + "-agent-ca-key.pem";
  for (const std::string& file : {certificate_file, key_file}) {
    if (file_exists(file)) return fail(context, file + " already exists.");
  }

  AuthorityOptions options{.common_name = context.flags.text("common-name"), .days = context.flags.integer("days")};
  if (context.flags.boolean("name-constraint")) {
    options.permitted_dns_domains = context.flags.list("additional-name-constraint");
    options.permitted_dns_domains.insert(options.permitted_dns_domains.end(), {domain, "localhost"});
  }
  if (const std::string& cluster = context.flags.text("cluster-id"); !cluster.empty()) {
    options.uri = "spiffe://" + lower(cluster + '.' + domain);
  }
  const Result<CertificatePair> authority = make_authority(options);
  if (!authority) return fail(context, authority.error().detail);
  return save(context, *authority, certificate_file, key_file);
}

// ---- cert create

constexpr Flag kCertFlags[] = {
    {.name = "additional-dnsname",
     .kind = FlagKind::list,
     .help = "A further DNS name of the certificate, besides localhost. May be repeated.",
     .value_name = "name"},
    {.name = "additional-ipaddress",
     .kind = FlagKind::list,
     .help = "A further IP address of the certificate, besides 127.0.0.1. May be repeated.",
     .value_name = "ip"},
    {.name = "ca",
     .kind = FlagKind::text,
     .help = "File of the CA's certificate; #DOMAIN# stands for the domain of -domain.",
     .value_name = "path",
     .default_value = "#DOMAIN#-agent-ca.pem"},
    {.name = "cli", .kind = FlagKind::boolean, .help = "Make a certificate for the command line."},
    {.name = "client", .kind = FlagKind::boolean, .help = "Make a certificate for a client agent."},
    {.name = "days", .kind = FlagKind::integer, .help = "How long it is valid.", .default_value = "365"},
    {.name = "dc",
     .kind = FlagKind::text,
     .help = "Datacenter; part of the names that servers are known by.",
     .default_value = "dc1"},
    {.name = "domain", .kind = FlagKind::text, .help = "DNS domain of the cluster.", .default_value = "consul"},
    {.name = "key",
     .kind = FlagKind::text,
     .help = "File of the CA's private key; #DOMAIN# as in -ca.",
     .value_name = "path",
     .default_value = "#DOMAIN#-agent-ca-key.pem"},
    {.name = "node",
     .kind = FlagKind::text,
     .help = "With -server: also name the server NODE.server.DC.DOMAIN.",
     .value_name = "name"},
    {.name = "server", .kind = FlagKind::boolean, .help = "Make a certificate for a server."},
};

struct CertificateFiles {
  std::string certificate{};
  std::string key{};
};

// The first number that neither a certificate nor a key of this kind has; no files if all are taken.
CertificateFiles free_files(const std::string& prefix) {
  for (int number = 0; number <= kHighestNumber; ++number) {
    const std::string stem = prefix + '-' + std::to_string(number);
    CertificateFiles files{stem + ".pem", stem + "-key.pem"};
    if (!file_exists(files.certificate) && !file_exists(files.key)) return files;
  }
  return {};
}

std::string for_domain(std::string path, const std::string& domain) {
  constexpr std::string_view kPlace = "#DOMAIN#";
  if (const std::size_t at = path.find(kPlace); at != std::string::npos) path.replace(at, kPlace.size(), domain);
  return path;
}

void add_trimmed(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more) {
    if (!name.empty()) names.emplace_back(trim_space(name));
  }
}

CertificateOptions certificate_options(const FlagValues& flags, const std::string& kind) {
  const std::string& node = flags.text("node");
  const std::string name = kind + '.' + flags.text("dc") + '.' + flags.text("domain");
  CertificateOptions options{.common_name = name, .days = flags.integer("days")};
  if (kind == "cli") {
    options.dns_names = {name, "localhost"};
    return options;
  }
  add_trimmed(options.dns_names, flags.list("additional-dnsname"));
  add_trimmed(options.ip_addresses, flags.list("additional-ipaddress"));
  if (!node.empty()) options.dns_names.push_back(node + '.' + name);
  options.dns_names.insert(options.dns_names.end(), {name, "localhost"});
  options.ip_addresses.emplace_back("127.0.0.1");
  // Servers call one another, and client agents serve HTTP: both kinds are both.
  options.for_server = options.for_client = true;
  options.client_first = kind == "client";
  return options;
}

int run_cert_create(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("ca").empty()) return fail(context, "Please provide the ca");
  if (flags.text("key").empty()) return fail(context, "Please provide the key");
  const bool server = flags.boolean("server");
  const bool client = flags.boolean("client");
  const bool cli = flags.boolean("cli");
  if (server + client + cli != 1) return fail(context, "Please provide either -server, -client, or -cli");
  if (!flags.text("node").empty() && !server) return fail(context, "-node requires -server");

  const std::string kind = server ? "server" : client ? "client" : "cli";
  const std::string& domain = flags.text("domain");
  const CertificateFiles files = free_files(flags.text("dc") + '-' + kind + '-' + domain);
  if (files.certificate.empty()) return fail(context, "Could not find a filename that doesn't already exist");
  const std::string ca_file = for_domain(flags.text("ca"), domain);
  const std::string key_file = for_domain(flags.text("key"), domain);
  const Result<std::string> ca = read_file(ca_file);
  if (!ca) return fail(context, "Error reading CA: " + ca.error().detail);
  const Result<std::string> key = read_file(key_file);
  if (!key) return fail(context, "Error reading CA key: " + key.error().detail);

  if (server) {
    context.ui.output(
        "==> WARNING: Whoever holds a server certificate can become a server and\n"
        "    read all of the cluster's state, root keys and ACL tokens included.\n"
        "    Keep it on server machines only, as safe as the key of the CA.");
  }
  context.ui.output("==> Using " + ca_file + " and " + key_file);
  const Result<CertificatePair> made = make_certificate({*ca, *key}, certificate_options(flags, kind));
  if (!made) return fail(context, made.error().detail);
  return save(context, *made, files.certificate, files.key);
}

constexpr Command kCommands[] = {
    {.name = "tls",
     .synopsis = "Make a CA and certificates for agents",
     .usage = "tls <subcommand> <subcommand> [options]",
     .help = R"(  Makes what agents need to speak TLS, in the current folder.

      $ consul tls ca create
      $ consul tls cert create -server
      $ consul tls cert create -client)"},
    {.name = "tls ca",
     .synopsis = "Make certificate authorities",
     .usage = "tls ca <subcommand> [options]",
     .help = R"(  An authority signs the certificates of all agents of a cluster.)"},
    {.name = "tls ca create",
     .synopsis = "Make a certificate authority",
     .usage = "tls ca create [options]",
     .help = R"(  Writes DOMAIN-agent-ca.pem and its key DOMAIN-agent-ca-key.pem. Files that exist are
  left alone, and the command fails.)",
     .flags = {kCaFlags},
     .run = run_ca_create,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "tls cert",
     .synopsis = "Make certificates",
     .usage = "tls cert <subcommand> [options]",
     .help = R"(  Makes certificates that the authority of "tls ca create" signs.)"},
    {.name = "tls cert create",
     .synopsis = "Make a certificate",
     .usage = "tls cert create [options]",
     .help = R"(  Writes DC-KIND-DOMAIN-N.pem and DC-KIND-DOMAIN-N-key.pem with the first free N; KIND
  is server, client or cli.

      $ consul tls cert create -server -dc=dc1 -node=server-1
      $ consul tls cert create -client)",
     .flags = {kCertFlags},
     .run = run_cert_create,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> tls_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
