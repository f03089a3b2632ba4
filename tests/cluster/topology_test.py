#!/usr/bin/env python3
"""A server and a client agent of dc1, which deny by default, and a server of dc2: whom services call is told by each of
them alike, without what the token may not see; who waits hears of a proxy that comes; the intentions of what gateways
serve.

    topology_test.py --binary PATH
"""
import argparse
import json
import pathlib
import sys
import tempfile
import threading

from acl_client_test import ask
from agent_process import ended, eventually
from wan_test import Member

ROOT = "eeeeeeee-0000-0000-0000-000000000001"
READER = "eeeeeeee-0000-0000-0000-000000000002"
PARTIAL = "eeeeeeee-0000-0000-0000-000000000003"
RULES = {
    READER: 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" intentions = "read" }',
    PARTIAL: 'node_prefix "" { policy = "read" } service_prefix "web" { policy = "read" } '
             'service_prefix "tgw" { policy = "read" }',
}
TOPOLOGY = "/v1/internal/ui/service-topology/"
INTENTIONS = "/v1/internal/ui/gateway-intentions/"
FILTERED = "X-Consul-Results-Filtered-By-ACLs"


def put(agent: Member, path: str, body) -> None:
    code, text, _ = ask(agent, "PUT", path, ROOT, body)
    assert code == 200, (path, code, text)


def register(agent: Member, service: str, kind: str = "", **fields) -> None:
    put(agent, "/v1/catalog/register", {"Node": "far", "Address": "127.0.0.9", "SkipNodeUpdate": True,
                                        "Service": {"Service": service, "Kind": kind, "Port": 80} | fields})


def register_proxy(agent: Member, service: str, mode: str = "", upstreams: tuple[str, ...] = ()) -> None:
    register(agent, f"{service}-proxy", "connect-proxy", Proxy={
        "DestinationServiceName": service, "Mode": mode,
        "Upstreams": [{"DestinationName": name, "LocalBindPort": 9000 + i} for i, name in enumerate(upstreams)]})


def make_state(a: Member) -> None:
    for secret, rules in RULES.items():
        put(a, "/v1/acl/policy", {"Name": f"p{secret[-1]}", "Rules": rules})
        put(a, "/v1/acl/token", {"SecretID": secret, "Policies": [{"Name": f"p{secret[-1]}"}]})
    for service in ("web", "db", "cache", "api"):
        register(a, service)
    register_proxy(a, "web", upstreams=("db", "routed"))
    register_proxy(a, "cache", "transparent")
    register_proxy(a, "api", "transparent")
    register(a, "tgw", "terminating-gateway")
    put(a, "/v1/config", {"Kind": "service-resolver", "Name": "routed", "Redirect": {"Service": "db"}})
    put(a, "/v1/config", {"Kind": "terminating-gateway", "Name": "tgw", "Services": [{"Name": "db"}]})
    put(a, "/v1/connect/intentions/exact?source=web&destination=db", {"Action": "allow"})
    put(a, "/v1/connect/intentions/exact?source=cache&destination=web", {"Action": "allow"})


def told(side: list[dict]) -> list[tuple]:
    return [(one["Name"], one["Source"], one["Intention"]["Allowed"], one["InstanceCount"]) for one in side]


