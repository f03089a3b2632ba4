"""Something of every table, and what a server of either kind says of it."""
import json

from world import Node, eventually

READ = [
    "/v1/kv/static/?recurse", "/v1/catalog/node/static-1", "/v1/catalog/node/static-2", "/v1/health/service/web",
    "/v1/health/node/static-1", "/v1/health/service/db", "/v1/session/node/static-1", "/v1/query", "/v1/connect/intentions",
    "/v1/config/service-defaults", "/v1/config/service-resolver", "/v1/config/service-intentions", "/v1/config/proxy-defaults",
    "/v1/config/ingress-gateway", "/v1/config/terminating-gateway", "/v1/config/service-splitter", "/v1/config/mesh",
    "/v1/catalog/gateway-services/ingress", "/v1/coordinate/node/static-1", "/v1/connect/ca/roots",
    "/v1/connect/ca/configuration", "/v1/operator/autopilot/configuration", "/v1/discovery-chain/web", "/v1/internal/service-virtual-ip"]
OF_ACL = ["/v1/acl/tokens", "/v1/acl/policies", "/v1/acl/roles", "/v1/acl/auth-methods", "/v1/acl/binding-rules"]
ENTRIES = [
    {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http", "n": 1}, "MeshGateway": {"Mode": "local"}},
    {"Kind": "service-defaults", "Name": "web", "Protocol": "http", "Meta": {"a": "b"}},
    {"Kind": "service-resolver", "Name": "web", "DefaultSubset": "v1", "Subsets": {
        "v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"Filter": "Service.Meta.version == 2", "OnlyPassing": True}}},
    {"Kind": "service-splitter", "Name": "web", "Splits": [{"Weight": 90, "ServiceSubset": "v1"},
                                                          {"Weight": 10, "ServiceSubset": "v2"}]},
    {"Kind": "service-intentions", "Name": "db", "Sources": [{"Name": "web", "Action": "allow", "Description": "of course"},
                                                            {"Name": "*", "Action": "deny"}]},
    {"Kind": "ingress-gateway", "Name": "ingress", "Listeners": [
        {"Port": 8080, "Protocol": "http", "Services": [{"Name": "web", "Hosts": ["web.example"]}]}]},
    {"Kind": "terminating-gateway", "Name": "out", "Services": [{"Name": "db"}]},
    {"Kind": "mesh", "TransparentProxy": {"MeshDestinationsOnly": True}}]


def make(server: Node) -> None:
    for number in range(40):
        server.ask("PUT", f"/v1/kv/static/{number}?flags={number}", "v" * number * 50)
    for number in (1, 2):
        server.put("/v1/catalog/register", {
            "Node": f"static-{number}", "ID": f"40e4a748-2192-161a-0510-9bf59fe950b{number}", "Address": f"10.0.0.{number}",
            "TaggedAddresses": {"wan": "1.2.3.4"}, "NodeMeta": {"rack": "7"},
            "Service": {"Service": "web", "ID": f"web-{number}", "Port": 80, "Tags": ["a", "b"], "Meta": {"version": str(number)},
                        "Weights": {"Passing": 3, "Warning": 1}, "TaggedAddresses": {"lan": {"Address": "10.0.0.9", "Port": 8}}},
            "Checks": [{"CheckID": "alive", "Name": "of the node", "Status": "passing"},
                       {"CheckID": f"web-{number}", "Name": "of the service", "ServiceID": f"web-{number}",
                        "Status": ["passing", "critical"][number - 1], "Output": "so so\n"}]})
        server.put("/v1/catalog/register", {"Node": f"static-{number}", "Address": f"10.0.0.{number}", "SkipNodeUpdate": True,
                                            "Service": {"Service": "db", "Port": 5432, "EnableTagOverride": True}})
    session = json.loads(server.put("/v1/session/create", {"Node": "static-1", "Name": "long", "LockDelay": "2s",
                                                           "Behavior": "delete", "NodeChecks": ["alive"]}))["ID"]
    assert server.ask("PUT", f"/v1/kv/static/locked?acquire={session}", "held")[1].strip() == b"true"
    status, body = server.ask("POST", "/v1/query", json.dumps({
        "Name": "web-query", "Service": {"Service": "web", "OnlyPassing": True, "Tags": ["a"],
                                         "Failover": {"NearestN": 2, "Datacenters": ["dc2"]}}, "DNS": {"TTL": "5s"}}))
    assert status == 200, (status, body)
    for entry in ENTRIES:
        server.put("/v1/config", entry)
    server.put("/v1/coordinate/update", {"Node": "static-1", "Coord": {
        "Vec": [0.1] * 8, "Error": 0.5, "Adjustment": 0.01, "Height": 0.001}})
    eventually("the coordinate is there", lambda: server.ask("GET", "/v1/coordinate/node/static-1")[0] == 200, 30)
    eventually("the mesh has roots", lambda: server.get("/v1/connect/ca/roots")["Roots"])
    if server.token:
        rules = 'key_prefix "app/" { policy = "write" } service "web" { policy = "write" intentions = "read" }'
        policy = json.loads(server.put("/v1/acl/policy", {"Name": "app", "Rules": rules, "Datacenters": ["dc1"]}))
        role = json.loads(server.put("/v1/acl/role", {"Name": "apps", "Policies": [{"ID": policy["ID"]}],
                                                      "ServiceIdentities": [{"ServiceName": "web"}]}))
        server.put("/v1/acl/token", {"Description": "of web", "Roles": [{"ID": role["ID"]}], "NodeIdentities": [
            {"NodeName": "n", "Datacenter": "dc1"}], "ExpirationTTL": "20h"})
        server.put("/v1/acl/token", {"Description": "here only", "Local": True, "TemplatedPolicies": [
            {"TemplateName": "builtin/service", "TemplateVariables": {"Name": "web"}}]})
        server.put("/v1/acl/auth-method", {"Name": "jwt", "Type": "jwt", "MaxTokenTTL": "1h", "Config": {
            "JWTValidationPubKeys": [PUBLIC_KEY], "BoundIssuer": "test"}})
        server.put("/v1/acl/binding-rule", {"AuthMethod": "jwt", "BindType": "service", "BindName": "web"})


def sorted_all(value):
    """Without the order of rows, which neither kind promises."""
    if isinstance(value, dict):
        return {key: sorted_all(row) for key, row in value.items()}
    if isinstance(value, list):
        return sorted((sorted_all(row) for row in value), key=lambda row: json.dumps(row, sort_keys=True))
    return value


def of(server: Node) -> dict:
    """From its own tables, indexes included."""
    found = {}
    for path in READ + (OF_ACL if server.token else []):
        status, body = server.ask("GET", path + ("&" if "?" in path else "?") + "stale", timeout=30)
        found[path] = (status, sorted_all(json.loads(body)) if status == 200 else body.decode().strip())
        if path == "/v1/connect/ca/roots" and status == 200:
            found[path][1].pop("Index", None)
        if path.startswith("/v1/catalog/gateway-services"):  # Consul's are made anew with every snapshot
            for row in found[path][1]:
                del row["CreateIndex"], row["ModifyIndex"]
    return found


def differences(one, two, where: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return [line for key in sorted(one.keys() | two.keys())
                for line in differences(one.get(key, "absent"), two.get(key, "absent"), f"{where}.{key}")]
    if isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)) and len(one) == len(two):
        return [line for number, (a, b) in enumerate(zip(one, two)) for line in differences(a, b, f"{where}[{number}]")]
    return [] if one == two else [f"{where}: {str(one)[:200]} / {str(two)[:200]}"]


def check_same(before: dict, now: dict, name: str) -> None:
    wrong = differences(before, now)
    assert not wrong, (name, wrong[:10])


def check_equal(servers: list[Node]) -> None:
    """All of them hold the same, KV of everybody included."""
    def equal() -> bool:
        states = [of(server) | {"kv": server.ask("GET", "/v1/kv/?recurse&stale", timeout=30)[1]} for server in servers]
        wrong = [(server.name, differences(states[0], found)[:5]) for server, found in zip(servers, states)
                 if differences(states[0], found)]
        assert not wrong, wrong
        return True
    eventually("all servers hold the same", equal, 30)


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZtIYrZz4zQBkLb3w8emyCdXp9wGJ
DgFG4GI4L9u8EPUQscWWsXjnsEZ5EI08q1XyHl9bHzovpGydiVXv1mh2VQ==
-----END PUBLIC KEY-----
"""
