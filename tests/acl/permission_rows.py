"""What each HTTP route asks of a token, as Consul does: the table that permission_walk_test.py walks.

A permission is written 'resource:access name'; its resource may end in _prefix, and `|` stands before one that would do
as well. Those of intentions are part of the rule of the service. `$name` in a path or body stands for what the row's `makes` made, or for what stands ready for all rows:
$session, $query, $unnamed, $accessor, $policy_id, $role_id, $intention, $self (the accessor of the asking token).
"""
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Make:
    """A request of the root token; `field` of its answer is kept as $name for the row."""
    name: str
    method: str
    path: str
    body: Any = None
    field: str = "ID"


@dataclass(frozen=True)
class Row:
    method: str
    route: str                     # as the document spells it
    path: str                      # the question, below /v1
    needs: tuple[str, ...] = ()    # in the order in which they are looked at; $server: the one that answers
    besides: tuple[str, ...] = ()  # needed too, and walked by another row
    body: Any = None
    ok: int = 200                  # the status for who may
    shows: str = ""                # what only who may finds in the answer
    hidden: int = 0                # the status without `shows` for who may not; 0: he is denied by 403
    marks: bool = False            # he is told that something was left out, unless he is anonymous
    says: str = ""                 # the text of the 403, where it is not the one that names the permission
    nobody: str = ""               # what who has no token is answered, where it is something else: a text or a status
    stranger: int = 403            # the status for a token that nobody knows
    makes: tuple[Make, ...] = ()   # anew for each token that may
    probe: str = ""                # what the denied must not have changed
    touch: tuple = ()              # (method, path, body) that wakes those who wait
    filter: str = ""               # an expression that lets `shows` through
    unfiltered: bool = False       # takes none, though its route does for others
    streams: bool = False          # never ends: only its head is read
    last: bool = False             # its effect would disturb other rows


def read(route: str, path: str, *needs: str, **more) -> Row:
    return Row("GET", route, path, needs, **more)


def put(route: str, path: str, *needs: str, **more) -> Row:
    return Row("PUT", route, path, needs, **more)


def listed(route: str, path: str, *needs: str, shows: str, **more) -> Row:
    """A read whose answer leaves out what may not be seen."""
    return Row("GET", route, path, needs, shows=shows, **{"hidden": 200, "marks": True} | more)


def operation(kind: str, *needs: str, ok: int = 200, **fields) -> Row:
    """One operation of /v1/txn by itself; what a get may not see is left out."""
    if fields["Verb"].startswith("get"):
        return put("/txn", "/txn", *needs, body=[{kind: fields}], hidden=200, shows=f'"{kind}":')
    return put("/txn", "/txn", *needs, body=[{kind: fields}], ok=ok, hidden=409,
               shows='"Errors":null' if ok == 200 else "",
               says="Permission denied")


POLICY = Make("made", "PUT", "/acl/policy", {"Name": "walk-made-$serial"})
ROLE = Make("made", "PUT", "/acl/role", {"Name": "walk-made-$serial"})
TOKEN = Make("made", "PUT", "/acl/token", {}, "AccessorID")
SESSION = Make("made", "PUT", "/session/create", {"TTL": "60s"})
QUERY = Make("made", "POST", "/query", {"Name": "walk-made-$serial", "Service": {"Service": "web"}})
WEB = Make("made", "PUT", "/agent/service/register", {
    "Name": "web", "ID": "made", "Check": {"TTL": "1h", "CheckID": "made", "Status": "passing"}}, "")
NODE_CHECK = Make("made", "PUT", "/agent/check/register", {"Name": "made", "ID": "made", "TTL": "1h",
                                                           "Status": "passing"}, "")
KEY = Make("made", "PUT", "/kv/walk/made", "x", "")
TREE = Make("made", "PUT", "/kv/walk/made/tree", "x", "")
OTHER = Make("made", "PUT", "/catalog/register", {"Node": "made", "Address": "127.0.0.9", "Service": {"Service": "web"},
                                                  "Checks": [{"CheckID": "own", "Status": "passing"},
                                                             {"CheckID": "of-web", "ServiceID": "web",
                                                              "Status": "passing"}]}, "")
TOUCH_NODE = ("PUT", "/catalog/register", {
    "Node": "other", "Address": "127.0.0.8", "NodeMeta": {"touched": "$serial"},
    "Service": {"Service": "web", "ID": "web2", "Port": 81, "Connect": {"Native": True},
                "Meta": {"touched": "$serial"}},
    "Check": {"CheckID": "walk", "ServiceID": "web2", "Status": "warning", "Output": "$serial"}})
METHOD = Make("method", "PUT", "/acl/auth-method", {"Name": "walk-made-$serial", "Type": "jwt", "Config": {
    "JWTValidationPubKeys": ["$key"]}}, "Name")
