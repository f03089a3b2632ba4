#include <algorithm>
#include <string>
#include <vector>

#include "base/msgpack.h"
#include "catalog/acl/auth_methods.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/connect_ca.h"
#include "catalog/registry/coordinates.h"
#include "catalog/registry/federation.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/registry/settings.h"
#include "catalog/snapshot.h"
#include "catalog/snapshot_check.h"
#include "catalog/snapshot_records.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error corrupt(std::string detail) {
  return {Errc::corrupt, std::move(detail)};
}

// How long the msgpack value at the front is; 0 if its end is not there yet, kNoValue if it is none.
constexpr std::size_t kNoValue = ~std::size_t{0};

std::size_t value_length(std::string_view bytes) {
  std::uint64_t pending = 1;  // values still to come
  std::size_t at = 0;
  const auto number = [&](std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    at += width;
    return value;
  };
  while (pending > 0) {
    if (at >= bytes.size()) return 0;
    const auto head = static_cast<unsigned char>(bytes[at++]);
    --pending;
    std::size_t width = 0;    // of a length that follows
    std::uint64_t skip = 0;   // bytes of content
    std::uint64_t items = 0;  // values inside
    std::uint64_t factor = 0;
    if (head <= 0x7f || head >= 0xe0) continue;
    if (head <= 0x8f) {
      items = (head & 0x0fu) * 2u;
    } else if (head <= 0x9f) {
      items = head & 0x0fu;
    } else if (head <= 0xbf) {
      skip = head & 0x1fu;
    } else {
      switch (head) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break;
        case 0xc4:
        case 0xd9:
          width = 1;
          break;
        case 0xc5:
        case 0xda:
          width = 2;
          break;
        case 0xc6:
        case 0xdb:
          width = 4;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          skip = 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          skip = 8;
          break;
        case 0xcc:
        case 0xd0:
          skip = 1;
          break;
        case 0xcd:
        case 0xd1:
          skip = 2;
          break;
        case 0xdc:
          width = 2;
          factor = 1;
          break;
        case 0xdd:
          width = 4;
          factor = 1;
          break;
        case 0xde:
          width = 2;
          factor = 2;
          break;
        case 0xdf:
          width = 4;
          factor = 2;
          break;
        default:
          return kNoValue;
      }
    }
    if (width > 0) {
      if (bytes.size() - at < width) return 0;
      const std::uint64_t value = number(width);
      if (factor > 0) {
        items = value * factor;
      } else {
        skip = value;
      }
    }
    if (bytes.size() - at < skip) return 0;
    at += skip;
    pending += items;
  }
  return at;
}

// Hands out one value after the other of a stream.
class ValueStream {
 public:
  explicit ValueStream(const ReadBytes& read) : read_(read) {}

  /// One byte; false at the end of the stream.
  Result<bool> next_byte(std::uint8_t& byte) {
    while (start_ == buffer_.size()) {
      Result<bool> more = refill();
      if (!more) return more;
      if (!*more) return false;
    }
    byte = static_cast<std::uint8_t>(buffer_[start_++]);
    return true;
  }
  /// The bytes of one msgpack value; they hold until the next call.
  Result<std::string_view> next_value() {
    for (;;) {
      const std::string_view left = std::string_view(buffer_).substr(start_);
      const std::size_t length = value_length(left);
      if (length == kNoValue) return corrupt("not a msgpack value" + where());
      if (length > 0) {
        start_ += length;
        return left.substr(0, length);
      }
      if (left.size() > kMaxRecordBytes) return corrupt("a record is too large" + where());
      Result<bool> more = refill();
      if (!more) return more.error();
      if (!*more) return corrupt("the snapshot ends in the middle of a record" + where());
    }
  }
  std::uint64_t position() const { return consumed_ + start_; }
  std::string where() const { return " (at byte " + std::to_string(consumed_ + start_) + ")"; }

 private:
  static constexpr std::size_t kChunk = 256 * 1024;
  static constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 30;

  Result<bool> refill() {
    buffer_.erase(0, start_);
    consumed_ += start_;
    start_ = 0;
    // A large record grows the buffer in proportion, so that it is looked through only a few times.
    const std::size_t old = buffer_.size();
    const std::size_t wanted = std::max(kChunk, old);
    buffer_.resize(old + wanted);
    Result<std::size_t> got = read_(std::span(buffer_.data() + old, wanted));
    buffer_.resize(old + (got ? *got : 0));
    if (!got) return got.error();
    return *got > 0;
  }

  const ReadBytes& read_;
  std::string buffer_{};
  std::size_t start_ = 0;
  std::size_t consumed_ = 0;
};

class SnapshotReader {
 public:
  /// With a checker, what cannot be restored is told to it and passed over.
  explicit SnapshotReader(const ReadBytes& read, SnapshotChecker* checker = nullptr)
      : stream_(read), checker_(checker) {}

