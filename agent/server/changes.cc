#include "agent/server/changes.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "agent/server/catalog_request.h"
#include "agent/server/session_request.h"
#include "agent/tokens/permits.h"
#include "base/quote.h"
#include "base/random.h"
#include "catalog/commands.h"
#include "catalog/prepared_query/validate.h"
#include "catalog/store/session.h"
#include "catalog/store/txn.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ApplyResult;
using catalog::Command;

namespace {

/// Proposes, and answers with what `answer` makes of the state machine's result. An error of the command itself begins
/// with `prefix`, as some of Consul's do.
template <class T, class Answer>
void propose(Server& server, std::string command, const char* prefix, Answered<T> done, Answer answer) {
  server.apply(std::move(command),
               [done = std::move(done), answer = std::move(answer), prefix](Result<ApplyResult> result) mutable {
                 if (!result) return done(result.error());
                 if (const Error* error = result->error()) return done(Error{error->code, prefix + error->detail});
                 done(answer(std::move(*result)));
               });
}

Result<> nothing(ApplyResult&&) {
  return {};
}

constexpr const char* kRaftApplyFailed = "raft apply failed: ";

}  // namespace

bool is_conditional(const catalog::KVSRequest& change) {
  return change.Op != "set" && change.Op != "delete" && change.Op != "delete-tree";
}

void change_key(Server& server, const tokens::Who& who, const catalog::KVSRequest& change, Answered<bool> done) {
  static constexpr std::array<std::string_view, 7> kOps = {"set", "delete", "delete-cas", "delete-tree",
                                                           "cas", "lock",   "unlock"};
  if (change.DirEnt.Key.empty() && change.Op != "delete-tree") return done(Error{Errc::internal, "Must provide key"});
  if (std::ranges::find(kOps, change.Op) == kOps.end()) {
    return done(Error{Errc::internal, "unknown KV operation: " + change.Op});
  }
  if (Result<> allowed = tokens::permit(who, server.view()->tables(), change); !allowed) return done(allowed.error());
  // The state machine cannot decide it, since it has no clock; no entry in the log.
  if (change.Op == "lock" && server.lock_delayed(change.DirEnt.Key)) return done(false);
  const bool conditional = is_conditional(change);
  propose<bool>(server, catalog::encode_command(Command::kvs, change), kRaftApplyFailed, std::move(done),
                [conditional](ApplyResult&& result) -> Result<bool> { return !conditional || result.succeeded(); });
}

void register_in_catalog(Server& server, const tokens::Who& who, catalog::RegisterRequest change, Done done) {
  const auto view = server.view();
  if (Result<> valid = prepare(change, view->tables()); !valid) return done(valid.error());
  if (Result<> allowed = tokens::permit(who, view->tables(), change); !allowed) return done(allowed.error());
  propose<void>(server, catalog::encode_command(Command::register_, change), "", std::move(done), nothing);
}

void deregister_from_catalog(Server& server, const tokens::Who& who, const catalog::DeregisterRequest& change,
                             Done done) {
  if (Result<> valid = prepare(change); !valid) return done(valid.error());
  const auto view = server.view();
  if (Result<> allowed = tokens::permit(who, view->tables(), change); !allowed) return done(allowed.error());
  propose<void>(server, catalog::encode_command(Command::deregister, change), "", std::move(done), nothing);
}

void change_session(Server& server, const tokens::Who& who, catalog::SessionRequest change, base::Duration ttl_min,
                    Answered<std::string> done) {
  const auto view = server.view();
  const bool create = change.Op == "create";
  if (!create && change.Op != "destroy") {
    return done(Error{Errc::internal, "Invalid session operation " + base::quote(change.Op)});
  }
  if (!create && !change.Session.ID.empty() &&
      catalog::session_get(view->tables(), change.Session.ID, nullptr).sessions.empty()) {
    return done(std::string());
  }
  if (Result<> allowed = tokens::permit(who, view->tables(), change); !allowed) return done(allowed.error());
  if (Result<> valid = prepare(change, view->tables(), ttl_min, base::system_random()); !valid) {
    return done(valid.error());
  }
  std::string command = catalog::encode_command(Command::session, change);
  propose<std::string>(
      server, std::move(command), "apply failed: ", std::move(done),
      [&server, create, session = std::move(change.Session)](ApplyResult&& result) -> Result<std::string> {
        // Another leader has chosen an id of its own, and keeps the time itself.
        const auto* id = std::get_if<std::string>(&result.value);
        if (id != nullptr && *id != session.ID) return *id;
        create ? server.restart_session_timer(session) : server.stop_session_timer(session.ID);
        return session.ID;
      });
}

