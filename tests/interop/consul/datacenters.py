"""Two datacenters, one of each kind, joined over the WAN: asked for each other, and copying what the primary says."""
import json
import time

from world import REPLICATION, ROOT, World, eventually, leader_of, other, voting

RULES = 'key_prefix "app/" { policy = "write" }'


def pair(world: World, primary: str) -> tuple[list, list]:
    """Three servers of the primary, two of the secondary, of the other kind."""
    ones = world.cluster([primary] * 3)
    twos = []
    settings = {"retry_join_wan": [ones[0].wan()]}
    if world.secured:
        settings["tokens"] = {"replication": REPLICATION}
    tokens = settings.pop("tokens", {})
    for number in (1, 2):
        server = world.server(f"t{number}", other(primary), 2, "dc2", join=twos, **settings)
        if tokens:
            acl = server.settings()["acl"]
            server.change(acl=acl | {"enable_token_replication": True, "tokens": acl["tokens"] | tokens})
        twos.append(server)
    for server in twos:
        server.start()
    for server in ones + twos:
        eventually(f"{server.name} knows all of the WAN", lambda s=server: {
            member["Name"] for member in s.get("/v1/agent/members?wan=1") if member["Status"] == 1
        } == {f"{one.name}.dc1" for one in ones} | {f"{two.name}.dc2" for two in twos}, 90)
    return ones, twos


def check_way(near: list, far: list, datacenter: str) -> None:
    """What a server asks of the other datacenter; any server there may answer a stale question, and not have heard yet."""
    asked, at = near[-1], far[0]
    assert asked.ask("PUT", f"/v1/kv/of-{near[0].name}?dc={datacenter}", "1")[1].strip() == b"true"
    assert at.ask("GET", f"/v1/kv/of-{near[0].name}?raw")[1] == b"1"
    assert asked.ask("GET", f"/v1/kv/of-{near[0].name}")[0] == 404
    eventually("any server has it", lambda: asked.ask(
        "GET", f"/v1/kv/of-{near[0].name}?raw&dc={datacenter}&stale")[1] == b"1", 5)
    status, body = asked.ask("GET", "/v1/kv/x?dc=dc9")
    assert (status, body.strip()[:21]) == (500, b"No path to datacenter"), (status, body)

    at.put("/v1/catalog/register", {"Node": f"far-{datacenter}", "Address": "10.9.0.1",
                                    "Service": {"Service": f"web-{datacenter}", "Port": 80}})
    assert asked.get(f"/v1/catalog/service/web-{datacenter}?dc={datacenter}")[0]["Datacenter"] == datacenter
    for name in (f"web-{datacenter}.service", f"far-{datacenter}.node"):
        eventually(f"{name} has an address", lambda n=name: asked.look_up(f"{n}.{datacenter}.consul") == (0, ["10.9.0.1"]), 5)
    for more in ("", "&cached"):
        eventually(f"its health {more}", lambda m=more: [row["Node"]["Node"] for row in asked.get(
            f"/v1/health/service/web-{datacenter}?dc={datacenter}{m}")] == [f"far-{datacenter}"], 5)
    asked.ask("POST", "/v1/query", json.dumps({"Name": f"find-{datacenter}", "Service": {
        "Service": f"web-{datacenter}", "Failover": {"Datacenters": [datacenter]}}}))
    eventually("the query fails over", lambda: (found := asked.get(f"/v1/query/find-{datacenter}/execute"))["Failovers"] == 1
               and found["Datacenter"] == datacenter and len(found["Nodes"]) == 1, 5)
    eventually("the query's name has an address", lambda: asked.look_up(f"find-{datacenter}.query.consul")[1] == ["10.9.0.1"], 5)
    asked.put(f"/v1/event/fire/hello?dc={datacenter}")
    eventually("the event is heard", lambda: at.get("/v1/event/list?name=hello"))
    here = "dc1" if datacenter == "dc2" else "dc2"
    eventually("the way is estimated", lambda: "Estimated" in asked.command(
        "rtt", "-wan", f"{near[0].name}.{here}", f"{far[0].name}.{datacenter}"))


