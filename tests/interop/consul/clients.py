"""Client agents of one kind on servers of the other: what users of a client agent do, through it."""
import json
import threading
import time

from world import AGENT, Node, World, eventually, other, until_index


def healthy(node: Node, path: str) -> list[str]:
    return sorted(row["Node"]["Node"] for row in node.get(path))


def check_membership(servers: list[Node], client: Node) -> None:
    for node in [*servers, client]:
        eventually(f"{node.name} sees all alive", lambda n=node: {
            member["Name"]: member["Status"] for member in n.get("/v1/agent/members")
        } == {member.name: 1 for member in [*servers, client]})
    eventually("the client is a node of passing health", lambda: any(
        check["CheckID"] == "serfHealth" and check["Status"] == "passing"
        for check in servers[0].get(f"/v1/health/node/{client.name}")))
    assert client.get("/v1/agent/self")["Config"]["Server"] is False
    eventually("it has a coordinate", lambda: any(
        row["Node"] == client.name for row in client.get("/v1/coordinate/nodes")), 90)


def check_services(server: Node, client: Node) -> None:
    client.put("/v1/agent/service/register", {"Name": "web", "ID": "web-1", "Port": 80, "Tags": ["v1"], "Check": {
        "TTL": "60s", "Status": "passing"}})
    path = "/v1/health/service/web?passing"
    for asked in (server, client):
        eventually(f"{asked.name} finds it", lambda a=asked: healthy(a, path) == [client.name])
    eventually("by ?cached", lambda: healthy(client, path + "&cached") == [client.name])
    eventually("its name", lambda: client.look_up("web.service.consul")[1] == [client.host], 5)
    eventually("by its tag", lambda: server.look_up("v1.web.service.consul")[1] == [client.host], 5)

    # Followers of the view by ?cached, through a subscription, and of a plain blocking query see a failed check.
    for asked, how in ((client, "&cached"), (client, ""), (server, "")):
        client.put("/v1/agent/check/pass/service:web-1")
        eventually("it passes", lambda a=asked, h=how: healthy(a, path + h) == [client.name])
        connection = asked.connection()
        connection.request("GET", path + how)
        answer = connection.getresponse()
        index = int(answer.getheader("X-Consul-Index"))
        answer.read()
        threading.Timer(0.5, client.put, ["/v1/agent/check/fail/service:web-1"]).start()
        took, rows = until_index(asked, path + how, index)
        assert 0.3 < took < 5 and rows == [], (asked.name, how, took, rows)
    # Names are asked for at any server, which may not have heard yet.
    eventually("its name is gone", lambda: client.look_up("web.service.consul")[1] == [], 5)
    client.put("/v1/agent/service/deregister/web-1")
    eventually("it is gone", lambda: server.get("/v1/catalog/service/web") == [])


def check_values(server: Node, client: Node) -> None:
    assert client.ask("PUT", "/v1/kv/a/b", "one")[1].strip() == b"true"
    assert server.ask("GET", "/v1/kv/a/b?raw")[1] == b"one"
    assert client.ask("GET", "/v1/kv/a/b?raw&consistent")[1] == b"one"
    eventually("any server has it", lambda: client.ask("GET", "/v1/kv/a/b?raw&stale")[1] == b"one", 5)
    session = json.loads(client.put("/v1/session/create", {"Name": "lock", "TTL": "10s"}))["ID"]
    assert client.ask("PUT", f"/v1/kv/lock?acquire={session}", "x")[1].strip() == b"true"
    assert server.get("/v1/kv/lock")[0]["Session"] == session
    index = server.get("/v1/kv/a/b")[0]["ModifyIndex"]
    threading.Timer(0.5, server.ask, ["PUT", "/v1/kv/a/b", "two"]).start()
    took, rows = until_index(client, "/v1/kv/a/b", index)
    assert 0.3 < took < 5 and rows[0]["ModifyIndex"] > index, (took, rows)
    answer = json.loads(client.put("/v1/txn", [{"KV": {"Verb": "set", "Key": "t", "Value": "MQ=="}},
                                               {"KV": {"Verb": "get", "Key": "a/b"}}]))
    assert answer["Errors"] is None and len(answer["Results"]) == 2, answer
    status, body = client.ask("PUT", "/v1/txn", json.dumps([{"KV": {"Verb": "cas", "Key": "t", "Value": "MQ==", "Index": 1}}]))
    assert status == 409 and b"index is stale" in body, (status, body)
    assert client.ask("DELETE", "/v1/kv/a?recurse")[1].strip() == b"true"
    assert server.ask("GET", "/v1/kv/a/b")[0] == 404


