"""Twenty agents of one pool, two datacenters, and a server that was away."""
import http.client
import json
import pathlib
import threading
import time

from agent_process import Agent, answer, eventually
from cluster import cluster, leader_of
from figures import cpu_seconds, row

ALIVE, FAILED = 1, 4
SIZE = 20
# Somebody's turn to probe it comes within a second and its probe ends a second later; then 4 log10(20) intervals of
# suspicion, of a second each.
DETECTION_BOUND = 7.2


def ports(agent: Agent) -> dict[str, int]:
    return json.loads((agent.folder / "agent.json").read_text())["ports"]


class Asker:
    """Asks one agent again and again over one connection."""

    def __init__(self, agent: Agent):
        self.agent, self.connection = agent, agent.connection(30)

    def get(self, path: str):
        try:
            self.connection.request("GET", path)
            reply = self.connection.getresponse()
            body = reply.read()
            return json.loads(body) if reply.status == 200 else None
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return None

    def statuses(self) -> dict[str, int]:
        return {member["Name"]: member["Status"] for member in self.get("/v1/agent/members") or []}


def each_time(askers: list[Asker], holds, limit: float = 60) -> list[float]:
    """When that first held at each of them."""
    times: dict[int, float] = {}
    end = time.monotonic() + limit
    while len(times) < len(askers) and time.monotonic() < end:
        for number, asker in enumerate(askers):
            if number not in times and holds(asker):
                times[number] = time.monotonic()
        time.sleep(0.01)
    return [times.get(number, float("inf")) for number in range(len(askers))]


def gossip_bytes(agent: Agent) -> float:
    _, text = agent.ask("GET", "/v1/agent/metrics?format=prometheus")
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines()
               if line.startswith(("consul_memberlist_udp_sent", "consul_memberlist_tcp_sent")))


def agents(binary: str, folder: pathlib.Path, quick: bool) -> None:
    """One server and 19 client agents, with Consul's times of a LAN."""
    telemetry = {"telemetry": {"prometheus_retention_time": "1h", "disable_hostname": True}}
    server = Agent(binary, folder / "s", "s", telemetry | {"log_level": "err"}).start()
    server.wait_leader()
    join = [f"127.0.0.1:{ports(server)['serf_lan']}"]
    pool = [server] + [Agent(binary, folder / f"c{number}", f"c{number}", telemetry | {
        "server": False, "bootstrap_expect": 0, "retry_join": join, "log_level": "err"}) for number in range(1, SIZE)]
    try:
        begin = time.monotonic()
        for agent in pool[1:]:
            agent.start()
        askers = [Asker(agent) for agent in pool]
        seen = each_time(askers, lambda asker: list(asker.statuses().values()).count(ALIVE) == SIZE)
        row(f"{SIZE} agents, started at once: all see all after", max(seen) - begin, "s", 1.5)

        time.sleep(5)
        quiet = 20 if quick else 60
        before = sum(map(gossip_bytes, pool))
        time.sleep(quiet)
        row(f"{SIZE} idle agents: gossip sent, each", (sum(map(gossip_bytes, pool)) - before) / SIZE / quiet, "B/s", 401)

        eventually("its check passes", lambda: any(
            check["Status"] == "passing" for check in answer(server, f"/v1/health/node/{pool[-1].name}") or []))
        victim, askers = pool[-1], askers[:-1]
        critical: list[float] = []

        def watch() -> None:
            asker, index = Asker(server), 0
            while not critical:
                asker.connection.request("GET", f"/v1/health/node/{victim.name}?index={index}&wait=30s")
                reply = asker.connection.getresponse()
                index = reply.getheader("X-Consul-Index")
                if any(check["Status"] == "critical" for check in json.loads(reply.read())):
                    critical.append(time.monotonic())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        victim.kill()
        begin = time.monotonic()
        failed = each_time(askers, lambda asker: asker.statuses().get(victim.name) == FAILED)
        watcher.join(30)
        row("a killed agent is failed at the first after", min(failed) - begin, "s")
        row("a killed agent is failed everywhere after", max(failed) - begin, "s", DETECTION_BOUND)
        row("its serfHealth is critical, after it failed at the leader", (critical[0] - failed[0]) * 1e3, "ms", 50,
            "looked at every 10 ms")
    finally:
        for agent in pool:
            if agent.process is not None and agent.process.poll() is None:
                agent.kill()