def wan(world: World, primary: str) -> None:
    ones, twos = pair(world, primary)
    voting(ones)
    voting(twos)
    for server in ones + twos:
        eventually("both datacenters", lambda s=server: sorted(s.get("/v1/catalog/datacenters")) == ["dc1", "dc2"])
        eventually("coordinates of both", lambda s=server: {
            row["Datacenter"] for row in s.get("/v1/coordinate/datacenters") if row["Coordinates"]} == {"dc1", "dc2"}, 90)
    for near, far, datacenter in ((ones, twos, "dc2"), (twos, ones, "dc1")):
        check_way(near, far, datacenter)

    # A large answer and a blocking query from one to the other, and a leader that dies over there.
    big = "x" * 400_000
    assert ones[0].ask("PUT", "/v1/kv/big", big)[1].strip() == b"true"
    assert len(twos[0].ask("GET", "/v1/kv/big?raw&dc=dc1")[1]) == len(big)
    leader = leader_of(ones)
    leader.kill()
    begun = time.monotonic()
    eventually("a write from the other datacenter", lambda: twos[1].ask(
        "PUT", "/v1/kv/after?dc=dc1", "x", timeout=15)[1].strip() == b"true")
    print(f"    {primary}'s leader killed: a write by dc2 after {time.monotonic() - begun:.2f} s")
    leader.start()
    voting(ones)
    config_entries(ones, twos)


def config_entries(ones: list, twos: list) -> None:
    """Configuration and the mesh's authority are the primary's."""
    ones[0].put("/v1/config", {"Kind": "service-defaults", "Name": "web", "Protocol": "grpc"})
    eventually("dc2 has it", lambda: twos[0].ask("GET", "/v1/config/service-defaults/web")[0] == 200, 90)
    # A server of Consul's loses the first call over a stream that it kept to a server which has died.
    eventually("an entry is made in dc2", lambda: twos[0].put(
        "/v1/config", {"Kind": "service-defaults", "Name": "made-in-dc2", "Protocol": "http2"}))
    assert ones[0].get("/v1/config/service-defaults/made-in-dc2")["Protocol"] == "http2"
    eventually("dc2 has it too", lambda: twos[0].ask("GET", "/v1/config/service-defaults/made-in-dc2")[0] == 200, 90)
    roots = eventually("dc2 has roots", lambda: twos[0].get("/v1/connect/ca/roots"), 90)
    assert roots["TrustDomain"] == ones[0].get("/v1/connect/ca/roots")["TrustDomain"]
    leaf = eventually("a certificate in dc2", lambda: twos[0].get("/v1/agent/connect/ca/leaf/web"), 90)
    assert "/dc/dc2/" in leaf["ServiceURI"] and leaf["CertPEM"].count("BEGIN") >= 2, leaf["ServiceURI"]


def code(server, path: str, token: str, method: str = "GET", body=None) -> int:
    before, server.token = server.token, token
    try:
        return server.ask(method, path, json.dumps(body) if isinstance(body, dict) else body, timeout=30)[0]
    finally:
        server.token = before