def check_queries_and_config(server: Node, client: Node) -> None:
    server.put("/v1/catalog/register", {"Node": "elsewhere", "Address": "10.9.0.9", "Service": {"Service": "db", "Port": 5}})
    query = json.loads(client.ask("POST", "/v1/query", json.dumps({"Name": "find", "Service": {"Service": "db"}}))[1])["ID"]
    assert client.get("/v1/query/find/execute")["Nodes"][0]["Node"]["Node"] == "elsewhere"
    assert client.get(f"/v1/query/{query}/explain")["Query"]["Name"] == "find"
    eventually("its name", lambda: client.look_up("find.query.consul")[1] == ["10.9.0.9"], 5)
    client.put("/v1/config", {"Kind": "service-defaults", "Name": "db", "Protocol": "http"})
    assert server.get("/v1/config/service-defaults/db")["Protocol"] == "http"
    client.put("/v1/config", {"Kind": "service-intentions", "Name": "db", "Sources": [{"Name": "web", "Action": "deny"}]})
    assert client.get("/v1/connect/intentions/check?source=web&destination=db")["Allowed"] is False
    assert [row["SourceName"] for row in server.get("/v1/connect/intentions")] == ["web"]
    chain = client.get("/v1/discovery-chain/db")["Chain"]
    assert chain["Protocol"] == "http", chain


def check_mesh(server: Node, client: Node) -> None:
    roots = [{root["ID"] for root in node.get("/v1/connect/ca/roots")["Roots"]} for node in (server, client)]
    assert roots[0] == roots[1] and roots[0], roots
    leaf = eventually("a certificate", lambda: client.get("/v1/agent/connect/ca/leaf/web"))
    assert leaf["ServiceURI"].endswith("/ns/default/dc/dc1/svc/web"), leaf["ServiceURI"]
    client.put("/v1/agent/service/register", {"Name": "api", "Port": 81, "Connect": {"SidecarService": {}}})
    eventually("its sidecar is known", lambda: healthy(server, "/v1/health/connect/api") == [client.name])
    assert client.get("/v1/agent/health/service/name/api")[0]["Service"]["Service"] == "api"
    client.put("/v1/agent/service/deregister/api")


def check_events_and_exec(servers: list[Node], client: Node) -> None:
    everybody = [*servers, client]
    for sender in (servers[0], client):
        sender.put(f"/v1/event/fire/deploy-{sender.name}", {"of": sender.name})
        for hearer in everybody:
            eventually(f"{hearer.name} hears {sender.name}",
                       lambda h=hearer, s=sender: h.get(f"/v1/event/list?name=deploy-{s.name}"))
    for asked in (servers[0], client):
        output = asked.command("exec", "-wait", "1s", "echo here-$((40+2))")
        assert output.count("here-42") == len(everybody), output


def check_departure(servers: list[Node], client: Node) -> None:
    client.kill()
    begun = time.monotonic()
    eventually("its death is seen", lambda: any(
        check["CheckID"] == "serfHealth" and check["Status"] == "critical"
        for check in servers[0].get(f"/v1/health/node/{client.name}")), 60)
    print(f"    a killed client agent was critical after {time.monotonic() - begun:.1f} s")
    client.start()
    eventually("it is back", lambda: any(
        check["CheckID"] == "serfHealth" and check["Status"] == "passing"
        for check in servers[0].get(f"/v1/health/node/{client.name}")), 60)
    client.wait_leader()
    client.leave()
    eventually("it has left the catalog", lambda: servers[0].get(f"/v1/catalog/node/{client.name}") is None
               or client.name not in [node["Node"] for node in servers[0].get("/v1/catalog/nodes")], 60)


def check_agent(servers: list[Node], client: Node) -> None:
    check_membership(servers, client)
    check_services(servers[-1], client)
    check_values(servers[0], client)
    check_queries_and_config(servers[0], client)
    check_mesh(servers[0], client)
    check_events_and_exec(servers, client)
    check_departure(servers, client)


def on_servers(world: World, kind: str) -> None:
    """A client agent of this kind on three servers of the other; then on one of each, whose leader changes kind."""
    servers = world.cluster([other(kind)] * 3)
    client = world.client("c1", kind, servers).start()
    client.wait_leader(60)
    check_agent(servers, client)


def auto_encrypt(world: World, kind: str) -> None:
    """The same on secured servers: the client has a token and the authority's certificate; its own it gets from them."""
    servers = world.cluster([other(kind)] * 3, auto_encrypt={"allow_tls": True})
    client = world.client("c1", kind, servers, auto_encrypt={"tls": True})
    authority = client.settings()["tls"]["internal_rpc"]["ca_file"]
    client.change(tls={"internal_rpc": {"ca_file": authority, "verify_outgoing": True, "verify_server_hostname": True}})
    client.start()
    client.wait_leader(60)
    check_agent(servers, client)

    # Without a token it is nobody, with the agents' it keeps up its node and no more.
    client.start()
    client.wait_leader(60)
    client.token = ""
    assert client.ask("PUT", "/v1/kv/x", "1")[0] == 403
    client.token = AGENT
    assert client.ask("PUT", "/v1/kv/x", "1")[0] == 403
    eventually("it is a node again", lambda: any(node["Node"] == client.name for node in client.get("/v1/catalog/nodes")))
