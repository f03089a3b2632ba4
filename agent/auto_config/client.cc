#include "agent/auto_config/client.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <utility>
#include <vector>

#include "agent/auto_config/invocation.h"
#include "agent/cluster/connections.h"
#include "agent/cluster/join_address.h"
#include "agent/mesh/authority_config.h"
#include "agent/rpc/direct_call.h"
#include "agent/x509/certificate.h"
#include "base/files.h"
#include "base/log.h"
#include "base/random.h"

namespace proconsul::agent::auto_config {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

namespace {

const base::log::Logger kLog("agent.auto_config");
constexpr std::size_t kMostKept = std::size_t{8} << 20;     // bytes of the file
constexpr std::size_t kMostToken = std::size_t{256} << 10;  // and of that of the token
constexpr std::chrono::milliseconds kFirstRetry{1000};
constexpr std::chrono::milliseconds kLastRetry{600'000};

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// A quarter more at most, so that many clients do not come at once.
std::chrono::milliseconds retry_after(unsigned failures) {
  const auto wait = std::min(kLastRetry, kFirstRetry * (1 << std::min(failures, 10u)));
  const auto quarter = static_cast<std::uint64_t>(wait.count() / 4);
  return wait + std::chrono::milliseconds(base::system_random().below(quarter));
}

Result<std::string> intro_token(const config::AutoConfig& settings) {
  if (!settings.intro_token.empty()) return settings.intro_token;
  Result<std::string> token = base::read_file(settings.intro_token_file, kMostToken);
  if (!token) return failed("Failed to read intro token from file: " + token.error().detail);
  if (token->empty()) return failed("intro_token_file did not contain any token");
  return token;
}

/// Host and port of each server, in the order of the configuration. Waits for name servers.
std::vector<std::string> addresses(const config::Config& config) {
  std::vector<std::string> texts;
  for (const std::string& text : config.auto_config.server_addresses) {
    constexpr std::string_view kProgram = "exec=";
    if (!text.starts_with(kProgram)) {
      texts.push_back(text);
      continue;
    }
    Result<std::vector<std::string>> found = cluster::addresses_of_program(text.substr(kProgram.size()));
    if (!found) {
      kLog.error("failed to resolve auto-config servers", {{"configuration", text}, {"err", found.error()}});
      continue;
    }
    for (std::string& each : *found) texts.push_back(std::move(each));
  }
  std::vector<std::string> servers;
  for (const std::string& text : texts) {
    const Result<cluster::JoinAddress> host =
        cluster::parse_join_address(text, static_cast<std::uint16_t>(config.server_port));
    if (!host) {
      kLog.warn("error splitting host address into IP and port", {{"address", text}, {"error", host.error()}});
      continue;
    }
    const Result<std::vector<gossip::swim::Address>> found = cluster::resolve(*host);
    if (!found) {
      kLog.warn("IP resolution failed", {{"host", text}, {"error", found.error()}});
      continue;
    }
    for (const gossip::swim::Address& address : *found) servers.push_back(to_string(address));
  }
  return servers;
}

/// Until one answers.
Result<Response> ask_until(const config::Config& config, const std::stop_token& over) {
  base::net::Loops loops(1);
  const Result<std::unique_ptr<cluster::Connections>> connections = cluster::Connections::create(loops, config);
  if (!connections) return connections.error();
  const Insecure insecure = [&](const std::string& address) { return (*connections)->insecure_destination(address); };
  std::mutex mutex;
  std::condition_variable_any waits;
  for (unsigned failures = 0; !over.stop_requested(); ++failures) {
    Result<Response> response = ask_servers(loops, config, insecure, over);
    if (response) {
      (*connections)->pool().stop();
      loops.stop();
      return response;
    }
    if (over.stop_requested()) break;
    kLog.error(response.error().detail);
    std::unique_lock lock(mutex);
    waits.wait_for(lock, over, retry_after(failures), [] { return false; });
  }
  (*connections)->pool().stop();
  loops.stop();
  return Error{Errc::cancelled, "interrupted during initial auto configuration"};
}

/// What the names of TLS versions in it were, once, and still are.
std::string version_of(const std::string& name) {
  if (name.empty()) return "TLS_AUTO";
  if (name == "tls10") return "TLSv1_0";
  if (name == "tls11") return "TLSv1_1";
  if (name == "tls12") return "TLSv1_2";
  if (name == "tls13") return "TLSv1_3";
  return name;
}

void put(config::Settings& settings, std::string_view path, const std::string& text) {
  if (!text.empty()) config::set(settings, path, text);
}
void put(config::Settings& settings, std::string_view path, bool flag) {
  config::set(settings, path, flag);
}
void put(config::Settings& settings, std::string_view path, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Value list;
  Value::ListType& items = list.make_list();
  for (const std::string& text : texts) items.emplace_back(text);
  config::set(settings, path, std::move(list));
}

void put_acl(config::Settings& settings, const Acl& acl) {
  put(settings, "acl.enabled", acl.Enabled);
  put(settings, "acl.policy_ttl", acl.PolicyTTL);
  put(settings, "acl.role_ttl", acl.RoleTTL);
  put(settings, "acl.token_ttl", acl.TokenTTL);
  put(settings, "acl.down_policy", acl.DownPolicy);
  put(settings, "acl.default_policy", acl.DefaultPolicy);
  put(settings, "acl.enable_key_list_policy", acl.EnableKeyListPolicy);
  put(settings, "acl.enable_token_persistence", acl.EnableTokenPersistence);
  if (!acl.Tokens) return;
  put(settings, "acl.tokens.initial_management", acl.Tokens->InitialManagement);
  put(settings, "acl.tokens.agent_recovery", acl.Tokens->AgentRecovery);
  put(settings, "acl.tokens.replication", acl.Tokens->Replication);
  put(settings, "acl.tokens.default", acl.Tokens->Default);
  put(settings, "acl.tokens.agent", acl.Tokens->Agent);
}

}  // namespace

mesh::AutoEncrypt::Settings certificate_settings(const config::Config& config) {
  mesh::AutoEncrypt::Settings settings{.datacenter = config.datacenter, .node = config.node_name};
  const bool introduced = config.auto_config.enabled;
  const auto& names = introduced ? config.auto_config.dns_sans : config.auto_encrypt_dns_san;
  const auto& addresses = introduced ? config.auto_config.ip_sans : config.auto_encrypt_ip_san;
  settings.dns_names.assign(names.begin(), names.end());
  settings.ip_addresses.assign(addresses.begin(), addresses.end());
  if (const Result<mesh::AuthorityConfig> key = mesh::read_common_config(config.connect_ca_config)) {
    settings.key_type = key->private_key_type;
    settings.key_bits = key->private_key_bits;
  }
  return settings;
}

Result<Response> ask_servers(base::net::Loops& loops, const config::Config& config, const Insecure& insecure,
                             const std::stop_token& over) {
  Result<std::string> token = intro_token(config.auto_config);
  if (!token) return token.error();
  const Result<mesh::FirstRequest> wanted = mesh::first_request(certificate_settings(config));
  if (!wanted) return wanted.error();
  const rpc::Method& method = *rpc::find_method(kMethod);
  for (const std::string& address : addresses(config)) {
    if (over.stop_requested()) break;
    auto call = std::make_shared<Call>();
    call->request = {.Datacenter = config.datacenter, .Node = config.node_name, .JWT = *token, .CSR = wanted->request};
    kLog.debug("making AutoConfig.InitialConfiguration RPC", {{"addr", address}});
    Result<base::net::Destination> server = insecure(address);
    const Result<> answered =
        server ? rpc::call_directly(loops.next(), std::move(*server), method, call, over) : Result<>(server.error());
    if (answered) {
      kLog.debug("AutoConfig.InitialConfiguration RPC was successful");
      if (call->reply.Certificate) call->reply.Certificate->PrivateKeyPEM = wanted->key;
      return std::move(call->reply);
    }
    kLog.error("AutoConfig.InitialConfiguration RPC failed", {{"addr", address}, {"error", answered.error()}});
  }
  return failed("No server successfully responded to the auto-config request");
}

Result<rpc::SignedResponse> certificates_of(const Response& response) {
  rpc::SignedResponse certificates;
  if (response.Certificate) certificates.IssuedCert = *response.Certificate;
  if (response.CARoots) certificates.ConnectCARoots = *response.CARoots;
  for (const std::string& pem : response.ExtraCACertificates) certificates.ManualCARoots.push_back(pem);
  if (response.Config && response.Config->TLS) {
    certificates.VerifyServerHostname = response.Config->TLS->VerifyServerHostname;
  }
  if (const Result<x509::Facts> facts = x509::read_certificate(certificates.IssuedCert.CertPEM); !facts) {
    return failed("failed to populate the cache with certificate responses: Failed to parse certificate: " +
                  facts.error().detail);
  }
  return certificates;
}

config::Settings settings_of(const Config& config) {
  config::Settings settings;
  put(settings, "datacenter", config.Datacenter);
  put(settings, "primary_datacenter", config.PrimaryDatacenter);
  put(settings, "node_name", config.NodeName);
  put(settings, "segment", config.SegmentName);
  put(settings, "partition", config.Partition);
  if (const auto& encrypt = config.AutoEncrypt) {
    put(settings, "auto_encrypt.tls", encrypt->TLS);
    put(settings, "auto_encrypt.dns_san", encrypt->DNSSAN);
    put(settings, "auto_encrypt.ip_san", encrypt->IPSAN);
    put(settings, "auto_encrypt.allow_tls", encrypt->AllowTLS);
  }
  if (config.ACL) put_acl(settings, *config.ACL);
  if (config.Gossip) {
    put(settings, "retry_join", config.Gossip->RetryJoinLAN);
    if (const auto& encryption = config.Gossip->Encryption) {
      put(settings, "encrypt", encryption->Key);
      put(settings, "encrypt_verify_incoming", encryption->VerifyIncoming);
      put(settings, "encrypt_verify_outgoing", encryption->VerifyOutgoing);
    }
  }
  if (const auto& tls = config.TLS) {
    put(settings, "tls.defaults.verify_outgoing", tls->VerifyOutgoing);
    put(settings, "tls.defaults.tls_cipher_suites", tls->CipherSuites);
    put(settings, "tls.defaults.tls_min_version", version_of(tls->MinVersion));
    put(settings, "tls.internal_rpc.verify_server_hostname", tls->VerifyServerHostname);
  }
  return settings;
}

KeptResponse::KeptResponse(const std::string& data_dir) : path_(data_dir + "/auto-config.json") {}

Result<Response> KeptResponse::read() const {
  Result<std::string> text = base::read_file(path_, kMostKept);
  if (!text && text.error().code == Errc::not_found) return text.error();
  if (!text) return failed("failed to load " + path_ + ": " + text.error().detail);
  Result<Response> response = from_json(*text);
  if (!response) return failed("failed to decode persisted auto-config data: " + response.error().detail);
  return response;
}

Result<> KeptResponse::change(const std::function<void(Response&)>& how) {
  const std::lock_guard lock(mutex_);
  how(last_);
  const Result<> written = base::write_file_atomically(path_, to_json(last_));
  return written ? written : Result<>(failed("failed to write auto-config configurations: " + written.error().detail));
}

Result<config::Loaded> introduce(const config::Config& config, config::LoadOptions& options,
                                 const std::stop_token& over) {
  KeptResponse kept(config.data_dir);
  Result<Response> response = kept.read();
  const bool fresh = !response && response.error().code == Errc::not_found;
  if (fresh) {
    kLog.info("retrieving initial agent auto configuration remotely");
    response = ask_until(config, over);
  } else if (response) {
    kLog.info("read persisted configuration");
  }
  if (!response) return response.error();
  if (const Result<rpc::SignedResponse> certificates = certificates_of(*response); !certificates) {
    return certificates.error();
  }
  if (response->Config) options.introduced = settings_of(*response->Config);
  Result<config::Loaded> whole = config::load(options);
  if (!whole) return failed("failed to fully resolve configuration: " + whole.error().detail);
  if (!fresh) return whole;
  std::error_code error;
  std::filesystem::create_directories(config.data_dir, error);
  if (error) return failed("cannot create data_dir " + config.data_dir + ": " + error.message());
  if (Result<> written = kept.change([&](Response& last) { last = std::move(*response); }); !written) {
    return written.error();
  }
  return whole;
}

}  // namespace proconsul::agent::auto_config
