#include "agent/tokens/readable.h"

#include "base/packed_text.h"
#include "catalog/acl/builtin.h"

namespace proconsul::agent::tokens {
namespace {

using acl::Access;
using acl::Resource;

bool reads_node(const Who& who, std::string_view node) {
  return who->allows(Resource::node, node, Access::read);
}
/// What belongs to no service needs no permission for one.
bool reads_service(const Who& who, std::string_view service) {
  return service.empty() || who->allows(Resource::service, service, Access::read);
}

/// For many rows: what is of one service comes together, and most tokens that may read one node may read all.
class Eyes {
 public:
  explicit Eyes(const Who& who) : who_(who), all_nodes_(who->allows_all(Resource::node, Access::read)) {}
  /// Of a row that names its node; the name is not looked at if none matters.
  template <class Row>
  bool node_of(const Row& row) const {
    return all_nodes_ || reads_node(who_, catalog::node_of(row));
  }
  bool service(std::string_view name) {
    if (name != last_) {
      last_ = name;
      reads_last_ = reads_service(who_, name);
    }
    return reads_last_;
  }

 private:
  const Who& who_;
  const bool all_nodes_;
  std::string last_{};
  bool reads_last_ = true;  // what belongs to no service
};

/// What a peer exported: all of it, or nothing. Its names are not those that rules are made for.
struct Imported {
  explicit Imported(const Who& who)
      : nodes(who->may_read_imported(Resource::node)), services(who->may_read_imported(Resource::service)) {}
  bool service(std::string_view name) const { return nodes && (name.empty() || services); }
  const bool nodes, services;
};

/// Of rows that are all of one peer, or all of none.
template <class Row>
bool are_imported(const std::vector<const Row*>& rows) {
  return !rows.empty() && !rows.front()->get().PeerName.empty();
}
bool are_imported(const std::vector<const catalog::InstanceRow*>& rows) {
  return !rows.empty() && !catalog::peer_of(rows.front()->service()).empty();
}

template <class Rows, class Reads>
bool keep(const Who& who, Rows& rows, Reads may_read) {
  if (who->allows_everything()) return false;
  return std::erase_if(rows, [&](const auto& row) { return !may_read(row); }) > 0;
}

}  // namespace

bool is_readable(const Who& who, std::string_view service, std::string_view node) {
  return reads_service(who, service) && reads_node(who, node);
}

bool is_readable(const Who& who, const catalog::InstanceRow& row) {
  const catalog::ServiceRow& service = row.service();
  if (!catalog::peer_of(service).empty()) {
    return who->may_read_imported(Resource::service) && who->may_read_imported(Resource::node);
  }
  return is_readable(who, catalog::service_name(service), catalog::node_of(service));
}

bool is_readable(const Who& who, const catalog::NodeRow& row) {
  if (who->allows_everything()) return true;
  if (!row.get().PeerName.empty()) return Imported(who).nodes;
  return reads_node(who, catalog::name_of(row));
}

bool keep_readable(const Who& who, std::vector<const catalog::InstanceRow*>& rows) {
  if (who->allows_everything()) return false;
  if (are_imported(rows)) {
    const Imported imported(who);
    return keep(who, rows, [&](const auto*) { return imported.nodes && imported.services; });
  }
  static const base::PackedTexts<1> name(base::type_of<catalog::StoredService>(), {"Service"});
  Eyes eyes(who);
  return keep(who, rows, [&](const auto* row) {
    return eyes.service(name.in(row->service().packed()).front()) && eyes.node_of(row->service());
  });
}

bool keep_readable(const Who& who, std::vector<const catalog::CheckRow*>& rows) {
  if (who->allows_everything()) return false;
  if (are_imported(rows)) {
    const Imported imported(who);
    return keep(who, rows, [&](const auto* row) { return imported.service(catalog::service_of(*row)); });
  }
  Eyes eyes(who);
  return keep(who, rows,
              [&](const auto* row) { return eyes.service(catalog::service_of(*row)) && eyes.node_of(*row); });
}

bool keep_readable(const Who& who, std::vector<const catalog::GatewayService*>& rows) {
  return keep(who, rows, [&](const auto* row) { return reads_service(who, row->Service.Name); });
}

bool keep_readable(const Who& who, std::vector<const catalog::NodeRow*>& rows) {
  if (who->allows_everything()) return false;
  if (are_imported(rows)) return keep(who, rows, [&](const auto*) { return Imported(who).nodes; });
  return keep(who, rows, [&](const auto* row) { return reads_node(who, catalog::name_of(*row)); });
}

bool keep_readable(const Who& who, catalog::NodeServicesAnswer& found) {
  if (found.node == nullptr || who->allows_everything()) return false;
  if (!is_readable(who, *found.node)) {
    found.node = nullptr;
    found.services.clear();
    return true;
  }
  if (!found.node->get().PeerName.empty()) {
    return keep(who, found.services, [&](const auto*) { return Imported(who).services; });
  }
  return keep(who, found.services, [&](const auto* row) { return reads_service(who, catalog::service_name(*row)); });
}

bool keep_readable(const Who& who, base::Map<base::List<std::string>>& services) {
  return keep(who, services, [&](const auto& entry) { return reads_service(who, entry.first); });
}

bool keep_readable(const Who& who, catalog::SessionAnswer& found) {
  return keep(who, found.sessions,
              [&](const auto* row) { return who->allows(Resource::session, row->Node, Access::read); });
}

bool keep_readable(const Who& who, catalog::CoordinatesAnswer& found) {
  return keep(who, found.rows, [&](const auto* row) { return reads_node(who, row->Node); });
}

bool keep_readable(const Who& who, catalog::KvListAnswer& found) {
  return keep(who, found.entries,
              [&](const auto& entry) { return who->allows(Resource::key, entry.key, Access::read); });
}

bool keep_readable(const Who& who, base::List<catalog::CheckServiceNode>& instances) {
  return keep(who, instances, [&](const auto& instance) {
    if (instance.Service && !instance.Service->PeerName.empty())
      return Imported(who).service(instance.Service->Service);
    return (!instance.Service || reads_service(who, instance.Service->Service)) &&
           (!instance.Node || reads_node(who, instance.Node->Node));
  });
}

bool keep_readable(const Who& who, base::List<base::Pointer<catalog::NodeInfo>>& nodes) {
  if (who->allows_everything()) return false;
  const Imported imported(who);
  bool filtered = keep(who, nodes, [&](const auto& node) {
    return !node || (node->PeerName.empty() ? reads_node(who, node->Node) : imported.nodes);
  });
  for (auto& node : nodes) {
    if (!node) continue;
    const auto reads = [&](const std::string& service) {
      return node->PeerName.empty() ? reads_service(who, service) : imported.service(service);
    };
    filtered |= keep(who, node->Services, [&](const auto& service) { return !service || reads(service->Service); });
    filtered |= keep(who, node->Checks, [&](const auto& check) { return !check || reads(check->ServiceName); });
  }
  return filtered;
}

bool keep_readable(const Who& who, catalog::Intentions& intentions) {
  const auto reads = [&](const std::string& name) {
    return !name.empty() && who->allows(Resource::intention, name, Access::read);
  };
  return keep(who, intentions, [&](const auto& one) {
    return (one->SourcePeer.empty() && reads(one->SourceName)) || reads(one->DestinationName);
  });
}

bool keep_readable(const Who& who, catalog::QueriesAnswer& found) {
  if (who->allows(Resource::acl, Access::write)) return false;
  bool named = false;  // whether a named one was taken out: the others are told to nobody
  std::erase_if(found.queries, [&](const catalog::PreparedQuery* query) {
    const bool has_name = !query->Name.empty() || !query->Template.Type.empty();
    if (has_name && who->allows(Resource::query, query->Name, Access::read)) return false;
    named = named || has_name;
    return true;
  });
  return named;
}

base::Result<> may_see(const Who& who, const catalog::PreparedQuery& query) {
  if (query.Name.empty() && query.Template.Type.empty()) return {};
  if (who->allows(Resource::acl, Access::write) || who->allows(Resource::query, query.Name, Access::read)) return {};
  return {base::Errc::permission_denied, "Permission denied"};
}

catalog::PreparedQuery redacted(const Who& who, catalog::PreparedQuery query) {
  if (!query.Token.empty() && !who->allows(Resource::acl, Access::write)) query.Token = "<hidden>";
  return query;
}

bool says_filtered(const Who& who, bool filtered) {
  return filtered && who.accessor != catalog::kAnonymousAccessor;
}

}  // namespace proconsul::agent::tokens