RULE = Make("made", "PUT", "/acl/binding-rule", {"AuthMethod": "walk-method", "BindType": "service", "BindName": "web"})

ACL = [
    put("/acl/bootstrap", "/acl/bootstrap", ok=403, stranger=403),  # was asked for when the walk began: never again
    read("/acl/policies", "/acl/policies", "acl:read", shows="walk-policy"),
    put("/acl/policy", "/acl/policy", "acl:write", body={"Name": "walk-$serial"}, probe="/acl/policies"),
    read("/acl/policy/name/{name}", "/acl/policy/name/walk-policy", "acl:read", shows="walk-policy"),
    # To who deletes, a token that nobody knows looks like a thing that nobody knows.
    Row("DELETE", "/acl/policy/{id}", "/acl/policy/$made", ("acl:write",), stranger=404, makes=(POLICY,),
        probe="/acl/policies"),
    read("/acl/policy/{id}", "/acl/policy/$policy_id", "acl:read", shows="walk-policy"),
    put("/acl/policy/{id}", "/acl/policy/$made", "acl:write", makes=(POLICY,), body={"Name": "walk-renamed-$serial"},
        probe="/acl/policies"),
    read("/acl/replication", "/acl/replication", stranger=200),
    put("/acl/role", "/acl/role", "acl:write", body={"Name": "walk-$serial"}, probe="/acl/roles"),
    read("/acl/role/name/{name}", "/acl/role/name/walk-role", "acl:read", shows="walk-role"),
    Row("DELETE", "/acl/role/{id}", "/acl/role/$made", ("acl:write",), stranger=404, makes=(ROLE,), probe="/acl/roles"),
    read("/acl/role/{id}", "/acl/role/$role_id", "acl:read", shows="walk-role"),
    put("/acl/role/{id}", "/acl/role/$made", "acl:write", makes=(ROLE,), body={"Name": "walk-renamed-$serial"},
        probe="/acl/roles"),
    read("/acl/roles", "/acl/roles", "acl:read", shows="walk-role"),
    read("/acl/templated-policies", "/acl/templated-policies", "acl:read", shows="builtin/service"),
    read("/acl/templated-policy/name/{name}", "/acl/templated-policy/name/builtin/service", "acl:read",
         shows="builtin/service"),
    Row("POST", "/acl/templated-policy/preview/{name}", "/acl/templated-policy/preview/builtin/service", ("acl:read",),
        body={"Name": "web"}, shows="synthetic"),
    put("/acl/token", "/acl/token", "acl:write", body={}, probe="/acl/tokens"),
    read("/acl/token/self", "/acl/token/self", shows="$self", nobody="403"),
    Row("DELETE", "/acl/token/{accessor}", "/acl/token/$made", ("acl:write",), stranger=404, makes=(TOKEN,),
        probe="/acl/tokens"),
    read("/acl/token/{accessor}", "/acl/token/$accessor", "acl:read", shows="$accessor"),
    put("/acl/token/{accessor}", "/acl/token/$made", "acl:write", makes=(TOKEN,), body={"Description": "new"},
        probe="/acl/tokens"),
    put("/acl/token/{accessor}/clone", "/acl/token/$accessor/clone", "acl:write", body={}, probe="/acl/tokens"),
    read("/acl/tokens", "/acl/tokens", "acl:read", shows="$accessor"),
]

# Routes that the document gets with auth methods.
LOGIN = [
    read("/acl/auth-methods", "/acl/auth-methods", "acl:read", shows="walk-method"),
    put("/acl/auth-method", "/acl/auth-method", "acl:write", probe="/acl/auth-methods",
        body={"Name": "walk-$serial", "Type": "jwt", "Config": {"JWTValidationPubKeys": ["$key"]}}),
    read("/acl/auth-method/{name}", "/acl/auth-method/walk-method", "acl:read", shows="walk-method"),
    put("/acl/auth-method/{name}", "/acl/auth-method/walk-method", "acl:write", probe="/acl/auth-methods",
        body={"Name": "walk-method", "Type": "jwt", "Description": "new",
              "Config": {"JWTValidationPubKeys": ["$key"]}}),
    Row("DELETE", "/acl/auth-method/{name}", "/acl/auth-method/$method", ("acl:write",), stranger=404, makes=(METHOD,),
        probe="/acl/auth-methods"),
    read("/acl/binding-rules", "/acl/binding-rules", "acl:read", shows="walk-method"),
    put("/acl/binding-rule", "/acl/binding-rule", "acl:write", probe="/acl/binding-rules",
        body={"AuthMethod": "walk-method", "BindType": "service", "BindName": "web"}),
    read("/acl/binding-rule/{id}", "/acl/binding-rule/$rule", "acl:read", shows="walk-method"),
    put("/acl/binding-rule/{id}", "/acl/binding-rule/$rule", "acl:write", probe="/acl/binding-rules",
        body={"AuthMethod": "walk-method", "BindType": "service", "BindName": "web", "Description": "new"}),
    Row("DELETE", "/acl/binding-rule/{id}", "/acl/binding-rule/$made", ("acl:write",), stranger=404, makes=(RULE,),
        probe="/acl/binding-rules"),
    # Everybody may ask about his own token.
    Row("POST", "/acl/explain", "/acl/explain", body={"Permission": "key:read", "Name": "a"},
        shows='"Permission":"key:read"'),
    Row("POST", "/acl/explain", "/acl/explain", ("acl:read",),
        body={"AccessorID": "$accessor", "Permission": "key:read", "Name": "a"}, shows="$accessor"),
    read("/acl/token-uses", "/acl/token-uses", "acl:read", shows='"Uses":{'),
    # Whoever proves who he is may; nobody here does.
    Row("POST", "/acl/login", "/acl/login", ok=403, body={"AuthMethod": "none", "BearerToken": "x"}),
    Row("POST", "/acl/logout", "/acl/logout", ok=403, nobody="401"),  # only of tokens that a login made
]

