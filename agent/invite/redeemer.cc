#include "agent/invite/redeemer.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "agent/cluster/join_address.h"
#include "agent/rpc/kind_byte.h"
#include "agent/rpc/method.h"
#include "agent/rpc/pool.h"
#include "base/net/loop.h"
#include "wanfed/names.h"

namespace proconsul::agent::invite {

using base::Errc;
using base::Error;
using base::Result;
using base::net::TlsContext;

namespace {

constexpr std::string_view kMethod = "Federation.Redeem";
constexpr std::string_view kRefused = "rpc error making call: ";
constexpr std::chrono::seconds kPatience{40};
using Call = rpc::TypedInvocation<RedeemRequest, RedeemReply>;

Result<std::vector<std::string>> addresses_of(const std::string& gateway) {
  const Result<cluster::JoinAddress> parsed = cluster::parse_join_address(gateway, 0);
  if (!parsed) return parsed.error();
  const Result<std::vector<gossip::swim::Address>> resolved = cluster::resolve(*parsed);
  if (!resolved) return resolved.error();
  std::vector<std::string> addresses;
  for (const gossip::swim::Address& each : *resolved) addresses.push_back(gossip::swim::to_string(each));
  return addresses;
}

/// What a server says of it, or why none was reached.
Result<RedeemReply> ask(base::net::Loops& loops, rpc::Pool& pool, const Token& token, const std::string& address,
                        const RedeemRequest& request) {
  const rpc::Method* method = rpc::find_method(kMethod);
  const auto call = std::dynamic_pointer_cast<Call>(method->make());
  call->request = request;
  const auto promise = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> answered = promise->get_future();
  base::net::Loop& loop = loops[0];
  const auto running = std::make_shared<std::unique_ptr<rpc::Pool::Call>>();
  loop.run([&] {
    *running = pool.call(loop, rpc::Target{.datacenter = token.Primary, .node = "*", .address = address}, kMethod, call,
                         [promise](Result<> result) { promise->set_value(std::move(result)); });
  });
  const bool in_time = answered.wait_for(kPatience) == std::future_status::ready;
  loop.run([&] { running->reset(); });
  if (!in_time) return Error{Errc::unavailable, "no answer"};
  if (Result<> result = answered.get(); !result) {
    std::string text = result.error().detail;
    const bool refused = text.starts_with(kRefused) && !rpc::is_eof(text);
    if (text.starts_with(kRefused)) text.erase(0, kRefused.size());
    if (text.find("can't find method") != std::string::npos) {
      text = "the primary's leader is no Proconsul of this version: it knows of no invitations";
    }
    return Error{refused ? Errc::permission_denied : Errc::unavailable, std::move(text)};
  }
  return std::move(call->reply);
}

}  // namespace

Result<RedeemReply> redeem(const Token& token, const base::net::TlsPair& shown, const std::string& authority,
                           RedeemRequest request) {
  base::net::TlsSettings settings;
  settings.ca_pem = authority;
  const Result<std::shared_ptr<TlsContext>> tls = TlsContext::client(settings, shown);
  if (!tls) return {Errc::invalid_argument, "the certificate or its authority cannot be used: " + tls.error().detail};
  base::net::Loops loops(1);
  rpc::Pool::Options options;
  options.route = [&](const rpc::Target& target, std::string_view protocol) {
    base::net::Destination to{.address = target.address};
    to.tls = *tls;
    to.peer = {.name = wanfed::server_name("", token.Primary, token.Domain), .protocols = wanfed::alpn(protocol)};
    return to;
  };
  rpc::Pool pool(loops, std::move(options));
  request.Datacenter = token.Primary;
  std::string failures;
  for (const std::string& gateway : token.Gateways) {
    const Result<std::vector<std::string>> addresses = addresses_of(gateway);
    if (!addresses) {
      failures += "\n  " + gateway + ": " + addresses.error().detail;
      continue;
    }
    for (const std::string& address : *addresses) {
      Result<RedeemReply> reply = ask(loops, pool, token, address, request);
      if (reply || reply.error().code == Errc::permission_denied) return reply;
      failures += "\n  " + gateway + ": " + reply.error().detail;
    }
  }
  return {Errc::unavailable,
          "no server of datacenter " + token.Primary +
              " was reached through its mesh gateways; see that one of them can be reached from here:" + failures};
}

}  // namespace proconsul::agent::invite
