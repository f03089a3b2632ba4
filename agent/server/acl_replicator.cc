#include "agent/server/acl_replicator.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "agent/server/replication_loop.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;
using catalog::Command;
using catalog::Tables;

namespace {

constexpr std::size_t kDeletesAtOnce = 4096;
constexpr std::size_t kReadsAtOnce = 1024;
constexpr std::size_t kBytesAtOnce = 256 * 1024;

template <class Row>
using Rows = base::List<base::Pointer<Row>>;

/// What the primary has; some tables are listed with all that is in them.
template <class Row>
struct Listing {
  std::uint64_t index{};
  bool same = false;  // as before: there are no entries
  std::vector<AclEntry> entries{};
  Rows<Row> rows{};
  std::shared_ptr<const void> reply{};  // that the entries are of
};
constexpr std::string_view kNoMethod = "rpc: can't find method";

std::size_t encoded_size(const auto& row) {
  std::string out;
  base::append_msgpack(out, row);
  return out.size();
}

/// Rows that it does not have yet would be missed until something else changes.
Error behind(std::uint64_t index, std::uint64_t as_of) {
  return {Errc::unavailable, "the server that answers is at index " + std::to_string(index) +
                                 ", behind the one that listed what there is as of " + std::to_string(as_of)};
}

struct Policies {
  using Row = ACLPolicy;
  static constexpr std::string_view kOne = "policy", kMany = "policies";

  static Result<Listing<Row>> list(AclPrimary& primary, bool&, std::uint64_t after, const std::stop_token& over) {
    Result<rpc::ACLPolicyListResponse> listed = primary.policies(after, over);
    if (!listed) return listed.error();
    const auto reply = std::make_shared<const rpc::ACLPolicyListResponse>(std::move(*listed));
    Listing<Row> listing{.index = reply->Index, .reply = reply};
    for (const auto& stub : reply->Policies) {
      if (stub) listing.entries.push_back({.id = stub->ID, .hash = stub->Hash, .modify_index = stub->ModifyIndex});
    }
    return listing;
  }
  static Result<std::optional<Rows<Row>>> read(AclPrimary& primary, AclPrimary::IDs ids, std::uint64_t as_of,
                                               const std::stop_token& over) {
    Result<rpc::ACLPolicyBatchResponse> reply = primary.read_policies(std::move(ids), as_of, over);
    if (!reply) return reply.error();
    if (reply->Index < as_of) return behind(reply->Index, as_of);
    return std::optional(std::move(reply->Policies));
  }
  static std::vector<AclEntry> here(const Tables& tables) {
    std::vector<AclEntry> entries;
    for (const auto [key, row] : tables.acl_policies.all()) entries.push_back({.id = row->ID, .hash = row->Hash});
    return entries;
  }
  static bool stays(std::string_view id) { return catalog::builtin_policy(id) != nullptr; }
  static const Row* by_name(const Tables& tables, std::string_view name) {
    return catalog::policy_by_name(tables, name);
  }
  static std::string set(Rows<Row> rows) {
    return catalog::encode_command(Command::acl_policy_set,
                                   catalog::ACLPolicyBatchSetRequest{.Policies = std::move(rows)});
  }
  static std::string remove(AclPrimary::IDs ids) {
    return catalog::encode_command(Command::acl_policy_delete,
                                   catalog::ACLPolicyBatchDeleteRequest{.PolicyIDs = std::move(ids)});
  }
};

struct Roles {
  using Row = ACLRole;
  static constexpr std::string_view kOne = "role", kMany = "roles";

  static Result<Listing<Row>> list(AclPrimary& primary, bool&, std::uint64_t after, const std::stop_token& over) {
    Result<rpc::ACLRoleListResponse> reply = primary.roles(after, over);
    if (!reply) return reply.error();
    Listing<Row> listing{.index = reply->Index, .rows = std::move(reply->Roles)};
    for (const auto& role : listing.rows) {
      if (role) listing.entries.push_back({.id = role->ID, .hash = role->Hash, .modify_index = role->ModifyIndex});
    }
    return listing;
  }
  static std::vector<AclEntry> here(const Tables& tables) {
    std::vector<AclEntry> entries;
    for (const auto [key, row] : tables.acl_roles.all()) entries.push_back({.id = row->ID, .hash = row->Hash});
    return entries;
  }
  static bool stays(std::string_view) { return false; }
  static const Row* by_name(const Tables& tables, std::string_view name) { return catalog::role_by_name(tables, name); }
  static std::string set(Rows<Row> rows) {
    return catalog::encode_command(
        Command::acl_role_set, catalog::ACLRoleBatchSetRequest{.Roles = std::move(rows), .AllowMissingLinks = true});
  }
  static std::string remove(AclPrimary::IDs ids) {
    return catalog::encode_command(Command::acl_role_delete,
                                   catalog::ACLRoleBatchDeleteRequest{.RoleIDs = std::move(ids)});
  }
};

struct Tokens {
  using Row = ACLToken;
  static constexpr std::string_view kOne = "token", kMany = "tokens";
  static constexpr std::string_view kRedacted = "<hidden>";