base::List<base::Pointer<catalog::TxnError>> txn_faults(Server& server, const tokens::Who& who,
                                                        base::List<base::Pointer<catalog::TxnOp>>& ops) {
  auto faults = catalog::txn_check(ops, [&server](std::string_view key) { return server.lock_delayed(key); });
  if (who->allows_everything()) return faults;
  const auto view = server.view();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const auto is_faulty = [&](const auto& fault) { return fault->OpIndex == index; };
    if (!ops[i] || std::ranges::any_of(faults, is_faulty)) continue;
    if (Result<> allowed = tokens::permit(who, view->tables(), *ops[i]); !allowed) {
      catalog::TxnError& fault = faults.emplace_back().emplace();
      fault.OpIndex = index;
      fault.What = allowed.error().detail;
    }
  }
  std::ranges::sort(faults, {}, [](const auto& fault) { return std::int64_t{fault->OpIndex}; });
  return faults;
}

bool keep_readable(const tokens::Who& who, catalog::TxnResponse& response) {
  if (who->allows_everything()) return false;
  const auto is_hidden = [&](const auto& result) { return result && !tokens::is_readable(who, *result); };
  return std::erase_if(response.Results, is_hidden) > 0;
}

void run_transaction(Server& server, const tokens::Who& who, catalog::TxnRequest change,
                     Answered<catalog::TxnResponse> done) {
  catalog::TxnResponse refused{};
  refused.Errors = txn_faults(server, who, change.Ops);
  if (!refused.Errors.empty()) return done(std::move(refused));
  propose<catalog::TxnResponse>(server, catalog::encode_command(Command::txn, change), kRaftApplyFailed,
                                std::move(done), [who](ApplyResult&& result) -> Result<catalog::TxnResponse> {
                                  auto* response = std::get_if<catalog::TxnResponse>(&result.value);
                                  if (response == nullptr) {
                                    return Error{Errc::internal, "unexpected answer to a transaction"};
                                  }
                                  (void)keep_readable(who, *response);  // only reads tell
                                  return std::move(*response);
                                });
}

Result<catalog::Coordinate> coordinate_of(const catalog::CoordinateUpdateRequest& change) {
  if (!change.Coord || !change.Coord->is_valid()) return Error{Errc::internal, "invalid coordinate"};
  if (!change.Coord->is_compatible_with(catalog::NetworkCoordinate::origin())) {
    return Error{Errc::internal, "incompatible coordinate"};
  }
  catalog::Coordinate update{};
  update.Node = change.Node;
  update.Segment = change.Segment;
  update.Coord = change.Coord;
  return update;
}

void update_coordinate(Server& server, const tokens::Who& who, const catalog::CoordinateUpdateRequest& change,
                       Done done) {
  Result<catalog::Coordinate> update = coordinate_of(change);
  if (!update) return done(update.error());
  if (Result<> allowed = tokens::permit(who, server.view()->tables(), change); !allowed) return done(allowed.error());
  catalog::Coordinates batch;
  batch.emplace_back(std::move(*update));
  update_coordinates(server, batch, std::move(done));
}

void update_coordinates(Server& server, const catalog::Coordinates& batch, Done done) {
  std::string command = catalog::encode_command(Command::coordinate_batch, batch);
  command.front() = static_cast<char>(static_cast<std::uint8_t>(command.front()) | catalog::kIgnoreUnknown);
  propose<void>(server, std::move(command), "", std::move(done), nothing);
}

void change_query(Server& server, const tokens::Who& who, catalog::PreparedQueryRequest change,
                  Answered<std::string> done) {
  const auto view = server.view();
  if (!change.Query) return done(Error{Errc::internal, "Must provide a query"});
  if (Result<> allowed = tokens::permit(who, view->tables(), change); !allowed) return done(allowed.error());
  if (Result<> valid = catalog::prepare(change, view->tables(), base::system_random()); !valid) {
    return done(valid.error());
  }
  std::string command = catalog::encode_command(Command::prepared_query, change);
  propose<std::string>(server, std::move(command), kRaftApplyFailed, std::move(done),
                       [id = std::move(change.Query->ID)](ApplyResult&& result) -> Result<std::string> {
                         const auto* chosen = std::get_if<std::string>(&result.value);  // by another leader
                         return chosen != nullptr ? *chosen : id;
                       });
}

void change_autopilot(Server& server, const tokens::Who& who, const catalog::AutopilotSetConfigRequest& change,
                      Answered<bool> done) {
  if (Result<> allowed = tokens::permit(who, server.view()->tables(), change); !allowed) return done(allowed.error());
  propose<bool>(server, catalog::encode_command(Command::autopilot, change), kRaftApplyFailed, std::move(done),
                [](ApplyResult&& result) -> Result<bool> { return result.succeeded(); });
}

}  // namespace proconsul::agent::server
