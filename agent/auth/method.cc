#include "agent/auth/method.h"

#include <algorithm>

namespace proconsul::agent::auth {
namespace {

struct Kind {
  std::string_view name;
  base::Result<MethodPtr> (*make)(const catalog::ACLAuthMethod& method, const Means& means);
};
constexpr Kind kKinds[] = {
    {"aws-iam", make_aws_method}, {"jwt", make_jwt_method}, {"kubernetes", make_kubernetes_method}};

}  // namespace

bool is_known_type(std::string_view type) {
  return std::ranges::find(kKinds, type, &Kind::name) != std::end(kKinds);
}

std::string known_types() {
  std::string all;
  for (const Kind& kind : kKinds) {
    if (!all.empty()) all += ' ';
    all += kind.name;
  }
  return all;
}

base::Result<MethodPtr> make_method(const catalog::ACLAuthMethod& method, const Means& means) {
  const auto kind = std::ranges::find(kKinds, method.Type, &Kind::name);
  if (kind != std::end(kKinds)) return kind->make(method, means);
  return {base::Errc::internal, "no auth method registered with type: " + method.Type};
}

}  // namespace proconsul::agent::auth