  /// By the sums, if the primary has them.
  static Result<Listing<Row>> list(AclPrimary& primary, bool& sums, std::uint64_t after, const std::stop_token& over) {
    if (after == 0) sums = true;  // whoever answered before may be another one now
    if (!sums) return list_all(primary, after, over);
    Result<rpc::TokenSumsResponse> told = primary.token_sums(after, over);
    if (!told && told.error().detail.find(kNoMethod) != std::string::npos) {
      sums = false;
      return list_all(primary, after, over);
    }
    if (!told) return told.error();
    const auto reply = std::make_shared<const rpc::TokenSumsResponse>(std::move(*told));
    Listing<Row> listing{.index = reply->Index, .same = reply->Same && reply->Index == after, .reply = reply};
    if (reply->Same && !listing.same) return Error{Errc::internal, "the primary compares with another index"};
    const auto read = rpc::read_sums(reply->Tokens);
    if (!read) return read.error();
    listing.entries.reserve(read->size());
    for (const rpc::TokenSum& sum : *read) {
      listing.entries.push_back(
          {.id = sum.accessor, .hash = sum.hash, .modify_index = sum.modify_index, .secret = sum.secret});
    }
    return listing;
  }
  static Result<Listing<Row>> list_all(AclPrimary& primary, std::uint64_t after, const std::stop_token& over) {
    Result<rpc::ACLTokenListResponse> listed = primary.tokens(after, over);
    if (!listed) return listed.error();
    const auto reply = std::make_shared<const rpc::ACLTokenListResponse>(std::move(*listed));
    Listing<Row> listing{.index = reply->Index, .reply = reply};
    for (const auto& stub : reply->Tokens) {
      if (!stub) continue;
      listing.entries.push_back({.id = stub->AccessorID,
                                 .hash = stub->Hash,
                                 .modify_index = stub->ModifyIndex,
                                 .secret = stub->SecretID == kRedacted ? std::string_view() : stub->SecretID});
    }
    return listing;
  }
  /// Nothing: without the secrets.
  static Result<std::optional<Rows<Row>>> read(AclPrimary& primary, AclPrimary::IDs ids, std::uint64_t as_of,
                                               const std::stop_token& over) {
    Result<rpc::ACLTokenBatchResponse> reply = primary.read_tokens(std::move(ids), as_of, over);
    if (!reply) return reply.error();
    if (reply->Index < as_of) return behind(reply->Index, as_of);
    const auto hidden = [](const auto& token) { return token && token->SecretID == kRedacted; };
    if (reply->Redacted || std::ranges::any_of(reply->Tokens, hidden)) return std::optional<Rows<Row>>();
    return std::optional(std::move(reply->Tokens));
  }
  /// Those that are over stay until the primary deletes them.
  static std::vector<AclEntry> here(const Tables& tables) {
    std::vector<AclEntry> entries;
    for (const auto [key, row] : tables.acl_tokens.all()) {
      if (!row->Local) entries.push_back({.id = row->AccessorID, .hash = row->Hash, .secret = row->SecretID});
    }
    return entries;
  }
  static bool stays(std::string_view id) { return id == catalog::kAnonymousAccessor; }
  static std::string set(Rows<Row> rows) {
    catalog::ACLTokenBatchSetRequest request;
    request.Tokens = std::move(rows);
    request.AllowMissingLinks = true;
    request.FromReplication = true;
    return catalog::encode_command(Command::acl_token_set, request);
  }
  static std::string remove(AclPrimary::IDs ids) {
    catalog::ACLTokenBatchDeleteRequest request;
    request.TokenIDs = std::move(ids);
    return catalog::encode_command(Command::acl_token_delete, request);
  }
};

/// Rows whose names are wanted by others that come now, under names that nobody wants: what is called so in the primary
/// by now is a part of the same change, in an order that this server does not know.
template <class Table>
Rows<typename Table::Row> out_of_the_way(const Tables& tables, const Rows<typename Table::Row>& coming) {
  Rows<typename Table::Row> moved;
  if constexpr (requires { Table::by_name(tables, std::string_view()); }) {
    for (const auto& row : coming) {
      if (!row) continue;
      const auto* holder = Table::by_name(tables, row->Name);
      if (!holder || holder->ID == row->ID) continue;
      auto& other = moved.emplace_back().emplace() = *holder;
      other.Name = "renamed-" + holder->ID;
    }
  }
  return moved;
}

std::string_view one(AclReplicator::Kind kind) {
  constexpr std::string_view kOnes[] = {Policies::kOne, Roles::kOne, Tokens::kOne};
  return kOnes[static_cast<std::size_t>(kind)];
}
base::metrics::Gauge gauge(AclReplicator::Kind kind, std::string_view what, std::string_view help) {
  constexpr std::string_view kMany[] = {Policies::kMany, Roles::kMany, Tokens::kMany};
  const std::string many(kMany[static_cast<std::size_t>(kind)]);
  return base::metrics::gauge("leader.replication.acl-" + many + "." + std::string(what), {}, help);
}
base::metrics::Sample sample(AclReplicator::Kind kind, std::string_view what, std::string_view help) {
  return base::metrics::sample("leader.replication.acl." + std::string(one(kind)) + "." + std::string(what), {}, help);
}

}  // namespace

