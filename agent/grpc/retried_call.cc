#include "agent/grpc/retried_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/random.h"

namespace proconsul::agent::grpc {

using base::Result;
using base::net::Clock;
using base::net::Loop;

namespace {

constexpr int kMostAttempts = 5;
constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{5};

bool is_worth_it(Code code, bool reads) {
  if (!reads) return code == Code::resource_exhausted;
  switch (code) {
    case Code::cancelled:
    case Code::unknown:
    case Code::deadline_exceeded:
    case Code::resource_exhausted:
    case Code::failed_precondition:
    case Code::aborted:
    case Code::out_of_range:
    case Code::internal:
    case Code::unavailable:
      return true;
    case Code::ok:
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
    case Code::unimplemented:
    case Code::data_loss:
    case Code::unauthenticated:
      return false;
  }
  return false;
}

/// Whether another server might do better.
bool blames_server(Code code) {
  switch (code) {
    case Code::ok:
    case Code::cancelled:
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
    case Code::unauthenticated:
      return false;
    default:
      return true;
  }
}

Clock::duration pause_after(int attempts) {
  const auto most = std::min<std::chrono::nanoseconds>(kFirstPause * (1 << (attempts - 1)), kLongestPause);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(base::system_random().below(static_cast<std::uint64_t>(most.count()))));
}

}  // namespace

RetriedCall::RetriedCall(Loop& loop, Client& client, std::shared_ptr<Servers> servers, std::string path, Frames request,
                         User& user)
    : RetriedCall(loop, client, std::move(servers), std::move(path), std::move(request), user, Manner()) {}

RetriedCall::RetriedCall(Loop& loop, Client& client, std::shared_ptr<Servers> servers, std::string path, Frames request,
                         User& user, Manner manner)
    : loop_(loop),
      client_(client),
      servers_(std::move(servers)),
      path_(std::move(path)),
      request_(std::move(request)),
      user_(user),
      manner_(std::move(manner)) {
  arm(loop_, Clock::now());
}

RetriedCall::~RetriedCall() = default;

void RetriedCall::attempt() {
  ++attempts_;
  Result<rpc::Target> server = servers_->choose();
  if (!server) return failed({Code::unavailable, kNoAddresses});
  target_ = std::move(*server);
  call_ = client_.call(loop_, target_, path_, request_, *this, manner_.metadata);
}

void RetriedCall::received(Frames message) {
  answered_ = true;
  user_.received(std::move(message));
}

void RetriedCall::ended(Status status, bool unprocessed) {
  call_.reset();
  if (unprocessed && !std::exchange(began_anew_, true)) {
    --attempts_;
    return attempt();
  }
  if (blames_server(status.code)) servers_->failed(target_, status);
  failed(status);
}

void RetriedCall::failed(const Status& status) {
  if (answered_ || attempts_ >= kMostAttempts || !is_worth_it(status.code, manner_.reads)) return user_.ended(status);
  arm(loop_, Clock::now() + pause_after(attempts_));
}

}  // namespace proconsul::agent::grpc