def replication(world: World, primary: str) -> None:
    """Of policies, roles and tokens, from servers of this kind into those of the other."""
    ones, twos = pair(world, primary)
    status = eventually("all is copied", lambda: (s := twos[0].get("/v1/acl/replication"))["ReplicatedTokenIndex"] and s, 120)
    assert (status["Enabled"], status["Running"], status["SourceDatacenter"], status["ReplicationType"]) == (
        True, True, "dc1", "tokens"), status
    for server in twos:
        eventually("the first token is known", lambda s=server: code(s, "/v1/acl/tokens", ROOT) == 200)
    voting(ones)
    voting(twos)

    def works(secret: str) -> bool:
        return all(code(two, "/v1/kv/app/x", secret, "PUT", "x") == 200 for two in twos)
    ones[0].put("/v1/acl/policy", {"Name": "app", "Rules": RULES})
    ones[0].put("/v1/acl/role", {"Name": "apps", "Policies": [{"Name": "app"}]})
    time.sleep(2)
    made = json.loads(ones[1].put("/v1/acl/token", {"Roles": [{"Name": "apps"}], "Description": "made in dc1"}))
    begun = time.monotonic()
    eventually("a token of the primary works in the secondary", lambda: works(made["SecretID"]), 60)
    print(f"    a token of the {primary} primary works in the {other(primary)} secondary after {time.monotonic() - begun:.2f} s")
    ones[0].ask("DELETE", f"/v1/acl/token/{made['AccessorID']}")
    begun = time.monotonic()
    eventually("and is refused once it is taken back", lambda: all(
        code(two, "/v1/kv/app/x", made["SecretID"], "PUT", "x") == 403 for two in twos), 90)
    print(f"    taken back, it is refused after {time.monotonic() - begun:.2f} s")

    # A global token asked for in the secondary is made in the primary; a local one stays.
    made = json.loads(twos[0].put("/v1/acl/token", {"Roles": [{"Name": "apps"}]}))
    assert made["Local"] is False and any(row["AccessorID"] == made["AccessorID"] for row in ones[0].get("/v1/acl/tokens"))
    local = json.loads(twos[1].put("/v1/acl/token", {"Policies": [{"Name": "app"}], "Local": True}))
    assert code(twos[0], "/v1/kv/app/x", local["SecretID"], "PUT", "x") == 200
    assert not any(row["AccessorID"] == local["AccessorID"] for row in ones[0].get("/v1/acl/tokens"))
    eventually("the global one works everywhere", lambda: works(made["SecretID"]), 60)
    assert code(ones[0], "/v1/kv/app/x", made["SecretID"], "PUT", "x") == 200
    assert code(twos[0], "/v1/kv/app/x?dc=dc1", made["SecretID"], "PUT", "x") == 200
    assert code(twos[0], "/v1/kv/elsewhere?dc=dc1", made["SecretID"], "PUT", "x") == 403
    assert code(ones[0], "/v1/kv/app/x?dc=dc2", made["SecretID"], "PUT", "x") == 200

    # A refusal has Consul's servers ask another one of the primary from then on, but for the list that is under way. What
    # it lists they read of a server that may be behind, and miss it until something else changes: one change for that.
    ones[0].put("/v1/acl/policy", {"Name": "unrelated", "Rules": RULES})
    time.sleep(1)

    # A changed policy and a deleted role follow.
    policy = next(row for row in ones[0].get("/v1/acl/policies") if row["Name"] == "app")
    ones[0].put(f"/v1/acl/policy/{policy['ID']}", {"Name": "app", "Rules": 'key_prefix "app/" { policy = "read" }'})
    eventually("the changed policy", lambda: code(twos[1], "/v1/kv/app/x", made["SecretID"], "PUT", "x") == 403, 90)
    assert code(twos[1], "/v1/kv/app/x", made["SecretID"]) == 200
    role = next(row for row in ones[0].get("/v1/acl/roles") if row["Name"] == "apps")
    ones[0].ask("DELETE", f"/v1/acl/role/{role['ID']}")
    eventually("the deleted role", lambda: code(twos[1], "/v1/kv/app/x", made["SecretID"]) == 403, 90)

    # Without the primary what is known goes on, and it catches up.
    for one in ones:
        one.kill()
    assert code(twos[0], "/v1/kv/app/x", local["SecretID"]) == 200
    assert code(twos[0], "/v1/acl/tokens", ROOT) == 200
    for one in ones:
        one.start()
    voting(ones)
    ones[0].put("/v1/acl/policy", {"Name": "later", "Rules": RULES})
    eventually("what is made later", lambda: any(
        row["Name"] == "later" for row in twos[0].get("/v1/acl/policies")), 180)
    config_entries(ones, twos)
