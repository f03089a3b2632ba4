// A request's URL as the log may show it.
#pragma once

#include <string>

#include "agent/http/request.h"

namespace proconsul::agent::http {

/// The target as it was sent, but `<hidden>` for tokens: those of ?token, wherever they occur, and those in the paths
/// of Consul's old ACL endpoints. An empty ?token counts as one that stands at the end.
std::string logged_url(const Request& request);

}  // namespace proconsul::agent::http
