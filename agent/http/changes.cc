#include "agent/http/changes.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "agent/http/ask.h"
#include "agent/tokens/resolver.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {
namespace {

using base::Result;

Result<tokens::Who> asking(const Context& agent, const std::string& token) {
  return agent.tokens->resolve(agent.server->view()->tables(), token);
}

template <class Rep>
bool is_refused(const Result<Rep>& made) {
  if constexpr (std::is_same_v<Rep, catalog::TxnResponse>) {
    if (made) {
      return std::ranges::any_of(made->Errors, [](const auto& fault) {
        return fault && tokens::is_refusal({base::Errc::permission_denied, fault->What});
      });
    }
  }
  return !made && tokens::is_refusal(made.error());
}

/// `here` asks whether the token allows it, and so does the leader where that is another server. What this server does
/// not know yet, or no longer allows, is decided again with what the leader knew then.
template <class Rep, class Req, class Here>
void decide(Context& agent, Req change, server::Answered<Rep> done, Here here) {
  if (!agent.tokens) {
    change.Token = {};
    return here(*agent.server, tokens::anybody(), std::move(change), std::move(done));
  }
  const Result<tokens::Who> who = asking(agent, change.Token);
  if (agent.server->leadership().is_leader) {
    if (!who) return done(who.error());
    return here(*agent.server, *who, std::move(change), std::move(done));
  }
  auto again = [&agent, change, here](server::Answered<Rep> then) mutable {
    agent.server->verify_leader(
        [&agent, change = std::move(change), here, then = std::move(then)](const Result<>& current) mutable {
          if (!current) return then(current.error());
          const Result<tokens::Who> known = asking(agent, change.Token);
          if (!known) return then(known.error());
          here(*agent.server, *known, std::move(change), std::move(then));
        });
  };
  if (!who) return again(std::move(done));
  here(*agent.server, *who, std::move(change),
       server::Answered<Rep>([again = std::move(again), done = std::move(done)](Result<Rep> made) mutable {
         if (is_refused(made)) return again(std::move(done));
         done(std::move(made));
       }));
}

template <class Rep, class Req, class Here>
void make(Context& agent, std::string_view method, Req change, server::Answered<Rep> done, Here here) {
  if (!is_here(agent, change.Datacenter)) return ask<Req, Rep>(agent, method, std::move(change), std::move(done));
  decide<Rep>(agent, std::move(change), std::move(done), std::move(here));
}

/// Of a change without an answer of its own.
template <class Req, class Here>
void make_plain(Context& agent, std::string_view method, Req change, server::Done done, Here here) {
  if (is_here(agent, change.Datacenter)) {
    return decide<void>(agent, std::move(change), std::move(done), std::move(here));
  }
  ask<Req, rpc::Nothing>(agent, method, std::move(change), [done = std::move(done)](Result<rpc::Nothing> made) mutable {
    done(made ? Result<>() : Result<>(made.error()));
  });
}

}  // namespace

void change_key(Context& agent, catalog::KVSRequest change, server::Answered<bool> done) {
  if (!server::is_conditional(change)) {
    done = [done = std::move(done)](Result<bool> applied) mutable { done(applied ? Result<bool>(true) : applied); };
  }
  make<bool>(agent, "KVS.Apply", std::move(change), std::move(done), server::change_key);
}

void register_in_catalog(Context& agent, catalog::RegisterRequest change, server::Done done) {
  make_plain(agent, "Catalog.Register", std::move(change), std::move(done), server::register_in_catalog);
}

void deregister_from_catalog(Context& agent, catalog::DeregisterRequest change, server::Done done) {
  make_plain(agent, "Catalog.Deregister", std::move(change), std::move(done), server::deregister_from_catalog);
}

void change_session(Context& agent, catalog::SessionRequest change, server::Answered<std::string> done) {
  make<std::string>(
      agent, "Session.Apply", std::move(change), std::move(done),
      [ttl_min = agent.settings.session_ttl_min](server::Server& server, const tokens::Who& who,
                                                 catalog::SessionRequest wanted, server::Answered<std::string> then) {
        server::change_session(server, who, std::move(wanted), ttl_min, std::move(then));
      });
}

void run_transaction(Context& agent, catalog::TxnRequest change, server::Answered<catalog::TxnResponse> done) {
  make<catalog::TxnResponse>(agent, "Txn.Apply", std::move(change), std::move(done), server::run_transaction);
}

void update_coordinate(Context& agent, catalog::CoordinateUpdateRequest change, server::Done done) {
  make_plain(agent, "Coordinate.Update", std::move(change), std::move(done), server::update_coordinate);
}

void change_query(Context& agent, catalog::PreparedQueryRequest change, server::Answered<std::string> done) {
  make<std::string>(agent, "PreparedQuery.Apply", std::move(change), std::move(done), server::change_query);
}

void change_autopilot(Context& agent, catalog::AutopilotSetConfigRequest change, server::Answered<bool> done) {
  make<bool>(agent, "Operator.AutopilotSetConfiguration", std::move(change), std::move(done), server::change_autopilot);
}

}  // namespace proconsul::agent::http