  Result<RestoredState> run() {
    if (Result<> header = read_header(); !header) return header.error();
    tx_.begin_command(last_index_);
    for (;;) {
      const std::uint64_t begin = stream_.position();
      std::uint8_t number = 0;
      Result<bool> more = stream_.next_byte(number);
      if (!more) return more.error();
      if (!*more) break;
      const Result<> known = check_known(number);
      if (!known && checker_ == nullptr) return known.error();
      Result<std::string_view> body = stream_.next_value();
      if (!body) return body.error();
      if (checker_ != nullptr) checker_->begin(number);
      const Result<> restored = known ? restore(number, *body) : known;
      if (checker_ != nullptr) {
        restored ? checker_->keep(number)
                 : checker_->leave_out(number, restored.error(), begin, stream_.position() - begin);
      } else if (!restored) {
        return corrupt("record of type " + std::to_string(number) + ": " + restored.error().detail + stream_.where());
      }
    }
    // Last, whatever their place: the records above have raised indexes on their own.
    for (const IndexEntry& entry : indexes_) tx_.set_index(entry.Key, entry.Value);
    Tables& tables = tx_.tables();
    const std::uint64_t counted = tables.index_of({"nodes", "services", "kvs"});
    std::vector<std::string> names;
    tables.usage_indexes.each({}, [&](std::string_view name, std::uint64_t) { names.emplace_back(name); });
    for (const std::string& name : names) tables.usage_indexes.set(name, counted);
    return RestoredState{std::move(tables), std::move(chunks_), last_index_};
  }

