#!/usr/bin/env python3
"""Two datacenters that deny by default, a server each: what each knows of the other's mesh gateways, before and after
dc2 gets the token with which it may ask dc1; what comes, changes and goes; and that nothing is written while all is
quiet.

    federation_states_test.py --binary PATH
"""
import argparse
import json
import pathlib
import socket
import sys
import tempfile
import time

from agent_process import ended, eventually
from wan_test import Member

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000002"
RECOVERY = "aaaaaaaa-0000-0000-0000-000000000006"
QUIET = 60  # seconds


def ask(server: Member, method: str, path: str, body=None, token: str = ROOT):
    separator = "&" if "?" in path else "?"
    status, answer = server.ask(method, f"{path}{separator}token={token}", json.dumps(body) if body else None, timeout=30)
    assert status == 200, (server.name, path, status, answer)
    return json.loads(answer) if answer else None


def states(server: Member) -> dict[str, dict]:
    return {state["Datacenter"]: state for state in ask(server, "GET", "/v1/internal/federation-states")}


def addresses(server: Member) -> dict[str, list[str]]:
    """Of the gateways of each datacenter."""
    found = ask(server, "GET", "/v1/internal/federation-states/mesh-gateways")
    return {name: [gateway["Service"]["Address"] for gateway in gateways] for name, gateways in found.items()}


def register(server: Member, address: str, status: str = "passing") -> None:
    ask(server, "PUT", "/v1/catalog/register", {
        "Node": "gate", "Address": address,
        "Service": {"Service": "mesh-gateway", "Kind": "mesh-gateway", "Address": address, "Port": 8443,
                    "Meta": {"consul-wan-federation": "1"},
                    "TaggedAddresses": {"wan": {"Address": "198.18.0.1", "Port": 443}}},
        "Check": {"CheckID": "alive", "Name": "alive", "ServiceID": "mesh-gateway", "Status": status}})


def packed(value) -> bytes:
    """Msgpack of short texts and small maps."""
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(packed(name) + packed(each) for name, each in value.items())
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xda" + len(data).to_bytes(2, "big")) + data
    assert isinstance(value, int) and value < 128
    return bytes([value])


def apply(server: Member, operation: str, datacenter: str) -> bytes:
    """Asked by RPC: there is no other way."""
    call = packed({"ServiceMethod": "FederationState.Apply", "Seq": 1})
    call += packed({"Op": operation, "State": {"Datacenter": datacenter}, "Token": ROOT})
    with socket.create_connection((server.host, server.ports["server"]), 15) as connection:
        connection.sendall(b"\0" + call)
        return connection.recv(4096)


def check_replication_token(a1: Member, b1: Member) -> None:
    """Without one dc1 learns nothing of dc2, and dc2 nothing at all; with one both soon do."""
    assert list(states(a1)) == ["dc1"] and states(b1) == {}, (states(a1), states(b1))
    status, text = a1.ask("GET", "/v1/internal/federation-states")
    assert status == 403 and b"lacks permission 'operator:read'" in text, (status, text)
    assert a1.ask("GET", "/v1/internal/federation-states/mesh-gateways")[1] == b"{}"

    ask(a1, "PUT", "/v1/acl/policy", {"Name": "replication", "Rules": 'acl = "write" operator = "write" '
                                      'service_prefix "" { policy = "read" }'})
    ask(a1, "PUT", "/v1/acl/token", {"SecretID": REPLICATION, "Policies": [{"Name": "replication"}]})
    ask(b1, "PUT", "/v1/agent/token/replication", {"Token": REPLICATION}, RECOVERY)
    begun = time.monotonic()
    for server in (a1, b1):
        eventually(f"{server.name} has both states", lambda s=server: list(states(s)) == ["dc1", "dc2"])
    print(f"both states in both datacenters {time.monotonic() - begun:.2f} s after the token")


