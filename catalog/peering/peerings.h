// Peerings, trust bundles and secrets: what commands do to them, and how they are found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/peering.h"

namespace proconsul::base {
class KeySet;
}

namespace proconsul::catalog {

inline constexpr std::string_view kPeeringIndex = "peering";
inline constexpr std::string_view kTrustBundleIndex = "peering-trust-bundles";

// Commands. Errors have Consul's texts, and change nothing.
base::Result<> apply_peering_write(Transaction& tx, PeeringWriteRequest request);
base::Result<> apply_peering_delete(Transaction& tx, const PeeringNameRequest& request);
base::Result<> apply_peering_terminate(Transaction& tx, const PeeringTerminateByIDRequest& request);
base::Result<> apply_trust_bundle_write(Transaction& tx, PeeringTrustBundleWriteRequest request);
base::Result<> apply_trust_bundle_delete(Transaction& tx, const PeeringNameRequest& request);
base::Result<> apply_peering_secrets_write(Transaction& tx, const SecretsWriteRequest& request);

void restore_peering(Transaction& tx, Peering peering);
void restore_trust_bundle(Transaction& tx, PeeringTrustBundle bundle);
void restore_peering_secrets(Transaction& tx, PeeringSecrets secrets);

// What there is. Null: nothing. A watch, which may be null, gets what the answer depends on.
const Peering* find_peering(const Tables& tables, std::string_view name, base::KeySet* watch = nullptr);
const Peering* find_peering_by_id(const Tables& tables, std::string_view id, base::KeySet* watch = nullptr);
/// By name.
std::vector<const Peering*> all_peerings(const Tables& tables, base::KeySet* watch = nullptr);
const PeeringTrustBundle* find_trust_bundle(const Tables& tables, std::string_view peer, base::KeySet* watch = nullptr);
std::vector<const PeeringTrustBundle*> all_trust_bundles(const Tables& tables, base::KeySet* watch = nullptr);
const PeeringSecrets* find_peering_secrets(const Tables& tables, std::string_view id);
/// Whether a token or a stream of a peering made here uses it already.
bool is_secret_in_use(const Tables& tables, std::string_view secret);
/// For blocking queries: of the row, or of the table where there is none.
std::uint64_t peering_index(const Tables& tables, const Peering* peering);

}  // namespace proconsul::catalog
