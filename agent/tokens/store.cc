#include "agent/tokens/store.h"

#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Result;

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

/// acl-tokens.json, as Consul writes it.
struct PersistedTokens {
  std::string replication{}, agent_recovery{}, default_{}, agent{}, config_file_service_registration{}, dns{};
};
PROCONSUL_DECLARE_TYPE(PersistedTokens)
PROCONSUL_DESCRIBE_TYPE(PersistedTokens, "token.persistedTokens") {
  type.field("Replication", &PersistedTokens::replication).json("replication").omit_empty();
  type.field("AgentRecovery", &PersistedTokens::agent_recovery)
      .json("agent_recovery")
      .alias("agent_master")
      .omit_empty();
  type.field("Default", &PersistedTokens::default_).json("default").omit_empty();
  type.field("Agent", &PersistedTokens::agent).json("agent").omit_empty();
  type.field("ConfigFileRegistration", &PersistedTokens::config_file_service_registration)
      .json("config_file_service_registration")
      .omit_empty();
  type.field("DNS", &PersistedTokens::dns).json("dns").omit_empty();
}

std::string& slot(PersistedTokens& tokens, Kind kind) {
  switch (kind) {
    case Kind::default_:
      return tokens.default_;
    case Kind::agent:
      return tokens.agent;
    case Kind::agent_recovery:
      return tokens.agent_recovery;
    case Kind::replication:
      return tokens.replication;
    case Kind::config_file_registration:
      return tokens.config_file_service_registration;
    case Kind::dns:
      break;
  }
  return tokens.dns;
}

}  // namespace

std::optional<Kind> kind_of(std::string_view name) {
  if (name == "default" || name == "acl_token") return Kind::default_;
  if (name == "agent" || name == "acl_agent_token") return Kind::agent;
  if (name == "agent_recovery" || name == "agent_master" || name == "acl_agent_master_token") {
    return Kind::agent_recovery;
  }
  if (name == "replication" || name == "acl_replication_token") return Kind::replication;
  if (name == "config_file_service_registration") return Kind::config_file_registration;
  if (name == "dns" || name == "dns_token") return Kind::dns;
  return std::nullopt;
}

Result<> Store::load(const Tokens& configured, std::string file) {
  const std::scoped_lock lock(mutex_);
  file_ = std::move(file);
  PersistedTokens kept;
  Result<> read;
  if (!file_.empty()) {
    const Result<std::string> text = base::read_file(file_, kMostBytes);
    if (!text && text.error().code == Errc::not_found) {
      // Nothing was kept yet.
    } else if (!text) {
      read = {text.error().code, "failed reading tokens file \"" + file_ + "\": " + text.error().detail};
    } else if (Result<> decoded = base::read_json(*text, kept); !decoded) {
      read = {Errc::corrupt, "failed to decode tokens file \"" + file_ + "\": " + decoded.error().detail};
      kept = {};
    }
  }
  for (std::size_t i = 0; i < kKinds; ++i) {
    std::string& token = slot(kept, static_cast<Kind>(i));
    by_api_[i] = !token.empty();
    tokens_[i] = by_api_[i] ? std::move(token) : configured[i];
  }
  return read;
}

Result<> Store::set(Kind kind, std::string token) {
  const std::scoped_lock lock(mutex_);
  tokens_[static_cast<std::size_t>(kind)] = std::move(token);
  by_api_[static_cast<std::size_t>(kind)] = true;
  return save();
}

std::string Store::get(Kind kind) const {
  const std::scoped_lock lock(mutex_);
  return tokens_[static_cast<std::size_t>(kind)];
}

std::string Store::agent() const {
  std::string own = get(Kind::agent);
  return own.empty() ? get(Kind::default_) : own;
}

std::string Store::dns() const {
  std::string own = get(Kind::dns);
  return own.empty() ? get(Kind::default_) : own;
}

Result<> Store::save() const {
  if (file_.empty()) return {};
  PersistedTokens kept;
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (by_api_[i]) slot(kept, static_cast<Kind>(i)) = tokens_[i];
  }
  if (Result<> written = base::write_file_atomically(file_, base::to_json(kept), 0600); !written) {
    return {written.error().code, "Failed to persist tokens - " + written.error().detail};
  }
  return {};
}

}  // namespace proconsul::agent::tokens
