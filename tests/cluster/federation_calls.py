"""Calls from each datacenter to each other one, without a pause, and what became of them while something was broken."""
import base64
import http.client
import itertools
import threading
import time

import network
from federation_nodes import MARKER, ROOT
from federation_world import Datacenter, World

PAUSE, PATIENCE = 0.1, 8
CONSULS = 420  # seconds; it has been seen to take 284 until it calls a datacenter again that it took for failed


class Caller:
    """Writes and reads keys of another datacenter through this one's servers in turn. A server that takes no connection
    is left out, as any client would do; every answer counts."""

    def __init__(self, world: World, near: Datacenter, far: Datacenter, over: threading.Event):
        self.near, self.far, self.over = near, far, over
        self.name = f"{near.name} to {far.name}"
        self.calls: list[tuple[float, float, str]] = []  # begun, ended, what was wrong
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        connections: dict[str, network.Connection] = {}
        for number in itertools.count():
            if self.over.wait(PAUSE):
                return
            server = self.near.servers[number % len(self.near.servers)]
            if not server.alive():
                continue
            connection = connections.setdefault(server.name, network.Connection(server.host, server.port, PATIENCE))
            path = f"/v1/kv/calls/{self.near.name}?dc={self.far.name}"
            begun = time.monotonic()
            try:
                if number // len(self.near.servers) % 2 == 0:
                    connection.request("PUT", path, f"{MARKER} {number}", {"X-Consul-Token": ROOT})
                else:
                    connection.request("GET", path, None, {"X-Consul-Token": ROOT})
                answer = connection.getresponse()
                text = answer.read()
                wrong = "" if answer.status in (200, 404) else f"{answer.status} {text.decode(errors='replace').strip()}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
                    continue  # the server here went
                wrong = repr(error)
            with self.lock:
                self.calls.append((begun, time.monotonic(), wrong))

    def since(self, when: float) -> list[tuple[float, float, str]]:
        """Of those that ended later."""
        with self.lock:
            return [call for call in self.calls if call[1] > when]

    def well_since(self, when: float) -> float | None:
        """When the first of three good ones in a row, begun later and up to now, ended."""
        good = None
        calls = [call for call in self.since(when) if call[0] >= when]
        for call in reversed(calls):
            if call[2]:
                break
            good = call[1]
        return good if len(calls) >= 3 and not any(call[2] for call in calls[-3:]) else None


class Calls:
    def __init__(self, world: World, datacenters: list[Datacenter]):
        self.over = threading.Event()
        self.callers = [Caller(world, near, far, self.over) for near in datacenters for far in datacenters if near is not far]

    def end(self) -> None:
        self.over.set()
        for caller in self.callers:
            caller.thread.join(2 * PATIENCE)

    def healed(self, since: float, limit: float, only=lambda caller: True) -> float:
        """Seconds from then until all calls are answered well and stay so. Calls of Consul's own servers have more time."""
        begun = time.monotonic()
        while True:
            good = {caller: caller.well_since(since) for caller in self.callers if only(caller)}
            if None not in good.values():
                return max(max(good.values()) - since, 0.0)
            late = [caller for caller, when in good.items() if when is None and time.monotonic() > begun + (
                limit if caller.near.ours else max(limit, CONSULS))]
            if late:
                bad = {caller.name: next((call[2] for call in reversed(caller.since(since)) if call[2]), "no answer") for caller in late}
                raise AssertionError(f"not healed within {time.monotonic() - begun:.0f} s: {bad}")
            time.sleep(0.05)

    def outage(self, since: float, only=lambda caller: True) -> tuple[float, int, int]:
        """Of all directions: the longest time without a good answer, how many calls failed, and how many of those began
        later than a second after."""
        longest, failed, late = 0.0, 0, 0
        for caller in filter(only, self.callers):
            calls = caller.since(since)
            ends = [since, *(call[1] for call in calls if not call[2]), time.monotonic()]
            longest = max(longest, max(b - a for a, b in itertools.pairwise(ends)))
            failed += sum(bool(call[2]) for call in calls)
            late += sum(bool(call[2]) and call[0] > since + 1 for call in calls)
        return longest, failed, late

    def errors(self, since: float) -> set[str]:
        return {call[2] for caller in self.callers for call in caller.since(since) if call[2]}


class Table:
    """What was tried, and the seconds that it took."""

    def __init__(self):
        self.rows: list[tuple[str, str, str]] = []

    def add(self, what: str, seconds: float | None, remark: str = "") -> None:
        shown = "" if seconds is None else f"{seconds:.2f} s"
        self.rows.append((what, shown, remark))
        print(f"{what:72} {shown:>9}  {remark}", flush=True)

    def show(self) -> None:
        print("\n| what | seconds | remark |\n|---|---|---|")
        for row in self.rows:
            print(f"| {' | '.join(row)} |")


def value(answer) -> str:
    return base64.b64decode(answer[0]["Value"]).decode()
