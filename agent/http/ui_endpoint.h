// /v1/internal/ui: what the user interface asks for.
#pragma once

#include "agent/http/route.h"

namespace proconsul::agent::http {

base::Result<Answer> ui_nodes(const ReadContext& context);
base::Result<Answer> ui_node(const ReadContext& context);
base::Result<Answer> ui_services(const ReadContext& context);
base::Result<Reply> ui_catalog_overview(Context& agent, const Request& request);

// The same, asked of other servers.
base::Result<Question> ask_ui_nodes(const Context& agent, const Request& request);
base::Result<Question> ask_ui_services(const Context& agent, const Request& request);
base::Result<Question> ask_ui_node(const Context& agent, const Request& request);
base::Result<Question> ask_ui_catalog_overview(const Context& agent, const Request& request);

}  // namespace proconsul::agent::http
