// What an agent refuses at its start though the configuration as such is in order: `validate` lets it pass, as Consul's
// does.
#pragma once

#include "agent/config/config.h"
#include "base/result.h"

namespace proconsul::agent {

/// Certificates that cannot be read, and demands on others that none of them could meet. Errc::invalid_argument, with
/// Consul's texts where OpenSSL does not say it.
base::Result<> check_certificates(const config::Tls& tls);

/// Values that name nothing, and what check_certificates() says. Errc::invalid_argument, with Consul's texts.
base::Result<> check_start(const config::Config& config);

}  // namespace proconsul::agent
