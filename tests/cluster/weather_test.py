#!/usr/bin/env python3
"""Servers as processes in network namespaces, in bad weather: partitions of every shape, delay and loss, kill -9, hung
processes, disks that do not answer, restarts and leaves, while clients read and write through all of them. Every operation
is recorded; each key must be linearizable, stale reads a state that was, acknowledged writes kept; and when the weather is
over, all servers agree.

    weather_test.py --binary PATH --checker PATH [--minutes N] [--seed S] [--kind NAME]... [--servers N]...
"""
import argparse
import collections
import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import history
import network
from agent_process import Agent, answer, ended, eventually
from frozen_disk import frozen_disk
from history import Client, Recorder

SKIPPED = 77  # what CTest knows as such
KEYS, CLIENTS_PER_SERVER, PAUSE = 5, 3, 0.02
HEALED = 90   # seconds until all must be well again


class Server(Agent):
    """On a host of its own, with Consul's own ports; its clients are there too."""

    def __init__(self, binary: str, folder: pathlib.Path, host: network.Host, join: list[str]):
        self.host, self.life, self.hung = host, 0, False
        self.may_be_gone = False  # somebody killed it, or told it to leave
        ports = {"http": 8500, "dns": -1, "grpc": -1, "grpc_tls": -1, "server": 8300, "serf_lan": 8301, "serf_wan": -1}
        super().__init__(binary, folder, folder.name, {
            "ports": ports, "bind_addr": host.address, "bootstrap_expect": len(join), "retry_join": join,
            "retry_interval": "1s", "log_level": "info", "limits": {"http_max_conns_per_client": 1000},
            # Snapshots and shortened logs happen within every round.
            "raft_snapshot_threshold": 300, "raft_snapshot_interval": "2s", "raft_trailing_logs": 150,
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"},
            "autopilot": {"server_stabilization_time": "1s"}})
        self.port = ports["http"]

    def connection(self, timeout: float = 10) -> network.Connection:
        return network.Connection(self.host, self.port, timeout)

    def start(self, *more: str) -> "Server":
        self.life += 1
        self.may_be_gone = False
        with self.host:
            super().start(*more)
        return self

    def kill(self, sign: int = signal.SIGKILL, limit: float = 15) -> int:
        self.may_be_gone = True
        return super().kill(sign, limit)

    def end(self, limit: float, expected: int = 0) -> None:
        """Waits for the end of a server that was told to end, and that it ends as it shall."""
        self.may_be_gone = True
        code = self.process.wait(limit)
        assert code == expected, f"{self.name} ended with {code}"

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self.hung = True

    def go_on(self) -> None:
        if self.hung and self.alive():
            self.process.send_signal(signal.SIGCONT)
        self.hung = False


class Cluster:
    def __init__(self, binary: str, folder: pathlib.Path, size: int):
        self.network = network.Network(size)
        addresses = [host.address for host in self.network.hosts.values()]
        self.servers = [Server(binary, folder / f"s{number}", host, addresses)
                        for number, host in self.network.hosts.items()]
        self.by_number = dict(zip(self.network.hosts, self.servers))
        self.base: dict[tuple[int, int], dict] = {}  # how the wire is where nothing else is said

    def numbers(self) -> list[int]:
        return list(self.by_number)

    def leader(self) -> int:
        """The number of a server that a majority of those that answer names as the leader."""
        def find():
            named = collections.Counter()
            for server in self.servers:
                if server.alive():
                    with contextlib.suppress(OSError):
                        named[(answer(server, "/v1/status/leader") or "").rsplit(":", 1)[0]] += 1
            address, votes = named.most_common(1)[0]
            return votes > len(self.servers) // 2 and next(
                (number for number, host in self.network.hosts.items() if host.address == address), None)
        return eventually("a leader", find)

    def rule(self, pairs, **rule) -> None:
        self.network.rule(self.base | {pair: rule for pair in pairs})

    def cut(self, pairs) -> None:
        self.rule(pairs, drop=True)

    def heal(self) -> None:
        self.base = {}
        self.rule([])
        for server in self.servers:
            server.go_on()
            if not server.alive():
                assert server.may_be_gone, f"{server.name} ended with {server.process.returncode}"
                server.start()

    def well(self) -> None:
        """All servers vote, all take writes, and a consistent read through each is answered."""
        def check(server: Server) -> bool:
            servers = (answer(server, "/v1/operator/raft/configuration") or {"Servers": []})["Servers"]
            return sum(peer["Voter"] for peer in servers) == len(self.servers) == len(servers)
        for server in self.servers:
            eventually(f"{server.name} has all voters", lambda s=server: check(s), HEALED)
            eventually(f"{server.name} writes",
                       lambda s=server: s.ask("PUT", f"/v1/kv/well/{s.name}", "1")[1].strip() == b"true", HEALED)

    def close(self) -> None:
        for server in self.servers:
            server.go_on()
        self.network.close()


