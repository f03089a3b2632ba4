// The web UI's pages as answers of the HTTP API.
#pragma once

#include <string_view>

#include "agent/http/reply.h"
#include "agent/http/request.h"

namespace proconsul::ui_proxy {
class Site;
}

namespace proconsul::agent::http {

/// `path` is what follows the content path. Any method reads.
Reply ui_page(const ui_proxy::Site& site, const Request& request, std::string_view path);

}  // namespace proconsul::agent::http