def check_everywhere(agents: dict[Member, str]) -> None:
    for agent, dc in agents.items():
        code, text, headers = ask(agent, "GET", f"{TOPOLOGY}web?kind={dc}", READER)
        assert code == 200, (agent.name, text)
        topology = json.loads(text)
        assert told(topology["Upstreams"]) == [("db", "proxy-registration", True, 1),
                                               ("routed", "routing-config", False, 0)], topology
        assert topology["Upstreams"][1]["Datacenter"] == "dc1", topology
        assert told(topology["Downstreams"]) == [("cache", "specific-intention", True, 1)], topology
        assert (topology["Protocol"], topology["FilteredByACLs"], FILTERED in headers) == ("tcp", False, False)
        _, text, _ = ask(agent, "GET", f"{TOPOLOGY}db?kind={dc}", READER)
        assert told(json.loads(text)["Downstreams"]) == [("web", "proxy-registration", True, 1)], text

        code, text, headers = ask(agent, "GET", f"{TOPOLOGY}web?kind={dc}", PARTIAL)
        hidden = json.loads(text)
        assert told(hidden["Upstreams"]) == [("routed", "routing-config", False, 0)], (agent.name, text)
        assert (hidden["Downstreams"], hidden["FilteredByACLs"], headers[FILTERED]) == ([], True, "true"), hidden
        for path in (f"{TOPOLOGY}db?kind={dc}", f"{INTENTIONS}db?{dc[1:]}"):
            code, text, _ = ask(agent, "GET", path, PARTIAL)
            assert code == 403 and b"lacks permission 'service:read' on \"db\"" in text, (agent.name, path, code, text)

        code, text, _ = ask(agent, "GET", f"{INTENTIONS}tgw?{dc[1:]}", READER)
        assert [(one["SourceName"], one["DestinationName"]) for one in json.loads(text)] == [("web", "db")], text
        code, text, headers = ask(agent, "GET", f"{INTENTIONS}tgw?{dc[1:]}", PARTIAL)
        assert (code, [one["SourceName"] for one in json.loads(text)]) == (200, ["web"]), text  # of web: it may read that
        for path, said in ((f"{TOPOLOGY}web", b"Missing service kind"), (TOPOLOGY, b"Missing service name"),
                           (f"{TOPOLOGY}web?kind=x", b'Unsupported service kind "x"'),
                           (INTENTIONS, b"Missing gateway name")):
            code, text, _ = ask(agent, "GET", path, READER)
            assert (code, text) == (400, said), (agent.name, path, code, text)


def check_waiting(a: Member, agents: dict[Member, str]) -> None:
    """Who waits for a service hears of a proxy that names it, at every agent."""
    heard: dict[str, bytes] = {}

    def wait(agent: Member, path: str, index: str) -> None:
        heard[agent.name] = ask(agent, "GET", f"{path}&wait=30s&index={index}", READER, timeout=60)[1]

    threads = []
    for agent, dc in agents.items():
        path = f"{TOPOLOGY}db?kind={dc}"
        _, _, headers = ask(agent, "GET", path, READER)
        threads.append(threading.Thread(target=wait, args=(agent, path, headers["X-Consul-Index"])))
    for thread in threads:
        thread.start()
    register_proxy(a, "api", "transparent", ("db",))
    for thread in threads:
        thread.join(60)
    for agent in agents:
        assert told(json.loads(heard[agent.name])["Downstreams"]) == [
            ("api", "proxy-registration", False, 1), ("web", "proxy-registration", True, 1)], heard


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    mesh = {"connect": {"enabled": True}, "acl": {"enabled": True, "default_policy": "deny",
                                                  "tokens": {"initial_management": ROOT, "agent": ROOT}}}
    agents: list[Member] = []
    with tempfile.TemporaryDirectory(prefix="proconsul-topology-") as folder, ended(agents):
        path = pathlib.Path(folder)
        try:
            a = Member(binary, path, "a1", "dc1", 41, 1, **mesh)
            joins = f"{a.host}:{a.ports['serf_lan']}"
            client = Member(binary, path, "c1", "dc1", 42, 0, server=False, retry_join=[joins],
                            acl={"enabled": True, "default_policy": "deny", "tokens": {"agent": ROOT}})
            b = Member(binary, path, "b1", "dc2", 43, 1, retry_join_wan=[f"{a.host}:{a.ports['serf_wan']}"])
            for agent in (a, client, b):
                agents.append(agent)
                agent.start()
            eventually("the mesh has roots", lambda: json.loads(a.ask("GET", "/v1/connect/ca/roots")[1])["Roots"])
            eventually("the token is known", lambda: ask(a, "GET", "/v1/acl/token/self", ROOT)[0] == 200)
            make_state(a)
            everywhere = {a: "", client: "", b: "&dc=dc1"}
            for agent, dc in everywhere.items():
                eventually(f"{agent.name} answers", lambda agent=agent, dc=dc: ask(
                    agent, "GET", f"{TOPOLOGY}web?kind={dc}", READER)[0] == 200)
            check_everywhere(everywhere)
            check_waiting(a, everywhere)
        finally:
            for agent in agents:
                if agent.process.poll() is None:
                    agent.kill()
    print("topology: told everywhere alike, as far as tokens allow; who waits hears of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
