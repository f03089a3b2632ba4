#!/usr/bin/env python3
"""A server and four client agents that deny by default, each client with another acl.down_policy: what a client answers
by itself it answers to whom the servers' tokens allow it; what it remembers of the servers' answers it shows to nobody
else; tokens that are revoked are unknown after their time; with the server gone the down policy decides.

    acl_client_test.py --binary PATH
"""
import argparse
import http.client
import json
import pathlib
import sys
import tempfile
import threading
import time

from acl_test import dig, status
from agent_process import ended, eventually
from clients_test import CLIENT, Member

ROOT = "bbbbbbbb-0000-0000-0000-000000000001"
AGENT = "bbbbbbbb-0000-0000-0000-000000000002"
READER = "bbbbbbbb-0000-0000-0000-000000000003"
WEB = "bbbbbbbb-0000-0000-0000-000000000004"
OPERATOR = "bbbbbbbb-0000-0000-0000-000000000005"
RESCUE = "bbbbbbbb-0000-0000-0000-000000000006"
TTL = 2
RULES = {
    AGENT: 'node_prefix "" { policy = "write" } service_prefix "" { policy = "read" }',
    READER: 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }',
    WEB: 'service "web" { policy = "write" } node_prefix "" { policy = "read" } event "deploy" { policy = "write" }',
    OPERATOR: 'operator = "write" node_prefix "" { policy = "write" } agent_prefix "" { policy = "write" } '
              'service_prefix "" { policy = "write" }',
}
ANONYMOUS = "anonymous token"
HINT = ". The anonymous token is used implicitly when a request does not specify a token."
DOWN = "token with AccessorID 'primary-dc-down'"


def accessor(secret: str) -> str:
    return "cccc" + secret[4:]


def who(secret: str) -> str:
    return f"token with AccessorID '{accessor(secret)}'" if secret else ANONYMOUS


def ask(agent: Member, method: str, path: str, token: str = "", body=None,
        timeout: float = 20) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = agent.connection(timeout)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"X-Consul-Token": token} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def read(agent: Member, path: str, token: str = ""):
    code, text, _ = ask(agent, "GET", path, token)
    assert code == 200, (path, code, text)
    return json.loads(text)


def denied(agent: Member, method: str, path: str, token: str, lacks: str, body=None, asking: str = "") -> None:
    """`lacks`: "service:write on web"."""
    permission, _, name = lacks.partition(" on ")
    wanted = f"Permission denied: {asking or who(token)} lacks permission '{permission}'"
    wanted += f' on "{name}"' if name else ""
    wanted += "" if token else HINT
    code, text, _ = ask(agent, method, path, token, body)
    assert (code, text.decode()) == (403, wanted), (method, path, code, text, wanted)


def make_tokens(server: Member) -> None:
    for secret, rules in RULES.items():
        name = f"p{secret[-1]}"
        for path, body in (("policy", {"Name": name, "Rules": rules}),
                           ("token", {"SecretID": secret, "AccessorID": accessor(secret), "Policies": [{"Name": name}]})):
            code, text, _ = ask(server, "PUT", f"/v1/acl/{path}", ROOT, body)
            assert code == 200, (name, code, text)


def check_agent(agent: Member) -> None:
    """The process: who may read it, who may change it."""
    name = agent.name
    for path in ("self", "metrics", "monitor"):
        for token in ("", WEB):
            denied(agent, "GET", f"/v1/agent/{path}", token, f"agent:read on {name}")
    for token in (READER, OPERATOR, RESCUE, ROOT):
        assert read(agent, "/v1/agent/self", token)["Config"]["NodeName"] == name
    code, text, _ = ask(agent, "GET", "/v1/agent/self", "no-such-token")
    assert (code, text) == (403, b"ACL not found"), (code, text)
    assert ask(agent, "GET", "/v1/agent/version")[0] == 200

    denied(agent, "GET", "/v1/agent/host", READER, "operator:read")
    assert read(agent, "/v1/agent/host", OPERATOR)["Host"]
    denied(agent, "PUT", "/v1/agent/reload", READER, f"agent:write on {name}")
    assert ask(agent, "PUT", "/v1/agent/reload", OPERATOR)[0] == 200
    denied(agent, "PUT", "/v1/agent/leave", READER, f"agent:write on {name}")
    denied(agent, "PUT", "/v1/agent/join/127.0.0.1", "", f"agent:write on {name}")
    denied(agent, "PUT", "/v1/agent/force-leave/nobody", READER, "operator:write")
    denied(agent, "PUT", "/v1/agent/maintenance?enable=true", READER, f"node:write on {name}")
    for on in ("true", "false"):
        assert ask(agent, "PUT", f"/v1/agent/maintenance?enable={on}", OPERATOR)[0] == 200
    denied(agent, "PUT", "/v1/agent/token/default", READER, f"agent:write on {name}", {"Token": ""})
    denied(agent, "GET", "/v1/acl/templated-policies", READER, "acl:read")
    assert "builtin/service" in read(agent, "/v1/acl/templated-policies", ROOT)
    assert ask(agent, "GET", "/debug/pprof/cmdline")[:2] == (403, b"")
    assert ask(agent, "GET", "/debug/pprof/cmdline", OPERATOR)[0] == 200

    code, text, headers = ask(agent, "GET", "/v1/agent/members")
    assert (code, json.loads(text)) == (200, []) and "X-Consul-Results-Filtered-By-ACLs" not in headers
    assert len(read(agent, "/v1/agent/members", READER)) == 5