AclDifference acl_difference(std::vector<AclEntry> here, std::vector<AclEntry> there, std::uint64_t after) {
  const auto nameless = [](const AclEntry& entry) { return entry.id.empty(); };
  std::erase_if(here, nameless);
  std::erase_if(there, nameless);
  for (auto* entries : {&here, &there}) {
    if (!std::ranges::is_sorted(*entries, {}, &AclEntry::id)) std::ranges::sort(*entries, {}, &AclEntry::id);
  }
  AclDifference found;
  auto ours = here.begin();
  for (const AclEntry& theirs : there) {
    for (; ours != here.end() && ours->id < theirs.id; ++ours) found.gone.emplace_back(ours->id);
    if (ours == here.end() || ours->id != theirs.id) {
      found.set.emplace_back(theirs.id);
      continue;
    }
    // Secrets do not count in the hash. A row without a hash may get one here, and would never be alike again.
    const bool other_secret = !theirs.secret.empty() && theirs.secret != ours->secret;
    if (other_secret) found.gone.emplace_back(ours->id);
    const bool other = theirs.hash != ours->hash && (!theirs.hash.empty() || theirs.modify_index > after);
    if (other || other_secret) found.set.emplace_back(theirs.id);
    ++ours;
  }
  for (; ours != here.end(); ++ours) found.gone.emplace_back(ours->id);
  return found;
}

AclReplicator::AclReplicator(Kind kind, Limits limits, Means means)
    : kind_(kind),
      limits_(limits),
      means_(std::move(means)),
      log_("agent.server.replication.acl." + std::string(one(kind))),
      status_(gauge(kind, "status", "Whether what the primary has was copied when it was last looked at.")),
      index_(gauge(kind, "index", "The index of the primary up to which everything was copied.")),
      fetch_(sample(kind, "fetch", "Time that asking the primary what it has takes, with the wait for a change.")),
      apply_(sample(kind, "apply", "Time that comparing and writing takes, in milliseconds.")),
      rounds_(limits.rounds_a_second, limits.burst, *means_.clock, means_.pause) {}

Result<std::uint64_t> AclReplicator::round(std::uint64_t after, std::stop_token over) {
  applied_ = false;
  switch (kind_) {
    case Kind::policies:
      return round_of<Policies>(after, over);
    case Kind::roles:
      return round_of<Roles>(after, over);
    case Kind::tokens:
      break;
  }
  return round_of<Tokens>(after, over);
}

