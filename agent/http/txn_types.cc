#include "agent/http/txn_types.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(KVTxnOp, "api.KVTxnOp") {
  type.field("Verb", &KVTxnOp::Verb).go_type("api.KVOp");
  type.field("Key", &KVTxnOp::Key);
  type.field("Value", &KVTxnOp::Value);
  type.field("Flags", &KVTxnOp::Flags);
  type.field("Index", &KVTxnOp::Index);
  type.field("Session", &KVTxnOp::Session);
  type.field("Namespace", &KVTxnOp::Namespace).omit_empty();
  type.field("Partition", &KVTxnOp::Partition).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ApiNode, "api.Node") {
  type.field("ID", &ApiNode::ID);
  type.field("Node", &ApiNode::Node);
  type.field("Address", &ApiNode::Address);
  type.field("Datacenter", &ApiNode::Datacenter);
  type.field("TaggedAddresses", &ApiNode::TaggedAddresses);
  type.field("Meta", &ApiNode::Meta);
  type.embed<catalog::RaftIndex>();
  type.field("Partition", &ApiNode::Partition).omit_empty();
  type.field("PeerName", &ApiNode::PeerName).omit_empty();
  type.field("Locality", &ApiNode::Locality).go_type("api.Locality").omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(NodeTxnOp, "api.NodeTxnOp") {
  type.field("Verb", &NodeTxnOp::Verb).go_type("api.NodeOp");
  type.field("Node", &NodeTxnOp::Node);
}

PROCONSUL_DESCRIBE_TYPE(ApiWeights, "api.AgentWeights") {
  type.field("Passing", &ApiWeights::Passing);
  type.field("Warning", &ApiWeights::Warning);
}

PROCONSUL_DESCRIBE_TYPE(ApiService, "api.AgentService") {
  type.field("Kind", &ApiService::Kind).go_type("api.ServiceKind").omit_empty();
  type.field("ID", &ApiService::ID);
  type.field("Service", &ApiService::Service);
  type.field("Tags", &ApiService::Tags);
  type.field("Meta", &ApiService::Meta);
  type.field("Port", &ApiService::Port);
  type.field("Address", &ApiService::Address);
  type.field("SocketPath", &ApiService::SocketPath).omit_empty();
  type.field("TaggedAddresses", &ApiService::TaggedAddresses).go_type("map[string]api.ServiceAddress").omit_empty();
  type.field("Weights", &ApiService::Weights);
  type.field("EnableTagOverride", &ApiService::EnableTagOverride);
  type.embed<catalog::RaftIndex>();
  type.field("ContentHash", &ApiService::ContentHash).omit_empty();
  type.field("Proxy", &ApiService::Proxy).omit_empty();
  type.field("Connect", &ApiService::Connect).omit_empty();
  type.field("PeerName", &ApiService::PeerName).omit_empty();
  type.field("Namespace", &ApiService::Namespace).omit_empty();
  type.field("Partition", &ApiService::Partition).omit_empty();
  type.field("Datacenter", &ApiService::Datacenter).omit_empty();
  type.field("Locality", &ApiService::Locality).go_type("api.Locality").omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceTxnOp, "api.ServiceTxnOp") {
  type.field("Verb", &ServiceTxnOp::Verb).go_type("api.ServiceOp");
  type.field("Node", &ServiceTxnOp::Node);
  type.field("Service", &ServiceTxnOp::Service);
}

PROCONSUL_DESCRIBE_TYPE(ApiCheckDefinition, "api.HealthCheckDefinition") {
  type.field("HTTP", &ApiCheckDefinition::HTTP);
  type.field("Header", &ApiCheckDefinition::Header);
  type.field("Method", &ApiCheckDefinition::Method);
  type.field("Body", &ApiCheckDefinition::Body);
  type.field("TLSServerName", &ApiCheckDefinition::TLSServerName);
  type.field("TLSSkipVerify", &ApiCheckDefinition::TLSSkipVerify);
  type.field("TCP", &ApiCheckDefinition::TCP);
  type.field("TCPUseTLS", &ApiCheckDefinition::TCPUseTLS);
  type.field("UDP", &ApiCheckDefinition::UDP);
  type.field("GRPC", &ApiCheckDefinition::GRPC);
  type.field("OSService", &ApiCheckDefinition::OSService);
  type.field("GRPCUseTLS", &ApiCheckDefinition::GRPCUseTLS);
  type.field("SessionName", &ApiCheckDefinition::SessionName).omit_empty();
  type.field("Interval", &ApiCheckDefinition::Interval).readable();
  type.field("Timeout", &ApiCheckDefinition::Timeout).readable();
  type.field("DeregisterCriticalServiceAfter", &ApiCheckDefinition::DeregisterCriticalServiceAfter).readable();
  type.field("IntervalDuration", &ApiCheckDefinition::IntervalDuration);
  type.field("TimeoutDuration", &ApiCheckDefinition::TimeoutDuration);
  type.field("DeregisterCriticalServiceAfterDuration", &ApiCheckDefinition::DeregisterCriticalServiceAfterDuration);
  type.json_shadow_lenient(
      "struct { IntervalDuration interface {}; TimeoutDuration interface {}; "
      "DeregisterCriticalServiceAfterDuration interface {}; *api.Alias }");
  type.json_refuses_null();
}

PROCONSUL_DESCRIBE_TYPE(ApiCheck, "api.HealthCheck") {
  type.field("Node", &ApiCheck::Node);
  type.field("CheckID", &ApiCheck::CheckID);
  type.field("Name", &ApiCheck::Name);
  type.field("Status", &ApiCheck::Status);
  type.field("Notes", &ApiCheck::Notes);
  type.field("Output", &ApiCheck::Output);
  type.field("ServiceID", &ApiCheck::ServiceID);
  type.field("ServiceName", &ApiCheck::ServiceName);
  type.field("ServiceTags", &ApiCheck::ServiceTags);
  type.field("Type", &ApiCheck::Type);
  type.field("Namespace", &ApiCheck::Namespace).omit_empty();
  type.field("Partition", &ApiCheck::Partition).omit_empty();
  type.field("ExposedPort", &ApiCheck::ExposedPort);
  type.field("PeerName", &ApiCheck::PeerName).omit_empty();
  type.field("Definition", &ApiCheck::Definition);
  type.embed<catalog::RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(CheckTxnOp, "api.CheckTxnOp") {
  type.field("Verb", &CheckTxnOp::Verb).go_type("api.CheckOp");
  type.field("Check", &CheckTxnOp::Check);
}

PROCONSUL_DESCRIBE_TYPE(ApiTxnOp, "api.TxnOp") {
  type.field("KV", &ApiTxnOp::KV);
  type.field("Node", &ApiTxnOp::Node);
  type.field("Service", &ApiTxnOp::Service);
  type.field("Check", &ApiTxnOp::Check);
}

namespace {

using catalog::TxnOp;

void convert(KVTxnOp& in, TxnOp& out) {
  catalog::TxnKVOp& op = out.KV.emplace();
  op.Verb = std::move(in.Verb);
  op.DirEnt.Key = std::move(in.Key);
  op.DirEnt.Value = std::move(in.Value);
  op.DirEnt.Flags = in.Flags;
  op.DirEnt.Session = std::move(in.Session);
  op.DirEnt.ModifyIndex = in.Index;
}

void convert(NodeTxnOp& in, TxnOp& out, std::string_view datacenter) {
  catalog::TxnNodeOp& op = out.Node.emplace();
  op.Verb = std::move(in.Verb);
  op.Node.ID = std::move(in.Node.ID);
  op.Node.Node = std::move(in.Node.Node);
  op.Node.Address = std::move(in.Node.Address);
  op.Node.Datacenter = in.Node.Datacenter.empty() ? std::string(datacenter) : std::move(in.Node.Datacenter);
  op.Node.Partition = std::move(in.Node.Partition);
  op.Node.PeerName = std::move(in.Node.PeerName);
  op.Node.TaggedAddresses = std::move(in.Node.TaggedAddresses);
  op.Node.Meta = std::move(in.Node.Meta);
  op.Node.ModifyIndex = in.Node.ModifyIndex;
}

// Of a proxy, a transaction takes over these fields alone.
void convert(const catalog::ConnectProxyConfig& in, catalog::ConnectProxyConfig& out) {
  out.DestinationServiceName = in.DestinationServiceName;
  out.DestinationServiceID = in.DestinationServiceID;
  out.LocalServiceAddress = in.LocalServiceAddress;
  out.LocalServicePort = in.LocalServicePort;
  out.LocalServiceSocketPath = in.LocalServiceSocketPath;
  if (in.MeshGateway.is_set()) out.MeshGateway = in.MeshGateway;
  if (in.TransparentProxy.is_set()) out.TransparentProxy = in.TransparentProxy;
}

void convert(ServiceTxnOp& in, TxnOp& out) {
  catalog::TxnServiceOp& op = out.Service.emplace();
  ApiService& from = in.Service;
  catalog::NodeService& to = op.Service;
  op.Verb = std::move(in.Verb);
  op.Node = std::move(in.Node);
  to.ID = std::move(from.ID);
  to.Service = std::move(from.Service);
  to.Kind = std::move(from.Kind);
  to.Tags = std::move(from.Tags);
  to.Address = std::move(from.Address);
  to.Meta = std::move(from.Meta);
  to.Port = from.Port;
  to.Weights = from.Weights;
  to.EnableTagOverride = from.EnableTagOverride;
  to.ModifyIndex = from.ModifyIndex;
  if (!from.TaggedAddresses.empty()) to.TaggedAddresses = std::move(from.TaggedAddresses);
  if (from.Proxy) convert(*from.Proxy, to.Proxy.edit());
}

void convert(CheckTxnOp& in, TxnOp& out) {
  catalog::TxnCheckOp& op = out.Check.emplace();
  ApiCheck& from = in.Check;
  catalog::HealthCheck& to = op.Check;
  op.Verb = std::move(in.Verb);
  to.Node = std::move(from.Node);
  to.CheckID = std::move(from.CheckID);
  to.Name = std::move(from.Name);
  to.Status = std::move(from.Status);
  to.Notes = std::move(from.Notes);
  to.Output = std::move(from.Output);
  to.Type = std::move(from.Type);
  to.ServiceID = std::move(from.ServiceID);
  to.ServiceName = std::move(from.ServiceName);
  to.ServiceTags = std::move(from.ServiceTags);
  to.PeerName = std::move(from.PeerName);
  to.ExposedPort = from.ExposedPort;
  to.ModifyIndex = from.ModifyIndex;

  const ApiCheckDefinition& how = from.Definition;
  catalog::HealthCheckDefinition& definition = to.Definition.edit();
  const auto either = [](base::Duration old, base::Duration now) { return old.nanoseconds != 0 ? old : now; };
  definition.HTTP = how.HTTP;
  definition.TLSServerName = how.TLSServerName;
  definition.TLSSkipVerify = how.TLSSkipVerify;
  definition.Header = how.Header;
  definition.Method = how.Method;
  definition.Body = how.Body;
  definition.TCP = how.TCP;
  definition.TCPUseTLS = how.TCPUseTLS;
  definition.GRPC = how.GRPC;
  definition.GRPCUseTLS = how.GRPCUseTLS;
  definition.OSService = how.OSService;
  definition.Interval = either(how.IntervalDuration, how.Interval);
  definition.Timeout = either(how.TimeoutDuration, how.Timeout);
  definition.DeregisterCriticalServiceAfter =
      either(how.DeregisterCriticalServiceAfterDuration, how.DeregisterCriticalServiceAfter);
}

constexpr std::array<std::string_view, 7> kKvWrites = {"set", "delete", "delete-cas", "delete-tree",
                                                       "cas", "lock",   "unlock"};

}  // namespace

base::Result<ApiTxnOps> read_txn_ops(std::string_view body) {
  static const base::Type list = [] {
    base::Type named = base::type_of<ApiTxnOps>();
    named.name = "api.TxnOps";
    return named;
  }();
  ApiTxnOps ops;
  if (auto read = base::read_json(body, list, &ops, {.input = base::JsonInput::first, .reject_unknown = true}); !read) {
    return read.error();
  }
  if (const auto null = std::ranges::find_if_not(ops, [](const auto& op) { return bool{op}; }); null != ops.end()) {
    return {base::Errc::invalid_argument, "operation " + std::to_string(null - ops.begin()) + " is null"};
  }
  return ops;
}

base::List<base::Pointer<TxnOp>> log_form(ApiTxnOps ops, std::string_view datacenter) {
  base::List<base::Pointer<TxnOp>> out;
  for (base::Pointer<ApiTxnOp>& op : ops) {
    TxnOp converted{};
    if (op->KV) {
      convert(*op->KV, converted);
    } else if (op->Node) {
      convert(*op->Node, converted, datacenter);
    } else if (op->Service) {
      convert(*op->Service, converted);
    } else if (op->Check) {
      convert(*op->Check, converted);
    } else {
      continue;
    }
    out.emplace_back(std::move(converted));
  }
  return out;
}

bool writes(const ApiTxnOps& ops) {
  return std::any_of(ops.begin(), ops.end(), [](const base::Pointer<ApiTxnOp>& op) {
    if (op->KV) return std::find(kKvWrites.begin(), kKvWrites.end(), op->KV->Verb) != kKvWrites.end();
    if (op->Node) return op->Node->Verb != "get";
    if (op->Service) return op->Service->Verb != "get";
    return op->Check && op->Check->Verb != "get";
  });
}

}  // namespace proconsul::agent::http
