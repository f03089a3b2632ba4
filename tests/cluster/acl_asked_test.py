#!/usr/bin/env python3
"""Two datacenters that deny by default: a server of the primary, dc1, and two of dc2, which copy its policies and roles
but no tokens (acl.enable_token_replication is off): who asks in dc2 is looked up in dc1. What is made, changed and taken
back in dc1 holds in dc2 on every way that a token comes, and without dc1 acl.down_policy decides. Refusals say why, and
the servers of a datacenter tell each other which tokens were used.

    acl_asked_test.py --binary PATH
"""
import argparse
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from acl_secondary_test import RECOVERY, ROOT, ask, code, make, replication
from agent_process import ended, eventually
from wan_test import Member

REPLICATION = "dddddddd-0000-0000-0000-000000000002"
APP = "dddddddd-0000-0000-0000-000000000003"
READER = "dddddddd-0000-0000-0000-000000000004"
RESTORER = "dddddddd-0000-0000-0000-000000000005"
LATE = "dddddddd-0000-0000-0000-000000000006"
TTL = 2


def works(server: Member, token: str, key: str = "app/x") -> bool:
    return code(server, "PUT", f"/v1/kv/{key}", token, "x") == 200


def check_status(a1: Member, servers: list[Member]) -> None:
    b1 = servers[0]
    # Before anything is copied, policies are asked for too.
    for server in servers:
        eventually(f"{server.name} knows the first token of dc1",
                   lambda s=server: code(s, "GET", "/v1/acl/policies", ROOT) == 200)
    make(a1, "policy", {"Name": "copier", "Rules": 'acl = "read" operator = "write"'})
    make(a1, "token", {"SecretID": REPLICATION, "Policies": [{"Name": "copier"}]})
    for server in servers:
        assert code(server, "PUT", "/v1/agent/token/replication", RECOVERY, {"Token": REPLICATION}) == 200
    status = eventually("policies are copied", lambda: (s := replication(b1))["ReplicatedIndex"] and s, 90)
    assert (status["Enabled"], status["Running"], status["ReplicationType"]) == (True, True, "policies"), status
    assert (status["SourceDatacenter"], status["ReplicatedTokenIndex"]) == ("dc1", 0), status


def check_tokens(a1: Member, servers: list[Member]) -> None:
    policy = make(a1, "policy", {"Name": "app", "Rules": 'key_prefix "app/" { policy = "write" }'})
    make(a1, "role", {"Name": "apps", "Policies": [{"Name": "app"}]})
    token = make(a1, "token", {"SecretID": APP, "Roles": [{"Name": "apps"}]})
    for server in servers:
        eventually(f"{server.name} has the policy", lambda s=server: works(s, APP))
        assert code(server, "PUT", "/v1/kv/other", APP, "x") == 403
        assert json.loads(ask(server, "GET", "/v1/acl/token/self", APP)[1])["AccessorID"] == token["AccessorID"]
        assert code(server, "GET", "/v1/kv/app/x", "no-such-token") == 403

    # A policy that changes in dc1.
    make(a1, f"policy/{policy['ID']}", policy | {"Rules": 'key_prefix "app/" { policy = "write" } key "more" { policy = "write" }'})
    for server in servers:
        eventually(f"{server.name} has the change", lambda s=server: works(s, APP, "more"), 30)
    make(a1, f"policy/{policy['ID']}", policy)
    for server in servers:
        eventually(f"{server.name} has the change back", lambda s=server: not works(s, APP, "more"), 30)

    # Tokens and auth methods are the primary's affair.
    b1 = servers[0]
    assert APP in [each["SecretID"] for each in json.loads(ask(b1, "GET", "/v1/acl/tokens", ROOT)[1])]
    assert "Local tokens are disabled" in ask(b1, "PUT", "/v1/acl/token", ROOT, {"Local": True})[1]
    assert "Token replication is required" in ask(b1, "GET", "/v1/acl/auth-methods", ROOT)[1]
    global_one = make(b1, "token", {"SecretID": READER, "Policies": [{"Name": "app"}]})
    assert json.loads(ask(a1, "GET", f"/v1/acl/token/{global_one['AccessorID']}", ROOT)[1])["SecretID"] == READER
    for server in servers:
        assert works(server, READER), server.name


