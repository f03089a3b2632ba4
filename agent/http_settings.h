// From the agent's configuration to what the HTTP API needs of it.
#pragma once

#include "agent/config/config.h"
#include "agent/http/context.h"
#include "agent/http/request_limits.h"
#include "ui-proxy/metrics_proxy.h"
#include "ui-proxy/site.h"

namespace proconsul::agent {

http::Settings http_settings(const config::Config& config);
ui_proxy::SiteSettings site_settings(const config::Config& config);
ui_proxy::MetricsProxySettings metrics_proxy_settings(const config::Config& config);
http::RequestLimits::Options request_limits(const config::Config& config);

}  // namespace proconsul::agent
