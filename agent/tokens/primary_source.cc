#include "agent/tokens/primary_source.h"

#include <utility>

#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/store/store.h"

namespace proconsul::agent::tokens {

using base::Errc;
using base::Error;
using catalog::ACLPolicy;
using catalog::ACLRole;

namespace {

Error not_yet() {
  return {Errc::unavailable, "this server has only just started"};
}

/// Those that the tables have.
template <class Row, class Find>
std::vector<Row> rows_of(const std::vector<std::string>& ids, Find find) {
  std::vector<Row> rows;
  for (const std::string& id : ids) {
    if (const Row* row = find(id)) rows.push_back(*row);
  }
  return rows;
}

}  // namespace

PrimarySource::PrimarySource(base::net::Loops& loops, std::string primary_datacenter)
    : loops_(loops), datacenter_(std::move(primary_datacenter)) {}

void PrimarySource::open(rpc::Caller& caller, server::Server& server) {
  opened_.reset(new Open{.primary = RpcSource(loops_, caller, datacenter_), .server = server});
  open_ = opened_.get();
}

void PrimarySource::token(const std::string& secret, Done<Token> done) {
  Open* const open = open_;
  if (open == nullptr) return done(not_yet());
  open->primary.token(secret, std::move(done));
}

void PrimarySource::policies(const std::string& secret, std::vector<std::string> ids,
                             Done<std::vector<ACLPolicy>> done) {
  Open* const open = open_;
  if (open == nullptr) return done(not_yet());
  const auto view = open->server.view();
  const catalog::Tables& tables = view->tables();
  auto here = rows_of<ACLPolicy>(ids, [&](const std::string& id) { return catalog::policy_by_id(tables, id); });
  // What is not here once some were copied is nowhere.
  if (here.size() == ids.size() || tables.index_of("acl-policies") > 0) return done(std::move(here));
  open->primary.policies(secret, std::move(ids), std::move(done));
}

void PrimarySource::roles(const std::string& secret, std::vector<std::string> ids, Done<std::vector<ACLRole>> done) {
  Open* const open = open_;
  if (open == nullptr) return done(not_yet());
  const auto view = open->server.view();
  const catalog::Tables& tables = view->tables();
  auto here = rows_of<ACLRole>(ids, [&](const std::string& id) { return catalog::role_by_id(tables, id); });
  if (here.size() == ids.size() || tables.index_of("acl-roles") > 0) return done(std::move(here));
  open->primary.roles(secret, std::move(ids), std::move(done));
}

}  // namespace proconsul::agent::tokens