def check_ways(a1: Member, servers: list[Member]) -> None:
    """Waiting, streams, archives and transactions, each with a token that has to be looked up for it."""
    b1, b2 = servers
    index = int(b1.headers("/v1/kv/app/wait?token=" + ROOT)["X-Consul-Index"])
    found: list = []
    waiter = threading.Thread(target=lambda: found.append(
        ask(b1, "GET", f"/v1/kv/app/wait?index={index}&wait=60s", APP)))
    waiter.start()
    time.sleep(TTL + 1)  # longer than the token is remembered
    assert works(b2, APP, "app/wait")
    waiter.join(30)
    assert found and found[0][0] == 200, found

    fresh = make(a1, "token", {"Policies": [{"Name": "app"}]})["SecretID"]
    connection = http.client.HTTPConnection(b1.host, b1.port, timeout=30)
    connection.request("GET", "/v1/stream?topic=kv&prefix=app/", headers={"X-Consul-Token": fresh})
    stream = connection.getresponse()
    assert stream.status == 200 and stream.readline() == b"event: ready\n"
    connection.close()
    status, text = ask(b2, "PUT", "/v1/txn", fresh, json.dumps([{"KV": {"Verb": "set", "Key": "app/t", "Value": "eA=="}}]))
    assert status == 200, (status, text)

    make(a1, "policy", {"Name": "archives", "Rules": 'acl = "write" operator = "write"'})
    make(a1, "token", {"SecretID": RESTORER, "Policies": [{"Name": "archives"}]})
    for server in servers:
        # In its own state, not its leader's: it judges who wants an archive before it asks for one.
        eventually("the policy is there",
                   lambda s=server: code(s, "GET", "/v1/acl/policy/name/archives?stale", RESTORER) == 200)
    status, archive = b1.ask("GET", f"/v1/snapshot?token={RESTORER}", None, timeout=60)
    assert status == 200 and archive, (status, archive[:200])
    for server in servers:
        time.sleep(TTL + 1)
        status, text = server.ask("PUT", f"/v1/snapshot?token={RESTORER}", archive, timeout=60)
        assert status == 200, (server.name, status, text)
        status, text = server.ask("PUT", "/v1/snapshot?token=no-such-token", archive, timeout=60)
        assert status == 403, (server.name, status, text)
    eventually("the state is there again", lambda: works(b1, APP) and works(b2, APP), 60)


