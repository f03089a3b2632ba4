#!/usr/bin/env python3
"""Central configuration in two datacenters: a server and a client agent of dc1, a server of dc2, which copies its
entries. They are written and read by every agent, who waits for them hears of what concerns him alone, what the
configuration files want is written once, and proxies are as the entries say.

    config_test.py --binary PATH
"""
import argparse
import concurrent.futures
import json
import pathlib
import signal
import sys
import tempfile
import time

from agent_process import ended, eventually
from wan_test import Member

BOOTSTRAP = [{"kind": "proxy-defaults", "name": "global", "config": {"protocol": "http", "a": 1}},
             {"kind": "service-defaults", "name": "first", "protocol": "grpc"}]


def ask(agent: Member, method: str, path: str, body=None) -> tuple[int, str]:
    status, answer = agent.ask(method, path, json.dumps(body) if isinstance(body, dict) else body, timeout=60)
    return status, answer.decode()


def write(agent: Member, entry: dict, query: str = "") -> None:
    status, answer = ask(agent, "PUT", "/v1/config" + query, entry)
    assert (status, answer.strip()) == (200, "true"), (agent.name, entry, status, answer)


def entry(agent: Member, kind: str, name: str, query: str = "") -> dict | None:
    status, answer = ask(agent, "GET", f"/v1/config/{kind}/{name}{query}")
    assert status in (200, 404), (agent.name, status, answer)
    return json.loads(answer) if status == 200 else None


def names(agent: Member, kind: str, query: str = "") -> list[str]:
    return [each.get("Name", "") for each in agent.get(f"/v1/config/{kind}{query}")]


def check_every_agent(a1: Member, c1: Member) -> None:
    write(c1, {"kind": "service-defaults", "name": "web", "protocol": "HTTP"})
    for agent in (a1, c1):
        assert entry(agent, "service-defaults", "web")["Protocol"] == "http", agent.name
        assert {"first", "web"} <= set(names(agent, "service-defaults")), agent.name
        kinds = [each["Kind"] for each in agent.get("/v1/config/")]
        assert kinds == sorted(kinds) and {"proxy-defaults", "service-defaults"} <= set(kinds), (agent.name, kinds)
        status, text = ask(agent, "GET", "/v1/config/bogus")
        assert status == 500 and text.endswith("invalid config entry kind: bogus"), (agent.name, status, text)
        status, text = ask(agent, "PUT", "/v1/config", {"Kind": "service-defaults", "Name": "web", "Bogus": 1})
        assert (status, "invalid config key \"Bogus\"" in text) == (400, True), (agent.name, status, text)
        status, text = ask(agent, "PUT", "/v1/config", {
            "Kind": "service-resolver", "Name": "web", "DefaultSubset": "none"})
        assert status == 500 and "none" in text, (agent.name, status, text)
        assert names(agent, "service-defaults", "?filter=Protocol%20==%20%22grpc%22") == ["first"], agent.name
    before = entry(a1, "service-defaults", "web")
    write(a1, {"Kind": "service-defaults", "Name": "web", "Protocol": "http"})
    assert entry(a1, "service-defaults", "web") == before, "what says the same is not written"
    status, answer = ask(c1, "PUT", "/v1/config?cas=1", {"Kind": "service-defaults", "Name": "web", "Protocol": "tcp"})
    assert (status, answer.strip()) == (200, "false"), (status, answer)
    write(c1, {"Kind": "service-defaults", "Name": "web", "Protocol": "tcp"}, f"?cas={before['ModifyIndex']}")
    status, answer = ask(c1, "DELETE", f"/v1/config/service-defaults/web?cas={before['ModifyIndex']}")
    assert (status, answer.strip()) == (200, "false"), (status, answer)


