// TLS settings of the configuration as the network layer takes them.
#pragma once

#include "agent/config/config.h"
#include "base/net/tls.h"

namespace proconsul::agent {

base::net::TlsSettings tls_settings(const config::TlsListener& listener);
/// Those of the HTTPS listeners, which speak HTTP/2 with whoever offers it.
base::net::TlsSettings https_settings(const config::TlsListener& listener);

}  // namespace proconsul::agent