def check_services(agent: Member) -> None:
    web, api = f"web-{agent.name}", f"api-{agent.name}"
    definition = {"Name": "web", "ID": web, "Port": 80, "Check": {"CheckID": f"ttl-{web}", "TTL": "1h"}}
    denied(agent, "PUT", "/v1/agent/service/register", "", "service:write on web", definition)
    denied(agent, "PUT", "/v1/agent/service/register", READER, "service:write on web", definition)
    assert ask(agent, "PUT", "/v1/agent/service/register", WEB, definition)[0] == 200
    denied(agent, "PUT", "/v1/agent/service/register", WEB, "service:write on api", {"Name": "api", "ID": api})
    assert ask(agent, "PUT", "/v1/agent/service/register", OPERATOR, {"Name": "api", "ID": api})[0] == 200
    # Nor may it take the place of another one.
    denied(agent, "PUT", "/v1/agent/service/register", WEB, "service:write on api", {"Name": "web", "ID": api})

    for path, ids in (("services", [api, web]), ("checks", [f"ttl-{web}"])):
        assert sorted(read(agent, f"/v1/agent/{path}", READER)) == ids, path
        assert read(agent, f"/v1/agent/{path}") == {}, path
    code, text, headers = ask(agent, "GET", "/v1/agent/services", WEB)
    assert list(json.loads(text)) == [web] and headers["X-Consul-Results-Filtered-By-ACLs"] == "true", (text, headers)
    denied(agent, "GET", f"/v1/agent/service/{api}", WEB, "service:read on api")
    assert read(agent, f"/v1/agent/service/{web}", WEB)["ID"] == web
    for path in (f"id/{api}", "name/api"):
        denied(agent, "GET", f"/v1/agent/health/service/{path}", WEB, "service:read on api")
        assert ask(agent, "GET", f"/v1/agent/health/service/{path}", READER)[0] == 200

    denied(agent, "PUT", f"/v1/agent/check/pass/ttl-{web}", READER, "service:write on web")
    assert ask(agent, "PUT", f"/v1/agent/check/pass/ttl-{web}", WEB)[0] == 200
    node_check = {"Name": "disk", "TTL": "1h"}
    denied(agent, "PUT", "/v1/agent/check/register", WEB, f"node:write on {agent.name}", node_check)
    assert ask(agent, "PUT", "/v1/agent/check/register", OPERATOR, node_check)[0] == 200
    denied(agent, "PUT", "/v1/agent/check/deregister/disk", WEB, f"node:write on {agent.name}")
    assert ask(agent, "PUT", "/v1/agent/check/deregister/disk", OPERATOR)[0] == 200
    denied(agent, "PUT", f"/v1/agent/service/maintenance/{web}?enable=true", READER, "service:write on web")
    denied(agent, "PUT", f"/v1/agent/service/deregister/{api}", WEB, "service:write on api")
    assert ask(agent, "PUT", f"/v1/agent/service/deregister/{api}", OPERATOR)[0] == 200


def check_events(agent: Member) -> None:
    assert ask(agent, "PUT", "/v1/event/fire/deploy", READER)[0] == 403
    assert ask(agent, "PUT", "/v1/event/fire/deploy", WEB)[0] == 200
    eventually("the event", lambda: [e["Name"] for e in read(agent, "/v1/event/list", WEB)])
    code, text, headers = ask(agent, "GET", "/v1/event/list", READER)
    assert json.loads(text) == [] and headers["X-Consul-Results-Filtered-By-ACLs"] == "true", (text, headers)
    assert read(agent, "/v1/event/list") == []


def check_cached(agent: Member) -> None:
    """What is remembered for one token is not shown to another."""
    for path, count in (("/v1/health/service/web?cached", 4), ("/v1/health/service/web?cached&passing", 1),
                        ("/v1/catalog/service/web?cached", 4)):
        if "passing" in path and agent.name != "c1":
            continue
        eventually(f"{agent.name} shows {path}", lambda: len(read(agent, path, READER)) >= count)
        for _ in range(3):
            assert len(read(agent, path, READER)) >= count, path
            assert read(agent, path) == [], path
        assert ask(agent, "GET", path, READER)[2]["X-Cache"] == "HIT", path
        assert ask(agent, "GET", path)[2]["X-Cache"] == "HIT", path
        code, text, _ = ask(agent, "GET", path, "no-such-token")
        assert (code, b"ACL not found" in text) == (403, True), (path, code, text)


def temporary_token(server: Member, policy: str) -> tuple[str, str]:
    code, text, _ = ask(server, "PUT", "/v1/acl/token", ROOT, {"Policies": [{"Name": policy}]})
    assert code == 200, text
    token = json.loads(text)
    return token["SecretID"], token["AccessorID"]


