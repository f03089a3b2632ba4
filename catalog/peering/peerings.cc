#include "catalog/peering/peerings.h"

#include <utility>

#include "base/quote.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error refused(std::string why) {
  return {Errc::internal, std::move(why)};
}

Error within(const char* what, const Error& error) {
  return {error.code, what + error.detail};
}

const char* truth(bool value) {
  return value ? "true" : "false";
}

void put(Transaction& tx, Peering peering) {
  const std::string by_name = index_key({peering.Name}), by_id = index_key({peering.ID});
  auto row = base::make_row(std::move(peering));
  tx.tables().peerings.insert(by_name, row);
  tx.tables().peerings_by_id.insert(by_id, std::move(row));
}

void put(Transaction& tx, PeeringSecrets secrets) {
  const std::string key = index_key({secrets.PeerID});
  tx.tables().peering_secrets.insert(key, base::make_row(std::move(secrets)));
}

void forget_secret(Transaction& tx, const std::string& secret) {
  if (!secret.empty()) tx.tables().peering_secret_uuids.erase(index_key({secret}));
}

/// Who dials took his secrets from elsewhere, and does not number them among his own.
void delete_secrets(Transaction& tx, const std::string& id, bool dials) {
  const PeeringSecrets* secrets = find_peering_secrets(tx.tables(), id);
  if (!secrets) return;
  const PeeringSecrets gone = *secrets;
  tx.tables().peering_secrets.erase(index_key({id}));
  if (dials) return;
  for (const std::string& secret : {gone.establishment_secret(), gone.pending_secret(), gone.active_secret()}) {
    forget_secret(tx, secret);
  }
}

Result<> check(const SecretsWriteRequest& request) {
  if (request.PeerID.empty()) return refused("missing peer ID");
  const bool named = (request.generate_token && !request.generate_token->establishment_secret.empty()) ||
                     (request.establish && !request.establish->active_stream_secret.empty()) ||
                     (request.exchange_secret && !request.exchange_secret->pending_stream_secret.empty()) ||
                     (request.promote_pending && !request.promote_pending->active_stream_secret.empty());
  if (!named) return refused("missing secret ID");
  return {};
}

/// Go's name of the request, in an error.
const char* kind_of(const SecretsWriteRequest& request) {
  if (request.generate_token) return "*pbpeering.SecretsWriteRequest_GenerateToken";
  if (request.exchange_secret) return "*pbpeering.SecretsWriteRequest_ExchangeSecret";
  return "*pbpeering.SecretsWriteRequest_PromotePending";
}

Result<> exchange(const ExchangeSecrets& request, const PeeringSecrets* existing, PeeringSecrets& secrets,
                  std::vector<std::string>& gone) {
  if (!existing) return refused("cannot exchange peering secret: no known secrets for peering");
  StreamSecrets& stream = secrets.stream.emplace();
  stream.PendingSecretID = request.pending_stream_secret;
  stream.ActiveSecretID = existing->active_secret();
  const std::string known = existing->establishment_secret();
  // Another exchange, or a newer token, came in between.
  if (known.empty()) return refused("invalid establishment secret: peering was already established");
  if (known != request.establishment_secret) return refused("invalid establishment secret");
  gone = {known, existing->pending_secret()};
  return {};
}

Result<> write_secrets(Transaction& tx, const SecretsWriteRequest& request) {
  if (!request.generate_token && !request.exchange_secret && !request.promote_pending && !request.establish) return {};
  if (Result<> fine = check(request); !fine) return within("invalid secret write request: ", fine.error());
  const Peering* peering = find_peering_by_id(tx.tables(), request.PeerID);
  if (!peering) return refused("unknown peering " + base::quote(request.PeerID) + " for secret");
  PeeringSecrets secrets;
  secrets.PeerID = request.PeerID;
  if (peering->dials()) {
    if (!request.establish) {
      return refused("invalid request type " + std::string(kind_of(request)) +
                     " when persisting stream secret for dialing peer");
    }
    secrets.stream.emplace().ActiveSecretID = request.establish->active_stream_secret;
    put(tx, std::move(secrets));
    return {};
  }

  std::string fresh;
  if (request.generate_token) fresh = request.generate_token->establishment_secret;
  if (request.exchange_secret) fresh = request.exchange_secret->pending_stream_secret;
  if (!fresh.empty()) {
    if (is_secret_in_use(tx.tables(), fresh)) {
      return refused("peering secret is already in use, retry the operation");
    }
    tx.tables().peering_secret_uuids.set(index_key({fresh}), 1);
  }
  const PeeringSecrets* existing = find_peering_secrets(tx.tables(), request.PeerID);
  std::vector<std::string> gone;
  if (request.generate_token) {
    // Streams that stand go on with what they have.
    secrets.establishment.emplace().SecretID = fresh;
    if (existing) {
      secrets.stream = existing->stream;
      gone = {existing->establishment_secret()};
    }
  } else if (request.exchange_secret) {
    if (Result<> done = exchange(*request.exchange_secret, existing, secrets, gone); !done) return done;
  } else if (request.promote_pending) {
    if (!existing) return refused("cannot promote pending secret: no known secrets for peering");
    // Of several dialers with the same secret the first one wins.
    if (existing->pending_secret() != request.promote_pending->active_stream_secret) {
      return refused("invalid pending stream secret");
    }
    secrets.stream.emplace().ActiveSecretID = request.promote_pending->active_stream_secret;
    secrets.establishment = existing->establishment;
    gone = {existing->active_secret()};
  } else {
    return refused("an accepting peer should not have called Establish RPC");
  }
  for (const std::string& secret : gone) forget_secret(tx, secret);
  put(tx, std::move(secrets));
  return {};
}

