"""An agent under test: starts the binary on free loopback ports, talks HTTP to it, ends it by its process id."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time


_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports above the system's ephemeral start that nobody listens on now. None is given twice, and tests that run beside
    each other choose from different ones: an agent opens what it was given only later."""
    first = 20000 + os.getpid() % 24 * 500
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(first, first + 500) if len(_given) < 400 else random.randrange(20000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        found.append(port)
    return found


def eventually(what: str, holds, limit: float = 60):
    """What `holds` returns once that is true; errors of a connection and wrong answers count as not yet."""
    end, last = time.monotonic() + limit, None
    while True:
        try:
            if found := holds():
                return found
            last = found
        except (OSError, http.client.HTTPException, ValueError, AssertionError) as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}; last: {last!r}")
        time.sleep(0.05)


class Agent:
    """One server with a data directory of its own; restart keeps directory and ports."""

    host = "127.0.0.1"  # where its API is; who has another client_addr says so before the rest is made

    def __init__(self, binary: str, folder: pathlib.Path, name: str = "n1", config: dict | None = None):
        self.binary, self.folder, self.name = binary, folder, name
        folder.mkdir(parents=True, exist_ok=True)
        kinds = ("http", "dns", "grpc", "grpc_tls", "server", "serf_lan", "serf_wan")
        ports = dict(zip(kinds, free_ports(len(kinds))))
        ports["https"] = -1
        self.port = ports["http"]
        self.process: subprocess.Popen | None = None
        settings = {"node_name": name, "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "server": True,
                    "bootstrap_expect": 1, "data_dir": str(folder / "data"), "ports": ports, "log_level": "warn",
                    "connect": {"enabled": False}, "disable_update_check": True}
        (folder / "agent.json").write_text(json.dumps(settings | (config or {}), indent=1))

    def start(self, *more: str) -> "Agent":
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "agent", "-config-file", str(self.folder / "agent.json"), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    def connection(self, timeout: float = 10) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def ask(self, method: str, path: str, body=None, timeout: float = 10) -> tuple[int, bytes]:
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str):
        """The JSON of an answer that must come."""
        status, body = self.ask("GET", path, timeout=30)
        assert status == 200, f"{self.name} {path}: {status} {body!r}"
        return json.loads(body)

    def put(self, path: str, body=None) -> bytes:
        """What is answered to the body as JSON, if there is one; it must be well."""
        status, answer = self.ask("PUT", path, None if body is None else json.dumps(body), timeout=30)
        assert status == 200, f"{self.name} {path}: {status} {answer!r}"
        return answer

    def wait_leader(self, limit: float = 20) -> float:
        """Seconds until the server answers a consistent read."""
        start = time.monotonic()
        while time.monotonic() - start < limit:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"agent ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                status, _ = self.ask("GET", "/v1/kv/?keys&consistent&separator=/", timeout=2)
                if status in (200, 404):
                    return time.monotonic() - start
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.005)
        raise RuntimeError(f"no leader within {limit} s:\n{self.log_tail()}")

    def kill(self, sign: int = signal.SIGKILL, limit: float = 15) -> int:
        assert self.process is not None
        os.kill(self.process.pid, sign)
        return self.process.wait(limit)

    def end_with_children(self) -> None:
        """Kills the agent if it runs, and what it ran: a handler may outlive it and still write to the test's folder."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.kill()
        for process in self.session():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        eventually(f"all that {self.name} ran has ended", lambda: not self.session(), limit=15)

    def session(self) -> list[int]:
        """The ids of the processes in the agent's session (proc(5): field 6 of stat) that have not ended."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state not in "ZX":
                    found.append(int(stat.parent.name))
        return found

    def log_tail(self, lines: int = 20) -> str:
        log = self.folder / "log"
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.exists() else ""


def answer(agent: Agent, path: str):
    """The JSON of a GET, or None if its status is not 200."""
    status, body = agent.ask("GET", path, timeout=15)
    return json.loads(body) if status == 200 else None


@contextlib.contextmanager
def ended(*groups: list[Agent]):
    """None of the agents, those added meanwhile included, outlives the block; if it fails, their logs are shown."""
    try:
        yield
    except (AssertionError, RuntimeError):
        for agents in groups:
            for agent in agents:
                print(f"--- {agent.name}", agent.log_tail(), sep="\n")
        raise
    finally:
        for agents in groups:
            for agent in agents:
                agent.end_with_children()
