#!/usr/bin/env python3
"""Churn for a long time: registrations, checks that flap, keys, locks, waiting clients, DNS, reloads and snapshots against
one agent whose set of data stays the same size. Memory and descriptors must stay flat, and the log must stay quiet. The log
of changes behind /v1/stream fills up to 4 MiB first.

    soak.py --binary PATH [--minutes 60]
"""
import argparse
import collections
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import Agent, answer, eventually  # noqa: E402

SERVICES, KEYS, WAITERS = 200, 2000, 100


class Churn:
    """What runs beside each other; each kind counts what it did and what went wrong."""

    def __init__(self, agent: Agent, dns_port: int, check_port: int):
        self.agent, self.dns_port, self.check_port = agent, dns_port, check_port
        self.over = threading.Event()
        self.done: collections.Counter = collections.Counter()
        self.faults: collections.Counter = collections.Counter()
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        kinds = [(self.services, 2), (self.checks, 1), (self.keys, 2), (self.locks, 1), (self.waiting, WAITERS // 10),
                 (self.dns, 1), (self.half_sent, 1), (self.operator, 1)]
        for kind, count in kinds:
            for number in range(count):
                thread = threading.Thread(target=self.loop, args=(kind, random.Random(f"{kind.__name__} {number}")))
                thread.start()
                self.threads.append(thread)

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def loop(self, kind, chance: random.Random) -> None:
        while not self.over.is_set():
            try:
                kind(chance)
                self.done[kind.__name__] += 1
            except (OSError, http.client.HTTPException) as fault:
                self.faults[f"{kind.__name__}: {fault!r}"] += 1
            except Exception as fault:  # a fault of this program must be seen, not end one kind of churn in silence
                self.faults[f"{kind.__name__}: {fault!r}"] += 1
                self.over.wait(1)

    def expect(self, method: str, path: str, body=None, allowed=(200,)) -> bytes:
        status, answer = self.agent.ask(method, path, body, timeout=30)
        if status not in allowed:
            self.faults[f"{method} {re.sub('[0-9]+', 'N', path)}: {status} {answer[:80]!r}"] += 1
        return answer

    def services(self, chance: random.Random) -> None:
        number = chance.randrange(SERVICES)
        name = f"churn{number % 20}"
        if chance.random() < 0.3:
            self.expect("PUT", f"/v1/agent/service/deregister/s{number}", allowed=(200, 404))
        else:
            checks = [{"TTL": "1h", "Status": chance.choice(["passing", "critical"])}]
            if chance.random() < 0.1:
                checks.append({"HTTP": f"http://127.0.0.1:{self.check_port}/{number}", "Interval": "2s", "Timeout": "1s"})
            self.expect("PUT", "/v1/agent/service/register", json.dumps(
                {"ID": f"s{number}", "Name": name, "Port": 1000 + number, "Tags": [f"t{chance.randrange(3)}"],
                 "Meta": {"turn": str(chance.randrange(1000))}, "Checks": checks}))
        self.over.wait(0.02)

    def checks(self, chance: random.Random) -> None:
        verb = chance.choice(["pass", "warn", "fail"])
        self.expect("PUT", f"/v1/agent/check/{verb}/service:s{chance.randrange(SERVICES)}?note=n{chance.randrange(100)}",
                    allowed=(200, 404, 500))  # 500: its service went between the look and the change, as with Consul
        self.over.wait(0.01)

    def keys(self, chance: random.Random) -> None:
        key = f"soak/{chance.randrange(KEYS)}"
        act = chance.random()
        if act < 0.5:
            self.expect("PUT", f"/v1/kv/{key}", chance.randbytes(chance.randrange(512)))
        elif act < 0.7:
            self.expect("DELETE", f"/v1/kv/{key}")
        elif act < 0.9:
            self.expect("GET", f"/v1/kv/{key}", allowed=(200, 404))
        else:
            operations = [{"KV": {"Verb": "set", "Key": f"soak/{chance.randrange(KEYS)}", "Value": "dmFsdWU="}}
                          for _ in range(8)]
            self.expect("PUT", "/v1/txn", json.dumps(operations))
        self.over.wait(0.005)

    def locks(self, chance: random.Random) -> None:
        session = json.loads(self.expect("PUT", "/v1/session/create", json.dumps(
            {"TTL": "10s", "LockDelay": "0s", "Behavior": chance.choice(["release", "delete"])})))["ID"]
        self.expect("PUT", f"/v1/kv/soak-lock?acquire={session}", "mine")
        if chance.random() < 0.9:  # the others expire
            self.expect("PUT", f"/v1/session/destroy/{session}")
        self.over.wait(0.1)

    def waiting(self, chance: random.Random) -> None:
        """Ten waiters at once: most are answered or time out, some hang up."""
        paths = ["/v1/health/service/churn{}", "/v1/catalog/service/churn{}", "/v1/kv/soak/{}", "/v1/agent/services?x={}"]
        held = []
        for _ in range(10):
            path = chance.choice(paths).format(chance.randrange(20))
            mark = self.agent.connection(30)
            mark.request("GET", path)
            answer = mark.getresponse()
            answer.read()
            index = answer.getheader("X-Consul-Index") or "1"
            mark.request("GET", path + ("&" if "?" in path else "?") + f"index={index}&wait={chance.randrange(1, 6)}s")
            held.append(mark)
        for mark in held:
            if chance.random() < 0.8:
                mark.getresponse().read()
            mark.close()

    def dns(self, chance: random.Random) -> None:
        name = f"churn{chance.randrange(22)}.service.consul" if chance.random() < 0.9 else "no.such.name.consul"
        kind = chance.choice([1, 33, 16, 255])
        question = struct.pack(">HHHHHH", chance.randrange(65536), 0x0100, 1, 0, 0, 0)
        question += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        question += struct.pack(">HH", kind, 1)
        if chance.random() < 0.9:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.settimeout(5)
                udp.sendto(question, ("127.0.0.1", self.dns_port))
                answer = udp.recv(65536)
        else:
            with socket.create_connection(("127.0.0.1", self.dns_port), 5) as tcp:
                tcp.sendall(struct.pack(">H", len(question)) + question)
                answer = tcp.recv(65536)[2:]
        if answer[:2] != question[:2]:
            self.faults["dns: an answer to another question"] += 1
        self.over.wait(0.005)

    def half_sent(self, chance: random.Random) -> None:
        with socket.create_connection(("127.0.0.1", self.agent.port), 5) as raw:
            raw.sendall(chance.choice([b"GET /v1/kv/", b"PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nx",
                                       b"\x16\x03\x01junk\r\n\r\n", b""]))
            self.over.wait(chance.random())

    def operator(self, _: random.Random) -> None:
        os.kill(self.agent.process.pid, signal.SIGHUP)
        self.over.wait(10)
        self.expect("GET", "/v1/snapshot")
        self.expect("GET", "/v1/agent/metrics")
        self.expect("GET", "/v1/agent/self")
        self.over.wait(10)


class Flapping(http.server.BaseHTTPRequestHandler):
    """What HTTP checks look at: mostly well."""

    def do_GET(self):
        self.send_response(random.choice([200, 200, 200, 429, 500]))
        self.send_header("Content-Length", "3")
        self.end_headers()
        try:
            self.wfile.write(b"ok\n")
        except OSError:
            pass  # its check was registered anew meanwhile

    def log_message(self, *_):
        pass


def measure(pid: int) -> dict[str, float]:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    values = {name: int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1)) for name in ("VmRSS", "RssAnon", "Threads")}
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fds = len(os.listdir(f"/proc/{pid}/fd"))
    return {"rss_mb": values["VmRSS"] / 1024, "anon_mb": values["RssAnon"] / 1024, "threads": values["Threads"],
            "fds": fds, "children": len(children)}


