// Who may call a service: service-intentions.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct IntentionJWTClaimVerification {
  base::List<std::string> Path{};
  std::string Value{};
};
PROCONSUL_DECLARE_TYPE(IntentionJWTClaimVerification)

struct IntentionJWTProvider {
  std::string Name{};
  base::List<base::Pointer<IntentionJWTClaimVerification>> VerifyClaims{};
};
PROCONSUL_DECLARE_TYPE(IntentionJWTProvider)

struct IntentionJWTRequirement {
  base::List<base::Pointer<IntentionJWTProvider>> Providers{};
};
PROCONSUL_DECLARE_TYPE(IntentionJWTRequirement)

struct IntentionHTTPHeaderPermission {
  std::string Name{};
  bool Present{};
  std::string Exact{};
  std::string Prefix{};
  std::string Suffix{};
  std::string Contains{};
  std::string Regex{};
  bool Invert{};
  bool IgnoreCase{};
};
PROCONSUL_DECLARE_TYPE(IntentionHTTPHeaderPermission)

struct IntentionHTTPPermission {
  std::string PathExact{};
  std::string PathPrefix{};
  std::string PathRegex{};
  base::List<IntentionHTTPHeaderPermission> Header{};
  base::List<std::string> Methods{};
};
PROCONSUL_DECLARE_TYPE(IntentionHTTPPermission)

struct IntentionPermission {
  std::string Action{};
  base::Pointer<IntentionHTTPPermission> HTTP{};
  base::Pointer<IntentionJWTRequirement> JWT{};
};
PROCONSUL_DECLARE_TYPE(IntentionPermission)

/// Who is meant, and whether it may call.
struct SourceIntention {
  std::string Name{};
  std::string Action{};
  base::List<base::Pointer<IntentionPermission>> Permissions{};
  base::Int Precedence{};  // 9 for the most exact
  std::string LegacyID{};  // of intentions that were written one by one
  std::string Type{};
  std::string Description{};
  base::Map<std::string> LegacyMeta{};
  base::Pointer<base::Time> LegacyCreateTime{};
  base::Pointer<base::Time> LegacyUpdateTime{};
  std::string Peer{};
  std::string SamenessGroup{};
};
PROCONSUL_DECLARE_TYPE(SourceIntention)

/// service-intentions: of all sources that may or may not call the service.
struct ServiceIntentionsConfigEntry : ConfigEntry {
  base::List<base::Pointer<SourceIntention>> Sources{};
  base::Pointer<IntentionJWTRequirement> JWT{};
};
PROCONSUL_DECLARE_TYPE(ServiceIntentionsConfigEntry)

}  // namespace proconsul::catalog
