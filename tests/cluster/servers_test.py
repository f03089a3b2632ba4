#!/usr/bin/env python3
"""Three servers: they find each other, take writes and reads through any of them, and lose nothing that they
acknowledged while one after the other is killed, stopped for a while, or leaves.

    servers_test.py --binary PATH [--rounds N]
"""
import argparse
import http.client
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

from agent_process import Agent, answer, ended, eventually

KEYS = 4


class Server(Agent):
    """On a loopback address of its own."""

    def __init__(self, binary: str, folder: pathlib.Path, number: int, join: str):
        self.host = f"127.0.0.{number}"
        super().__init__(binary, folder, f"s{number}", {
            "bind_addr": self.host, "client_addr": self.host, "bootstrap_expect": 3, "retry_join": [join],
            "retry_interval": "1s", "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}})

    def gossip_port(self) -> int:
        return json.loads((self.folder / "agent.json").read_text())["ports"]["serf_lan"]


class Writer(threading.Thread):
    """Writes increasing numbers to keys of its own through one server, whatever happens to it."""

    def __init__(self, server: Server):
        super().__init__(daemon=True)
        self.server, self.over = server, threading.Event()
        self.sent: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}
        self.writes = 0

    def run(self) -> None:
        while not self.over.is_set():
            key = f"{self.server.name}/{random.randrange(KEYS)}"
            value = self.sent.get(key, 0) + 1
            self.sent[key] = value
            try:
                status, body = self.server.ask("PUT", f"/v1/kv/{key}", str(value), timeout=15)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if status == 200 and body.strip() == b"true":
                self.acknowledged[key] = value
                self.writes += 1
            else:
                time.sleep(0.02)


def leader(servers: list[Server]) -> Server:
    def find():
        address = answer(next(s for s in servers if s.process.poll() is None), "/v1/status/leader")
        return next((s for s in servers if address and address.startswith(s.host + ":") and s.process.poll() is None),
                    None)
    return eventually("a leader", find)


def check(servers: list[Server], writers: list[Writer]) -> list[str]:
    faults = []
    for server in servers:
        rows = eventually(f"{server.name} reads", lambda s=server: answer(s, "/v1/kv/?recurse&consistent"))
        import base64
        found = {row["Key"]: int(base64.b64decode(row["Value"])) for row in rows}
        for writer in writers:
            for key, value in writer.acknowledged.items():
                if not value <= found.get(key, 0) <= writer.sent[key]:
                    faults.append(f"{server.name}: {key}: acknowledged {value}, found {found.get(key)}")
    return faults


def check_session(servers: list[Server]) -> None:
    """Renewed through a server that does not lead, a session outlives its time."""
    follower = next(server for server in servers if server is not leader(servers))
    status, body = follower.ask("PUT", "/v1/session/create", json.dumps({"TTL": "10s", "LockDelay": "0s"}))
    assert status == 200, body
    session = json.loads(body)["ID"]
    end = time.monotonic() + 26  # a session ends after twice its time at the latest
    while time.monotonic() < end:
        status, body = follower.ask("PUT", f"/v1/session/renew/{session}")
        assert status == 200, f"{status} {body!r}"
        time.sleep(2)
    assert answer(follower, f"/v1/session/info/{session}?consistent"), "the session ended though it was renewed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--sessions", action="store_true", help="also keep a session alive for half a minute")
    options = parser.parse_args()
    servers: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="proconsul-servers-") as folder:
        with ended(servers):
            for number in (1, 2, 3):
                join = f"127.0.0.1:{servers[0].gossip_port()}" if servers else "127.0.0.1:1"
                servers.append(Server(options.binary, pathlib.Path(folder, f"s{number}"), number, join).start())
            eventually("three peers", lambda: len(answer(servers[0], "/v1/status/peers") or []) == 3)
            for server in servers:
                eventually(f"{server.name} writes",
                           lambda s=server: s.ask("PUT", f"/v1/kv/first/{s.name}", "0")[1].strip() == b"true")
            eventually("three nodes", lambda: len(answer(servers[2], "/v1/catalog/nodes") or []) == 3)
            eventually("a healthy cluster", lambda: (answer(servers[1], "/v1/operator/autopilot/health") or {})
                       .get("FailureTolerance") == 1)

            if options.sessions:
                check_session(servers)
            writers = [Writer(server) for server in servers]
            for writer in writers:
                writer.start()
            for number in range(options.rounds):
                time.sleep(0.5)
                victim = leader(servers) if number % 2 == 0 else random.choice(servers)
                if number % 3 == 2:  # hung for longer than an election takes
                    victim.process.send_signal(signal.SIGSTOP)
                    time.sleep(4)
                    victim.process.send_signal(signal.SIGCONT)
                else:
                    victim.kill()
                    time.sleep(random.uniform(0.2, 2))
                    victim.start()
                leader(servers)
            time.sleep(1)
            for writer in writers:
                writer.over.set()
            for writer in writers:
                writer.join(30)
            faults = check(servers, writers)
            writes = sum(writer.writes for writer in writers)

            # The leader leaves: somebody else leads, and raft forgets it.
            left = leader(servers)
            assert left.ask("PUT", "/v1/agent/leave", timeout=30)[0] == 200
            left.process.wait(30)
            rest = [server for server in servers if server is not left]
            eventually("two peers", lambda: len(answer(rest[0], "/v1/status/peers") or []) == 2)
            eventually("a write after the leave",
                       lambda: rest[1].ask("PUT", "/v1/kv/last", "1")[1].strip() == b"true")
            faults += check(rest, writers)
            print(f"servers: {options.rounds} rounds, {writes} acknowledged writes, {len(faults)} faults")
            print(*faults, sep="\n")
            return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