AGENT = [
    put("/agent/check/deregister/{id}", "/agent/check/deregister/made", "service:write web", makes=(WEB,),
        probe="/agent/checks"),
    put("/agent/check/deregister/{id}", "/agent/check/deregister/made", "node:write n1", makes=(NODE_CHECK,),
        probe="/agent/checks"),
    *(row for word in ("fail", "warn", "pass") for row in (
        put(f"/agent/check/{word}/{{id}}", f"/agent/check/{word}/web-check", "service:write web",
            probe="/agent/checks"),
        put(f"/agent/check/{word}/{{id}}", f"/agent/check/{word}/node-check", "node:write n1", probe="/agent/checks"))),
    put("/agent/check/register", "/agent/check/register", "service:write web", probe="/agent/checks",
        body={"Name": "new", "TTL": "1h", "ServiceID": "web1", "Status": "passing"}),
    put("/agent/check/register", "/agent/check/register", "node:write n1", probe="/agent/checks",
        body={"Name": "newer", "TTL": "1h", "Status": "passing"}),
    put("/agent/check/update/{id}", "/agent/check/update/web-check", "service:write web", body={"Status": "passing"},
        probe="/agent/checks"),
    put("/agent/check/update/{id}", "/agent/check/update/node-check", "node:write n1", body={"Status": "passing"},
        probe="/agent/checks"),
    listed("/agent/checks", "/agent/checks", "service:read web", shows="web-check", filter="ServiceName == web"),
    listed("/agent/checks", "/agent/checks", "node:read n1", shows="node-check", filter='ServiceName == ""'),
    put("/agent/force-leave/{node}", "/agent/force-leave/none", "operator:write", ok=500),
    read("/agent/health/service/id/{id}", "/agent/health/service/id/web1", "service:read web", shows="web1"),
    read("/agent/health/service/name/{name}", "/agent/health/service/name/web", "service:read web", shows="web1"),
    read("/agent/host", "/agent/host", "operator:read", shows="CPU"),
    put("/agent/join/{address}", "/agent/join/127.0.0.1:$serf_lan", "agent:write n1"),
    put("/agent/maintenance", "/agent/maintenance?enable=false", "node:write n1"),
    listed("/agent/members", "/agent/members", "node:read n1", shows='"n1"', filter="Name == n1"),
    read("/agent/metrics", "/agent/metrics", "agent:read n1", shows="Gauges"),
    read("/agent/metrics/stream", "/agent/metrics/stream", "agent:read n1", streams=True),
    read("/agent/monitor", "/agent/monitor", "agent:read n1", streams=True),
    put("/agent/reload", "/agent/reload", "agent:write n1", last=True),
    read("/agent/self", "/agent/self", "agent:read n1", shows="DebugConfig"),
    put("/agent/service/deregister/{id}", "/agent/service/deregister/made", "service:write web", makes=(WEB,),
        probe="/agent/services"),
    put("/agent/service/maintenance/{id}", "/agent/service/maintenance/web1?enable=false", "service:write web"),
    put("/agent/service/register", "/agent/service/register", "service:write new", body={"Name": "new"},
        probe="/agent/services"),
    # It takes the place of another name.
    put("/agent/service/register", "/agent/service/register", "service:write new", "service:write web", makes=(WEB,),
        body={"Name": "new", "ID": "made"}, probe="/agent/services"),
    read("/agent/service/{id}", "/agent/service/web1", "service:read web", shows="web1"),
    listed("/agent/services", "/agent/services", "service:read web", shows="web1", filter="Service == web"),
    *(put("/agent/token/{kind}", f"/agent/token/{kind}", "agent:write n1", body={"Token": ""})
      for kind in ("default", "agent", "agent_recovery", "replication", "config_file_service_registration", "dns")),
    read("/agent/version", "/agent/version", shows="HumanVersion", stranger=200),
]

