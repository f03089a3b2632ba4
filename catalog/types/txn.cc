#include "catalog/types/txn.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(TxnKVOp, "structs.TxnKVOp") {
  type.field("Verb", &TxnKVOp::Verb).go_type("api.KVOp");
  type.field("DirEnt", &TxnKVOp::DirEnt);
}

PROCONSUL_DESCRIBE_TYPE(TxnNodeOp, "structs.TxnNodeOp") {
  type.field("Verb", &TxnNodeOp::Verb).go_type("api.NodeOp");
  type.field("Node", &TxnNodeOp::Node);
}

PROCONSUL_DESCRIBE_TYPE(TxnServiceOp, "structs.TxnServiceOp") {
  type.field("Verb", &TxnServiceOp::Verb).go_type("api.ServiceOp");
  type.field("Node", &TxnServiceOp::Node);
  type.field("Service", &TxnServiceOp::Service);
}

PROCONSUL_DESCRIBE_TYPE(TxnCheckOp, "structs.TxnCheckOp") {
  type.field("Verb", &TxnCheckOp::Verb).go_type("api.CheckOp");
  type.field("Check", &TxnCheckOp::Check);
}

PROCONSUL_DESCRIBE_TYPE(TxnSessionOp, "structs.TxnSessionOp") {
  type.field("Verb", &TxnSessionOp::Verb).go_type("api.SessionOp");
  type.field("Session", &TxnSessionOp::Session);
}

PROCONSUL_DESCRIBE_TYPE(TxnOp, "structs.TxnOp") {
  type.field("KV", &TxnOp::KV);
  type.field("Node", &TxnOp::Node);
  type.field("Service", &TxnOp::Service);
  type.field("Check", &TxnOp::Check);
  type.field("Session", &TxnOp::Session);
  type.field("Intention", &TxnOp::Intention);
}

PROCONSUL_DESCRIBE_TYPE(TxnRequest, "structs.TxnRequest") {
  type.field("Datacenter", &TxnRequest::Datacenter);
  type.field("Ops", &TxnRequest::Ops).go_type("structs.TxnOps");
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(TxnReadRequest, "structs.TxnReadRequest") {
  type.field("Datacenter", &TxnReadRequest::Datacenter);
  type.field("Ops", &TxnReadRequest::Ops).go_type("structs.TxnOps");
  type.embed<QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(TxnError, "structs.TxnError") {
  type.field("OpIndex", &TxnError::OpIndex);
  type.field("What", &TxnError::What);
}

std::string to_string(const TxnError& error) {
  return "op " + std::to_string(error.OpIndex) + ": " + error.What;
}

PROCONSUL_DESCRIBE_TYPE(TxnResult, "structs.TxnResult") {
  type.field("KV", &TxnResult::KV).omit_empty();
  type.field("Node", &TxnResult::Node).omit_empty();
  type.field("Service", &TxnResult::Service).omit_empty();
  type.field("Check", &TxnResult::Check).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(TxnResponse, "structs.TxnResponse") {
  type.field("Results", &TxnResponse::Results).go_type("structs.TxnResults");
  type.field("Errors", &TxnResponse::Errors).go_type("structs.TxnErrors");
}

PROCONSUL_DESCRIBE_TYPE(TxnReadResponse, "structs.TxnReadResponse") {
  type.embed<TxnResponse>();
  type.embed<QueryMeta>();
}

}  // namespace proconsul::catalog