/// Of a peering that is there already. False: there is nothing to do.
Result<bool> merge(Peering& peering, const Peering& existing) {
  using enum PeeringState;
  if (peering.dials() != existing.dials()) {
    return refused(std::string("Cannot switch peering dialing mode from ") + truth(existing.dials()) + " to " +
                   truth(peering.dials()));
  }
  if (peering.ID != existing.ID) {
    return refused("A peering already exists with the name " + base::quote(peering.Name) + " and a different ID " +
                   base::quote(existing.ID));
  }
  if (existing.is(deleting) && (peering.is(terminated) || peering.is(deleting))) return false;
  if (existing.is(terminated) && peering.is(terminated)) return false;
  if (existing.is(deleting)) return refused("cannot write to peering that is marked for deletion");
  if (peering.is(undefined)) peering.State = existing.State;
  const bool named = existing.Remote && !existing.Remote->empty();
  if (named && (!peering.Remote || peering.Remote->empty())) peering.Remote = existing.Remote;
  peering.StreamStatus.reset();
  peering.CreateIndex = existing.CreateIndex;
  return true;
}

Result<> write_peering(Transaction& tx, PeeringWriteRequest& request) {
  using enum PeeringState;
  Peering peering = request.Peering ? std::move(*request.Peering) : Peering();
  if (peering.ID.empty()) return refused("Missing Peering ID");
  if (peering.Name.empty()) return refused("Missing Peering Name");
  const bool has_end = peering.DeletedAt && peering.DeletedAt->is_set();
  if (peering.is(deleting) && !has_end) return refused("Missing deletion time for peering in deleting state");
  if (has_end && !peering.is(deleting)) {
    return refused(std::string("Unexpected state for peering with deletion time: ") +
                   peering_state_name(peering.State));
  }
  if (const Peering* existing = find_peering(tx.tables(), peering.Name)) {
    const Result<bool> changes = merge(peering, *existing);
    if (!changes) return changes.error();
    if (!*changes) return {};
  } else {
    if (find_peering_by_id(tx.tables(), peering.ID)) {
      return refused("A peering already exists with the ID " + base::quote(peering.ID) + " and a different name");
    }
    if (!peering.active()) return refused("cannot create a new peering marked for deletion");
    if (peering.is(undefined)) peering.State = static_cast<std::int32_t>(pending);
    peering.CreateIndex = tx.index();
  }
  peering.ModifyIndex = tx.index();
  if (!peering.active()) delete_secrets(tx, peering.ID, peering.dials());
  put(tx, std::move(peering));
  if (request.SecretsRequest) {
    if (Result<> written = write_secrets(tx, *request.SecretsRequest); !written) {
      return within("failed to write peering establishment secret: ", written.error());
    }
  }
  tx.set_index(kPeeringIndex);
  return {};
}

}  // namespace

Result<> apply_peering_write(Transaction& tx, PeeringWriteRequest request) {
  return tx.atomically([&] { return write_peering(tx, request); });
}

Result<> apply_peering_secrets_write(Transaction& tx, const SecretsWriteRequest& request) {
  Result<> written = tx.atomically([&] { return write_secrets(tx, request); });
  if (!written) return within("failed to write peering secret: ", written.error());
  return {};
}

Result<> apply_peering_delete(Transaction& tx, const PeeringNameRequest& request) {
  const Peering* existing = find_peering(tx.tables(), request.Name);
  if (!existing) return {};
  if (existing->active()) return refused("cannot delete a peering without first marking for deletion");
  const std::string by_id = index_key({existing->ID});
  tx.tables().peerings.erase(index_key({request.Name}));
  tx.tables().peerings_by_id.erase(by_id);
  tx.set_index(kPeeringIndex);
  return {};
}