def check_waiting(a1: Member, c1: Member) -> None:
    """Neither other entries nor deletions of nothing wake who waits for one kind, or one entry."""
    write(a1, {"Kind": "service-defaults", "Name": "waited"})
    _, index = c1.ask_with_index("/v1/config/service-defaults")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        begun = time.monotonic()
        one = pool.submit(c1.ask_with_index, f"/v1/config/service-defaults/waited?index={index}&wait=50s")
        kind = pool.submit(a1.ask_with_index, f"/v1/config/service-defaults?index={index}&wait=50s")
        time.sleep(0.5)
        write(c1, {"Kind": "mesh", "Meta": {"n": str(begun)}})
        ask(c1, "DELETE", "/v1/config/service-defaults/nothing")
        time.sleep(1)
        assert not one.done() and not kind.done(), "somebody else's change woke them"
        write(c1, {"Kind": "service-defaults", "Name": "waited", "Protocol": "grpc"})
        found, after = one.result(30)
        assert found["Protocol"] == "grpc" and after > index, (found, index, after)
        found, after = kind.result(30)
        assert "grpc" in [each["Protocol"] for each in found if each["Name"] == "waited"] and after > index, found


def check_copies(a1: Member, b1: Member) -> None:
    eventually("dc2 has what dc1 has", lambda: entry(b1, "proxy-defaults", "global", "?stale")
               and set(names(b1, "service-defaults")) == set(names(a1, "service-defaults")), 90)
    # A change asked of dc2 is made in dc1, and comes back.
    write(b1, {"Kind": "service-defaults", "Name": "from-dc2", "Protocol": "http"})
    assert entry(a1, "service-defaults", "from-dc2")
    eventually("dc2 has it too", lambda: entry(b1, "service-defaults", "from-dc2"))
    assert entry(b1, "service-defaults", "from-dc2", "?dc=dc1")["Protocol"] == "http"
    same = [entry(server, "service-defaults", "from-dc2")["Hash"] for server in (a1, b1)]
    assert same[0] == same[1], same
    assert ask(b1, "DELETE", "/v1/config/service-defaults/from-dc2")[0] == 200
    assert entry(a1, "service-defaults", "from-dc2") is None
    eventually("it goes in dc2", lambda: entry(b1, "service-defaults", "from-dc2") is None)
    write(a1, {"Kind": "exported-services", "Name": "default", "Services": [
        {"Name": "web", "Consumers": [{"Peer": "other"}]}]})
    status, text = ask(b1, "PUT", "/v1/config", {"Kind": "exported-services", "Name": "default"})
    assert (status, text) == (500, "exported-services writes must not target secondary datacenters."), (status, text)
    # What was missed while dc2 was away is made up for.
    b1.kill()
    write(a1, {"Kind": "service-defaults", "Name": "missed", "Protocol": "http"})
    assert ask(a1, "DELETE", "/v1/config/service-defaults/waited")[0] == 200
    b1.start()
    b1.wait_leader()
    eventually("dc2 makes up for it", lambda: entry(b1, "service-defaults", "missed")
               and entry(b1, "service-defaults", "waited") is None, 90)
    assert entry(b1, "exported-services", "default") is None, "what is exported is every datacenter's own"