CATALOG = [
    listed("/catalog/connect/{service}", "/catalog/connect/web", "service:read web", besides=("node:read other",),
           shows="web2",
           filter="ServiceName == web", touch=TOUCH_NODE, marks=False),
    listed("/catalog/connect/{service}", "/catalog/connect/web", "node:read other", besides=("service:read web",),
           shows="web2",
           filter="ServiceName == web", touch=TOUCH_NODE),
    read("/catalog/datacenters", "/catalog/datacenters", shows="dc1", stranger=200),
    put("/catalog/deregister", "/catalog/deregister", "node:write made", body={"Node": "made"}, makes=(OTHER,),
        probe="/catalog/nodes"),
    put("/catalog/deregister", "/catalog/deregister", "service:write web|node:write made",
        body={"Node": "made", "ServiceID": "web"},
        makes=(OTHER,), probe="/catalog/service/web"),
    put("/catalog/deregister", "/catalog/deregister", "node:write made", body={"Node": "made", "CheckID": "own"},
        makes=(OTHER,), probe="/health/node/made"),
    put("/catalog/deregister", "/catalog/deregister", "service:write web|node:write made",
        body={"Node": "made", "CheckID": "of-web"},
        makes=(OTHER,), probe="/health/node/made"),
    read("/catalog/gateway-services/{gateway}", "/catalog/gateway-services/web", "service:read web", shows="["),
    listed("/catalog/node-services/{node}", "/catalog/node-services/other", "node:read other", "service:read web",
           shows="web2",
           filter="Service == web", touch=TOUCH_NODE),
    # Consul looks at the id where it should look at the name, and shows web2 to who may read "web2".
    listed("/catalog/node/{node}", "/catalog/node/other", "node:read other", "service:read web", shows="web2",
           filter="Service == web", touch=TOUCH_NODE),
    listed("/catalog/nodes", "/catalog/nodes", "node:read other", shows='"other"', filter="Node == other",
           touch=TOUCH_NODE),
    put("/catalog/register", "/catalog/register", "node:write new", body={"Node": "new", "Address": "127.0.0.7"},
        probe="/catalog/nodes"),
    put("/catalog/register", "/catalog/register", "service:write new", probe="/catalog/nodes",
        body={"Node": "other", "Address": "127.0.0.8", "SkipNodeUpdate": True, "Service": {"Service": "new"}}),
    put("/catalog/register", "/catalog/register", "node:write other", probe="/health/node/other",
        body={"Node": "other", "Address": "127.0.0.8", "SkipNodeUpdate": True,
              "Check": {"CheckID": "new", "Status": "passing"}}),
    put("/catalog/register", "/catalog/register", "service:write web", probe="/health/node/other",
        body={"Node": "other", "Address": "127.0.0.8", "SkipNodeUpdate": True,
              "Check": {"CheckID": "newer", "ServiceID": "web2", "Status": "passing"}}),
    listed("/catalog/service/{service}", "/catalog/service/web", "service:read web", "node:read other", shows="web2",
           filter="ServiceName == web", touch=TOUCH_NODE),
    listed("/catalog/services", "/catalog/services", "service:read web", "node_prefix:read ", shows='"web"',
           filter="ServiceName == web",
           touch=("PUT", "/catalog/register", {"Node": "other", "Address": "127.0.0.8",
                                               "Service": {"Service": "more"}})),
    read("/coordinate/datacenters", "/coordinate/datacenters", shows="dc1", stranger=200),
    read("/coordinate/node/{node}", "/coordinate/node/n1", "node:read n1", ok=404),
    listed("/coordinate/nodes", "/coordinate/nodes", "node:read other", shows='"other"'),
    put("/coordinate/update", "/coordinate/update", "node:write other",
        body={"Node": "other", "Coord": {"Vec": [0] * 8, "Error": 1.5, "Adjustment": 0, "Height": 1e-5}}),
]

EVENT = [
    put("/event/fire/{name}", "/event/fire/walk", "event:write walk", probe="/event/list", says="Permission denied",
        stranger=500),
    listed("/event/list", "/event/list", "event:read ready", shows='"ready"', touch=("PUT", "/event/fire/ready", None)),
]

HEALTH = [
    listed("/health/checks/{service}", "/health/checks/web", "service:read web", "node:read other", shows="walk",
           filter="ServiceName == web", touch=TOUCH_NODE),
    listed("/health/service/{service}", "/health/service/web", "service:read web", "node:read other", shows="web2",
           filter="Service.Service == web", touch=TOUCH_NODE),
    read("/health/connect/{service}", "/health/connect/web", "service:read web", besides=("node:read other",),
         shows="web2",
         says="Permission denied", filter="Service.Service == web", touch=TOUCH_NODE),
    listed("/health/connect/{service}", "/health/connect/web", "node:read other", besides=("service:read web",),
           shows="web2",
           filter="Service.Service == web", touch=TOUCH_NODE, nobody="Permission denied"),
    read("/health/ingress/{service}", "/health/ingress/web", "service:read web", says="Permission denied"),
    listed("/health/node/{node}", "/health/node/other", "node:read other", "service:read web", shows='"walk"',
           filter="ServiceName == web", touch=TOUCH_NODE),
    listed("/health/state/{state}", "/health/state/any", "node:read other", "service:read web", shows='"walk"',
           filter="ServiceName == web", touch=TOUCH_NODE),
]

