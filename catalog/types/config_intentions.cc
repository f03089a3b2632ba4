#include "catalog/types/config_intentions.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(IntentionJWTClaimVerification, "structs.IntentionJWTClaimVerification") {
  type.field("Path", &IntentionJWTClaimVerification::Path).omit_empty();
  type.field("Value", &IntentionJWTClaimVerification::Value).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IntentionJWTProvider, "structs.IntentionJWTProvider") {
  type.field("Name", &IntentionJWTProvider::Name).omit_empty();
  type.field("VerifyClaims", &IntentionJWTProvider::VerifyClaims).omit_empty().alias("verify_claims");
}

PROCONSUL_DESCRIBE_TYPE(IntentionJWTRequirement, "structs.IntentionJWTRequirement") {
  type.field("Providers", &IntentionJWTRequirement::Providers).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IntentionHTTPHeaderPermission, "structs.IntentionHTTPHeaderPermission") {
  type.field("Name", &IntentionHTTPHeaderPermission::Name);
  type.field("Present", &IntentionHTTPHeaderPermission::Present).omit_empty();
  type.field("Exact", &IntentionHTTPHeaderPermission::Exact).omit_empty();
  type.field("Prefix", &IntentionHTTPHeaderPermission::Prefix).omit_empty();
  type.field("Suffix", &IntentionHTTPHeaderPermission::Suffix).omit_empty();
  type.field("Contains", &IntentionHTTPHeaderPermission::Contains).omit_empty();
  type.field("Regex", &IntentionHTTPHeaderPermission::Regex).omit_empty();
  type.field("Invert", &IntentionHTTPHeaderPermission::Invert).omit_empty();
  type.field("IgnoreCase", &IntentionHTTPHeaderPermission::IgnoreCase).omit_empty().alias("ignore_case");
}

PROCONSUL_DESCRIBE_TYPE(IntentionHTTPPermission, "structs.IntentionHTTPPermission") {
  type.field("PathExact", &IntentionHTTPPermission::PathExact).omit_empty().alias("path_exact");
  type.field("PathPrefix", &IntentionHTTPPermission::PathPrefix).omit_empty().alias("path_prefix");
  type.field("PathRegex", &IntentionHTTPPermission::PathRegex).omit_empty().alias("path_regex");
  type.field("Header", &IntentionHTTPPermission::Header).omit_empty();
  type.field("Methods", &IntentionHTTPPermission::Methods).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(IntentionPermission, "structs.IntentionPermission") {
  type.field("Action", &IntentionPermission::Action).go_type("structs.IntentionAction");
  type.field("HTTP", &IntentionPermission::HTTP).omit_empty();
  type.field("JWT", &IntentionPermission::JWT).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(SourceIntention, "structs.SourceIntention") {
  type.field("Name", &SourceIntention::Name);
  type.field("Action", &SourceIntention::Action).go_type("structs.IntentionAction").omit_empty();
  type.field("Permissions", &SourceIntention::Permissions).omit_empty();
  type.field("Precedence", &SourceIntention::Precedence);
  type.field("LegacyID", &SourceIntention::LegacyID).omit_empty().alias("legacy_id");
  type.field("Type", &SourceIntention::Type).go_type("structs.IntentionSourceType");
  type.field("Description", &SourceIntention::Description).omit_empty();
  type.field("LegacyMeta", &SourceIntention::LegacyMeta).omit_empty().alias("legacy_meta");
  type.field("LegacyCreateTime", &SourceIntention::LegacyCreateTime).omit_empty().alias("legacy_create_time");
  type.field("LegacyUpdateTime", &SourceIntention::LegacyUpdateTime).omit_empty().alias("legacy_update_time");
  type.field("Peer", &SourceIntention::Peer).omit_empty();
  type.field("SamenessGroup", &SourceIntention::SamenessGroup).omit_empty().alias("sameness_group");
}

PROCONSUL_DESCRIBE_TYPE(ServiceIntentionsConfigEntry, "structs.ServiceIntentionsConfigEntry") {
  type.field("Kind", &ServiceIntentionsConfigEntry::Kind);
  type.field("Name", &ServiceIntentionsConfigEntry::Name);
  type.field("Sources", &ServiceIntentionsConfigEntry::Sources);
  type.field("JWT", &ServiceIntentionsConfigEntry::JWT).omit_empty();
  type.field("Meta", &ServiceIntentionsConfigEntry::Meta).omit_empty();
  type.field("Hash", &ServiceIntentionsConfigEntry::Hash).omit_empty();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
