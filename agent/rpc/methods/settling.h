// Queries whose raft index says less than what they show: who waits for one is woken by more than concerns him, and
// sleeps on while the content stays the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/rpc/method.h"

namespace proconsul::agent::rpc {

/// A query over the state that answers with a hash of what it shows.
template <class Req, class Rep>
using SettlingFn = base::Result<std::uint64_t> (*)(Services& services, const catalog::View& view, base::KeySet* watch,
                                                   const Req& request, Rep& reply);

namespace detail {

template <class Fn>
struct Settling;
template <class Req, class Rep>
struct Settling<SettlingFn<Req, Rep>> {
  template <auto kFn>
  struct Bound : TypedInvocation<Req, Rep> {
    bool is_query() const override { return true; }
    base::Result<Found> evaluate(Services& services, const catalog::View& view, base::KeySet* watch) override {
      this->reply = {};
      const base::Result<std::uint64_t> content = kFn(services, view, watch, this->request, this->reply);
      if (!content) return content.error();
      // For who waits, what it was at first is as good as nothing: he learns of what is different.
      const bool different = before && *before != *content;
      before = *content;
      return different ? Found::yes : Found::no;
    }
    std::optional<std::uint64_t> before{};
  };
};

}  // namespace detail

/// A row: settling_method<&list>("ConfigEntry.List", kReads).
template <auto kFn>
constexpr Method settling_method(std::string_view name, std::uint32_t flags, tokens::Needs needs = {}) {
  return {name, flags,
          []() -> InvocationPtr {
            return std::make_shared<typename detail::Settling<decltype(kFn)>::template Bound<kFn>>();
          },
          needs};
}

}  // namespace proconsul::agent::rpc
