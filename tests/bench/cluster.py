"""Three servers: what a write and a read cost in all of them, and how long nobody can write when the leader is gone."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import threading
import time

from agent_process import Agent
from frozen_disk import frozen_disk


def cluster(binary: str, folder: pathlib.Path, multiplier: int = 1, **more) -> list[Agent]:
    """Three servers with a leader."""
    servers: list[Agent] = []
    for number in (1, 2, 3):
        settings = {"bootstrap_expect": 3, "retry_interval": "1s", "limits": {"http_max_conns_per_client": 2000},
                    "performance": {"raft_multiplier": multiplier, "leave_drain_time": "1s"}} | more
        if servers:
            first = json.loads((servers[0].folder / "agent.json").read_text())["ports"]["serf_lan"]
            settings["retry_join"] = [f"127.0.0.1:{first}"]
        servers.append(Agent(binary, folder / f"s{number}", f"s{number}", settings).start())
    for server in servers:
        server.wait_leader(30)
    return servers


def leader_of(servers: list[Agent]) -> Agent:
    _, address = servers[0].ask("GET", "/v1/status/leader")
    port = int(json.loads(address).rsplit(":", 1)[1])
    return next(server for server in servers
                if json.loads((server.folder / "agent.json").read_text())["ports"]["server"] == port)


class Gaps:
    """Writes through the given servers without a pause; the longest time without a success."""

    def __init__(self, servers: list[Agent]):
        self.over, self.lock = threading.Event(), threading.Lock()
        self.successes: list[float] = []
        self.acknowledged: dict[str, int] = {}
        self.threads = [threading.Thread(target=self.write, args=(server, n), daemon=True)
                        for server in servers for n in (1, 2)]
        for thread in self.threads:
            thread.start()

    def write(self, server: Agent, number: int) -> None:
        key, value = f"gap/{server.name}-{number}", 0
        connection = server.connection(30)
        while not self.over.is_set():
            value += 1
            try:
                connection.request("PUT", f"/v1/kv/{key}", str(value))
                answer = connection.getresponse()
                done = answer.read().strip() == b"true" and answer.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
                done = False
            if not done:
                time.sleep(0.002)
                continue
            with self.lock:
                self.successes.append(time.monotonic())
                self.acknowledged[key] = value
            time.sleep(0.001)

    def end(self, since: float) -> float:
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        times = [since] + sorted(moment for moment in self.successes if moment > since)
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=float("inf"))

    def lost(self, server: Agent) -> int:
        """Acknowledged writes that a server does not have."""
        count = 0
        for key, value in self.acknowledged.items():
            _, body = server.ask("GET", f"/v1/kv/{key}?raw&consistent", timeout=30)
            count += int(body or b"0") < value
        return count


def leave(server: Agent) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):  # it may end before it answers
        server.ask("PUT", "/v1/agent/leave", timeout=30)


def take_leader_away(binary: str, folder: pathlib.Path, how: str, multiplier: int) -> tuple[float, int]:
    """(Longest time without a write, acknowledged writes lost)."""
    servers = cluster(binary, folder, multiplier)
    try:
        leader = leader_of(servers)
        rest = [server for server in servers if server is not leader]
        gaps = Gaps(rest)
        time.sleep(1)
        since = time.monotonic()
        with contextlib.ExitStack() as stack:
            if how == "kill":
                leader.kill()
            elif how == "stop":
                os.kill(leader.process.pid, signal.SIGSTOP)
                stack.callback(os.kill, leader.process.pid, signal.SIGCONT)
            elif how == "leave":
                threading.Thread(target=leave, args=(leader,), daemon=True).start()
            else:
                stack.enter_context(frozen_disk(leader.process.pid))
            time.sleep(6 if multiplier == 1 else 12)
            gap = gaps.end(since)
            return gap, gaps.lost(rest[0])
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.kill()