INTERNAL = [
    Row("POST", "/internal/acl/authorize", "/internal/acl/authorize",
        body=[{"Resource": "key", "Access": "read", "Segment": "a"}],
        shows='"Allow":false'),
    read("/internal/federation-states", "/internal/federation-states", "operator:read", shows='"dc1"'),
    # Without gateways there is nothing to hide: permission_rows.h has one.
    read("/internal/federation-states/mesh-gateways", "/internal/federation-states/mesh-gateways", shows="{"),
    read("/internal/federation/status", "/internal/federation/status", "operator:read|agent:write $server", shows='"Datacenters"'),
    read("/internal/federation/doctor", "/internal/federation/doctor", "operator:read|agent:write $server", shows='"Hops"'),
    read("/internal/federation-state/{datacenter}", "/internal/federation-state/dc1", "operator:read", shows='"dc1"'),
    Row("DELETE", "/internal/federation/state/{datacenter}", "/internal/federation/state/walk-gone",
        ("operator:write",)),
    read("/internal/federation-invitation", "/internal/federation-invitation", "operator:read", shows="Faults"),
    put("/internal/federation-invitation", "/internal/federation-invitation", "operator:write", "acl:write",
        body={"ID": "none", "Digest": "0" * 64, "TTL": 3600 * 10 ** 9, "Places": [{"Datacenter": "walk-dc"}]},
        ok=500),
    put("/internal/federation-forget", "/internal/federation-forget", "operator:write", "acl:write",
        body={"Forgotten": "walk-never"}, ok=500),
    read("/internal/ui/catalog-overview", "/internal/ui/catalog-overview", "operator:read", shows="Nodes",
         says="Permission denied: token with AccessorID '' lacks permission 'operator:read'"),
    read("/internal/ui/exported-services", "/internal/ui/exported-services?peer=walk", shows="["),
    read("/internal/ui/gateway-intentions/{gateway}", "/internal/ui/gateway-intentions/web", "service:read web",
         shows="["),
    read("/internal/ui/gateway-services-nodes/{gateway}", "/internal/ui/gateway-services-nodes/web", "service:read web",
         shows="["),
    read("/internal/ui/metrics-proxy/{path}", "/internal/ui/metrics-proxy/v1/status/leader", "node_prefix:read ",
         "service_prefix:read ", shows="127.0.0.1"),
    read("/internal/ui/node/{node}", "/internal/ui/node/other", "node:read other", shows='"other"', hidden=404,
         touch=TOUCH_NODE),
    listed("/internal/ui/node/{node}", "/internal/ui/node/other", "service:read web", besides=("node:read other",),
           shows="web2",
           touch=TOUCH_NODE, nobody="404"),
    listed("/internal/ui/nodes", "/internal/ui/nodes", "node:read other", shows='"other"', filter="Node == other",
           touch=TOUCH_NODE),
    listed("/internal/ui/services", "/internal/ui/services", "service:read web", "node_prefix:read ", shows='"web"',
           filter="Service.Service == web", touch=TOUCH_NODE),
    read("/internal/ui/service-topology/{service}", "/internal/ui/service-topology/web?kind=", "service:read web",
         shows="Upstreams"),
]

CHAIN = [
    read("/discovery-chain/{service}", "/discovery-chain/web", "service:read web", shows="resolver:web"),
    Row("POST", "/discovery-chain/{service}", "/discovery-chain/web", ("service:read web",), body={},
        shows="resolver:web"),
    read("/exported-services", "/exported-services", "mesh:read", shows="["),
]

