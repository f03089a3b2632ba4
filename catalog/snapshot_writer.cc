#include <algorithm>
#include <string>

#include "base/msgpack.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/peering/codec.h"
#include "catalog/snapshot.h"
#include "catalog/snapshot_records.h"
#include "catalog/store/key.h"
#include "catalog/types/register.h"

namespace proconsul::catalog {

using base::Result;

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

// The names that the header's index is the highest of.
constexpr std::string_view kTableNames[] = {"acl-auth-methods",
                                            "acl-binding-rules",
                                            "acl-policies",
                                            "acl-roles",
                                            "acl-tokens",
                                            "autopilot-config",
                                            "checks",
                                            "config-entries",
                                            "connect-ca-builtin",
                                            "connect-ca-config",
                                            "connect-ca-roots",
                                            "connect-intentions",
                                            "coordinates",
                                            "federation-states",
                                            "free-virtual-ips",
                                            "gateway-services",
                                            "index",
                                            "kind-service-names",
                                            "kvs",
                                            "mesh-topology",
                                            "nodes",
                                            "peering",
                                            "peering-secret-uuids",
                                            "peering-secrets",
                                            "peering-trust-bundles",
                                            "prepared-queries",
                                            "service-virtual-ips",
                                            "services",
                                            "session_checks",
                                            "sessions",
                                            "system-metadata",
                                            "tombstones",
                                            "usage"};

class SnapshotWriter {
 public:
  SnapshotWriter(const StateImage& image, const WriteBytes& write)
      : tables_(image.view->tables()), chunks_(image.chunks), write_(write) {}

  Result<> run() {
    base::MsgpackWriter header(buffer_);
    header.map(1);
    header.string("LastIndex");
    std::uint64_t last_index = 0;
    for (const std::string_view name : kTableNames) last_index = std::max(last_index, tables_.index_of(name));
    header.unsigned_integer(last_index);
    for (const std::uint8_t number : kRecordOrder) {
      write_records(number);
      if (!status_) return status_;
    }
    flush();
    return status_;
  }

 private:
  void write_records(std::uint8_t number) {
    switch (static_cast<Record>(number)) {
      case Record::virtual_ip:
        return each(number, tables_.virtual_ips);
      case Record::free_virtual_ip:  // what was given back, then the counter
        for (const std::string_view key : {"free", "counter"}) {
          if (const FreeVirtualIP* row = tables_.free_virtual_ips.get(key)) put(number, *row);
        }
        return;
      case Record::registration:
        return write_registry();
      case Record::coordinates:
        for (const auto [key, row] : tables_.coordinates.all()) {
          begin(number).array(1);
          base::MsgpackWriter(buffer_).object(static_cast<const Coordinate&>(*row));
          end();
        }
        return;
      case Record::session:
        return each(number, tables_.sessions);
      case Record::acl_token:
        return each(number, tables_.acl_tokens);
      case Record::acl_policy:
        return each(number, tables_.acl_policies);
      case Record::acl_role:
        return each(number, tables_.acl_roles);
      case Record::acl_binding_rule:
        return each(number, tables_.acl_binding_rules);
      case Record::acl_auth_method:
        return each(number, tables_.acl_auth_methods);
      case Record::config_entry:
        for (const auto [key, row] : tables_.config_entries.all()) {
          ConfigEntryRequest request;
          request.Entry = copy_config_entry(*row->entry);
          base::MsgpackWriter writer = begin(number);
          write_config_entry_request(writer, request);
          end();
        }
        return;
      case Record::kv:
        for (const auto [key, row] : tables_.kv.all()) put(number, row->entry(key));
        return;
      case Record::tombstone:
        tables_.tombstones.each({}, [&](std::string_view key, std::uint64_t index) {
          DirEntry entry;
          entry.Key = key;
          entry.ModifyIndex = index;
          put(number, entry);
        });
        return;
      case Record::prepared_query:
        for (const auto [key, row] : tables_.queries.all()) put(number, static_cast<const PreparedQuery&>(*row));
        return;
      case Record::autopilot:
        return each(number, tables_.autopilot);
      case Record::ca_root:
        return each(number, tables_.ca_roots);
      case Record::ca_provider_state:
        return each(number, tables_.ca_provider_states);
      case Record::ca_config:
        return each(number, tables_.ca_config);
      case Record::federation_state:
        for (const auto [key, row] : tables_.federation_states.all()) {
          FederationStateRequest request;
          request.Op = "upsert";
          request.State.emplace() = *row;
          put(number, request);
        }
        return;
      case Record::system_metadata:
        return each(number, tables_.system_metadata);
      case Record::index:
        tables_.indexes.each({}, [&](std::string_view key, std::uint64_t value) {
          put(number, IndexEntry{.Key = std::string(key), .Value = value});
        });
        return;
      case Record::peering:
        return each_peering(number, tables_.peerings);
      case Record::peering_trust_bundle:
        return each_peering(number, tables_.peering_trust_bundles);
      case Record::peering_secrets:
        return each_peering(number, tables_.peering_secrets);
      case Record::chunks: {
        base::MsgpackWriter writer = begin(number);
        chunks_.write(writer);
        return end();
      }
    }
    for (const auto [key, row] : tables_.foreign.prefix(std::string(1, static_cast<char>(number)))) {
      begin(number).raw(row->body);
      end();
    }
  }

