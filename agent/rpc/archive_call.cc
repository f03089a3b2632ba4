#include "agent/rpc/archive_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/rpc/kind_byte.h"
#include "base/msgpack.h"
#include "base/msgpack_size.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;

namespace {

constexpr char kSnapshotByte = 5;
constexpr base::Int kSave = 0;
constexpr std::size_t kMostHeader = 64 * 1024;
constexpr auto kDialTimeout = std::chrono::seconds(10);
constexpr auto kPatience = std::chrono::minutes(10);  // in which nothing moves: a large state takes time to replace

}  // namespace

std::shared_ptr<ArchiveCall> ArchiveCall::start(base::net::Loop& loop, base::net::Destination server,
                                                const SnapshotRequest& request, Answered answered) {
  std::shared_ptr<ArchiveCall> call(new ArchiveCall(loop, std::move(answered)));
  call->saves_ = request.Op == kSave;
  call->unsent_ = base::to_msgpack(request);
  call->attempt_ = base::net::connect(loop, std::move(server), Clock::now() + kDialTimeout,
                                      [call = call.get()](Result<std::shared_ptr<base::net::TcpChannel>> channel) {
                                        call->connected(std::move(channel));
                                      });
  return call;
}

ArchiveCall::~ArchiveCall() {
  close();
}

void ArchiveCall::close() {
  answered_ = nullptr;
  wake_ = nullptr;
  resume_ = nullptr;
  cancel();
  attempt_.reset();
  // It may be on the stack.
  if (channel_) {
    channel_->set_user(nullptr);
    channel_->close();
    loop_.post([dead = std::exchange(channel_, nullptr)] {});
  }
}

void ArchiveCall::connected(Result<std::shared_ptr<base::net::TcpChannel>> channel) {
  const auto self = shared_from_this();
  loop_.post([dead = std::move(attempt_)] {});
  if (!channel) return fail(channel.error());
  channel_ = std::move(*channel);
  channel_->set_user(this);
  moved();
  channel_->send(kind_byte(*channel_, kSnapshotByte) + std::exchange(unsent_, {}));
  // Of a save there is nothing more to say.
  if (saves_ || finish_wanted_) channel_->finish();
  if (channel_ && channel_->unsent() == 0) drained();
}

bool ArchiveCall::write(std::string_view bytes, std::move_only_function<void()> resume) {
  if (failed_ || known_) return true;  // nobody reads it
  if (channel_) {
    channel_->send(bytes);
    if (!channel_ || channel_->unsent() < base::net::kChannelWindow) return true;
  } else {
    unsent_ += bytes;
    if (unsent_.size() < base::net::kChannelWindow) return true;
  }
  resume_ = std::move(resume);
  return false;
}

void ArchiveCall::finish() {
  finish_wanted_ = true;
  if (channel_) channel_->finish();
}

void ArchiveCall::drained() {
  moved();
  if (auto resume = std::exchange(resume_, nullptr)) resume();
}

void ArchiveCall::received(std::string_view data) {
  const auto self = shared_from_this();
  moved();
  input_ += data;
  if (!known_) read_response();
  if (known_ && taken_ < input_.size()) {
    if (auto wake = std::exchange(wake_, nullptr)) wake();
  }
}

void ArchiveCall::read_response() {
  const Result<std::size_t> size = base::msgpack_size(input_, kMostHeader);
  if (!size) return fail({Errc::internal, "failed to decode response: " + size.error().detail});
  if (*size == 0) return;
  SnapshotResponse response{};
  const Result<> read = base::read_msgpack(std::string_view(input_).substr(0, *size), response);
  if (!read) return fail({Errc::internal, "failed to decode response: " + read.error().detail});
  input_.erase(0, *size);
  known_ = true;
  channel_->consumed(*size);
  if (!response.Error.empty()) return fail({Errc::internal, response.Error});
  answer(std::move(response));
}

void ArchiveCall::answer(Result<SnapshotResponse> response) {
  if (Answered answered = std::exchange(answered_, nullptr)) answered(std::move(response));
}

ArchiveCall::State ArchiveCall::pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) {
  const std::size_t count = std::min(limit, input_.size() - taken_);
  if (count > 0) {
    out.append(input_, taken_, count);
    taken_ += count;
    if (taken_ == input_.size()) {
      input_.clear();
      taken_ = 0;
    }
    if (channel_) channel_->consumed(count);
    return State::more;
  }
  if (failed_) return State::failed;
  if (whole_) return State::end;
  moved();
  wake_ = std::move(wake);
  return State::later;
}

void ArchiveCall::finished() {
  if (!known_) return fail({Errc::internal, "failed to decode response: EOF"});
  whole_ = true;
  cancel();
  if (auto wake = std::exchange(wake_, nullptr)) wake();
}

void ArchiveCall::ended(const Error& reason) {
  fail(reason);
}

void ArchiveCall::on_timer() {
  fail({Errc::timeout, "the server with the archive gives no answer"});
}

void ArchiveCall::fail(Error error) {
  const auto self = shared_from_this();
  if (whole_) return;
  failed_ = true;
  cancel();
  answer(std::move(error));
  if (auto resume = std::exchange(resume_, nullptr)) resume();
  if (auto wake = std::exchange(wake_, nullptr)) wake();
}

void ArchiveCall::moved() {
  arm(loop_, Clock::now() + kPatience);
}

}  // namespace proconsul::agent::rpc