KV = [
    Row("DELETE", "/kv/{key}", "/kv/walk/made", ("key:write walk/made",), makes=(KEY,), probe="/kv/walk/made"),
    Row("DELETE", "/kv/{key}", "/kv/walk/made/?recurse", ("key_prefix:write walk/made/",), makes=(TREE,),
        probe="/kv/walk/made/tree"),
    read("/kv/{key}", "/kv/walk/one", "key:read walk/one", shows="walk/one", touch=("PUT", "/kv/walk/one", "new")),
    read("/kv/{key}", "/kv/walk/one?raw", "key:read walk/one"),
    listed("/kv/{key}", "/kv/walk/one?recurse", "key:read walk/one", shows="walk/one", hidden=404,
           touch=("PUT", "/kv/walk/one", "newer")),
    listed("/kv/{key}", "/kv/walk/one?keys", "key:read walk/one", shows="walk/one", hidden=404,
           touch=("PUT", "/kv/walk/one", "newest")),
    put("/kv/{key}", "/kv/walk/put", "key:write walk/put", body="x", probe="/kv/walk/put"),
    put("/kv/{key}", "/kv/walk/put?cas=0", "key:write walk/put", body="x", probe="/kv/walk/put"),
    put("/kv/{key}", "/kv/walk/held?acquire=$session", "key:write walk/held", body="x", probe="/kv/walk/held"),
    put("/kv/{key}", "/kv/walk/held?release=$session", "key:write walk/held", body="x", probe="/kv/walk/held"),
    listed("/stream", "/stream?topic=kv&prefix=walk/one", "key:read walk/one", shows="", marks=False, streams=True),
]

OPERATOR = [
    read("/operator/autopilot/configuration", "/operator/autopilot/configuration", "operator:read",
         shows="CleanupDeadServers"),
    put("/operator/autopilot/configuration", "/operator/autopilot/configuration", "operator:write",
        body={"CleanupDeadServers": True},
        probe="/operator/autopilot/configuration"),
    read("/operator/autopilot/health", "/operator/autopilot/health", "operator:read", shows="Healthy"),
    read("/operator/autopilot/state", "/operator/autopilot/state", "operator:read", shows="Healthy"),
    *(Row(method, "/operator/keyring", "/operator/keyring", ("keyring:write",), body={"Key": key},
          probe="/operator/keyring")
      for method, key in (("POST", "$other_key"), ("PUT", "$ring_key"), ("DELETE", "$other_key"))),
    read("/operator/keyring", "/operator/keyring", "keyring:read", shows="$ring_key"),
    read("/operator/raft/configuration", "/operator/raft/configuration", "operator:read", shows="Servers"),
    Row("DELETE", "/operator/raft/peer", "/operator/raft/peer?id=none", ("operator:write",), ok=500),
    Row("POST", "/operator/raft/transfer-leader", "/operator/raft/transfer-leader", ("operator:write",), ok=500),
    read("/operator/usage", "/operator/usage", "operator:read", shows="Nodes"),
]

QUERY_ROWS = [
    listed("/query", "/query", "query:read walk-query", shows="walk-query",
           touch=("PUT", "/query/$query", {"Name": "walk-query", "Service": {"Service": "web", "OnlyPassing": False}})),
    Row("POST", "/query", "/query", ("query:write walk-$serial",), body={"Name": "walk-$serial",
                                                                         "Service": {"Service": "web"}},
        probe="/query"),
    Row("DELETE", "/query/{id}", "/query/$made", ("query:write walk-made-$serial",), makes=(QUERY,), probe="/query"),
    read("/query/{id}", "/query/$query", "query:read walk-query", shows="walk-query", says="Permission denied"),
    read("/query/{id}", "/query/$unnamed", shows="$unnamed"),  # who knows the id may see it
    put("/query/{id}", "/query/$made", "query:write walk-made-$serial", makes=(QUERY,), probe="/query",
        body={"Name": "walk-made-$serial", "Service": {"Service": "other"}}),
    listed("/query/{query}/execute", "/query/walk-query/execute", "service:read web", "node:read other", shows="web2"),
    read("/query/{query}/explain", "/query/walk-query/explain", "query:read walk-query", shows="walk-query",
         says="Permission denied"),
]

ENTRY = Make("made", "PUT", "/config", {"Kind": "service-defaults", "Name": "walk-made-$serial"}, "")
CONFIG_ROWS = [
    read("/config/{kind}", "/config/service-defaults/walk", "service:read walk", shows='"walk"', unfiltered=True,
         touch=("PUT", "/config", {"Kind": "service-defaults", "Name": "walk", "Meta": {"touched": "$serial"}})),
    listed("/config/{kind}", "/config/service-defaults", "service:read walk", shows='"walk"',
           touch=("PUT", "/config", {"Kind": "service-defaults", "Name": "walk", "Meta": {"touched": "$serial"}}),
           filter='Name == "walk"'),
    listed("/config/{kind}", "/config/", "service:read walk", shows='"walk"', unfiltered=True),
    read("/config/{kind}", "/config/mesh/mesh", shows='"mesh"', unfiltered=True),
    put("/config", "/config", "service:write walk-$serial", body={"Kind": "service-defaults", "Name": "walk-$serial"},
        probe="/config/service-defaults"),
    put("/config", "/config", "mesh:write", body={"Kind": "mesh", "Meta": {"touched": "$serial"}}, probe="/config/mesh"),
    put("/config", "/config", "service:write walk-$serial", "service:read web", probe="/config/service-resolver",
        body={"Kind": "service-resolver", "Name": "walk-$serial", "Redirect": {"Service": "web"}}),
    Row("DELETE", "/config/{kind}", "/config/service-defaults/walk-made-$serial",
        ("service:write walk-made-$serial",), makes=(ENTRY,), probe="/config/service-defaults"),
]

