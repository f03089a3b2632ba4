"""Servers of both kinds in one raft: each kind leads, follows by log and by snapshot, dies and hands over; and clusters
that turn from one kind into the other and back under clients whose histories are judged."""
import contextlib
import random
import signal
import time

import state
from world import Node, World, eventually, hand_over, leader_of, other, voting

import history  # of tests/cluster
from history import Client, Recorder

CLIENTS_PER_SERVER, PAUSE, KEYS = 3, 0.01, 6


def value_everywhere(servers: list[Node], key: str, value: str) -> None:
    for server in servers:
        eventually(f"{server.name} has {key}", lambda s=server: s.ask("GET", f"/v1/kv/{key}?raw&stale")[1] == value.encode())
        assert server.ask("GET", f"/v1/kv/{key}?raw&consistent")[1] == value.encode(), server.name
        assert server.ask("GET", f"/v1/kv/{key}?raw")[1] == value.encode(), server.name


def write_many(server: Node, count: int, mark: str) -> None:
    for first in range(0, count, 64):
        rows = [{"KV": {"Verb": "set", "Key": f"many/{number % 500}", "Value": "eHh4eHh4eHg="}}
                for number in range(first, first + 64)]
        server.put("/v1/txn", rows)
    assert server.ask("PUT", f"/v1/kv/mark/{mark}", mark)[1].strip() == b"true"


def lonely_writes(leader: Node, rest: list[Node]) -> None:
    """The others are stopped meanwhile, and stay so."""
    for server in rest:
        server.process.send_signal(signal.SIGSTOP)
    for number in range(3):
        with contextlib.suppress(OSError):
            leader.ask("PUT", f"/v1/kv/lonely-{number}", "x", timeout=0.2)


def mixed(world: World, two: str) -> None:
    """Three servers in one raft, two of this kind."""
    servers = world.cluster([two, other(two), two], raft_snapshot_threshold=100, raft_snapshot_interval="1s",
                            raft_trailing_logs=50)
    state.make(servers[0])
    for leader in (servers[1], servers[2], servers[0]):
        hand_over(servers, leader)
        for server in servers:
            key = f"by-{server.name}-under-{leader.name}"
            assert server.ask("PUT", f"/v1/kv/{key}", key)[1].strip() == b"true"
            value_everywhere(servers, key, key)
        state.check_equal(servers)

        # A follower of each kind comes back after its log is gone: it takes a snapshot.
        for follower in (server for server in servers if server is not leader):
            follower.kill()
            mark = f"{leader.name}-{follower.name}"
            write_many(leader, 1500, mark)
            time.sleep(2.5)  # the leader makes a snapshot meanwhile
            follower.start()
            value_everywhere(servers, f"mark/{mark}", mark)
            voting(servers)
            state.check_equal(servers)

        # A snapshot that this leader saves is restored by the other kind's command, then back.
        archive = world.folder / f"{leader.name}.snap"
        leader.command("snapshot", "save", str(archive), kind=other(leader.kind))
        leader.put("/v1/catalog/register", {"Node": "later", "Address": "10.1.1.1"})
        follower = next(server for server in servers if server.kind != leader.kind)
        follower.command("snapshot", "restore", str(archive))
        for server in servers:
            eventually("it is as it was", lambda s=server: "later" not in [
                node["Node"] for node in s.get("/v1/catalog/nodes?stale")])
            assert "Index" in server.command("snapshot", "inspect", str(archive))
        voting(servers)
        state.check_equal(servers)

        # It dies with entries behind the restored snapshot that nobody else has; one of the others leads, and takes it
        # back without them.
        rest = [server for server in servers if server is not leader]
        lonely_writes(leader, rest)
        leader.kill()
        begun = time.monotonic()
        for server in rest:
            server.process.send_signal(signal.SIGCONT)
        eventually("a write succeeds", lambda r=rest: r[0].ask("PUT", "/v1/kv/after", "x", timeout=2)[1].strip() == b"true")
        print(f"    {leader.kind} leader {leader.name} killed: a write by a {rest[0].kind} server after "
              f"{time.monotonic() - begun:.2f} s")
        leader.start()
        voting(servers)
        state.check_equal(servers)


def change_in_place(servers: list[Node], server: Node, kind: str) -> None:
    """It leaves, and comes back with its name and address as the other kind, with nothing."""
    server.leave()
    rest = [one for one in servers if one is not server]
    voting(rest)
    server.become(kind)
    server.change(retry_join=[one.lan() for one in rest], bootstrap_expect=None)
    server.start()
    server.wait_leader(60)
    voting(servers)


class Load:
    """Clients of all servers; what they saw is judged at the end."""

    def __init__(self, servers: list[Node], seed: int):
        self.recorder, dice = Recorder("load", KEYS), random.Random(seed)
        self.clients = [Client(self.recorder, server, number, dice.getrandbits(32), PAUSE)
                        for number, server in enumerate(servers * CLIENTS_PER_SERVER)]
        for client in self.clients:
            client.start()

    def end(self, servers: list[Node], checker) -> None:
        for client in self.clients:
            client.over.set()
        for client in self.clients:
            client.join(60)
            assert not client.is_alive(), "a client hangs"
        present = history.final_reads(servers, self.recorder)
        kinds = {server.name: server.kinds for server in servers}
        faults = history.verdict(self.recorder, present, checker, lambda op: kinds[op.server][op.life] == "ours")
        known = sum(op.returned is not history.UNKNOWN for op in self.recorder.operations)
        print(f"    {known} operations, {len(self.recorder.operations) - known} of unknown outcome, longest time without an "
              f"acknowledged write {self.recorder.longest_gap():.2f} s, {len(self.recorder.ledger)} keys written once, "
              f"faults: {len(faults)}")
        assert not faults, faults[:5]


def rolling(world: World, first: str) -> None:
    """Three servers of one kind become the other kind, one after the other, and again the first, under load."""
    servers = world.cluster([first] * 3)
    state.make(servers[0])
    state.check_equal(servers)
    before = state.of(servers[0])
    dice = random.Random(7)
    load = Load(servers, 7)
    for kind in (other(first), first):
        for server in dice.sample(servers, 3):
            begun = time.monotonic()
            led = server.leads()
            change_in_place(servers, server, kind)
            print(f"    {server.name}{', the leader,' * led} is {kind} after {time.monotonic() - begun:.1f} s; "
                  f"{leader_of(servers).name} leads: {', '.join(one.kind for one in servers)}", flush=True)
            for one in servers:
                state.check_same(before, state.of(one), one.name)
        for one in servers:
            hand_over(servers, one)
    load.end(servers, world.checker)
    for one in servers:
        state.check_same(before, state.of(one), one.name)
    state.check_equal(servers)