  // A node, its services, its checks; then the next node.
  void write_registry() {
    constexpr auto kNumber = static_cast<std::uint8_t>(Record::registration);
    for (const auto [key, row] : tables_.nodes.all()) {
      RegisterRequest request = request_of(row->get());
      put(kNumber, request);
      for (const auto [service_key, service] : tables_.services.prefix(key)) {
        request.Service = NodeService(service->get());
        put(kNumber, request);
      }
      request.Service.reset();
      for (const auto [check_key, check] : tables_.checks.prefix(key)) {
        request.Check = check->get();
        put(kNumber, request);
      }
      if (!status_) return;
    }
  }

  static RegisterRequest request_of(Node node) {
    RegisterRequest request;
    static_cast<RaftIndex&>(request) = node;
    request.ID = std::move(node.ID);
    request.Node = std::move(node.Node);
    request.Datacenter = std::move(node.Datacenter);
    request.Address = std::move(node.Address);
    request.TaggedAddresses = std::move(node.TaggedAddresses);
    request.NodeMeta = std::move(node.Meta);
    request.Locality = std::move(node.Locality);
    request.PeerName = std::move(node.PeerName);
    return request;
  }

  template <class T>
  void each(std::uint8_t number, const Table<T>& table) {
    for (const auto [key, row] : table.all()) put(number, static_cast<const T&>(*row));
  }

  template <class T>
  void each_peering(std::uint8_t number, const Table<T>& table) {
    std::string bytes;
    for (const auto [key, row] : table.all()) {
      bytes.clear();
      peering_schema().append(bytes, static_cast<const T&>(*row));
      begin(number).string(bytes);
      end();
    }
  }

  template <class T>
  void put(std::uint8_t number, const T& object) {
    begin(number).object(object);
    end();
  }
  base::MsgpackWriter begin(std::uint8_t number) {
    buffer_ += static_cast<char>(number);
    return base::MsgpackWriter(buffer_);
  }
  void end() {
    if (buffer_.size() >= kBufferBytes) flush();
  }
  void flush() {
    if (status_) status_ = write_(buffer_);
    buffer_.clear();
  }

  const Tables& tables_;
  const ChunkCollector& chunks_;
  const WriteBytes& write_;
  std::string buffer_{};
  Result<> status_{};
};

}  // namespace

Result<> write_snapshot(const StateImage& image, const WriteBytes& write) {
  return SnapshotWriter(image, write).run();
}

}  // namespace proconsul::catalog