def check_why(binary: str, a1: Member, b1: Member) -> None:
    for server in (a1, b1):
        reply = server.headers("/v1/kv/other", {"X-Consul-Token": APP})
        why = json.loads(reply["X-Proconsul-Denial"])
        assert (why["TokenSource"], why["Permission"], why["Name"], why["Default"]) == (
            "header", "key:read", "other", "deny"), why
        why = json.loads(ask(server, "POST", "/v1/acl/explain", APP, {"Permission": "key:write", "Name": "app/z"})[1])
        assert (why["Allow"], why["Rule"], why["Grants"], why["Policy"]) == (True, 'key_prefix "app/"', "write", "app")
    accessor = json.loads(ask(a1, "GET", "/v1/acl/token/self", APP)[1])["AccessorID"]
    address = f"-http-addr={b1.host}:{b1.port}"
    told = subprocess.run([binary, "acl", "explain", address, f"-token={ROOT}", f"-accessor-id={accessor}", "key:write",
                           "elsewhere"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 2 and 'Allowed:     no' in told.stdout and accessor in told.stdout, told


def check_uses(binary: str, a1: Member, servers: list[Member]) -> None:
    """What one server of a datacenter has seen, all know after a while."""
    accessor = make(a1, "token", {"SecretID": LATE, "Policies": [{"Name": "app"}]})["AccessorID"]
    assert works(servers[0], LATE)
    for server in (a1, *servers):
        eventually(f"{server.name} knows the use", lambda s=server: accessor in json.loads(
            ask(s, "GET", "/v1/acl/token-uses", ROOT)[1])["Uses"], 60)
    assert code(a1, "GET", "/v1/acl/token-uses", APP) == 403
    command = [binary, "acl", "token", "list", f"-http-addr={a1.host}:{a1.port}", f"-token={ROOT}", "-format=json"]
    unused = subprocess.run([*command, "-unused=1s"], capture_output=True, text=True, timeout=60)
    assert unused.returncode == 0, unused
    time.sleep(2)
    old = subprocess.run([*command, "-unused=1s"], capture_output=True, text=True, timeout=60)
    assert accessor in [each["AccessorID"] for each in json.loads(old.stdout)], old
    month = subprocess.run([*command, "-unused=720h"], capture_output=True, text=True, timeout=60)
    assert json.loads(month.stdout or "[]") in ([], None), month
    shown = subprocess.run([binary, "acl", "token", "read", f"-http-addr={a1.host}:{a1.port}", f"-token={ROOT}",
                            f"-accessor-id={accessor}", "-last-used"], capture_output=True, text=True, timeout=60)
    assert "Last Used:        20" in shown.stdout, shown


def check_loss(a1: Member, servers: list[Member]) -> None:
    """A token is taken back; then dc1 is gone: what is remembered goes on, everybody else has acl.default_policy."""
    accessor = json.loads(ask(a1, "GET", "/v1/acl/token/self", READER)[1])["AccessorID"]
    assert code(a1, "DELETE", f"/v1/acl/token/{accessor}", ROOT) == 200
    begun = time.monotonic()
    for server in servers:
        eventually(f"{server.name} has heard", lambda s=server: not works(s, READER), 30)
    print(f"a token that dc1 takes back works in dc2 no longer after {time.monotonic() - begun:.1f} s")
    for server in servers:
        assert works(server, APP)
    a1.kill()
    time.sleep(TTL + 1)
    for server in servers:
        eventually(f"{server.name} goes on with what it knows", lambda s=server: works(s, APP), 60)
        status, text = ask(server, "GET", "/v1/kv/app/x", "dddddddd-0000-0000-0000-00000000ffff")
        assert status == 403 and "primary-dc-down" in text, (status, text)
        assert server.ask("GET", "/v1/status/leader", timeout=5)[0] == 200  # nobody has to be known for it
    a1.start().wait_leader(60)
    for server in servers:
        eventually(f"{server.name} asks again", lambda s=server: "ACL not found" in ask(
            s, "GET", "/v1/kv/app/x", "dddddddd-0000-0000-0000-00000000ffff")[1], 90)


class Server(Member):
    def headers(self, path: str, headers: dict | None = None) -> http.client.HTTPMessage:
        connection = self.connection(30)
        try:
            connection.request("GET", path, headers=headers or {})
            reply = connection.getresponse()
            reply.read()
            return reply.headers
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    begun = time.monotonic()
    deny = {"enabled": True, "default_policy": "deny", "token_ttl": f"{TTL}s"}
    with tempfile.TemporaryDirectory(prefix="proconsul-asked-") as name:
        folder = pathlib.Path(name)
        a1 = Server(binary, folder, "a1", "dc1", 31, 1,
                    acl=deny | {"tokens": {"initial_management": ROOT, "agent": ROOT}})
        servers: list[Server] = []
        for number in (32, 33):
            join = {"retry_join": [f"{servers[0].host}:{servers[0].ports['serf_lan']}"]} if servers else {}
            servers.append(Server(binary, folder, f"b{len(servers) + 1}", "dc2", number, 2,
                                  acl=deny | {"tokens": {"agent_recovery": RECOVERY, "agent": ROOT}},
                                  retry_join_wan=[f"{a1.host}:{a1.ports['serf_wan']}"], **join))
        with ended([a1], servers):
            for server in (a1, *servers):
                server.start()
            eventually("the primary is there", lambda: code(a1, "GET", "/v1/acl/tokens", ROOT) == 200)
            check_status(a1, servers)
            check_tokens(a1, servers)
            check_ways(a1, servers)
            check_why(binary, a1, servers[0])
            check_uses(binary, a1, servers)
            check_loss(a1, servers)
    print(f"tokens that are asked for in the primary: as it should be ({time.monotonic() - begun:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
