// Transactions: several operations applied as one, or not at all.
#pragma once

#include <string>

#include "base/type.h"
#include "base/value.h"
#include "catalog/types/common.h"
#include "catalog/types/health.h"
#include "catalog/types/kv.h"
#include "catalog/types/node.h"
#include "catalog/types/service.h"
#include "catalog/types/session.h"

namespace proconsul::catalog {

struct TxnKVOp {
  std::string Verb{};  // as KVSRequest::Op
  DirEntry DirEnt{};
};
PROCONSUL_DECLARE_TYPE(TxnKVOp)

struct TxnNodeOp {
  std::string Verb{};  // get, set, cas, delete, delete-cas
  catalog::Node Node{};
};
PROCONSUL_DECLARE_TYPE(TxnNodeOp)

struct TxnServiceOp {
  std::string Verb{};  // get, set, cas, delete, delete-cas
  std::string Node{};
  NodeService Service{};
};
PROCONSUL_DECLARE_TYPE(TxnServiceOp)

struct TxnCheckOp {
  std::string Verb{};  // get, set, cas, delete, delete-cas
  HealthCheck Check{};
};
PROCONSUL_DECLARE_TYPE(TxnCheckOp)

struct TxnSessionOp {
  std::string Verb{};  // delete
  catalog::Session Session{};
};
PROCONSUL_DECLARE_TYPE(TxnSessionOp)

/// One operation: exactly one member is set. Intention was used by servers before 1.9 among themselves; it is kept as
/// it came, so that nothing is lost when the entry travels on.
struct TxnOp {
  base::Pointer<TxnKVOp> KV{};
  base::Pointer<TxnNodeOp> Node{};
  base::Pointer<TxnServiceOp> Service{};
  base::Pointer<TxnCheckOp> Check{};
  base::Pointer<TxnSessionOp> Session{};
  base::Value Intention{};
};
PROCONSUL_DECLARE_TYPE(TxnOp)

/// Command 8.
struct TxnRequest : WriteRequest {
  std::string Datacenter{};
  base::List<base::Pointer<TxnOp>> Ops{};
};
PROCONSUL_DECLARE_TYPE(TxnRequest)

struct TxnReadRequest : QueryOptions {
  std::string Datacenter{};
  base::List<base::Pointer<TxnOp>> Ops{};
};
PROCONSUL_DECLARE_TYPE(TxnReadRequest)

struct TxnError {
  base::Int OpIndex{};
  std::string What{};
};
PROCONSUL_DECLARE_TYPE(TxnError)
/// "op 3: What"
std::string to_string(const TxnError& error);

/// What one operation gives back; exactly one member is set.
struct TxnResult {
  base::Pointer<DirEntry> KV{};
  base::Pointer<catalog::Node> Node{};
  base::Pointer<NodeService> Service{};
  base::Pointer<HealthCheck> Check{};
};
PROCONSUL_DECLARE_TYPE(TxnResult)

/// Either Results or Errors is filled.
struct TxnResponse {
  base::List<base::Pointer<TxnResult>> Results{};
  base::List<base::Pointer<TxnError>> Errors{};
};
PROCONSUL_DECLARE_TYPE(TxnResponse)

struct TxnReadResponse : TxnResponse, QueryMeta {};
PROCONSUL_DECLARE_TYPE(TxnReadResponse)

}  // namespace proconsul::catalog