def check_revoked(server: Member, clients: list[Member]) -> None:
    secret, its_accessor = temporary_token(server, f"p{READER[-1]}")
    path = "/v1/agent/service/web-c1"
    for agent in clients:
        eventually("the server knows it", lambda: read(agent, "/v1/agent/self", secret))
    fingerprint = ask(clients[0], "GET", path, secret)[2]["X-Consul-Contenthash"]
    heard: list = []
    waiter = threading.Thread(target=lambda: heard.append(
        ask(clients[0], "GET", f"{path}?wait=60s&hash={fingerprint}", secret, timeout=40)[:2]))
    waiter.start()
    assert status(server, "DELETE", f"/v1/acl/token/{its_accessor}", ROOT) == 200
    for agent in clients:
        eventually(f"{agent.name} knows it no longer",
                   lambda: ask(agent, "GET", "/v1/agent/self", secret)[:2] == (403, b"ACL not found"), TTL + 15)
        assert read(agent, "/v1/agent/self", READER)
    # Who waits since before hears nothing more either.
    definition = {"Name": "web", "ID": "web-c1", "Port": 81}
    assert ask(clients[0], "PUT", "/v1/agent/service/register", WEB, definition)[0] == 200
    waiter.join(30)
    assert heard == [(403, b"ACL not found")], heard


def check_default_token(agent: Member) -> None:
    denied(agent, "GET", "/v1/agent/self", "", f"agent:read on {agent.name}")
    for token, code in ((READER, 200), ("", 403)):
        assert ask(agent, "PUT", "/v1/agent/token/default", OPERATOR, {"Token": token})[0] == 200
        assert ask(agent, "GET", "/v1/agent/self")[0] == code


def check_down(server: Member, clients: dict[str, Member]) -> None:
    for agent in clients.values():
        assert read(agent, "/v1/agent/self", READER)
    server.kill()
    time.sleep(TTL + 0.5)  # what is remembered is too old now
    for policy in ("extend-cache", "async-cache"):
        agent = clients[policy]
        for _ in range(3):
            assert read(agent, "/v1/agent/self", READER), policy
        denied(agent, "GET", "/v1/agent/host", READER, "operator:read")
        denied(agent, "GET", "/v1/agent/self", "not-in-the-cache", f"agent:read on {agent.name}", asking=DOWN)
    denied(clients["deny"], "GET", "/v1/agent/self", READER, f"agent:read on {clients['deny'].name}", asking=DOWN)
    for token in (READER, "not-in-the-cache"):
        assert read(clients["allow"], "/v1/agent/self", token)
        assert ask(clients["allow"], "GET", "/v1/acl/templated-policies", token)[0] == 403
    for agent in clients.values():
        assert read(agent, "/v1/agent/self", RESCUE)
    server.start()
    for policy, agent in clients.items():
        eventually(f"{policy}: the servers decide again",
                   lambda: ask(agent, "GET", "/v1/agent/self", "not-in-the-cache")[1] == b"ACL not found")
        eventually(f"{policy}: tokens are known again",
                   lambda: ask(agent, "GET", "/v1/agent/self", READER)[0] == 200)
        assert ask(agent, "GET", "/v1/agent/host", READER)[0] == 403, policy


def run(binary: str, folder: pathlib.Path) -> None:
    acl = {"enabled": True, "default_policy": "deny"}
    servers: list[Member] = []
    clients: list[Member] = []
    with ended(servers, clients):
        servers.append(Member(binary, folder, "s1", 71, [], {
            "acl": acl | {"tokens": {"initial_management": ROOT, "agent": ROOT}}}).start())
        policies = ("extend-cache", "async-cache", "deny", "allow")
        for number, policy in enumerate(policies, 1):
            clients.append(Member(binary, folder, f"c{number}", 71 + number, [servers[0].gossip()], CLIENT | {
                "acl": acl | {"down_policy": policy, "token_ttl": f"{TTL}s", "policy_ttl": f"{TTL}s",
                              "tokens": {"agent": AGENT, "agent_recovery": RESCUE} |
                                        ({"dns": READER} if number == 1 else {})}}).start())
        eventually("tokens can be made", lambda: status(servers[0], "GET", "/v1/acl/tokens", ROOT) == 200)
        make_tokens(servers[0])
        for agent in clients:
            eventually(f"{agent.name} is there", lambda: len(read(agent, "/v1/agent/members", READER)) == 5)
            check_agent(agent)
            check_services(agent)
        for agent in clients:
            check_cached(agent)
        check_events(clients[0])
        check_default_token(clients[1])
        eventually("DNS with a token of its own", lambda: dig(clients[0], "web.service.consul"), 20)
        assert not dig(clients[1], "web.service.consul")
        check_revoked(servers[0], clients)
        check_down(servers[0], dict(zip(policies, clients)))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proconsul-acl-client-") as folder:
        run(binary, pathlib.Path(folder))
    print(f"access control on client agents: as it should be ({time.monotonic() - start:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