template <class Table>
Result<std::uint64_t> AclReplicator::round_of(std::uint64_t after, const std::stop_token& over) {
  const std::string one(Table::kOne), many(Table::kMany);
  const auto failed = [](const std::string& what, const Error& error) {
    return Error{error.code, what + ": " + error.detail};
  };
  const auto begun = std::chrono::steady_clock::now();
  auto listing = Table::list(*means_.primary, sums_, after, over);
  fetch_.add_since(begun);
  if (!listing) return failed("failed to retrieve remote ACL " + many, listing.error());
  if (listing->same) return listing->index;
  log_.debug("finished fetching acls", {{"amount", listing->entries.size()}});
  rounds_.listed(listing->entries.size());

  const base::metrics::ScopedTimer timer(apply_);
  if (listing->index < after) {
    log_.warn("ACL replication remote index moved backwards, forcing a full ACL sync",
              {{"from", after}, {"to", listing->index}});
    after = 0;
  }
  const catalog::ViewPtr view = means_.view();
  AclDifference difference = acl_difference(Table::here(view->tables()), std::move(listing->entries), after);
  std::erase_if(difference.gone, [](const std::string& id) { return Table::stays(id); });
  log_.debug("acl replication", {{"deletions", difference.gone.size()}, {"updates", difference.set.size()}});

  if (Result<> done = remove<Table>(difference.gone); !done) {
    return failed("failed to delete local ACL " + many + ": Failed to apply " + one + " deletions", done.error());
  }
  for (std::size_t at = 0; at < difference.set.size(); at += kReadsAtOnce) {
    const std::size_t end = std::min(at + kReadsAtOnce, difference.set.size());
    const std::span<std::string> ids = std::span(difference.set).subspan(at, end - at);
    Rows<typename Table::Row> rows;
    if constexpr (requires { Table::read(*means_.primary, AclPrimary::IDs(), after, over); }) {
      auto read = Table::read(*means_.primary, AclPrimary::IDs(ids.begin(), ids.end()), listing->index, over);
      if (!read) return failed("failed to retrieve ACL " + one + " updates", read.error());
      if (!*read) {
        return Error{Errc::permission_denied,
                     "failed to retrieve unredacted " + many + " - replication token in use does not grant acl:write"};
      }
      rows = std::move(**read);
    } else {
      for (auto& row : listing->rows) {
        if (row && std::ranges::binary_search(ids, row->ID)) rows.push_back(std::move(row));
      }
    }
    if (Result<> done = write<Table>(rows); !done) {
      return failed("failed to update local ACL " + many + ": Failed to apply " + one + " upserts", done.error());
    }
  }
  return listing->index;
}

template <class Table>
Result<> AclReplicator::remove(const std::vector<std::string>& ids) {
  for (std::size_t at = 0; at < ids.size(); at += kDeletesAtOnce) {
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kDeletesAtOnce, ids.size() - at));
    if (Result<> done = apply(Table::remove(AclPrimary::IDs(begin, end))); !done) return done;
  }
  return {};
}

template <class Table, class AllRows>
Result<> AclReplicator::write(AllRows& rows) {
  AllRows moved = out_of_the_way<Table>(means_.view()->tables(), rows);
  if (!moved.empty()) {
    if (Result<> done = apply(Table::set(std::move(moved))); !done) return done;
  }
  AllRows batch;
  std::size_t bytes = 0;
  for (auto& row : rows) {
    if (!row) continue;
    bytes += encoded_size(*row);
    batch.push_back(std::move(row));
    if (bytes < kBytesAtOnce) continue;
    if (Result<> done = apply(Table::set(std::exchange(batch, {}))); !done) return done;
    bytes = 0;
  }
  return batch.empty() ? Result<>() : apply(Table::set(std::move(batch)));
}

Result<> AclReplicator::apply(std::string command) {
  if (std::exchange(applied_, true)) {
    const base::Duration distance{1'000'000'000 / std::max<std::int64_t>(limits_.applies_a_second, 1)};
    if (!means_.pause(distance)) return Error{Errc::unavailable, "leadership lost"};
  }
  return means_.apply(std::move(command));
}

void AclReplicator::run(std::stop_token over) {
  ReplicationLoop{.round = [&](std::uint64_t after) { return round(after, over); },
                  .wanted = [this] { return !means_.token().empty(); },
                  .token = means_.token,
                  .report = means_.report,
                  .name = "ACL " + std::string(one(kind_)),
                  .prefix = "ACL ",
                  .first_failure = 1,
                  .log = log_,
                  .status = status_,
                  .index = index_}
      .run(rounds_, over);
}

}  // namespace proconsul::agent::server