def flat(samples: list[dict[str, float]], name: str, slack: float) -> tuple[bool, float, float]:
    """Whether the last quarter's median is at most 10 % and `slack` above the second quarter's."""
    quarter = len(samples) // 4
    early = statistics.median(sample[name] for sample in samples[quarter:2 * quarter])
    late = statistics.median(sample[name] for sample in samples[3 * quarter:])
    return late <= early * 1.1 + slack, early, late


def loud(log: str) -> collections.Counter:
    """Warnings and errors by kind: numbers and names taken out."""
    kinds: collections.Counter = collections.Counter()
    for line in log.splitlines():
        if "[WARN]" in line or "[ERROR]" in line:
            kinds[re.sub(r"\d+", "N", line.split("]", 1)[1].strip())[:120]] += 1
    return kinds


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flapping)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="proconsul-soak-") as folder:
        agent = Agent(options.binary, pathlib.Path(folder), config={"raft_snapshot_threshold": 4096})
        agent.start().wait_leader()
        eventually("its node is well", lambda: answer(agent, "/v1/health/state/passing"))  # sessions need serfHealth
        dns_port = json.loads((pathlib.Path(folder) / "agent.json").read_text())["ports"]["dns"]
        churn = Churn(agent, dns_port, target.server_port)
        samples = []
        try:
            churn.start()
            end = time.monotonic() + options.minutes * 60
            pause = max(1.0, options.minutes * 60 / 240)
            while time.monotonic() < end:
                time.sleep(pause)
                samples.append(measure(agent.process.pid))
        finally:
            churn.stop()
            if agent.process.poll() is None:
                agent.kill(signal.SIGTERM)
            target.shutdown()
        log = (pathlib.Path(folder) / "log").read_text("utf-8", "replace")
    good = True
    for name, slack in (("rss_mb", 3), ("anon_mb", 3), ("fds", 20), ("threads", 2), ("children", 3)):
        holds, early, late = flat(samples, name, slack)
        good = good and holds
        print(f"{name:10} second quarter {early:8.1f}, last quarter {late:8.1f}, most "
              f"{max(sample[name] for sample in samples):8.1f}  {'flat' if holds else 'GROWS'}")
    print("done:", ", ".join(f"{count} {name}" for name, count in churn.done.most_common()))
    for fault, count in churn.faults.most_common(10):
        print(f"fault x{count}: {fault}")
    for kind, count in loud(log).most_common(20):
        print(f"log x{count}: {kind}")
    print(f"soak: {options.minutes:g} minutes, {'flat' if good else 'NOT FLAT'}, {sum(churn.faults.values())} faults")
    return 0 if good and not churn.faults else 1


if __name__ == "__main__":
    sys.exit(main())
