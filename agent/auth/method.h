// Auth methods: each kind takes a bearer token for what it is, or not.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/auth/identity.h"
#include "base/clock.h"
#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::auth {

class Web;

/// One auth method, as it is configured. Safe from several threads. Its calls may wait for other servers.
class Method {
 public:
  virtual ~Method() = default;
  /// Nobody, with all fields and variables that somebody would have.
  virtual Identity nobody() const = 0;
  /// Whose token that is. An error says why it is refused.
  virtual base::Result<Identity> identify(const std::string& bearer) = 0;
};
using MethodPtr = std::shared_ptr<Method>;

/// What methods work with; outlives them.
struct Means {
  Web& web;
  const base::Clock& clock;
};

bool is_known_type(std::string_view type);
/// "aws-iam jwt kubernetes"
std::string known_types();
/// Checks the configuration, which may mean to ask the servers that it names. Errors have Consul's texts.
base::Result<MethodPtr> make_method(const catalog::ACLAuthMethod& method, const Means& means);

// The kinds, each in a file of its own.
base::Result<MethodPtr> make_jwt_method(const catalog::ACLAuthMethod& method, const Means& means);
base::Result<MethodPtr> make_kubernetes_method(const catalog::ACLAuthMethod& method, const Means& means);
base::Result<MethodPtr> make_aws_method(const catalog::ACLAuthMethod& method, const Means& means);

}  // namespace proconsul::agent::auth