SESSION_ROWS = [
    put("/session/create", "/session/create", "session:write n1", body={"TTL": "60s"}, probe="/session/list"),
    put("/session/destroy/{id}", "/session/destroy/$made", "session:write n1", makes=(SESSION,), probe="/session/list"),
    *(listed(f"/session/{word}", f"/session/{path}", "session:read n1", shows="$session",
             touch=() if word == "info/{id}" else ("PUT", "/session/create", {"TTL": "60s"}))
      for word, path in (("info/{id}", "info/$session"), ("list", "list"), ("node/{node}", "node/n1"))),
    put("/session/renew/{id}", "/session/renew/$session", "session:write n1"),
]

SERVER = [
    read("/openapi.json", "/openapi.json", shows="openapi", stranger=200),
    read("/snapshot", "/snapshot", "acl:write"),
    put("/snapshot", "/snapshot", "acl:write", body="$snapshot", last=True),
    read("/status/leader", "/status/leader", shows="127.0.0.1", stranger=200),
    read("/status/peers", "/status/peers", shows="127.0.0.1", stranger=200),
    put("/agent/leave", "/agent/leave", "agent:write n1", last=True),
]

KEY_TXN = {"Key": "walk/one", "Value": ""}
OTHER_NODE = {"Node": "other", "Address": "127.0.0.8"}
WEB2 = {"Service": "web", "ID": "web2"}
OF_WEB = {"Node": "other", "CheckID": "walk", "ServiceID": "web2", "ServiceName": "web", "Status": "passing"}
OF_NODE = {"Node": "other", "CheckID": "new", "Status": "passing"}
TXN = [
    *(operation("KV", "key:write walk/one", Verb=verb, **KEY_TXN, **more, ok=ok) for verb, more, ok in (
        ("set", {}, 200), ("cas", {"Index": 1}, 409), ("lock", {"Session": "$session"}, 200),
        ("unlock", {"Session": "$session"}, 200), ("delete-cas", {"Index": 1}, 409), ("delete", {}, 200))),
    operation("KV", "key_prefix:write walk/none/", Verb="delete-tree", Key="walk/none/"),
    *(operation("KV", "key:read walk/two", Verb=verb, Key="walk/two", **more, ok=ok) for verb, more, ok in (
        ("get", {}, 200), ("get-or-empty", {}, 200), ("get-tree", {}, 200), ("check-index", {"Index": 1}, 409),
        ("check-session", {"Session": "$session"}, 409))),
    operation("KV", "key:write walk/two", Verb="check-not-exists", Key="walk/two", ok=409),
    operation("Node", "node:read other", Verb="get", Node=OTHER_NODE),
    *(operation("Node", "node:write other", Verb=verb, Node=OTHER_NODE | more, ok=ok) for verb, more, ok in (
        ("set", {}, 200), ("cas", {"ModifyIndex": 1}, 409), ("delete-cas", {"ModifyIndex": 1}, 409))),
    operation("Node", "node:write absent", Verb="delete", Node={"Node": "absent"}),
    operation("Service", "service:read web", Verb="get", Node="other", Service=WEB2),
    *(operation("Service", "service:write web", Verb=verb, Node="other", Service=WEB2 | more, ok=ok) for verb, more,
      ok in (
        ("set", {}, 200), ("cas", {"ModifyIndex": 1}, 409), ("delete-cas", {"ModifyIndex": 1}, 409))),
    operation("Service", "service:write web", Verb="delete", Node="other", Service={"Service": "web", "ID": "absent"}),
    operation("Check", "service:read web", Verb="get", Check=OF_WEB),
    operation("Check", "node:read other", Verb="get", Check={"Node": "other", "CheckID": "own"}),
    *(operation("Check", need, Verb=verb, Check=check | more, ok=ok)
      for need, check in (("service:write web", OF_WEB), ("node:write other", OF_NODE)) for verb, more, ok in (
          ("set", {}, 200), ("cas", {"ModifyIndex": 1}, 409), ("delete-cas", {"ModifyIndex": 1}, 409),
          ("delete", {}, 200))),
]

INTENTION = Make("made", "PUT", "/connect/intentions/exact?source=web&destination=walk-made", {"Action": "allow"}, "")
INTENTION_WITH_ID = Make("made", "POST", "/connect/intentions", {
    "SourceName": "web", "DestinationName": "walk-gone-$serial", "Action": "allow"})
TOUCH_INTENTION = ("PUT", "/connect/intentions/exact?source=web&destination=walk-db", {
    "Action": "allow", "Description": "$serial"})
