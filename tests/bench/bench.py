#!/usr/bin/env python3
"""Speed and memory of one server, each figure beside its goal and beside this machine's own ceilings of the same run.

Never part of pass or fail: a missed goal is printed as `over`. CPU is the server process's user and system time per
operation; memory is its RSS.
"""
import argparse
import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import Agent, free_ports  # noqa: E402
import access  # noqa: E402
import federation  # noqa: E402
import pool  # noqa: E402
from cluster import cluster, leader_of, take_leader_away  # noqa: E402
from figures import ROWS, cpu_seconds, memory, row  # noqa: E402


class Bench:
    def __init__(self, binary: str, tools: pathlib.Path, folder: pathlib.Path, quick: bool):
        self.binary, self.tools, self.folder, self.quick = binary, tools, folder, quick
        self.number = 0

    def agent(self, **config) -> Agent:
        self.number += 1
        agent = Agent(self.binary, self.folder / f"a{self.number}", config=config)
        agent.start().wait_leader()
        return agent

    def tool(self, name: str, *args, **env) -> dict:
        done = subprocess.run([self.tools / name, *map(str, args)], capture_output=True, text=True,
                              env=os.environ | {k: str(v) for k, v in env.items()}, check=False)
        if done.returncode != 0 and done.stderr:
            print(f"  {name} {args}: {done.stderr.strip()[:300]}", file=sys.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def load(self, agent: Agent, connections: int, count: int, method: str, path: str, body: str = "", first: int = 0):
        """(CPU us per operation of the server, the tool's figures)."""
        count = max(connections, count // 10) if self.quick else count
        before = cpu_seconds(agent.process.pid)
        result = self.tool("load", agent.port, connections, count, method, path, *([body] if body else []), FIRST=first)
        return (cpu_seconds(agent.process.pid) - before) / count * 1e6, result

    @contextlib.contextmanager
    def static_server(self, *args):
        """What does nothing but send ready bytes: (port, process)."""
        port = free_ports(1)[0]
        server = subprocess.Popen([self.tools / "ceiling", args[0], str(port), *map(str, args[1:])])
        try:
            time.sleep(0.2)
            yield port, server
        finally:
            server.kill()
            server.wait()

    def static_responder(self, size: int, count: int) -> tuple[float, dict]:
        """(CPU us per answer of `size` bytes, the tool's figures)."""
        with self.static_server("http", size) as (port, server):
            self.tool("load", port, 64, count // 10, "GET", "/")
            before = cpu_seconds(server.pid)
            result = self.tool("load", port, 64, count, "GET", "/")
            return (cpu_seconds(server.pid) - before) / count * 1e6, result

    # -- the parts, each on a server of its own --------------------------------------------------------------------
    def ceilings(self) -> dict:
        cpu, result = self.static_responder(16, 200_000)
        sync = self.tool("ceiling", "fsync", self.folder / "sync", 2000)
        row("static HTTP responder, 64 connections", cpu, "us/op", note=f"p99 {result['p99_us']:.0f} us, {result['rate']:.0f}/s")
        row("write + fdatasync of 256 B, p50", sync["p50_us"], "us", note=f"{sync['cpu_us']:.0f} us CPU")
        return {"http_p99": result["p99_us"], "sync_p50": sync["p50_us"]}

    def kv(self, ceilings: dict) -> None:
        agent = self.agent()
        agent.ask("PUT", "/v1/kv/k", "x" * 64)
        self.load(agent, 64, 20_000, "GET", "/v1/kv/k")
        for name, path, goal in (("GET kv", "/v1/kv/k", 12), ("GET kv ?stale", "/v1/kv/k?stale", 12),
                                 ("GET kv ?consistent", "/v1/kv/k?consistent", 16)):
            cpu, result = self.load(agent, 64, 200_000, "GET", path)
            row(f"{name}, 64 connections", cpu, "us/op", goal, f"{result['rate']:.0f}/s")
            row(f"{name}, p99 / static responder's p99", result["p99_us"] / ceilings["http_p99"], "x", 2)
        one_cpu, one = self.load(agent, 1, 3_000, "PUT", "/v1/kv/k", "x" * 64)
        row("PUT kv 64 B, one connection, p50 / write+fdatasync", one["p50_us"] / ceilings["sync_p50"], "x", 1.4,
            f"p50 {one['p50_us']:.0f} us, {one_cpu:.0f} us CPU")
        cpu, many = self.load(agent, 64, 100_000, "PUT", "/v1/kv/k%d", "x" * 64)
        row("PUT kv 64 B, 64 connections", cpu, "us/op", 15, f"{many['rate']:.0f}/s, p99 {many['p99_us']:.0f} us")
        row("PUT kv, single rate / rate at 64 connections", one["rate"] / many["rate"], "x", 1 / 6)
        value = base64.b64encode(b"x" * 64).decode()
        txn = json.dumps([{"KV": {"Verb": "set", "Key": f"t/{i}", "Value": value}} for i in range(64)])
        cpu, _ = self.load(agent, 16, 5_000, "PUT", "/v1/txn", txn)
        row("transaction of 64 sets", cpu, "us/op", 150)
        agent.kill()
        agent = self.agent()
        keys = 50_000 if self.quick else 500_000
        cpu_small = []
        for first in (0, 1_000):
            small, _ = self.load(agent, 64, 1_000 if first == 0 else 50_000, "PUT", "/v1/kv/flat/%d", "x" * 64)
            cpu_small.append(small)
        self.tool("load", agent.port, 64, keys, "PUT", "/v1/kv/flat/%d", "x" * 64)
        large, _ = self.load(agent, 64, 50_000, "PUT", "/v1/kv/flat/%d", "x" * 64, first=keys)
        row(f"PUT kv at {keys} keys / at 1,000", large / cpu_small[1], "x", 1.15, f"{large:.1f} us/op")
        agent.kill()

    def health(self) -> None:
        agent = self.agent()
        register = json.dumps({"Node": "n%d", "Address": "10.0.0.1", "SkipNodeUpdate": False, "Service": {
            "ID": "web-%d", "Service": "web{}", "Port": 80, "Tags": ["a", "b"]}, "Checks": [
            {"Node": "n%d", "CheckID": "c-%d", "Name": "web", "Status": "passing", "ServiceID": "web-%d"}]})
        for size, goal in ((10, 10), (100, 40), (1000, 250)):
            self.tool("load", agent.port, 8, size, "PUT", "/v1/catalog/register", register.replace("web{}", f"web{size}"),
                      FIRST=size * 10)
            cpu, result = self.load(agent, 64, 200_000 // size + 2_000, "GET", f"/v1/health/service/web{size}")
            _, body = agent.ask("GET", f"/v1/health/service/web{size}")
            static, _ = self.static_responder(len(body), 200_000 // size + 2_000)
            row(f"health of {size} instances, 64 connections", cpu, "us/op", goal,
                f"{result['rate']:.0f}/s; static responder of {len(body)} B: {static:.4g} us/op")
        for name, query, goal in (("?cached", "?cached", 30), ("with a filter", "?filter=Service.Port%20%3D%3D%2080", 200),
                                  ("with a filter of its checks", "?filter=Checks.Status%20%3D%3D%20passing", 200),
                                  ("?cached with a filter", "?cached&filter=Service.Port%20%3D%3D%2080", 200)):
            cpu, result = self.load(agent, 64, 10_000, "GET", f"/v1/health/service/web100{query}")
            row(f"health of 100 instances {name}, 64 connections", cpu, "us/op", goal, f"{result['rate']:.0f}/s")
        agent.kill()
        agent = self.agent()
        register = register.replace("web{}", "big")
        cpu, _ = self.load(agent, 64, 1_000, "PUT", "/v1/catalog/register", register)
        small, _ = self.load(agent, 64, 20_000, "PUT", "/v1/catalog/register", register, first=1_000)
        row("register a node with a service and a check", small, "us/op", 40)
        count = 50_000 if self.quick else 500_000
        self.tool("load", agent.port, 64, count, "PUT", "/v1/catalog/register", register, FIRST=100_000)
        large, _ = self.load(agent, 64, 20_000, "PUT", "/v1/catalog/register", register, first=1_000_000)
        row(f"register at {count} instances / at 1,000", large / small, "x", 1.3, f"{large:.1f} us/op")
        agent.kill()

    def wake(self, port: int, pid: int, count: int, path: str, change: str, body: str, quiet: int):
        """Parks `count` watchers and wakes them: (CPU us each of the server, its RSS while they are parked, the tool's
        figures). What it costs to close their connections is not in it."""
        tool = subprocess.Popen([self.tools / "watchers", str(port), str(count), path, change, body, "/v1/kv/quiet/",
                                 str(quiet)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parked = tool.stdout.readline().strip()
        rss = memory(pid)[0]
        before = cpu_seconds(pid)
        tool.stdin.write("\n")
        tool.stdin.flush()
        result = json.loads(tool.stdout.readline())
        cpu = (cpu_seconds(pid) - before) / count * 1e6
        tool.stdin.close()
        tool.wait()
        return cpu, rss, parked, result

    def dns(self) -> None:
        port = free_ports(1)[0]
        count = 20_000 if self.quick else 200_000
        server = subprocess.Popen([self.tools / "ceiling", "udp", str(port)])
        time.sleep(0.2)
        before = cpu_seconds(server.pid)
        result = self.tool("dns_load", port, 64, count, "web3.service.consul", 1)
        static = (cpu_seconds(server.pid) - before) / count * 1e6
        server.kill()
        server.wait()
        row("static UDP responder, 64 sockets", static, "us/op", note=f"p99 {result['p99_us']:.0f} us, {result['rate']:.0f}/s")
        agent = self.agent()
        port = json.loads((agent.folder / "agent.json").read_text())["ports"]["dns"]
        for size in (3, 100, 5000):
            register = json.dumps({"Node": f"s{size}-%d", "Address": "10.0.0.1", "Service": {
                "ID": "web-%d", "Service": f"web{size}", "Port": 80, "Address": "10.%d.0.1"}})
            for i in range(size):  # every instance has an address of its own
                text = register.replace("10.%d.0.1", f"10.1.{i // 256}.{i % 256}").replace("%d", str(i))
                agent.ask("PUT", "/v1/catalog/register", text)
        for size in (3, 100, 5000):
            for kind, number in (("A", 1), ("SRV", 33)):
                for edns in (0, 1232):
                    self.question(agent, port, f"{kind} of {size} instances" + (f", EDNS {edns}" if edns else ""),
                                  f"web{size}.service.consul", number, edns, None if edns else 7)
        self.question(agent, port, "a node's address", "s3-1.node.consul", 1, 0, 6)
        self.question(agent, port, "reverse look-up of a node", "1.0.0.127.in-addr.arpa", 12, 0, None)
        agent.kill()

    def question(self, agent: Agent, port: int, what: str, name: str, kind: int, edns: int, goal: float | None) -> None:
        count = 20_000 if self.quick else 200_000
        self.tool("dns_load", port, 64, 5_000, name, kind, edns)
        before = cpu_seconds(agent.process.pid)
        result = self.tool("dns_load", port, 64, count, name, kind, edns)
        cpu = (cpu_seconds(agent.process.pid) - before) / count * 1e6
        row(f"DNS: {what}", cpu, "us/op", goal, f"{result['records']} records, p99 {result['p99_us']:.0f} us, {result['rate']:.0f}/s")

    def watches(self) -> None:
        count = 1_000 if self.quick else 10_000
        register = json.dumps({"Node": "w", "Address": "10.0.0.1", "Service": {"Service": "watched", "Port": 80}})
        agent = self.agent(limits={"http_max_conns_per_client": 15_000})
        agent.ask("PUT", "/v1/kv/watched", "a")
        agent.ask("PUT", "/v1/catalog/register", register)
        for name, path, change, body in (
                ("key", "/v1/kv/watched", "/v1/kv/watched", "b"),
                ("service", "/v1/health/service/watched", "/v1/catalog/register", register.replace("80", "81"))):
            before_rss = memory(agent.process.pid)[0]
            quiet = 1_000 if self.quick else 10_000
            _, answer = agent.ask("GET", path)
            with self.static_server("watch", len(answer) + 150) as (port, server):
                floor, _, _, _ = self.wake(port, server.pid, count, path, change, body, 10)
            cpu, rss, parked, result = self.wake(agent.port, agent.process.pid, count, path, change, body, quiet)
            row(f"{count} watchers of a {name}: last answer", result["last_ms"], "ms", 100,
                f"{result['answered']} answered; {parked}")
            row(f"{count} watchers of a {name}: CPU each", cpu, "us", 8, f"one bare send each: {floor:.4g} us")
            row(f"{count} watchers of a {name}: RSS each (with {quiet} keys written)", (rss - before_rss) / count / 1024,
                "KB", 3)
        agent.kill()

    def footprint(self) -> None:
        agent = self.agent()
        time.sleep(3)
        rss, anonymous = memory(agent.process.pid)
        row("idle server: RSS", rss / 1e6, "MB", 25)
        row("idle server: anonymous RSS", anonymous / 1e6, "MB", 8)
        before, wait = cpu_seconds(agent.process.pid), 10 if self.quick else 60
        time.sleep(wait)
        row("idle server: CPU a minute", (cpu_seconds(agent.process.pid) - before) * 60 / wait * 1e3, "ms", 30)
        count = 20_000 if self.quick else 200_000
        self.tool("load", agent.port, 64, count, "PUT", "/v1/kv/item/%d", "x" * 512)
        time.sleep(2)
        row("a KV item of 512 B, all in all", (memory(agent.process.pid)[0] - rss) / count, "B", 800)
        agent.kill()
        agent = self.agent()
        rss = memory(agent.process.pid)[0]
        nodes = count // 10
        for service in ("one", "two"):
            self.tool("load", agent.port, 64, nodes, "PUT", "/v1/catalog/register", json.dumps(
                {"Node": "node-%d", "Address": "10.0.0.1", "Service": {"ID": f"{service}-%d", "Service": service, "Port": 80}}))
        time.sleep(2)
        row("a node with two services, all in all", (memory(agent.process.pid)[0] - rss) / nodes, "B", 2048)
        agent.kill()
        self.client_footprint()
        stripped = self.folder / "stripped"
        subprocess.run(["strip", "-o", stripped, self.binary], check=True)
        row("stripped binary", stripped.stat().st_size / 1e6, "MB", 25)

    def client_footprint(self) -> None:
        server = self.agent()
        gossip = json.loads((server.folder / "agent.json").read_text())["ports"]["serf_lan"]
        client = Agent(self.binary, self.folder / "client", "client", {
            "server": False, "bootstrap_expect": 0, "retry_join": [f"127.0.0.1:{gossip}"]}).start()
        while b'"client"' not in server.ask("GET", "/v1/health/service/seen?passing")[1]:
            try:
                client.ask("PUT", "/v1/agent/service/register", json.dumps({"Name": "seen"}))
            except OSError:
                pass
            time.sleep(0.5)
        time.sleep(3)
        rss, anonymous = memory(client.process.pid)
        row("idle client agent: RSS", rss / 1e6, "MB", 18)
        row("idle client agent: anonymous RSS", anonymous / 1e6, "MB", 4)
        before, wait = cpu_seconds(client.process.pid), 10 if self.quick else 60
        time.sleep(wait)
        row("idle client agent: CPU a minute", (cpu_seconds(client.process.pid) - before) * 60 / wait * 1e3, "ms", 20)
        client.kill()
        server.kill()

    def snapshots(self) -> None:
        agent = self.agent()
        count = 20_000 if self.quick else 200_000
        self.tool("load", agent.port, 64, count, "PUT", "/v1/kv/item/%d", "x" * 64)
        start = time.monotonic()
        _, archive = agent.ask("GET", "/v1/snapshot", timeout=60)
        row(f"{count} keys: save", time.monotonic() - start, "s", 0.4, f"{len(archive) / 1e6:.1f} MB")
        start = time.monotonic()
        status, text = agent.ask("PUT", "/v1/snapshot", archive, timeout=60)
        row(f"{count} keys: restore", time.monotonic() - start, "s", 0.4, "" if status == 200 else repr(text[:80]))
        agent.kill()
        agent.start()
        row(f"{count} keys: restart to a consistent read", agent.wait_leader(), "s", 0.5)
        _, quiet = self.load(agent, 8, 20_000, "PUT", "/v1/kv/during/%d", "x" * 64)
        saving = subprocess.Popen(
            ["sh", "-c", f"while :; do curl -s -o /dev/null http://127.0.0.1:{agent.port}/v1/snapshot; done"])
        _, during = self.load(agent, 8, 20_000, "PUT", "/v1/kv/during/%d", "x" * 64)
        saving.kill()
        saving.wait()
        row("write p99 during snapshots / without", during["p99_us"] / quiet["p99_us"], "x", 2)
        agent.kill()
        for multiplier in (1, 5):
            agent = Agent(self.binary, self.folder / f"m{multiplier}",
                          config={"performance": {"raft_multiplier": multiplier}})
            row(f"start to leader, raft_multiplier {multiplier}", agent.start().wait_leader(), "s", 0.1)
            agent.kill()


    # -- this agent's own services and checks ------------------------------------------------------------------------
    def checks(self) -> None:
        agent = self.agent(check_update_interval="5m")
        port = free_ports(1)[0]
        target = subprocess.Popen([self.tools / "ceiling", "http", str(port)])
        check = json.dumps({"ID": "h-%d", "Name": "h-%d", "HTTP": f"http://127.0.0.1:{port}/", "Interval": "10s"})
        self.tool("load", agent.port, 16, 1_000, "PUT", "/v1/agent/check/register", check)
        time.sleep(12)
        before, wait = cpu_seconds(agent.process.pid), 10 if self.quick else 60
        time.sleep(wait)
        row("1,000 HTTP checks every 10 s", (cpu_seconds(agent.process.pid) - before) / wait * 100, "% core", 1)
        status, answer = agent.ask("GET", "/v1/agent/checks?filter=Status!=passing")
        if json.loads(answer):
            print(f"  {len(json.loads(answer))} of them are not passing", file=sys.stderr)
        agent.kill()
        target.kill()
        target.wait()

        agent = self.agent()
        time.sleep(1)
        rss = memory(agent.process.pid)[0]
        ttl = json.dumps({"ID": "t-%d", "Name": "ttl", "TTL": "1h"})
        self.tool("load", agent.port, 64, 10_000, "PUT", "/v1/agent/check/register", ttl)
        time.sleep(1)
        row("10,000 TTL checks, all in all", (memory(agent.process.pid)[0] - rss) / 1e6, "MB", 40)
        self.tool("load", agent.port, 64, 10_000, "PUT", "/v1/agent/check/pass/t-%d")
        cpu, result = self.load(agent, 64, 50_000, "PUT", "/v1/agent/check/pass/t-1")
        row("TTL update without a change, 64 connections", cpu, "us/op", 30, f"{result['rate']:.0f}/s")
        agent.kill()

        agent = self.agent()
        service = json.dumps({"ID": "s-%d", "Name": "svc", "Port": 80, "Check": {"TTL": "1h", "Status": "passing"}})
        rates = []
        for first, count in ((0, 2_000), (2_000, 18_000), (20_000, 2_000)):
            _, result = self.load(agent, 64, count, "PUT", "/v1/agent/service/register", service, first=first)
            rates.append(result["rate"])
        row("register a service with a check: time at 20,000 / at 0", rates[0] / rates[2], "x", 1.3)
        row("register a service with a check: time each, 64 connections", 1e6 / rates[2], "us", 333, f"{rates[2]:.0f}/s")
        agent.kill()
        self.latencies()
        self.many_definitions()

    def latencies(self) -> None:
        """How long until a watcher of the catalog sees what happened on the agent."""
        agent = self.agent()
        agent.ask("PUT", "/v1/agent/service/register", json.dumps(
            {"Name": "seen", "Port": 1, "Check": {"CheckID": "seen", "TTL": "1h", "Status": "passing"}}))
        watch = agent.connection(60)
        change = agent.connection(60)

        def seen(method: str, path: str, body=None, wait: float = 0.02) -> float:
            watch.request("GET", "/v1/health/service/seen")
            answer = watch.getresponse()
            answer.read()
            watch.request("GET", f"/v1/health/service/seen?index={answer.headers['X-Consul-Index']}")
            time.sleep(wait)
            begin = time.monotonic()
            change.request(method, path, body)
            watch.getresponse().read()
            elapsed = time.monotonic() - begin
            change.getresponse().read()
            return elapsed * 1e3

        def median(values: list[float]) -> float:
            return sorted(values)[len(values) // 2]

        rounds = 10 if self.quick else 50
        row("registration until a watcher has it, p50", median([seen(
            "PUT", "/v1/agent/service/register", json.dumps({"Name": "seen", "ID": f"seen{i}", "Port": i + 1}))
            for i in range(rounds)]), "ms", 2)
        row("check turned critical until a watcher has it, p50", median([seen(
            "PUT", f"/v1/agent/check/{'fail' if i % 2 == 0 else 'pass'}/seen") for i in range(rounds)]), "ms", 2)
        agent.ask("PUT", "/v1/agent/check/register", json.dumps(
            {"ID": "late", "Name": "late", "ServiceID": "seen", "TTL": "200ms", "Status": "passing"}))
        late = []
        for _ in range(5 if self.quick else 20):
            begin = time.monotonic()
            change.request("PUT", "/v1/agent/check/pass/late")
            change.getresponse().read()
            watch.request("GET", "/v1/health/service/seen")
            answer = watch.getresponse()
            answer.read()
            watch.request("GET", f"/v1/health/service/seen?index={answer.headers['X-Consul-Index']}")
            watch.getresponse().read()
            late.append((time.monotonic() - begin) * 1e3 - 200)
        row("TTL of 200 ms: how late a watcher sees it expire, p50", median(late), "ms", 5)
        agent.kill()

    def many_definitions(self) -> None:
        count = 500 if self.quick else 5_000
        services = [{"id": f"d-{i}", "name": f"svc-{i % 100}", "port": 1 + i, "check": {"ttl": "1h"}} for i in range(count)]
        agent = Agent(self.binary, self.folder / "definitions", config={"services": services})
        begin = time.monotonic()
        agent.start().wait_leader()
        while True:
            _, answer = agent.ask("GET", "/v1/catalog/node/n1", timeout=30)
            node = json.loads(answer)
            if node and len(node["Services"]) >= count:
                break
            time.sleep(0.01)
        row(f"start with {count} services in the configuration: all in the catalog", time.monotonic() - begin, "s", 2)
        agent.kill()

    # -- three servers ------------------------------------------------------------------------------------------------
    def cluster(self) -> None:
        servers = cluster(self.binary, self.folder / "three")
        leader = leader_of(servers)
        follower = next(server for server in servers if server is not leader)
        count = 5_000 if self.quick else 50_000

        def spent(connections: int, to: Agent, operations: int, method: str, path: str, body: str = "") -> tuple[list, dict]:
            before = [cpu_seconds(server.process.pid) for server in (leader, *servers)]
            result = self.tool("load", to.port, connections, operations, method, path, *([body] if body else []))
            after = [cpu_seconds(server.process.pid) for server in (leader, *servers)]
            each = [(b - a) / operations * 1e6 for a, b in zip(before, after)]
            return [each[0], sum(each[1:])], result

        spent(64, leader, count // 10, "PUT", "/v1/kv/w%d", "x" * 64)
        (direct, everywhere), result = spent(64, leader, count, "PUT", "/v1/kv/k%d", "x" * 64)
        row("3 servers: PUT 64 B on the leader, its CPU", direct, "us/op", 30,
            f"{result['rate']:.0f}/s, p99 {result['p99_us']:.0f} us, all three {everywhere:.1f} us")
        (_, through), result = spent(64, follower, count, "PUT", "/v1/kv/k%d", "x" * 64)
        row("3 servers: PUT sent to a follower / to the leader", through / everywhere, "x", 1.5, f"{result['rate']:.0f}/s")
        _, result = spent(1, leader, count // 10, "PUT", "/v1/kv/k", "x" * 64)
        row("3 servers: PUT, one connection", 1e6 / result["rate"], "us", 333, f"{result['rate']:.0f}/s")
        (_, stale), result = spent(64, follower, count, "GET", "/v1/kv/k?stale")
        row("3 servers: stale read on a follower, all CPU", stale, "us/op", 12, f"{result['rate']:.0f}/s")
        (_, read), result = spent(64, follower, count, "GET", "/v1/kv/k")
        row("3 servers: default read on a follower, all CPU", read, "us/op", 40, f"{result['rate']:.0f}/s")
        for server in servers:
            server.kill()
        for name, how, multiplier, goal in (("killed", "kill", 1, 0.2), ("killed", "kill", 5, 0.2), ("stopped", "stop", 1, 1),
                                            ("its disk frozen", "disk", 1, 2), ("leaves", "leave", 1, 0.1)):
            gap, lost = take_leader_away(self.binary, self.folder / f"{how}{multiplier}", how, multiplier)
            row(f"leader {name}, raft_multiplier {multiplier}: no write for", gap, "s", goal, f"{lost} acknowledged writes lost")

    def agents(self) -> None:
        pool.agents(self.binary, self.folder / "pool", self.quick)

    def datacenters(self) -> None:
        pool.datacenters(self)

    def catch_up(self) -> None:
        for kept, count, size in ((True, 1_000_000, 64), (False, 1_000_000, 64), (False, 8_000, 64_000)):
            pool.catch_up(self, kept, count, size)

    def access(self) -> None:
        access.reads(self)

    def https(self) -> None:
        access.https(self)

    def replication(self) -> None:
        access.replication(self)

    def gateway(self) -> None:
        federation.gateway(self)

    def federation(self) -> None:
        federation.federation(self)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, type=os.path.abspath)
    parser.add_argument("--tools", type=pathlib.Path, help="folder of load, watchers, ceiling (default: beside the binary)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to try the tool itself")
    parser.add_argument("--only", nargs="*", default=["kv", "health", "watches", "footprint", "snapshots", "checks", "dns",
                                                        "cluster", "agents", "datacenters", "catch_up", "access", "https", "replication",
                                                        "gateway", "federation"])
    options = parser.parse_args()
    tools = options.tools or pathlib.Path(options.binary).parent / "tests"
    with tempfile.TemporaryDirectory(prefix="proconsul-bench-") as folder:
        bench = Bench(options.binary, tools, pathlib.Path(folder), options.quick)
        ceilings = bench.ceilings()
        for part in options.only:
            getattr(bench, part)(*([ceilings] if part == "kv" else []))
    print("\n| figure | measured | goal | note |\n|---|---|---|---|")
    for name, value, verdict, note in ROWS:
        print(f"| {name} | {value} | {verdict} | {note} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
