#include "agent/grpc/calls.h"

#include <memory>
#include <string_view>
#include <utility>

#include "agent/grpc/frame.h"
#include "base/strconv.h"

namespace proconsul::agent::grpc {

using base::Result;
using base::net::H2Fields;

namespace {

std::uint64_t number_of(std::string_view text) {
  const Result<std::uint64_t> number = base::parse_uint(text, 10, 64);
  return number ? *number : 0;
}

/// A unary method whose messages are not looked at here.
class ByBytes final : public Handler {
 public:
  using Act = std::function<void(std::string request, CallOptions options, CallDone done)>;
  ByBytes(Call& call, const Act& act, bool shows_meta) : call_(call), act_(act), shows_meta_(shows_meta) {}
  ~ByBytes() override { here_->self = nullptr; }
  void received(std::string_view message) override {
    act_(std::string(message), options_of(call_.metadata()),
         [here = here_, &loop = call_.loop()](std::expected<CallReply, Status> result) {
           auto tell = [here, result = std::move(result)] {
             if (here->self) here->self->answered(result);
           };
           loop.is_current() ? tell() : loop.post(std::move(tell));
         });
  }

 private:
  struct Here {
    ByBytes* self;  // of the call's loop
  };
  void answered(const std::expected<CallReply, Status>& result) {
    if (!result) return call_.end(result.error());
    if (shows_meta_) {
      call_.add_head({{"index", std::to_string(result->index)},
                      {"knownleader", "true"},
                      {"lastcontact", "0s"},
                      {"backend", "blocking-query"}});
    }
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { *frame += result->message; });
    call_.send(std::move(frame));
    call_.end({});
  }

  Call& call_;
  const Act& act_;
  const bool shows_meta_;
  const std::shared_ptr<Here> here_ = std::make_shared<Here>(this);
};

}  // namespace

H2Fields fields_of(const CallOptions& options) {
  H2Fields fields;
  if (!options.token.empty()) fields.push_back({"token", options.token});
  if (options.min_index > 0) fields.push_back({"minqueryindex", std::to_string(options.min_index)});
  if (options.wait.nanoseconds > 0) {
    fields.push_back({"maxquerytime", std::to_string(options.wait.nanoseconds) + "ns"});
  }
  if (options.consistent) fields.push_back({"requireconsistent", "true"});
  return fields;
}

CallOptions options_of(const H2Fields& fields) {
  CallOptions options;
  options.token = base::net::field(fields, "token");
  if (options.token.empty()) options.token = base::net::field(fields, "x-consul-token");
  options.min_index = number_of(base::net::field(fields, "minqueryindex"));
  if (const Result<base::Duration> wait = base::parse_duration(base::net::field(fields, "maxquerytime"))) {
    options.wait = *wait;
  }
  options.consistent = base::net::field(fields, "requireconsistent") == "true";
  return options;
}

Method by_bytes(std::string name, Load load, bool shows_meta,
                std::function<void(std::string request, CallOptions options, CallDone done)> act) {
  return {.name = std::move(name),
          .shape = Shape::unary,
          .start = [act = std::make_shared<const ByBytes::Act>(std::move(act)),
                    shows_meta](Call& call) { return std::make_unique<ByBytes>(call, *act, shows_meta); },
          .load = load};
}

}  // namespace proconsul::agent::grpc