 private:
  Result<> read_header() {
    Result<std::string_view> bytes = stream_.next_value();
    if (!bytes) return bytes.error();
    base::MsgpackReader reader(*bytes);
    for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
      if (reader.string() == "LastIndex") {
        last_index_ = reader.unsigned_integer();
      } else {
        reader.skip();
      }
    }
    if (Result<> status = reader.status(); !status) return corrupt("snapshot header: " + status.error().detail);
    return {};
  }

  static Result<> check_known(std::uint8_t number) {
    if (std::ranges::find(kRecordOrder, number) != std::end(kRecordOrder)) return {};
    const std::string text = std::to_string(number);
    if (number < kFirstEnterpriseRecord) return corrupt("Unrecognized msg type " + text);
    return corrupt("msg type <" + text + "> is a Consul Enterprise log entry. Consul CE cannot restore it");
  }

  template <class T>
  Result<T> decode(std::string_view body) const {
    Result<T> object = base::from_msgpack<T>(body);
    if (!object || checker_ == nullptr) return object;
    if (Result<> ours = checker_->examine(body, base::type_of<T>()); !ours) return ours.error();
    return object;
  }
  template <class T, class Take>
  Result<> with(std::string_view body, Take take) const {
    Result<T> object = decode<T>(body);
    if (!object) return object.error();
    take(*object);
    return {};
  }

  template <class T, class Take>
  static Result<> with_peering(std::string_view body, Take take) {
    Result<std::string_view> bytes = peering_record(body);
    if (!bytes) return bytes.error();
    T row;
    if (Result<> parsed = peering_schema().parse(*bytes, row); !parsed) return parsed;
    take(row);
    return {};
  }

  Result<> restore(std::uint8_t number, std::string_view body) {
    switch (static_cast<Record>(number)) {
      case Record::registration: {
        Result<RegisterRequest> request = decode<RegisterRequest>(body);
        if (!request) return request.error();
        return restore_registration(tx_, std::move(*request));
      }
      case Record::kv:
        return with<DirEntry>(body, [&](const DirEntry& entry) { kv_restore(tx_, entry); });
      case Record::session:
        return with<Session>(body, [&](const Session& session) { session_restore(tx_, session); });
      case Record::acl_token:
        return with<ACLToken>(body, [&](ACLToken& token) { restore_acl_token(tx_, std::move(token)); });
      case Record::acl_policy:
        return with<ACLPolicy>(body, [&](ACLPolicy& policy) { restore_acl_policy(tx_, std::move(policy)); });
      case Record::acl_role:
        return with<ACLRole>(body, [&](ACLRole& role) { restore_acl_role(tx_, std::move(role)); });
      case Record::acl_binding_rule:
        return with<ACLBindingRule>(body,
                                    [&](ACLBindingRule& rule) { restore_acl_binding_rule(tx_, std::move(rule)); });
      case Record::acl_auth_method:
        return with<ACLAuthMethod>(body,
                                   [&](ACLAuthMethod& method) { restore_acl_auth_method(tx_, std::move(method)); });
      case Record::config_entry:
        return restore_config_entry_record(body);
      case Record::tombstone:
        return with<DirEntry>(body,
                              [&](const DirEntry& entry) { tombstone_restore(tx_, entry.Key, entry.ModifyIndex); });
      case Record::coordinates:
        return with<Coordinates>(body, [&](const Coordinates& updates) { restore_coordinates(tx_, updates); });
      case Record::prepared_query: {
        Result<PreparedQuery> query = decode<PreparedQuery>(body);
        if (!query) return query.error();
        return query_restore(tx_, *query);
      }
      case Record::autopilot:
        return with<AutopilotConfig>(body, [&](const AutopilotConfig& config) { restore_autopilot(tx_, config); });
      case Record::ca_root:
        return with<CARoot>(body, [&](CARoot& root) { restore_ca_root(tx_, std::move(root)); });
      case Record::ca_provider_state:
        return with<CAConsulProviderState>(
            body, [&](CAConsulProviderState& state) { restore_ca_provider_state(tx_, std::move(state)); });
      case Record::ca_config:
        return with<CAConfiguration>(body, [&](CAConfiguration& config) { restore_ca_config(tx_, std::move(config)); });
      case Record::federation_state:
        return with<FederationStateRequest>(body, [&](FederationStateRequest& request) {
          if (request.State) restore_federation_state(tx_, std::move(*request.State));
        });
      case Record::peering:
        return with_peering<Peering>(body, [&](Peering& row) { restore_peering(tx_, std::move(row)); });
      case Record::peering_trust_bundle:
        return with_peering<PeeringTrustBundle>(
            body, [&](PeeringTrustBundle& row) { restore_trust_bundle(tx_, std::move(row)); });
      case Record::peering_secrets:
        return with_peering<PeeringSecrets>(body,
                                            [&](PeeringSecrets& row) { restore_peering_secrets(tx_, std::move(row)); });
      case Record::index:
        return with<IndexEntry>(body, [&](IndexEntry& entry) { indexes_.push_back(std::move(entry)); });
      case Record::chunks: {
        base::MsgpackReader reader(body);
        return chunks_.read(reader);
      }
      case Record::system_metadata:
        return with<SystemMetadataEntry>(
            body, [&](const SystemMetadataEntry& entry) { restore_system_metadata(tx_, entry); });
      case Record::virtual_ip:
        return restore_virtual_ip_record(body);
      case Record::free_virtual_ip:
        return with<FreeVirtualIP>(body, [&](const FreeVirtualIP& row) { restore_free_virtual_ip(tx_, row); });
    }
    if (checker_ != nullptr) {
      if (Result<> ours = checker_->examine_foreign(body); !ours) return ours;
    }
    keep_foreign(number, body);
    return {};
  }

  // Archives from before 1.13 have the plain name in Service.
  Result<> restore_virtual_ip_record(std::string_view body) {
    Result<base::Value> loose = base::from_msgpack<base::Value>(body);
    if (!loose) return loose.error();
    const base::Value* service = loose->find("Service");
    const base::Value* name = service ? service->find("Name") : nullptr;
    Result<ServiceVirtualIP> row = decode<ServiceVirtualIP>(body);
    if (!row) return row.error();
    if (const std::string* text = name ? name->as_string() : nullptr; text && row->Service.ServiceName.Name.empty()) {
      row->Service.ServiceName.Name = *text;
    }
    if (row->Service.ServiceName.Name.empty()) return corrupt("virtual IP without a service");
    if (row->IP.size() != 4 && row->IP.size() != 16) return corrupt("virtual IP of a wrong length");
    restore_virtual_ip(tx_, *row);
    return {};
  }

  Result<> restore_config_entry_record(std::string_view body) {
    Result<ConfigEntryRequest> request = read_config_entry_request(body);
    if (!request) return request.error();
    if (checker_ != nullptr) {
      Result<std::string_view> bytes = config_entry_bytes(body);
      if (!bytes) return bytes.error();
      if (Result<> ours = checker_->examine(*bytes, request->Entry->kind->type()); !ours) return ours;
    }
    return restore_config_entry(tx_, std::move(request->Entry));
  }

  void keep_foreign(std::uint8_t number, std::string_view body) {
    std::string key(1, static_cast<char>(number));
    for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(foreign_ >> shift);
    ++foreign_;
    tx_.tables().foreign.insert(key, base::make_row(ForeignRecord{.type = number, .body = std::string(body)}));
  }

  ValueStream stream_;
  SnapshotChecker* const checker_;
  Transaction tx_{Tables{}};
  ChunkCollector chunks_{};
  std::vector<IndexEntry> indexes_{};
  std::uint64_t last_index_ = 0;
  std::uint64_t foreign_ = 0;
};

}  // namespace

Result<RestoredState> read_snapshot(const ReadBytes& read) {
  return SnapshotReader(read).run();
}

Result<SnapshotCheck> check_snapshot(const ReadBytes& read) {
  SnapshotChecker checker;
  if (Result<RestoredState> state = SnapshotReader(read, &checker).run(); !state) return state.error();
  return checker.take();
}

}  // namespace proconsul::catalog