def check_bootstrap(a1: Member) -> None:
    """Written once: what is there stays as it is, and what was deleted comes back with the next leader or reload."""
    assert entry(a1, "proxy-defaults", "global")["Config"] == {"protocol": "http", "a": 1}
    write(a1, {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http", "b": 2}})
    settings = json.loads((a1.folder / "agent.json").read_text())
    settings["config_entries"]["bootstrap"].append({"kind": "service-defaults", "name": "later", "protocol": "http"})
    (a1.folder / "agent.json").write_text(json.dumps(settings))
    a1.process.send_signal(signal.SIGHUP)
    eventually("a reload brings the new one", lambda: entry(a1, "service-defaults", "later"))
    assert ask(a1, "DELETE", "/v1/config/service-defaults/first")[0] == 200
    a1.kill()
    a1.start()
    a1.wait_leader()
    eventually("the next leader brings the deleted one", lambda: entry(a1, "service-defaults", "first"))
    assert entry(a1, "proxy-defaults", "global")["Config"] == {"protocol": "http", "b": 2}


def proxy(agent: Member, name: str = "front") -> dict:
    return agent.get(f"/v1/agent/service/{name}-sidecar-proxy")["Proxy"]


def check_proxies(a1: Member, c1: Member) -> None:
    write(a1, {"Kind": "service-defaults", "Name": "front", "Protocol": "grpc", "MaxInboundConnections": 9})
    sidecar = {"Proxy": {"Config": {"own": True}, "Upstreams": [{"DestinationName": "back", "LocalBindPort": 99}]}}
    for agent in (a1, c1):
        agent.put("/v1/agent/service/register", {"Name": "front", "Port": 1, "Connect": {"SidecarService": sidecar}})
        found = proxy(agent)
        assert found["Config"] == {"protocol": "grpc", "b": 2, "max_inbound_connections": 9, "own": True}, found
        assert found["Upstreams"][0]["Config"] == {"protocol": "http"}, found
    write(c1, {"Kind": "service-defaults", "Name": "back", "Protocol": "http2"})
    for agent in (a1, c1):
        eventually(f"{agent.name} hears of its upstream",
                   lambda a=agent: proxy(a)["Upstreams"][0]["Config"] == {"protocol": "http2"})
    instances = lambda query: a1.get(f"/v1/health/service/front-sidecar-proxy{query}")  # noqa: E731
    eventually("the catalog has it", lambda: len(found := instances("")) == 2 and all(
        each["Service"]["Proxy"]["Config"].get("protocol") == "grpc" for each in found))
    # In the catalog as it was registered, and as it would be.
    a1.put("/v1/catalog/register", {"Node": "far", "Address": "127.0.0.9", "Service": {
        "Kind": "connect-proxy", "Service": "far-proxy", "Port": 5, "Proxy": {"DestinationServiceName": "front"}}})
    for agent in (a1, c1):
        for path, field in (("health/service/far-proxy", "Service"), ("catalog/service/far-proxy", "ServiceProxy")):
            plain, merged = (agent.get(f"/v1/{path}{query}")[0][field] for query in ("", "?merge-central-config"))
            plain, merged = (each.get("Proxy", each) for each in (plain, merged))
            assert "Config" not in plain, (agent.name, path, plain)
            assert merged["Config"] == {"protocol": "grpc", "b": 2, "max_inbound_connections": 9}, (path, merged)
        listed = agent.get("/v1/catalog/node-services/far?merge-central-config")["Services"]
        assert listed[0]["Proxy"]["Config"]["protocol"] == "grpc", (agent.name, listed)
    # A client agent that starts anew while no server answers has what it knew.
    c1.kill(signal.SIGTERM)
    a1.kill()
    c1.start()
    eventually("it knows its proxy", lambda: proxy(c1)["Config"]["protocol"] == "grpc")
    a1.start()
    a1.wait_leader()
    write(a1, {"Kind": "service-defaults", "Name": "front", "Protocol": "http"})
    eventually("it hears of changes again",
               lambda: proxy(c1)["Config"] == {"protocol": "http", "b": 2, "own": True}, 90)
    c1.ask("PUT", "/v1/agent/service/deregister/front")
    assert c1.ask("GET", "/v1/agent/service/front-sidecar-proxy")[0] == 404


class Agent(Member):
    def ask_with_index(self, path: str):
        connection = self.connection(timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, (self.name, path, response.status, body)
            return json.loads(body), int(response.headers["X-Consul-Index"])
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    with tempfile.TemporaryDirectory(prefix="config-test-") as folder:
        root = pathlib.Path(folder)
        a1 = Agent(binary, root, "a1", "dc1", 1, 1, config_entries={"bootstrap": BOOTSTRAP})
        lan = f"127.0.1.1:{a1.ports['serf_lan']}"
        wan = f"127.0.1.1:{a1.ports['serf_wan']}"
        c1 = Agent(binary, root, "c1", "dc1", 2, 0, server=False, retry_join=[lan])
        b1 = Agent(binary, root, "b1", "dc2", 3, 1, retry_join_wan=[wan])
        with ended([a1, c1, b1]):
            for agent in (a1, c1, b1):
                agent.start()
            for agent in (a1, b1):
                agent.wait_leader()
            eventually("the client knows its server", lambda: c1.get("/v1/status/leader"))
            eventually("the files' entries are there", lambda: entry(a1, "service-defaults", "first"))
            check_every_agent(a1, c1)
            check_waiting(a1, c1)
            check_copies(a1, b1)
            check_bootstrap(a1)
            eventually("the client has its server again", lambda: entry(c1, "service-defaults", "first"))
            check_proxies(a1, c1)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