# Consul names neither token nor permission when it refuses single intentions.
PLAINLY = {"says": "Permission denied"}
MESH = [
    Row("POST", "/agent/connect/authorize", "/agent/connect/authorize", ("service:write web",),
        body={"Target": "web", "ClientCertURI": "spiffe://x.consul/ns/default/dc/dc1/svc/api"}, shows="Authorized"),
    # Either side will do.
    listed("/connect/intentions", "/connect/intentions", "intention:read web|intention:read walk-db", shows='"walk-db"',
           filter='DestinationName == "walk-db"', touch=TOUCH_INTENTION),
    Row("POST", "/connect/intentions", "/connect/intentions", ("intention:write walk-$serial",),
        body={"SourceName": "web", "DestinationName": "walk-$serial", "Action": "allow"}, probe="/connect/intentions",
        **PLAINLY),
    read("/connect/intentions/check", "/connect/intentions/check?source=web&destination=walk-db", "service:read walk-db",
         shows="Allowed"),
    Row("DELETE", "/connect/intentions/exact", "/connect/intentions/exact?source=web&destination=walk-made",
        ("intention:write walk-made",), makes=(INTENTION,), probe="/connect/intentions", **PLAINLY),
    read("/connect/intentions/exact", "/connect/intentions/exact?source=web&destination=walk-db",
         "intention:read web|intention:read walk-db", shows='"walk-db"', **PLAINLY),
    put("/connect/intentions/exact", "/connect/intentions/exact?source=web&destination=walk-new",
        "intention:write walk-new", body={"Action": "deny"}, probe="/connect/intentions", **PLAINLY),
    read("/connect/intentions/match", "/connect/intentions/match?by=destination&name=walk-db", "intention:read walk-db",
         shows='"walk-db"', touch=TOUCH_INTENTION),
    Row("DELETE", "/connect/intentions/{id}", "/connect/intentions/$made", ("intention:write walk-gone-$serial",),
        makes=(INTENTION_WITH_ID,), probe="/connect/intentions", **PLAINLY),
    read("/connect/intentions/{id}", "/connect/intentions/$intention", "intention:read web|intention:read walk-old",
         shows='"walk-old"', **PLAINLY),
    put("/connect/intentions/{id}", "/connect/intentions/$intention", "intention:write walk-old",
        body={"SourceName": "web", "DestinationName": "walk-old", "Action": "deny"}, probe="/connect/intentions",
        **PLAINLY),
    put("/internal/service-virtual-ip", "/internal/service-virtual-ip", "mesh:write",
        body={"Service": "web", "ManualVIPs": ["10.9.9.9"]}, shows="Found"),
]

CONNECT = [
    read("/agent/connect/ca/roots", "/agent/connect/ca/roots", stranger=200),
    # Consul hands a certificate with its private key to anybody, once somebody who may has asked for it.
    read("/agent/connect/ca/leaf/{service}", "/agent/connect/ca/leaf/web", "service:write web", shows="PrivateKeyPEM"),
    read("/connect/ca/roots", "/connect/ca/roots", stranger=200),
    read("/connect/ca/configuration", "/connect/ca/configuration", "operator:write", shows="Provider"),
    put("/connect/ca/configuration", "/connect/ca/configuration", "operator:write",
        body={"Provider": "consul", "Config": {"LeafCertTTL": "48h"}}, probe="/connect/ca/configuration"),
]

PEER = Make("peer_token", "POST", "/peering/token", {"PeerName": "walk"}, "PeeringToken")
GONE_PEER = Make("gone", "POST", "/peering/token", {"PeerName": "walk-gone-$serial"}, "PeeringToken")
PEERING = [
    read("/peerings", "/peerings", "peering:read", shows='"walk"', makes=(PEER,)),
    read("/peering/{name}", "/peering/walk", "peering:read", shows='"walk"', makes=(PEER,)),
    Row("POST", "/peering/token", "/peering/token", ("peering:write",), body={"PeerName": "walk-$serial"},
        shows="PeeringToken", probe="/peerings"),
    # The token is of this cluster: who may is told so.
    Row("POST", "/peering/establish", "/peering/establish", ("peering:write",),
        body={"PeerName": "walk-own", "PeeringToken": "$peer_token"}, makes=(PEER,), ok=500,
        shows="cannot create a peering within the same cluster", probe="/peerings"),
    Row("DELETE", "/peering/{name}", "/peering/walk-gone-$serial", ("peering:write",), makes=(GONE_PEER,),
        probe="/peerings"),
]

ROWS = [*ACL, *LOGIN, *AGENT, *CATALOG, *CONNECT, *EVENT, *HEALTH, *INTERNAL, *KV, *OPERATOR, *QUERY_ROWS, *CONFIG_ROWS,
        *SESSION_ROWS, *SERVER, *TXN, *CHAIN, *MESH, *PEERING]

# Routes that later parts bring; each must leave this list when it answers.
LATER: list[tuple[str, str]] = []
