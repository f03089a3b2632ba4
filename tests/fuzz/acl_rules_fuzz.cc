// ACL rules: any bytes are either refused with a text or compile to something that answers questions.
#include <cstdint>
#include <string_view>

#include "acl/authorizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::acl;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto rules = parse_rules(text);
  if (!rules) {
    if (rules.error().detail.empty()) __builtin_trap();
    return 0;
  }
  const Rules twice = merge({&*rules, &*rules});
  const Authorizer deny(twice, Fallback::deny), allow(merge({&*rules}), Fallback::allow);
  for (std::size_t i = 0; i < kRuledByName; ++i) {
    const auto resource = static_cast<Resource>(i);
    for (const Rule& rule : rules->named[i]) {
      for (Access access : {Access::read, Access::list, Access::write}) {
        // A rule of the very name decides, so that the fallback does not; and whoever may write may read.
        if (deny.allows(resource, rule.name, access) != allow.allows(resource, rule.name, access)) __builtin_trap();
      }
      if (deny.allows(resource, rule.name, Access::write) && !deny.allows(resource, rule.name, Access::read)) {
        __builtin_trap();
      }
      (void)deny.explain(resource, rule.name, Access::write);
    }
  }
  (void)deny.may_write_keys_below(text.substr(0, size / 2));
  return 0;
}
