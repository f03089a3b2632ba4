#!/usr/bin/env python3
"""Two datacenters that deny by default: a server of the primary, dc1, and three of dc2, which copy its policies, roles and
global tokens. What is allowed in one is in the other, what is taken back too, local tokens stay local, changes made in
dc2 are made in dc1, and dc2 does without dc1, and without its own leader, as long as it must.

    acl_secondary_test.py --binary PATH
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

from agent_process import ended, eventually
from wan_test import Member

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000002"
APP = "aaaaaaaa-0000-0000-0000-000000000003"
LOCAL = "aaaaaaaa-0000-0000-0000-000000000004"
HERE_ONLY = "aaaaaaaa-0000-0000-0000-000000000005"
RECOVERY = "aaaaaaaa-0000-0000-0000-000000000006"
LATER = "aaaaaaaa-0000-0000-0000-000000000007"
APP_RULES = 'key_prefix "app/" { policy = "write" }'


def ask(server: Member, method: str, path: str, token: str, body=None) -> tuple[int, str]:
    separator = "&" if "?" in path else "?"
    path += f"{separator}token={token}" if token else ""
    code, answer = server.ask(method, path, json.dumps(body) if isinstance(body, dict) else body, timeout=30)
    return code, answer.decode().strip()


def code(server: Member, method: str, path: str, token: str, body=None) -> int:
    return ask(server, method, path, token, body)[0]


def make(server: Member, path: str, body: dict, token: str = ROOT) -> dict:
    status, answer = ask(server, "PUT", f"/v1/acl/{path}", token, body)
    assert status == 200, (server.name, path, status, answer)
    return json.loads(answer)


def replication(server: Member, datacenter: str = "") -> dict:
    status, answer = ask(server, "GET", f"/v1/acl/replication?dc={datacenter}", "")
    assert status == 200, (status, answer)
    return json.loads(answer)


def works(server: Member, token: str) -> bool:
    return code(server, "PUT", f"/v1/kv/app/{server.name}", token, "x") == 200


def check_status(a1: Member, servers: list[Member]) -> None:
    """The replication token is not known in the primary, and then is."""
    failed = eventually("it cannot be copied",
                        lambda: "ACL not found" in (s := replication(servers[0]))["LastErrorMessage"] and s, 90)
    assert (failed["Enabled"], failed["Running"], failed["SourceDatacenter"]) == (True, True, "dc1"), failed
    assert (failed["ReplicationType"], failed["ReplicatedIndex"]) == ("tokens", 0), failed
    assert failed["LastSuccess"].startswith("0001") and not failed["LastError"].startswith("0001"), failed
    assert code(servers[0], "GET", "/v1/acl/tokens", ROOT) == 403

    make(a1, "policy", {"Name": "replication", "Rules": 'acl = "write" operator = "write"'})
    make(a1, "token", {"SecretID": REPLICATION, "Policies": [{"Name": "replication"}]})
    for server in servers:
        assert code(server, "PUT", "/v1/agent/token/replication", RECOVERY, {"Token": REPLICATION}) == 200, server.name
    done = eventually("all is copied", lambda: (s := replication(servers[1]))["ReplicatedIndex"]
                      and s["ReplicatedRoleIndex"] and s["ReplicatedTokenIndex"] and s, 90)
    assert done["Running"] and done["LastSuccess"] >= done["LastError"], done
    idle = replication(a1)
    assert (idle["Enabled"], idle["Running"], idle["ReplicationType"]) == (False, False, ""), idle
    eventually("dc1 is told of it", lambda: replication(a1, "dc2")["ReplicationType"] == "tokens")
    for server in servers:
        eventually(f"{server.name} knows the first token", lambda s=server: code(s, "GET", "/v1/acl/tokens", ROOT) == 200)


def check_tokens(a1: Member, servers: list[Member]) -> None:
    make(a1, "policy", {"Name": "app", "Rules": APP_RULES})
    make(a1, "role", {"Name": "apps", "Policies": [{"Name": "app"}]})
    token = make(a1, "token", {"SecretID": APP, "Roles": [{"Name": "apps"}]})
    begun = time.monotonic()
    eventually("its leader knows it", lambda: works(servers[0], APP))
    print(f"a token of dc1 works in dc2 after {time.monotonic() - begun:.2f} s")
    for server in servers:
        eventually(f"{server.name} knows it", lambda s=server: works(s, APP))
    assert code(servers[0], "PUT", "/v1/kv/other", APP, "x") == 403
    assert json.loads(ask(servers[0], "GET", "/v1/acl/token/self", APP)[1])["AccessorID"] == token["AccessorID"]

    # Through dc2, it is changed in dc1, and comes back.
    role = json.loads(ask(servers[1], "GET", "/v1/acl/role/name/apps", ROOT)[1])
    make(servers[1], f"role/{role['ID']}", role | {"Description": "changed in dc2"})
    assert json.loads(ask(a1, "GET", f"/v1/acl/role/{role['ID']}", ROOT)[1])["Description"] == "changed in dc2"
    eventually("dc2 has the change", lambda: json.loads(
        ask(servers[2], "GET", f"/v1/acl/role/{role['ID']}", ROOT)[1])["Description"] == "changed in dc2")
    clone = make(servers[2], f"token/{token['AccessorID']}/clone", {"Description": "a clone"})
    eventually("the clone works", lambda: works(a1, clone["SecretID"]) and works(servers[0], clone["SecretID"]))
    assert code(servers[0], "DELETE", f"/v1/acl/token/{clone['AccessorID']}", ROOT) == 200
    assert not works(a1, clone["SecretID"])
    for server in servers:
        eventually(f"{server.name} has heard", lambda s=server: not works(s, clone["SecretID"]))

    assert code(a1, "DELETE", f"/v1/acl/token/{token['AccessorID']}", ROOT) == 200
    begun = time.monotonic()
    eventually("it is taken back", lambda: not works(servers[0], APP))
    print(f"a token that dc1 takes back works in dc2 no longer after {time.monotonic() - begun:.2f} s")
    for server in servers:
        eventually(f"{server.name} has heard", lambda s=server: not works(s, APP))


def check_places(a1: Member, servers: list[Member]) -> None:
    """Local tokens, and policies that hold in one datacenter."""
    b1 = servers[0]
    local = make(b1, "token", {"SecretID": LOCAL, "Local": True, "Policies": [{"Name": "app"}]})
    for server in servers:
        eventually(f"{server.name} knows the local token", lambda s=server: works(s, LOCAL))
    assert not works(a1, LOCAL)
    status, text = ask(b1, "PUT", "/v1/kv/app/elsewhere?dc=dc1", LOCAL, "x")
    assert status == 403 and "anonymous token lacks permission" in text, (status, text)
    secrets = [token["SecretID"] for token in json.loads(ask(a1, "GET", "/v1/acl/tokens", ROOT)[1])]
    assert LOCAL not in secrets and REPLICATION in secrets, secrets
    assert LOCAL in [token["SecretID"] for token in json.loads(ask(b1, "GET", "/v1/acl/tokens", ROOT)[1])]
    status, text = ask(b1, "PUT", f"/v1/acl/token/{local['AccessorID']}", ROOT, local | {"Local": False})
    assert status == 500 and "Cannot find token" in text, (status, text)  # in the primary
    local["Description"] = "changed"
    assert make(servers[1], f"token/{local['AccessorID']}", local)["Description"] == "changed"

    make(b1, "policy", {"Name": "dc1-only", "Datacenters": ["dc1"], "Rules": APP_RULES})
    make(b1, "token", {"SecretID": HERE_ONLY, "Policies": [{"Name": "dc1-only"}]})
    assert works(a1, HERE_ONLY)
    eventually("dc2 knows the token", lambda: code(b1, "GET", "/v1/acl/token/self", HERE_ONLY) == 200)
    eventually("and its policy", lambda: code(b1, "GET", "/v1/acl/policy/name/dc1-only", ROOT) == 200)
    assert not works(b1, HERE_ONLY)

    status, text = ask(b1, "PUT", "/v1/acl/bootstrap", "")
    # As said by the leader, whoever that is by now.
    assert status == 500 and text.endswith("ACL support disabled"), (status, text)


def check_absence(a1: Member, servers: list[Member]) -> None:
    """Another leader of dc2 goes on; dc2 without the primary, and the primary's return."""
    leader = next(s for s in servers if s.host in s.get("/v1/status/leader"))
    leader.kill()
    others = [server for server in servers if server is not leader]
    eventually("another one leads", lambda: works(others[0], LOCAL))
    make(a1, "token", {"SecretID": APP, "Policies": [{"Name": "app"}]})
    for server in others:
        eventually(f"{server.name} knows it", lambda s=server: works(s, APP), 90)
    leader.start()
    eventually("the old leader is back", lambda: works(leader, APP))

    a1.kill()
    eventually("the primary is missed", lambda: replication(others[0])["LastError"] > replication(others[0])["LastSuccess"])
    assert "failed to retrieve remote ACL" in replication(others[0])["LastErrorMessage"]
    for server in servers:
        assert works(server, APP), server.name
    assert code(others[0], "PUT", "/v1/acl/policy", ROOT, {"Name": "none"}) == 500
    assert make(others[0], "token", {"Local": True, "Policies": [{"Name": "app"}]})["Local"]
    a1.start().wait_leader(60)
    eventually("a policy can be made again", lambda: make(others[1], "policy", {"Name": "later", "Rules": APP_RULES}))
    make(a1, "token", {"SecretID": LATER, "Policies": [{"Name": "later"}]})
    for server in servers:
        eventually(f"{server.name} copies again", lambda s=server: works(s, LATER), 120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    begun = time.monotonic()
    deny = {"enabled": True, "default_policy": "deny"}
    with tempfile.TemporaryDirectory(prefix="proconsul-secondary-") as name:
        folder = pathlib.Path(name)
        a1 = Member(binary, folder, "a1", "dc1", 21, 1,
                    acl=deny | {"tokens": {"initial_management": ROOT, "agent": ROOT}})
        servers: list[Member] = []
        copying = deny | {"enable_token_replication": True,
                          "tokens": {"agent_recovery": RECOVERY, "agent": ROOT, "replication": LATER}}
        for number in (22, 23, 24):
            join = {"retry_join": [f"{servers[0].host}:{servers[0].ports['serf_lan']}"]} if servers else {}
            servers.append(Member(binary, folder, f"b{len(servers) + 1}", "dc2", number, 3, acl=copying,
                                  retry_join_wan=[f"{a1.host}:{a1.ports['serf_wan']}"], **join))
        with ended([a1], servers):
            for server in (a1, *servers):
                server.start()
            eventually("the primary is there", lambda: code(a1, "GET", "/v1/acl/tokens", ROOT) == 200)
            check_status(a1, servers)
            check_tokens(a1, servers)
            check_places(a1, servers)
            check_absence(a1, servers)
    print(f"access control in a secondary datacenter: as it should be ({time.monotonic() - begun:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
