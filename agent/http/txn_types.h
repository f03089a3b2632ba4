// The operations of PUT /v1/txn as clients write them; the log has another form (catalog/types/txn.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"
#include "catalog/types/txn.h"

namespace proconsul::agent::http {

struct KVTxnOp {
  std::string Verb{};
  std::string Key{};
  base::Bytes Value{};
  std::uint64_t Flags{};
  std::uint64_t Index{};
  std::string Session{};
  std::string Namespace{}, Partition{};
};
PROCONSUL_DECLARE_TYPE(KVTxnOp)

struct ApiNode : catalog::RaftIndex {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  std::string Datacenter{};
  base::Map<std::string> TaggedAddresses{};
  base::Map<std::string> Meta{};
  std::string Partition{};
  std::string PeerName{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(ApiNode)

struct NodeTxnOp {
  std::string Verb{};
  ApiNode Node{};
};
PROCONSUL_DECLARE_TYPE(NodeTxnOp)

/// Go has a type of its own for this in its client library; error texts name it.
struct ApiWeights : catalog::Weights {};
PROCONSUL_DECLARE_TYPE(ApiWeights)

struct ApiService : catalog::RaftIndex {
  std::string Kind{};
  std::string ID{};
  std::string Service{};
  base::List<std::string> Tags{};
  base::Map<std::string> Meta{};
  base::Int Port{};
  std::string Address{};
  std::string SocketPath{};
  base::Map<catalog::ServiceAddress> TaggedAddresses{};
  ApiWeights Weights{};
  bool EnableTagOverride{};
  std::string ContentHash{};
  base::Pointer<catalog::ConnectProxyConfig> Proxy{};
  base::Pointer<catalog::ServiceConnect> Connect{};
  std::string PeerName{}, Namespace{}, Partition{}, Datacenter{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(ApiService)

struct ServiceTxnOp {
  std::string Verb{};
  std::string Node{};
  ApiService Service{};
};
PROCONSUL_DECLARE_TYPE(ServiceTxnOp)

struct ApiCheckDefinition {
  std::string HTTP{};
  base::Map<base::List<std::string>> Header{};
  std::string Method{}, Body{}, TLSServerName{};
  bool TLSSkipVerify{};
  std::string TCP{};
  bool TCPUseTLS{};
  std::string UDP{}, GRPC{}, OSService{};
  bool GRPCUseTLS{};
  std::string SessionName{};
  base::Duration Interval{}, Timeout{}, DeregisterCriticalServiceAfter{};
  // An older spelling, still written by some clients; it wins over the other when it is not zero.
  base::Duration IntervalDuration{}, TimeoutDuration{}, DeregisterCriticalServiceAfterDuration{};
};
PROCONSUL_DECLARE_TYPE(ApiCheckDefinition)

struct ApiCheck : catalog::RaftIndex {
  std::string Node{}, CheckID{}, Name{}, Status{}, Notes{}, Output{}, ServiceID{}, ServiceName{};
  base::List<std::string> ServiceTags{};
  std::string Type{}, Namespace{}, Partition{};
  base::Int ExposedPort{};
  std::string PeerName{};
  ApiCheckDefinition Definition{};
};
PROCONSUL_DECLARE_TYPE(ApiCheck)

struct CheckTxnOp {
  std::string Verb{};
  ApiCheck Check{};
};
PROCONSUL_DECLARE_TYPE(CheckTxnOp)

struct ApiTxnOp {
  base::Pointer<KVTxnOp> KV{};
  base::Pointer<NodeTxnOp> Node{};
  base::Pointer<ServiceTxnOp> Service{};
  base::Pointer<CheckTxnOp> Check{};
};
PROCONSUL_DECLARE_TYPE(ApiTxnOp)
using ApiTxnOps = base::List<base::Pointer<ApiTxnOp>>;

/// Reads a request's body; errors have encoding/json's texts. None of the operations is null: that is an error too.
base::Result<ApiTxnOps> read_txn_ops(std::string_view body);

/// The form that the log has. Operations without content are left out.
base::List<base::Pointer<catalog::TxnOp>> log_form(ApiTxnOps ops, std::string_view datacenter);

/// Whether any operation may change something.
bool writes(const ApiTxnOps& ops);

}  // namespace proconsul::agent::http
