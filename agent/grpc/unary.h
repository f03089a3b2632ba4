// Handlers of unary methods, by the types of their messages.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/grpc/method.h"
#include "agent/grpc/public_messages.h"
#include "base/protobuf.h"

namespace proconsul::agent::grpc {

/// Ends a call: a message, or why there is none. From any thread, once; a call that is gone is not told.
template <class Rep>
using Answer = std::move_only_function<void(std::expected<Rep, Status>)>;

/// One message of the public API in its frame.
template <class Message>
Frames framed(const Message& message) {
  auto out = std::make_shared<std::string>();
  append_frame(*out, [&] {
    public_schema().append(*out, message);
    if constexpr (requires { message.append_rest(*out); }) message.append_rest(*out);
  });
  return out;
}

template <class Req, class Rep>
class Unary final : public Handler {
 public:
  /// The call may be gone when the answer comes: nothing of it is kept.
  using Act = std::function<void(Call& call, Req request, Answer<Rep> answer)>;
  Unary(Call& call, const Act& act) : call_(call), act_(act) {}
  ~Unary() override { here_->self = nullptr; }

  void received(std::string_view message) override {
    Req request{};
    if (const base::Result<> parsed = public_schema().parse(message, request); !parsed) {
      return call_.end({Code::internal, "grpc: error unmarshalling request: " + parsed.error().detail});
    }
    act_(call_, std::move(request), [here = here_, &loop = call_.loop()](std::expected<Rep, Status> result) {
      auto tell = [here, result = std::move(result)] {
        if (here->self) here->self->answered(result);
      };
      loop.is_current() ? tell() : loop.post(std::move(tell));
    });
  }

 private:
  struct Here {
    Unary* self;  // of the call's loop
  };
  void answered(const std::expected<Rep, Status>& result) {
    if (!result) return call_.end(result.error());
    call_.send(framed(*result));
    call_.end({});
  }

  Call& call_;
  const Act& act_;
  const std::shared_ptr<Here> here_ = std::make_shared<Here>(this);
};

template <class Req, class Rep>
Method unary(std::string name, Load load, typename Unary<Req, Rep>::Act act) {
  return {.name = std::move(name),
          .shape = Shape::unary,
          .start = [act = std::make_shared<const typename Unary<Req, Rep>::Act>(std::move(act))](
                       Call& call) { return std::make_unique<Unary<Req, Rep>>(call, *act); },
          .load = load};
}

}  // namespace proconsul::agent::grpc
