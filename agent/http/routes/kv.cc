// Keys, transactions, and the stream of changes.
#include "agent/http/routes/families.h"

#include "agent/http/kv_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/http/stream_endpoint.h"
#include "agent/http/txn_endpoint.h"
#include "agent/http/txn_types.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::type_of;
using enum Method;

constexpr Failure kBadNumber{500, R"(strconv\.ParseUint: [\s\S]*)", "A parameter that is no number: Consul's status."};
constexpr Failure kStreamedElsewhere{400, R"(Changes are streamed by the servers of their datacenter alone[\s\S]*)",
                                     "A client agent, or another datacenter: ask one of its servers."};
constexpr Failure kTooManyOps{413, R"(Transaction contains too many operations[\s\S]*)", "At most 128."};

constexpr Route kKvRoutes[] = {
    {get,
     "/v1/kv/",
     read(kv_get, ask_kv_get),
     kNoNamespace,
     {.rpc = "KVS.Get",
      .summary = "A key with its value; with ?recurse all below a prefix; with ?keys a list of names",
      .rest = "key",
      .params = param::kRaw | param::kKeys | param::kRecurse | param::kSeparator | param::kLimit | param::kAfter,
      .answer = type_of<List<base::Value>>,
      .also_text = true,
      .failures = {&kNothing}}},
    {put,
     "/v1/kv/",
     async(kv_put),
     kNoNamespace | kKvLimit | kOctets | kQueryOptions | kAnyDatacenter,
     {.rpc = "KVS.Apply",
      .summary = "Write a key; false if a condition did not hold",
      .rest = "key",
      .params = param::kFlags | param::kCas | param::kAcquire | param::kRelease,
      .takes_octets = true,
      .answer = type_of<bool>,
      .failures = {&kBadNumber, &kRefusedWrite}}},
    {delete_,
     "/v1/kv/",
     async(kv_delete),
     kNoNamespace | kQueryOptions | kAnyDatacenter,
     {.rpc = "KVS.Apply",
      .summary = "Delete a key, or all below a prefix; false if a condition did not hold",
      .rest = "key",
      .params = param::kCas | param::kRecurse,
      .answer = type_of<bool>,
      .failures = {&kBadNumber, &kRefusedWrite}}},
};

constexpr Route kTxnRoutes[] = {
    {put,
     "/v1/txn",
     async(txn_put),
     kTxnLimit | kQueryOptions | kUnchecked | kLimitsItself | kAnyDatacenter,
     {.rpc = "Txn.Apply",
      .summary = "Several operations, all or none",
      .body = type_of<ApiTxnOps>,
      .answer = type_of<catalog::TxnResponse>,
      .same_answer_with = {409},
      .failures = {&kTooManyOps, &kRefusedWrite}}},
};

// Not Consul's.
constexpr Route kStreamRoutes[] = {
    {get,
     "/v1/stream",
     call(change_stream),
     {},
     {.summary =
          "The changes of a topic as they happen, as server-sent events; 410 if those behind the index are forgotten",
      .params = param::kDatacenter | param::kTopic | param::kPrefix | param::kName | param::kFromIndex,
      .answer = type_of<Map<base::Value>>,
      .gives = Content::events,
      .same_answer_with = {410},
      .failures = {&kStreamedElsewhere}}},
};

}  // namespace

std::span<const Route> kv_routes() {
  return kKvRoutes;
}
std::span<const Route> txn_routes() {
  return kTxnRoutes;
}
std::span<const Route> stream_routes() {
  return kStreamRoutes;
}

}  // namespace proconsul::agent::http