# -- the kinds of weather: each lasts about that many seconds, and what it leaves is healed ----------------------------
def between(some: list[int], others: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in some for b in others if a != b]


def partition(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """A majority and the rest do not hear each other."""
    numbers = cluster.numbers()
    dice.shuffle(numbers)
    some, others = numbers[:len(numbers) // 2], numbers[len(numbers) // 2:]
    cluster.cut(between(some, others) + between(others, some))
    time.sleep(seconds)


def leader_alone(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    leader, numbers = cluster.leader(), cluster.numbers()
    cluster.cut(between([leader], numbers) + between(numbers, [leader]))
    time.sleep(seconds)


def one_way(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """The leader, or any server, hears nobody but is heard, or is heard by nobody but hears."""
    one = dice.choice([cluster.leader(), dice.choice(cluster.numbers())])
    cluster.cut(between([one], cluster.numbers()) if dice.random() < 0.5 else between(cluster.numbers(), [one]))
    time.sleep(seconds)


def majority_ring(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """Each sees itself and its two neighbours on a ring, a majority of five, and nobody the same one; of three, the ends
    of a chain see the middle only."""
    numbers = cluster.numbers()
    dice.shuffle(numbers)
    size = len(numbers)
    far = [(numbers[i], numbers[j]) for i in range(size) for j in range(size)
           if (i - j) % size not in (0, 1, size - 1)]
    cluster.cut(far or [(numbers[0], numbers[1]), (numbers[1], numbers[0])])
    time.sleep(seconds)


def lossy(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    cluster.rule(cluster.network.pairs(), delay=dice.uniform(0, 0.05), jitter=dice.uniform(0, 0.05),
                 loss=dice.uniform(0.02, 0.2))
    time.sleep(seconds)


def slow_leader(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """The leader's wire alone is slow, about as slow as an election takes."""
    leader = cluster.leader()
    cluster.rule(between([leader], cluster.numbers()) + between(cluster.numbers(), [leader]),
                 delay=dice.uniform(0.1, 0.4), jitter=dice.uniform(0, 0.3))
    time.sleep(seconds)


def flapping(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """Other directions are cut every moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        cluster.cut([pair for pair in cluster.network.pairs() if dice.random() < 0.35])
        time.sleep(dice.uniform(0.05, 1))


def kill(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """kill -9 of the leader or of any, again and again."""
    end = time.monotonic() + seconds
    while True:
        victim = cluster.by_number[cluster.leader() if dice.random() < 0.6 else dice.choice(cluster.numbers())]
        victim.kill()
        time.sleep(dice.uniform(0.1, 1.5))
        victim.start()
        if time.monotonic() > end:
            return
        time.sleep(dice.uniform(0.1, 2))


def power_cut(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """All at once; a majority is back at first."""
    for server in cluster.servers:
        os.kill(server.process.pid, signal.SIGKILL)
    for server in cluster.servers:
        server.kill()
    late = dice.sample(cluster.servers, (len(cluster.servers) - 1) // 2)
    for server in cluster.servers:
        if server not in late:
            server.start()
    time.sleep(seconds)


def hung_leader(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """SIGSTOP: it comes back and believes that it leads."""
    leader = cluster.by_number[cluster.leader()]
    leader.hang()
    time.sleep(seconds)
    leader.go_on()
    time.sleep(1)


def hung_disk(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    with frozen_disk(cluster.by_number[cluster.leader()].process.pid):
        time.sleep(seconds)


def rolling_restart(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """SIGTERM, as a service manager does it, one after the other, each once the one before votes again."""
    for number in dice.sample(cluster.numbers(), len(cluster.numbers())):
        server = cluster.by_number[number]
        server.process.send_signal(signal.SIGTERM)
        server.end(30, 1)  # it did not leave
        time.sleep(dice.uniform(0, 0.5))
        server.start()
        cluster.well()


def leave_and_rejoin(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    server = cluster.by_number[dice.choice([cluster.leader(), dice.choice(cluster.numbers())])]
    with contextlib.suppress(OSError, network.http.client.HTTPException):  # it may end before it answers
        server.ask("PUT", "/v1/agent/leave", timeout=30)
    server.end(30)
    time.sleep(seconds / 2)
    server.start()


def leave_in_partition(cluster: Cluster, dice: random.Random, seconds: float) -> None:
    """A server of the smaller side leaves, and cannot tell the others."""
    numbers = cluster.numbers()
    dice.shuffle(numbers)
    some, others = numbers[:len(numbers) // 2], numbers[len(numbers) // 2:]
    cluster.cut(between(some, others) + between(others, some))
    time.sleep(0.5)
    with contextlib.suppress(OSError, network.http.client.HTTPException):
        cluster.by_number[some[0]].ask("PUT", "/v1/agent/leave", timeout=2)
    time.sleep(seconds)
    cluster.rule([])
    cluster.by_number[some[0]].end(60)


KINDS = {kind.__name__: kind for kind in (
    partition, leader_alone, one_way, majority_ring, lossy, slow_leader, flapping, kill, power_cut, hung_leader, hung_disk,
    rolling_restart, leave_and_rejoin, leave_in_partition)}


# -- rounds -------------------------------------------------------------------------------------------------------------
class Tally:
    """What all rounds together were."""

    def __init__(self):
        self.rounds = collections.Counter()
        self.gaps: dict[str, float] = collections.defaultdict(float)
        self.operations = collections.Counter()
        self.unknown = self.lost = 0
        self.faults: list[str] = []

    def show(self) -> None:
        for kind, count in sorted(self.rounds.items()):
            print(f"  {kind:20} {count:4} rounds, longest time without an acknowledged write {self.gaps[kind]:5.2f} s")
        print(f"  {sum(self.operations.values())} operations with a known outcome: {dict(sorted(self.operations.items()))}")
        print(f"  {self.unknown} writes of unknown outcome; acknowledged writes lost: {self.lost}; "
              f"violations: {len(self.faults)}", flush=True)


def agreed(cluster: Cluster) -> bool:
    """Every server's own state is the same, indexes included."""
    return len({server.ask("GET", "/v1/kv/?recurse&stale")[1] for server in cluster.servers}) == 1


def one_round(cluster: Cluster, number: int, kind: str, seconds: float, dice: random.Random, checker: pathlib.Path,
              tally: Tally, rough: bool) -> None:
    """`rough`: some loss and delay everywhere besides."""
    recorder = Recorder(f"r{number}", KEYS)
    clients = [Client(recorder, server, index, dice.getrandbits(32), PAUSE)
               for index, server in enumerate(cluster.servers * CLIENTS_PER_SERVER)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    if rough:
        cluster.base = dict.fromkeys(cluster.network.pairs(), {"delay": 0.001, "jitter": 0.02, "loss": 0.02})
        cluster.rule([])
    KINDS[kind](cluster, dice, seconds)
    cluster.heal()
    cluster.well()
    time.sleep(0.3)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(60)
        assert not client.is_alive(), "a client hangs"
    present = history.final_reads(cluster.servers, recorder)
    eventually("all servers agree", lambda: agreed(cluster), HEALED)

    faults = history.verdict(recorder, present, checker)
    gap = recorder.longest_gap()
    known = collections.Counter(op.kind for op in recorder.operations if op.returned is not history.UNKNOWN)
    unknown = sum(op.returned is history.UNKNOWN for op in recorder.operations)
    tally.rounds[kind] += 1
    tally.gaps[kind] = max(tally.gaps[kind], gap)
    tally.operations.update(known)
    tally.unknown += unknown
    tally.lost += len(recorder.ledger - present)
    tally.faults += [f"round {number}, {kind}: {fault}" for fault in faults]
    print(f"round {number}: {len(cluster.servers)} servers, {kind} for {seconds:.1f} s{' on a rough wire' * rough}: {sum(known.values())} operations, "
          f"{unknown} unknown, gap {gap:.2f} s{', WRONG' if faults else ''}", flush=True)
    for fault in faults[:10]:
        print(f"  {fault[:2000]}", flush=True)
    for server in cluster.servers:  # the next round's history begins from nothing
        if server.ask("DELETE", f"/v1/kv/{recorder.prefix}/?recurse", timeout=30)[0] == 200:
            break


def play(options, size: int, kinds: list[str], rounds, dice: random.Random, tally: Tally, folder: pathlib.Path) -> None:
    """Rounds on one cluster: `rounds` gives (number, seconds, rough) as long as there shall be another."""
    folder.mkdir(parents=True)
    cluster = Cluster(options.binary, folder, size)
    try:
        with ended(cluster.servers):
            try:
                for server in cluster.servers:
                    server.start()
                cluster.well()
                for number, seconds, rough in rounds:
                    one_round(cluster, number, kinds[number % len(kinds)], seconds, dice, options.checker, tally, rough)
            finally:
                for server in cluster.servers:
                    server.go_on()  # a stopped process does not see that it shall end
    finally:
        cluster.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--checker", required=True, type=pathlib.Path, help="the program history_check")
    parser.add_argument("--minutes", type=float, default=0, help="rounds of any length for that long; else each kind once")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these")
    parser.add_argument("--servers", type=int, action="append", choices=(3, 5), help="clusters of that many; both")
    parser.add_argument("--keep", type=pathlib.Path, help="an empty folder for logs and data, which stay")
    options = parser.parse_args()
    if lacking := network.missing():
        print(f"skipped: {lacking}")
        return SKIPPED
    print(f"seed {options.seed}", flush=True)
    dice = random.Random(options.seed)
    tally = Tally()
    kinds = options.kind or list(KINDS)
    sizes = options.servers or [3, 5]
    with contextlib.ExitStack() as stack:
        folder = options.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="proconsul-weather-")))
        if options.minutes == 0:
            for part, size in enumerate(sizes):  # each cluster sees its share of the kinds
                share = kinds[part::len(sizes)]
                rounds = ((number, 2, False) for number in range(len(share)))
                play(options, size, share, rounds, dice, tally, folder / f"c{part}")
        else:
            end, part = time.monotonic() + options.minutes * 60, 0
            while time.monotonic() < end and not tally.faults:
                rounds = ((number, dice.choice((dice.uniform(0.5, 4), dice.uniform(3, 15))), dice.random() < 0.3)
                          for number in range(20) if time.monotonic() < end and not tally.faults)
                dice.shuffle(kinds)
                play(options, sizes[part % len(sizes)], list(kinds), rounds, dice, tally, folder / f"c{part}")
                part += 1
    tally.show()
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
