// What of an answer a token may see. Each takes out what it may not, and says whether there was anything of that kind.
#pragma once

#include <string>
#include <vector>

#include "agent/tokens/who.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/query/checks.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/coordinates.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::tokens {

/// Instances need their service and their node, checks their node and the service they are of.
bool keep_readable(const Who& who, std::vector<const catalog::InstanceRow*>& rows);
bool keep_readable(const Who& who, std::vector<const catalog::CheckRow*>& rows);
bool keep_readable(const Who& who, std::vector<const catalog::NodeRow*>& rows);
bool keep_readable(const Who& who, catalog::NodeServicesAnswer& found);
bool keep_readable(const Who& who, base::Map<base::List<std::string>>& services);
bool keep_readable(const Who& who, catalog::SessionAnswer& found);
bool keep_readable(const Who& who, catalog::CoordinatesAnswer& found);
bool keep_readable(const Who& who, catalog::KvListAnswer& found);
/// Of what gateways serve: by the service.
bool keep_readable(const Who& who, std::vector<const catalog::GatewayService*>& rows);
bool keep_readable(const Who& who, base::List<catalog::CheckServiceNode>& instances);
bool keep_readable(const Who& who, base::List<base::Pointer<catalog::NodeInfo>>& nodes);
/// Whoever may read the intentions of one of both sides sees them; of what a peer exports this side alone counts.
bool keep_readable(const Who& who, catalog::Intentions& intentions);

/// One of them.
bool is_readable(const Who& who, const catalog::InstanceRow& row);
bool is_readable(const Who& who, const catalog::NodeRow& row);
bool is_readable(const Who& who, std::string_view service, std::string_view node);

/// Named queries by their name; those without belong to whoever may change ACLs.
bool keep_readable(const Who& who, catalog::QueriesAnswer& found);
/// Of one that was asked for by its id: who knows that of one without a name may see it.
base::Result<> may_see(const Who& who, const catalog::PreparedQuery& query);
/// Without the token that it runs with, unless ACLs may be changed.
catalog::PreparedQuery redacted(const Who& who, catalog::PreparedQuery query);

/// Whether an answer says that something was taken out: not to who brings no token.
bool says_filtered(const Who& who, bool filtered);

}  // namespace proconsul::agent::tokens
