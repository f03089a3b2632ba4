// For tests: what each RPC method asks of a token, as Consul does; permission_walk_test.cc walks it.
#pragma once

#include <string_view>
#include <vector>

namespace proconsul::agent::rpc::test {

/// What becomes of who may not.
enum class Refusal {
  denied,  // "Permission denied: ... lacks permission 'key:read' on "a""
  hidden,  // the answer is without what `shows` says
  faults,  // the answer has the denial as a fault in it
  other,   // "Permission denied", with some other text or none: the name is not told, or the method is for few
  open,    // everybody may, also with a token that nobody knows
  known,   // everybody may, but for tokens that nobody knows
};

/// `request` is JSON without token and datacenter; $other.. and the like are made by the walk. Needs are written
/// "key:read a", each looked at by itself: the others are granted.
struct Row {
  std::string_view method{};
  std::string_view request{};
  Refusal refusal{};
  std::vector<std::string_view> needs{};
  std::string_view shows{};
  std::string_view does_too{};  // a resource of which everything is as good as the need
};

inline std::vector<Row> permission_rows() {
  using enum Refusal;
  return {
      {"Status.Ping", "{}", open},
      {"Status.Leader", "{}", open},
      {"Status.Peers", "{}", open},
      {"Status.RaftStats", "{}", open},

      {"KVS.Apply", R"({"Op":"set","DirEnt":{"Key":"a","Value":"x"}})", denied, {"key:write a"}},
      {"KVS.Get", R"({"Key":"secret/k"})", denied, {"key:read secret/k"}},
      {"KVS.List", R"({"Key":"secret/"})", hidden, {"key:read secret/k"}, "hush"},
      {"KVS.ListKeys", R"({"Prefix":"secret/"})", hidden, {"key:read secret/k"}, "secret/k"},
      {"Txn.Apply", R"({"Ops":[{"KV":{"Verb":"set","DirEnt":{"Key":"a","Value":"x"}}}]})", faults, {"key:write a"}},
      {"Txn.Read",
       R"({"Ops":[{"KV":{"Verb":"get","DirEnt":{"Key":"secret/k"}}}]})",
       hidden,
       {"key:read secret/k"},
       "hush"},

      {"Catalog.Register", R"({"Node":"$new","Address":"10.0.0.1"})", denied, {"node:write $new"}},
      {"Catalog.Deregister", R"({"Node":"$new"})", denied, {"node:write $new"}},
      {"Catalog.ListDatacenters", "{}", open},
      {"Catalog.ListNodes", "{}", hidden, {"node:read other"}, "10.9.8.7"},
      {"Catalog.ListServices", "{}", hidden, {"node:read other", "service:read web"}, "web"},
      {"Catalog.ServiceList", "{}", hidden, {"service:read web"}, "web"},
      {"Catalog.ServiceNodes", R"({"ServiceName":"web"})", hidden, {"node:read other", "service:read web"}, "10.9.8.7"},
      {"Catalog.NodeServices", R"({"Node":"other"})", hidden, {"node:read other"}, "10.9.8.7"},
      {"Catalog.NodeServiceList", R"({"Node":"other"})", hidden, {"node:read other"}, "10.9.8.7"},
      {"Catalog.VirtualIPForService", R"({"ServiceName":"web"})", denied, {"service:read web"}},

      {"Health.ChecksInState", R"({"State":"any"})", hidden, {"node:read other"}, "nodecheck"},
      {"Health.NodeChecks", R"({"Node":"other"})", hidden, {"node:read other"}, "nodecheck"},
      {"Health.ServiceChecks", R"({"ServiceName":"web"})", hidden, {"node:read other", "service:read web"}, "webcheck"},
      {"Health.ServiceNodes", R"({"ServiceName":"web"})", hidden, {"node:read other", "service:read web"}, "10.9.8.7"},

      {"Coordinate.Update",
       R"({"Node":"other","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}})",
       denied,
       {"node:write other"}},
      {"Coordinate.ListNodes", "{}", hidden, {"node:read other"}, "other"},
      {"Coordinate.Node", R"({"Node":"other"})", denied, {"node:read other"}},
      {"Coordinate.ListDatacenters", "{}", open},

      {"Session.Apply", R"({"Op":"create","Session":{"Node":"other"}})", denied, {"session:write other"}},
      {"Session.Get", R"({"SessionID":"$session","Session":"$session"})", hidden, {"session:read other"}, "holder"},
      {"Session.List", "{}", hidden, {"session:read other"}, "holder"},
      {"Session.NodeSessions", R"({"Node":"other"})", hidden, {"session:read other"}, "holder"},
      {"Session.Renew", R"({"SessionID":"$session","Session":"$session"})", denied, {"session:write other"}},

      {"PreparedQuery.Apply",
       R"({"Op":"create","Query":{"Name":"$new","Service":{"Service":"web"}}})",
       denied,
       {"query:write $new"}},
      {"PreparedQuery.Get", R"({"QueryID":"$query"})", other, {"query:read asked"}, "asked", "acl"},
      {"PreparedQuery.List", "{}", hidden, {"query:read asked"}, "asked", "acl"},
      {"PreparedQuery.Execute",
       R"({"QueryIDOrName":"asked"})",
       hidden,
       {"node:read other", "service:read web"},
       "10.9.8.7"},
      {"PreparedQuery.ExecuteRemote",
       R"({"Query":{"Service":{"Service":"web"}}})",
       hidden,
       {"node:read other", "service:read web"},
       "10.9.8.7"},
      {"PreparedQuery.Explain", R"({"QueryIDOrName":"asked"})", other, {"query:read asked"}, "asked", "acl"},

      {"Internal.NodeInfo", R"({"Node":"other"})", hidden, {"node:read other"}, "10.9.8.7"},
      {"Internal.NodeDump", "{}", hidden, {"node:read other"}, "10.9.8.7"},
      {"Internal.CatalogOverview", "{}", other, {"operator:read"}},
      {"Internal.ServiceDump", "{}", hidden, {"node:read other", "service:read web"}, "10.9.8.7"},
      {"Internal.EventFire", R"({"Name":"deploy"})", denied, {"event:write deploy"}},
      {"Internal.KeyringOperation", R"({"Operation":"list"})", denied, {"keyring:read"}},
      {"Internal.KeyringOperation", R"({"Operation":"use","Key":"k"})", denied, {"keyring:write"}},

      {"Operator.RaftGetConfiguration", "{}", denied, {"operator:read"}},
      {"Operator.RaftRemovePeerByAddress", R"({"Address":"127.0.0.9:1"})", denied, {"operator:write"}},
      {"Operator.RaftRemovePeerByID", R"({"ID":"nobody"})", denied, {"operator:write"}},
      {"Operator.AutopilotGetConfiguration", "{}", denied, {"operator:read"}},
      {"Operator.AutopilotSetConfiguration", R"({"Config":{"MinQuorum":0}})", denied, {"operator:write"}},
      {"Operator.ServerHealth", "{}", denied, {"operator:read"}},
      {"Operator.AutopilotState", "{}", denied, {"operator:read"}},
      {"Operator.Usage", "{}", denied, {"operator:read"}},

      // Whoever may nothing learns nothing from a second bootstrap, a login that is no login, or a token that is none.
      {"ACL.BootstrapTokens", "{}", open},
      {"ACL.Login", R"({"Auth":{"AuthMethod":"none","BearerToken":"x"}})", open},
      {"ACL.Logout", "{}", other},
      {"ACL.ReplicationStatus", "{}", open},
      {"ACL.TokenRead", R"({"TokenID":"$accessor","TokenIDType":"accessor"})", denied, {"acl:read"}},
      {"ACL.TokenList", "{}", denied, {"acl:read"}},
      {"ACL.TokenBatchRead", R"({"AccessorIDs":["$accessor"]})", hidden, {"acl:read"}, "walked"},
      {"ACL.TokenSet", R"({"ACLToken":{"Description":"new"}})", denied, {"acl:write"}},
      {"ACL.TokenClone", R"({"ACLToken":{"AccessorID":"$accessor","Description":"clone"}})", denied, {"acl:write"}},
      {"ACL.TokenDelete", R"({"TokenID":"$uuid"})", denied, {"acl:write"}},
      {"ACL.Authorize", R"({"Requests":[{"Resource":"key","Access":"read","Segment":"a"}]})", known},
      {"ACL.PolicyRead", R"({"PolicyID":"$policy"})", denied, {"acl:read"}},
      {"ACL.PolicyList", "{}", denied, {"acl:read"}},
      {"ACL.PolicyBatchRead", R"({"PolicyIDs":["$policy"]})", hidden, {"acl:read"}, "walk-kept"},
      {"ACL.PolicyResolve", R"({"PolicyIDs":["$policy"]})", other},  // of the token's own alone
      {"ACL.PolicySet", R"({"Policy":{"Name":"$new"}})", denied, {"acl:write"}},
      {"ACL.PolicyDelete", R"({"PolicyID":"$uuid"})", denied, {"acl:write"}},
      {"ACL.RoleRead", R"({"RoleID":"$role"})", denied, {"acl:read"}},
      {"ACL.RoleList", "{}", denied, {"acl:read"}},
      {"ACL.RoleBatchRead", R"({"RoleIDs":["$role"]})", hidden, {"acl:read"}, "walk-kept"},
      {"ACL.RoleResolve", R"({"RoleIDs":["$role"]})", other},
      {"ACL.RoleSet", R"({"Role":{"Name":"$new"}})", denied, {"acl:write"}},
      {"ACL.RoleDelete", R"({"RoleID":"$uuid"})", denied, {"acl:write"}},
      {"ACL.AuthMethodRead", R"({"AuthMethodName":"none"})", denied, {"acl:read"}},
      {"ACL.AuthMethodList", "{}", denied, {"acl:read"}},
      {"ACL.AuthMethodSet", R"({"AuthMethod":{"Name":"$new","Type":"none"}})", denied, {"acl:write"}},
      {"ACL.AuthMethodDelete", R"({"AuthMethodName":"none"})", denied, {"acl:write"}},
      {"ACL.BindingRuleRead", R"({"BindingRuleID":"$uuid"})", denied, {"acl:read"}},
      {"ACL.BindingRuleList", "{}", denied, {"acl:read"}},
      {"ACL.BindingRuleSet", R"({"BindingRule":{"AuthMethod":"none"}})", denied, {"acl:write"}},
      {"ACL.BindingRuleDelete", R"({"BindingRuleID":"$uuid"})", denied, {"acl:write"}},
      {"ACL.Explain", R"({"Permission":"key:read","Name":"a"})", known},
      {"ACL.Explain", R"({"AccessorID":"$accessor","Permission":"key:read","Name":"a"})", denied, {"acl:read"}},
      {"ACL.TokenSums", "{}", denied, {"acl:read"}},
      {"ACL.TokenUses", "{}", denied, {"acl:read"}},
      {"ACL.TokenUsesExchange", "{}", denied, {"acl:write"}},

      {"ConfigEntry.Apply", R"({"Kind":"service-defaults","Name":"$new"})", denied, {"service:write $new"}},
      {"ConfigEntry.Apply", R"({"Kind":"mesh"})", denied, {"mesh:write"}, "", "operator"},
      {"ConfigEntry.Delete", R"({"Kind":"service-defaults","Name":"$new"})", denied, {"service:write $new"}},
      {"ConfigEntry.Get", R"({"Kind":"service-defaults","Name":"web"})", denied, {"service:read web"}, "walk-entry"},
      {"ConfigEntry.List", R"({"Kind":"service-defaults"})", hidden, {"service:read web"}, "walk-entry"},
      {"ConfigEntry.ListAll", R"({"Kinds":["service-defaults"]})", hidden, {"service:read web"}, "walk-entry"},
      {"ConfigEntry.ResolveServiceConfig", R"({"Name":"web"})", denied, {"service:read web"}},

      // Consul names neither token nor permission where single intentions are meant.
      {"Intention.Apply",
       R"({"Op":"upsert","Intention":{"SourceName":"api","DestinationName":"$new","Action":"allow"}})",
       other,
       {"intention:write $new"}},
      {"Intention.Get",
       R"({"Exact":{"SourceName":"api","DestinationName":"db"}})",
       other,
       {"intention:read db"},
       "allow"},
      {"Intention.List", "{}", hidden, {"intention:read db"}, "allow"},
      {"Intention.Match",
       R"({"Match":{"Type":"destination","Entries":[{"Namespace":"default","Name":"db"}]}})",
       denied,
       {"intention:read db"},
       "allow"},
      {"Intention.Check",
       R"({"Check":{"SourceType":"consul","SourceName":"api","DestinationName":"db"}})",
       denied,
       {"service:read db"}},
      {"Internal.AssignManualServiceVIPs",
       R"({"Service":"web","ManualVIPs":["10.9.9.9"]})",
       denied,
       {"mesh:write"},
       "",
       "operator"},

      {"Catalog.GatewayServices", R"({"ServiceName":"gate"})", denied, {"service:read gate"}},
      {"Internal.GatewayServiceDump", R"({"ServiceName":"gate"})", denied, {"service:read gate"}},
      {"Internal.ServiceGateways", R"({"ServiceName":"web"})", denied, {"service:read web"}},
      {"Internal.ServiceTopology", R"({"ServiceName":"web"})", denied, {"service:read web"}, "MetricsProtocol"},
      {"Internal.GatewayIntentions",
       R"({"Match":{"Type":"destination","Entries":[{"Namespace":"default","Name":"gate"}]}})",
       denied,
       {"service:read gate"},
       "Intentions"},
      {"DiscoveryChain.Get", R"({"Name":"web"})", denied, {"service:read web"}, "web.default.default.dc1"},
      {"Internal.ResolvedExportedServices", "{}", denied, {"mesh:read"}, "", "operator"},
      {"Internal.ExportedPeeredServices", "{}", known},
      {"Internal.ExportedServicesForPeer", R"({"PeerName":"none"})", known},

      {"ConnectCA.Roots", "{}", open},
      {"ConnectCA.ConfigurationGet", "{}", denied, {"operator:write"}, "LeafCertTTL"},
      {"ConnectCA.ConfigurationSet",
       R"({"Config":{"Provider":"consul","Config":{"LeafCertTTL":"48h"}}})",
       denied,
       {"operator:write"}},
      {"ConnectCA.Sign", R"({"Datacenter":"dc1","CSR":"$csr"})", denied, {"service:write web"}, "BEGIN CERTIFICATE"},
      {"ConnectCA.SignIntermediate", R"({"CSR":"$csr"})", denied, {"operator:write"}},
      {"FederationState.Apply", R"({"Op":"upsert","State":{"Datacenter":"$new"}})", denied, {"operator:write"}},
      {"FederationState.Get", R"({"Datacenter":"dc2"})", denied, {"operator:read"}, "10.6.5.4"},
      {"FederationState.List", "{}", denied, {"operator:read"}, "10.6.5.4"},
      {"FederationState.ListMeshGateways", "{}", hidden, {"node:read far", "service:read gate"}, "10.6.5.4"},
      {"Federation.Clock", "{}", open},
      {"Federation.View", "{}", denied, {"operator:read"}, "walked", "agent"},
      {"Federation.Status", "{}", denied, {"operator:read"}, "walked", "agent"},
      {"Federation.Examine", "{}", denied, {"operator:read"}, "walked", "agent"},
      {"Federation.InvitationFacts", "{}", denied, {"operator:read"}},
      {"Federation.Invite", R"({"ID":"$uuid"})", denied, {"operator:write", "acl:write"}},
      {"Federation.Redeem", R"({"ID":"$uuid","Proof":"00","Joining":"dc2","Node":"n","Attempt":"a"})", open},
      {"Federation.Forget", R"({"Forgotten":"dc9"})", denied, {"operator:write", "acl:write"}},
      {"AutoEncrypt.Sign", R"({"Datacenter":"dc1","CSR":"$csr"})", denied, {"service:write web"}, "BEGIN CERTIFICATE"},
  };
}

}  // namespace proconsul::agent::rpc::test