def check_gateways(a1: Member, b1: Member) -> None:
    register(a1, "10.0.0.1")
    register(b1, "10.0.0.2")
    both = {"dc1": ["10.0.0.1"], "dc2": ["10.0.0.2"]}
    begun = time.monotonic()
    for server in (a1, b1):
        eventually(f"{server.name} knows both gateways", lambda s=server: addresses(s) == both)
    print(f"both gateways in both datacenters after {time.monotonic() - begun:.2f} s")

    def same() -> bool:
        """What dc2 says of itself once more, the primary has a moment earlier."""
        there, here = states(a1)["dc2"], states(b1)["dc2"]
        return (there["MeshGateways"], there["UpdatedAt"]) == (here["MeshGateways"], here["UpdatedAt"]) and \
            here["PrimaryModifyIndex"] == there["ModifyIndex"] == there["PrimaryModifyIndex"]
    eventually("dc2's state is the same in both datacenters", same)
    there = states(a1)["dc2"]

    # Everyone asks of any, of anyone.
    far = ask(b1, "GET", "/v1/internal/federation-state/dc2?dc=dc1")
    assert far["State"] == there and far["KnownLeader"], far
    assert a1.ask("GET", f"/v1/internal/federation-state/dc9?token={ROOT}") == (404, b"")

    # What changes is seen in the other datacenter.
    register(b1, "10.0.0.2", "critical")
    eventually("dc1 knows that it is ill", lambda: states(a1)["dc2"]["MeshGateways"][0]["Checks"][0]["Status"] == "critical")
    ask(a1, "PUT", "/v1/catalog/deregister", {"Node": "gate"})
    for server in (a1, b1):
        eventually(f"{server.name} knows that one went", lambda s=server: addresses(s) == {"dc2": ["10.0.0.2"]})
    assert "MeshGateways" not in states(b1)["dc1"], states(b1)


def check_changes(a1: Member, b1: Member) -> None:
    """Made at a secondary they are made in the primary, and come back."""
    assert apply(b1, "upsert", "dc9").endswith(b"\xc3")
    eventually("both have it", lambda: "dc9" in states(a1) and "dc9" in states(b1))
    assert states(b1)["dc9"]["PrimaryModifyIndex"] == states(a1)["dc9"]["ModifyIndex"]
    assert b"missing federation state datacenter" in apply(b1, "upsert", "")
    assert b"Invalid federation state operation: x" in apply(b1, "x", "dc9")
    assert apply(b1, "delete", "dc9").endswith(b"\xc2"), "a deletion answers nothing"
    eventually("nobody has it", lambda: "dc9" not in states(a1) and "dc9" not in states(b1))


def last_index(server: Member) -> str:
    return ask(server, "GET", "/v1/agent/self")["Stats"]["raft"]["last_log_index"]


def check_quiet(a1: Member, b1: Member) -> None:
    before = last_index(a1), last_index(b1)
    time.sleep(QUIET)
    after = last_index(a1), last_index(b1)
    assert before == after, f"{QUIET} quiet seconds moved the logs from {before} to {after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proconsul-federation-") as name:
        folder = pathlib.Path(name)
        # Coordinates would be written every few seconds.
        still = {"disable_coordinates": True}
        deny = {"enabled": True, "default_policy": "deny"}
        a1 = Member(binary, folder, "a1", "dc1", 51, 1, **still,
                    acl=deny | {"tokens": {"initial_management": ROOT, "agent": ROOT}})
        b1 = Member(binary, folder, "b1", "dc2", 52, 1, **still, retry_join_wan=[f"{a1.host}:{a1.ports['serf_wan']}"],
                    acl=deny | {"tokens": {"agent": ROOT, "agent_recovery": RECOVERY}})
        with ended([a1, b1]):
            for server in (a1, b1):
                server.start()
                eventually(f"{server.name} has a leader", lambda s=server: s.ask("GET", "/v1/status/leader")[1] != b'""')
            eventually("dc1 has its own state", lambda: list(states(a1)) == ["dc1"])
            eventually("dc2 knows who asks", lambda: states(b1) == {})
            check_replication_token(a1, b1)
            check_gateways(a1, b1)
            check_changes(a1, b1)
            check_quiet(a1, b1)
    print(f"federation states: as they should be ({time.monotonic() - begun:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