def datacenters(bench) -> None:
    """A read through a server of one datacenter from a server of another."""
    far = bench.agent(datacenter="dc2")
    near = bench.agent(datacenter="dc1", retry_join_wan=[f"127.0.0.1:{ports(far)['serf_wan']}"])
    try:
        eventually("both datacenters", lambda: len(answer(near, "/v1/catalog/datacenters") or []) == 2)
        count = 4_000 if bench.quick else 40_000
        bench.tool("load", far.port, 64, count, "PUT", "/v1/kv/k%d", "x" * 64)
        assert near.ask("GET", "/v1/kv/k7?dc=dc2&raw")[1] == b"x" * 64
        for name, query in (("", ""), (", stale", "&stale")):
            for size in (count // 10, count):  # warm first
                before = [cpu_seconds(agent.process.pid) for agent in (near, far)]
                result = bench.tool("load", near.port, 64, size, "GET", f"/v1/kv/k%d?dc=dc2{query}")
                spent = [(cpu_seconds(agent.process.pid) - was) / size * 1e6 for agent, was in zip((near, far), before)]
            note = f"{result['rate']:.0f}/s, p99 {result['p99_us']:.0f} us"
            row(f"read from another datacenter{name}: the server that is asked", spent[0], "us/op", 60, note)
            row(f"read from another datacenter{name}: the server that has it", spent[1], "us/op", 60)
        row("connections to the other datacenter after all that", connections(ports(far)["server"]), "", 2)
    finally:
        near.kill()
        far.kill()


def connections(port: int) -> int:
    """Established connections of this machine to a port."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "01" for line in lines)


def catch_up(bench, kept: bool, count: int, size: int) -> None:
    """A follower comes back after `count` entries with values of `size` bytes, which the leader has kept or has in its
    snapshot only."""
    if bench.quick:
        count //= 10
    log = {"raft_trailing_logs": 2 * count, "raft_snapshot_threshold": 4 * count} if kept else {}
    if not kept and count < 100_000:  # fewer entries than a server keeps by itself
        log = {"raft_trailing_logs": count // 80, "raft_snapshot_threshold": count // 4}
    servers = cluster(bench.binary, bench.folder / f"away-{kept}-{size}", **log)
    try:
        leader = leader_of(servers)
        away = next(server for server in servers if server is not leader)

        def load(operations: int) -> dict:
            return bench.tool("load", leader.port, 8, operations, "PUT", "/v1/kv/during/%d", "x" * 64)

        load(2_000)
        away.kill()
        bench.tool("load", leader.port, 64, count, "PUT", "/v1/kv/away/%d", "x" * size)
        batch = 2_000 if bench.quick else 10_000
        quiet = load(batch)["p99_us"]
        target = last_index(leader)
        away.start()
        begin = time.monotonic()
        caught: list[float] = []

        def wait() -> None:
            while not caught and time.monotonic() < begin + 300:
                try:
                    if last_index(away) >= target:
                        caught.append(time.monotonic())
                except (OSError, http.client.HTTPException, TypeError):
                    pass
                time.sleep(0.02)

        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        worst, batches = 0.0, 0
        while waiter.is_alive():  # at least one, however fast it is
            worst, batches = max(worst, load(batch)["p99_us"]), batches + 1
        how = "log" if kept else "snapshot"
        if size > 64:
            how += f" of {count * size / 1e6:.0f} MB"
        row(f"a follower back after {count} entries, by {how}: p99 / before", worst / quiet, "x", 2,
            f"before {quiet:.0f} us; the worst of {batches} times {batch} writes")
        row(f"a follower back after {count} entries, by {how}: caught up", caught[0] - begin if caught else float("inf"), "s")
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.kill()


def last_index(server: Agent) -> int:
    return int(answer(server, "/v1/agent/self")["Stats"]["raft"]["applied_index"])
