// Who may be introduced: JSON web tokens, as auto_config.authorization says.
#pragma once

#include <string>

#include "agent/auth/method.h"
#include "agent/auto_config/messages.h"
#include "agent/config/config.h"
#include "base/result.h"
#include "catalog/types/acl.h"

namespace proconsul::agent::auto_config {

/// What proves the tokens, as a method of type jwt.
catalog::ACLAuthMethod auth_method(const config::AutoConfigAuthorizer& settings);

/// Whether the configuration's authorizer can work, if it is enabled: makes the method, which may mean to ask the
/// servers that it names, and looks at the assertions. Waits. Errors have Consul's texts.
base::Result<> check_authorizer(const config::Config& config);

/// Whether the token introduces the node that the request names, and the certificate that is wanted is for that node.
/// May wait for other servers. Errors have Consul's texts.
base::Result<> authorize(auth::Method& method, const config::AutoConfigAuthorizer& settings, const Request& request);

}  // namespace proconsul::agent::auto_config
