#!/usr/bin/env python3
"""Three servers that deny by default and a client agent: tokens decide the same whichever agent is asked, over HTTP, DNS
and the change stream, before and after the leader is killed; agents tell the catalog what their own tokens allow.

    acl_test.py --binary PATH
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from agent_process import answer, ended, eventually
from clients_test import CLIENT, Member

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
AGENT = "aaaaaaaa-0000-0000-0000-000000000002"
APP = "aaaaaaaa-0000-0000-0000-000000000003"
DNS = "aaaaaaaa-0000-0000-0000-000000000004"
POLICIES = {
    "agent": (AGENT, 'node_prefix "" { policy = "write" } service_prefix "" { policy = "read" }'),
    "app": (APP, 'key_prefix "app/" { policy = "write" } service "web" { policy = "write" } '
                 'session_prefix "" { policy = "write" } node_prefix "" { policy = "read" } '
                 'agent_prefix "" { policy = "read" }'),
    "dns": (DNS, 'service "web" { policy = "read" } node_prefix "" { policy = "read" }'),
}


def status(agent: Member, method: str, path: str, token: str = "", body=None) -> int:
    separator = "&" if "?" in path else "?"
    return agent.ask(method, path + (f"{separator}token={token}" if token else ""), body, timeout=15)[0]


def is_made(server: Member, path: str, body: dict) -> bool:
    """Also if an earlier try, whose leader was lost meanwhile, has made it."""
    code, text = server.ask("PUT", f"/v1/acl/{path}?token={ROOT}", json.dumps(body), timeout=15)
    return code == 200 or b"already exists" in text or b"already in use" in text


def make_tokens(server: Member) -> None:
    for name, (secret, rules) in POLICIES.items():
        for path, body in (("policy", {"Name": name, "Rules": rules}),
                           ("token", {"SecretID": secret, "Policies": [{"Name": name}]})):
            eventually(f"{path} of {name}", lambda p=path, b=body: is_made(server, p, b))


def dig(agent: Member, name: str) -> list[str]:
    command = ["dig", f"@{agent.host}", "-p", str(agent.ports()["dns"]), "+short", "+time=2", "+tries=2", name]
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=True).stdout.split()


def check_keys(agents: list[Member]) -> None:
    for agent in agents:
        key = f"/v1/kv/app/{agent.name}"
        eventually(f"{agent.name} knows the token", lambda: status(agent, "PUT", key, APP, "x") == 200)
        # With acl.enabled off a client agent passes on what the servers say.
        for method in ("PUT", "GET"):
            code, text = agent.ask(method, key, "y" if method == "PUT" else None)
            assert code == 403, (agent.name, method, code, text)
        assert status(agent, "PUT", "/v1/kv/other", APP, "y") == 403, agent.name
        assert status(agent, "GET", key, "no-such-token") == 403, agent.name
        eventually("it reads its own", lambda: status(agent, "GET", key, APP) == 200)
        assert answer(agent, f"/v1/kv/?recurse&token={APP}"), agent.name
        assert status(agent, "GET", "/v1/kv/?recurse") == 403 or not answer(agent, "/v1/kv/?recurse"), agent.name
        session = json.loads(agent.ask("PUT", f"/v1/session/create?token={APP}", '{"TTL": "60s"}')[1])["ID"]
        assert status(agent, "PUT", f"/v1/session/renew/{session}") == 403, agent.name
        assert status(agent, "PUT", f"/v1/session/renew/{session}", APP) == 200, agent.name
        assert status(agent, "PUT", f"/v1/session/destroy/{session}", APP) == 200, agent.name
        operations = json.dumps([{"KV": {"Verb": "set", "Key": "app/t", "Value": ""}},
                                 {"KV": {"Verb": "set", "Key": "other", "Value": ""}}])
        code, text = agent.ask("PUT", f"/v1/txn?token={APP}", operations)
        assert code in (403, 409) and b"other" in text, (code, text)
        assert status(agent, "GET", "/v1/operator/autopilot/health") == 403, agent.name
        assert status(agent, "GET", "/v1/operator/autopilot/health", ROOT) in (200, 429), agent.name  # one may be down
        # Not by the token of what the same thread answered before.
        for _ in range(8):
            assert status(agent, "GET", key, ROOT) == 200, agent.name
            assert status(agent, "GET", "/v1/operator/keyring") == 403, agent.name


def check_services(servers: list[Member], clients: list[Member]) -> None:
    """What is registered with a token is in the catalog by that token, from every agent."""
    agents = [*servers, *clients]
    for agent in agents:
        web = json.dumps({"Name": "web", "ID": f"web-{agent.name}", "Port": 80})
        assert status(agent, "PUT", "/v1/agent/service/register", APP, web) == 200, agent.name
        eventually(f"the catalog has {agent.name}'s service", lambda: f"web-{agent.name}" in [
            row["ServiceID"] for row in answer(agents[0], f"/v1/catalog/service/web?token={APP}") or []])
    for agent in agents:
        assert not answer(agent, "/v1/catalog/service/web"), f"{agent.name} shows it to anybody"
        if agent in servers:
            assert not dig(agent, "web.service.consul"), agent.name
            assert status(agent, "PUT", "/v1/agent/token/dns", ROOT, json.dumps({"Token": DNS})) == 200, agent.name
        eventually(f"{agent.name} answers with its token",
                   lambda: len(dig(agent, "web.service.consul")) == len(agents), 20)
        assert dig(agent, "s1.node.consul") and not dig(agent, "consul.service.consul"), agent.name


def check_stream(agent: Member, writer: Member) -> None:
    connection = agent.connection(timeout=20)
    connection.request("GET", f"/v1/stream?topic=kv&token={APP}")
    stream = connection.getresponse()
    assert stream.status == 200 and stream.readline() == b"event: ready\n"
    for key in (f"other/{agent.name}", f"app/of-{agent.name}"):
        assert status(writer, "PUT", f"/v1/kv/{key}", ROOT, "x") == 200
    heard = b""
    while b'"app/of-' not in heard:
        heard += stream.readline()
    assert b"other" not in heard, heard
    connection.close()
    assert status(agent, "GET", "/v1/stream?topic=kv", "no-such-token") == 403


def run(binary: str, folder: pathlib.Path) -> None:
    acl = {"acl": {"enabled": True, "default_policy": "deny",
                   "tokens": {"initial_management": ROOT, "agent": AGENT}}}
    servers: list[Member] = []
    clients: list[Member] = []
    with ended(servers, clients):
        for number in (61, 62, 63):
            join = [servers[0].gossip()] if servers else []
            name = f"s{len(servers) + 1}"
            servers.append(Member(binary, folder, name, number, join, {"bootstrap_expect": 3} | acl).start())
        clients.append(Member(binary, folder, "c1", 64, [servers[0].gossip()],
                              CLIENT | {"acl": {"tokens": {"agent": AGENT, "dns": DNS}}}).start())
        agents = [*servers, *clients]
        eventually("tokens can be made", lambda: status(servers[0], "GET", "/v1/acl/tokens", ROOT) == 200)
        make_tokens(servers[0])
        for agent in agents:
            eventually(f"{agent.name} told its addresses", lambda: answer(
                servers[0], f"/v1/catalog/node/{agent.name}?token={ROOT}")["Node"]["TaggedAddresses"])
        check_keys(agents)
        check_services(servers, clients)
        for agent in servers:
            check_stream(agent, servers[0])

        leader = next(s for s in servers if s.host in answer(servers[0], "/v1/status/leader"))
        leader.kill()
        others = [s for s in servers if s is not leader]
        eventually("somebody leads", lambda: status(others[0], "PUT", "/v1/kv/app/after", APP, "x") == 200)
        check_keys([*others, *clients])

        token = json.loads(others[0].ask("GET", f"/v1/acl/token/self?token={APP}")[1])["AccessorID"]
        assert status(others[0], "DELETE", f"/v1/acl/token/{token}", ROOT) == 200
        for agent in [*others, *clients]:
            eventually(f"{agent.name} knows it no longer", lambda: status(agent, "GET", "/v1/kv/app/after", APP) == 403)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proconsul-acl-") as folder:
        run(binary, pathlib.Path(folder))
    print(f"access control: as it should be ({time.monotonic() - start:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