Result<> apply_peering_terminate(Transaction& tx, const PeeringTerminateByIDRequest& request) {
  const Peering* existing = find_peering_by_id(tx.tables(), request.ID);
  if (!existing) return {};
  Peering peering = *existing;
  peering.State = static_cast<std::int32_t>(PeeringState::terminated);
  peering.ModifyIndex = tx.index();
  put(tx, std::move(peering));
  tx.set_index(kPeeringIndex);
  return {};
}

Result<> apply_trust_bundle_write(Transaction& tx, PeeringTrustBundleWriteRequest request) {
  PeeringTrustBundle bundle =
      request.PeeringTrustBundle ? std::move(*request.PeeringTrustBundle) : PeeringTrustBundle();
  if (bundle.PeerName.empty()) return refused("missing peer name");
  const Peering* existing = find_peering(tx.tables(), bundle.PeerName);
  if (!existing) return refused("cannot write peering trust bundle for unknown peering " + bundle.PeerName);
  if (existing->is(PeeringState::deleting)) return refused("cannot write to peering that is marked for deletion");
  Peering peering = *existing;
  peering.PeerCAPems.reset();
  for (const std::string& pem : bundle.RootPEMs) {
    peering.PeerCAPems.push_back(pem.ends_with('\n') ? pem : pem + '\n');
  }
  peering.ModifyIndex = tx.index();
  put(tx, std::move(peering));
  tx.set_index(kPeeringIndex);

  const PeeringTrustBundle* old = find_trust_bundle(tx.tables(), bundle.PeerName);
  bundle.CreateIndex = old ? old->CreateIndex : tx.index();
  bundle.ModifyIndex = tx.index();
  const std::string key = index_key({bundle.PeerName});
  tx.tables().peering_trust_bundles.insert(key, base::make_row(std::move(bundle)));
  tx.set_index(kTrustBundleIndex);
  return {};
}

Result<> apply_trust_bundle_delete(Transaction& tx, const PeeringNameRequest& request) {
  if (tx.tables().peering_trust_bundles.erase(index_key({request.Name}))) tx.set_index(kTrustBundleIndex);
  return {};
}

void restore_peering(Transaction& tx, Peering peering) {
  tx.raise_index(kPeeringIndex, peering.ModifyIndex);
  put(tx, std::move(peering));
}

void restore_trust_bundle(Transaction& tx, PeeringTrustBundle bundle) {
  tx.raise_index(kTrustBundleIndex, bundle.ModifyIndex);
  const std::string key = index_key({bundle.PeerName});
  tx.tables().peering_trust_bundles.insert(key, base::make_row(std::move(bundle)));
}

void restore_peering_secrets(Transaction& tx, PeeringSecrets secrets) {
  for (const std::string& secret :
       {secrets.establishment_secret(), secrets.pending_secret(), secrets.active_secret()}) {
    if (!secret.empty()) tx.tables().peering_secret_uuids.set(index_key({secret}), 1);
  }
  put(tx, std::move(secrets));
}

const Peering* find_peering(const Tables& tables, std::string_view name, base::KeySet* watch) {
  watch_key(watch, Topic::index, kPeeringIndex);
  return tables.peerings.get(index_key({name}));
}

const Peering* find_peering_by_id(const Tables& tables, std::string_view id, base::KeySet* watch) {
  watch_key(watch, Topic::index, kPeeringIndex);
  return tables.peerings_by_id.get(index_key({id}));
}

std::vector<const Peering*> all_peerings(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::index, kPeeringIndex);
  std::vector<const Peering*> all;
  for (const auto [key, row] : tables.peerings.all()) all.push_back(row);
  return all;
}

const PeeringTrustBundle* find_trust_bundle(const Tables& tables, std::string_view peer, base::KeySet* watch) {
  watch_key(watch, Topic::index, kTrustBundleIndex);
  return tables.peering_trust_bundles.get(index_key({peer}));
}

std::vector<const PeeringTrustBundle*> all_trust_bundles(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::index, kTrustBundleIndex);
  std::vector<const PeeringTrustBundle*> all;
  for (const auto [key, row] : tables.peering_trust_bundles.all()) all.push_back(row);
  return all;
}

const PeeringSecrets* find_peering_secrets(const Tables& tables, std::string_view id) {
  return tables.peering_secrets.get(index_key({id}));
}

bool is_secret_in_use(const Tables& tables, std::string_view secret) {
  return tables.peering_secret_uuids.contains(index_key({secret}));
}

std::uint64_t peering_index(const Tables& tables, const Peering* peering) {
  return peering ? peering->ModifyIndex : tables.index_of(kPeeringIndex);
}

}  // namespace proconsul::catalog
