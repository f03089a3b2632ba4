#include "agent/invite/redeemer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "agent/cluster/join_address.h"
#include "agent/rpc/cluster.h"
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
constexpr std::string_view kAsked = "rpc error making call: ";
constexpr std::chrono::seconds kPatience{40};
constexpr std::chrono::seconds kAgain{10};  // an election takes some seconds
constexpr std::chrono::milliseconds kPause{500};
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

/// What a server says of it, or the error of the call as judge() reads it.
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
  if (Result<> result = answered.get(); !result) return result.error();
  return std::move(call->reply);
}

std::string shown_error(std::string text) {
  if (text.starts_with(kAsked)) text.erase(0, kAsked.size());
  if (text.find("can't find method") != std::string::npos) {
    return "the primary's leader is no Proconsul of this version: it knows of no invitations";
  }
  return text;
}

}  // namespace

Failure judge(std::string_view error) {
  const auto says = [error](std::string_view part) { return error.find(part) != std::string_view::npos; };
  // Asking twice does no harm: by the same attempt a joiner gets the same answer.
  if (rpc::is_eof(error) || says("connection reset")) return Failure::passing;
  if (!error.starts_with(kAsked)) return Failure::unreached;
  // "getting client": the server that was asked does not reach the one that leads.
  constexpr std::array kPassing{std::string_view(rpc::kNoLeader),
                                std::string_view("does not lead"),
                                std::string_view("leadership lost"),
                                std::string_view("not the leader"),
                                std::string_view("leadership transfer in progress"),
                                std::string_view("rpc error getting client"),
                                std::string_view("rate limit exceeded"),
                                std::string_view("i/o deadline reached"),
                                std::string_view("shutdown"),
                                std::string_view("shutting down")};
  return std::ranges::any_of(kPassing, says) ? Failure::passing : Failure::refused;
}

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
  const auto until = std::chrono::steady_clock::now() + kAgain;
  for (;;) {
    std::string failures;
    bool may_pass = false, answered = false;
    for (const std::string& gateway : token.Gateways) {
      const Result<std::vector<std::string>> addresses = addresses_of(gateway);
      if (!addresses) {
        failures += "\n  " + gateway + ": " + addresses.error().detail;
        continue;
      }
      for (const std::string& address : *addresses) {
        Result<RedeemReply> reply = ask(loops, pool, token, address, request);
        if (reply) return reply;
        const Failure failure = judge(reply.error().detail);
        if (failure == Failure::refused) return {Errc::permission_denied, shown_error(reply.error().detail)};
        may_pass |= failure == Failure::passing;
        answered |= reply.error().detail.starts_with(kAsked);
        failures += "\n  " + gateway + ": " + shown_error(reply.error().detail);
      }
    }
    if (may_pass && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    if (answered) {
      return {Errc::unavailable,
              "datacenter " + token.Primary +
                  " was asked through its mesh gateways for some seconds and could not answer; see that it has a "
                  "leader, then run the same command again:" +
                  failures};
    }
    return {Errc::unavailable,
            "no server of datacenter " + token.Primary +
                " was reached through its mesh gateways; see that one of them can be reached from here:" + failures};
  }
}

}  // namespace proconsul::agent::invite
