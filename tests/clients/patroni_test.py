#!/usr/bin/env python3
"""Patroni keeps PostgreSQL available with a datacenter of ours as its store: two PostgreSQL nodes beside two client agents
of three servers. The primary is killed and the replica takes over with all that was committed; the leader of the servers
is killed and PostgreSQL keeps its primary; the old primary comes back as a replica.

    patroni_test.py --binary PATH
"""
import argparse
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import Agent, answer, ended, eventually, free_ports  # noqa: E402
from clients_test import CLIENT, Member  # noqa: E402

ACCOUNT = "postgres"  # PostgreSQL does not run as root
PATRONI = "/usr/bin/patroni"
TTL, LOOP, RETRY = 20, 1, 3  # seconds, the least that Patroni takes
FAILOVER = 90  # seconds: a session of Consul ends after twice its time at the latest


def configuration(name: str, agent: Member, folder: pathlib.Path, postgres: int, rest: int, programs: pathlib.Path) -> dict:
    return {
        "scope": "demo", "name": name,
        "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
        "consul": {"host": f"{agent.host}:{agent.port}", "register_service": True},
        "bootstrap": {
            "dcs": {"ttl": TTL, "loop_wait": LOOP, "retry_timeout": RETRY,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"wal_log_hints": "on"}}},
            "initdb": [{"encoding": "UTF8"}, "data-checksums", {"auth": "trust"}]},
        "postgresql": {
            "listen": f"127.0.0.1:{postgres}", "connect_address": f"127.0.0.1:{postgres}",
            "data_dir": str(folder / "data"), "bin_dir": str(programs), "pgpass": str(folder / "pgpass"),
            "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust",
                       "host replication all 127.0.0.1/32 trust"],
            "authentication": {"superuser": {"username": "postgres", "password": "p"},
                               "replication": {"username": "replicator", "password": "p"},
                               "rewind": {"username": "rewind", "password": "p"}},
            "parameters": {"unix_socket_directories": str(folder), "fsync": "off", "max_connections": 20,
                           "shared_buffers": "16MB", "synchronous_commit": "remote_write"}}}


class Node:
    """Patroni, which starts and ends its PostgreSQL."""

    def __init__(self, name: str, agent: Member, folder: pathlib.Path, programs: pathlib.Path):
        self.name, self.folder, self.programs = name, folder / name, programs
        self.postgres, self.rest = free_ports(2)
        self.folder.mkdir()
        self.process: subprocess.Popen | None = None
        file = self.folder / "patroni.json"  # YAML, too
        file.write_text(json.dumps(configuration(name, agent, self.folder, self.postgres, self.rest, programs), indent=1))
        self.account = pwd.getpwnam(ACCOUNT) if os.geteuid() == 0 else None
        if self.account is not None:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def start(self) -> "Node":
        who = {} if self.account is None else {"user": self.account.pw_uid, "group": self.account.pw_gid,
                                               "extra_groups": []}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PATRONI, str(self.folder / "patroni.json")], cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who)
        return self

    def role(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/patroni", timeout=5) as reply:
                state = json.loads(reply.read())
                return state["role"] if state["state"] == "running" else state["state"]
        return "away"

    def sql(self, statement: str) -> str:
        """What psql prints; raises ValueError with its error."""
        done = subprocess.run([self.programs / "psql", "-h", "127.0.0.1", "-p", str(self.postgres), "-U", "postgres", "-XAtq",
                               "-c", statement, "postgres"], capture_output=True, text=True, timeout=20, check=False)
        if done.returncode != 0:
            raise ValueError(done.stderr)
        return done.stdout.strip()

    def postmaster(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            if b"postgres" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def kill(self) -> None:
        """As if the machine lost its power: Patroni and all of PostgreSQL at once."""
        postmaster = self.postmaster()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)
        if postmaster is None:
            return
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in [postmaster, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(f"{self.name} is gone", lambda: not pathlib.Path(f"/proc/{postmaster}/exe").exists(), 15)

    def log_tail(self) -> str:
        return "\n".join((self.folder / "log").read_text("utf-8", "replace").splitlines()[-40:])


@contextlib.contextmanager
def killed(nodes: list[Node]):
    """Nothing of the nodes outlives the block; if it fails, their logs are shown."""
    try:
        yield
    except (AssertionError, RuntimeError, ValueError):
        for node in nodes:
            print(f"--- {node.name}", node.log_tail(), sep="\n")
        raise
    finally:
        for node in nodes:
            node.kill()


def roles(nodes: list[Node]) -> dict[str, str]:
    return {node.name: node.role() for node in nodes}


def streams(primary: Node, replica: Node) -> bool:
    """The replica follows the primary and has all that it has."""
    return (replica.role() == "replica" and primary.sql("SELECT state FROM pg_stat_replication") == "streaming"
            and replica.sql("SELECT pg_is_in_recovery()") == "t"
            and primary.sql("SELECT pg_current_wal_lsn() = replay_lsn FROM pg_stat_replication") == "t")


def leader_key(agent: Agent) -> str:
    return agent.ask("GET", "/v1/kv/service/demo/leader?raw&consistent", timeout=20)[1].decode()


def ports(agent: Agent, tag: str) -> list[int]:
    """Where the healthy instances of Patroni's service with that tag are."""
    return [row["Service"]["Port"] for row in answer(agent, f"/v1/health/service/demo?passing&tag={tag}")]


def consul_leader(servers: list[Member]) -> Member:
    address = eventually("a leader", lambda: answer(next(s for s in servers if s.process.poll() is None),
                                                    "/v1/status/leader"))
    return next(server for server in servers if address == f"{server.host}:{server.ports()['server']}")


def check(servers: list[Member], agents: list[Member], nodes: list[Node]) -> None:
    nodes[0].start()
    eventually("a primary", lambda: nodes[0].role() == "master", FAILOVER)
    nodes[1].start()
    eventually("a streaming replica", lambda: streams(*nodes), FAILOVER)
    primary, replica = nodes
    primary.sql("CREATE TABLE kept (word text)")
    primary.sql("INSERT INTO kept VALUES ('before')")
    assert leader_key(servers[0]) == primary.name
    for tag, node in (("master", primary), ("replica", replica)):  # Patroni 3.0 has no other names
        eventually(f"the service's {tag}", lambda t=tag, n=node: ports(servers[1], t) == [n.postgres])
    eventually("the row at the replica", lambda: replica.sql("SELECT word FROM kept") == "before")

    # The leader of the servers goes: PostgreSQL stays as it is.
    timeline = primary.sql("SELECT timeline_id FROM pg_control_checkpoint()")
    leader = consul_leader(servers)
    leader.kill()
    end, written = time.monotonic() + TTL + 5, 0
    while time.monotonic() < end:
        assert roles(nodes) == {primary.name: "master", replica.name: "replica"}, roles(nodes)
        primary.sql(f"INSERT INTO kept VALUES ('meanwhile {written}')")
        written += 1
        time.sleep(1)
    assert leader_key(next(server for server in servers if server is not leader)) == primary.name
    leader.start()
    eventually("all servers vote", lambda: len(answer(leader, "/v1/status/peers") or []) == len(servers))

    # The primary goes: the replica takes over with every row.
    primary.kill()
    begin = time.monotonic()
    eventually("the replica is promoted", lambda: replica.role() == "master", FAILOVER)
    failover = time.monotonic() - begin
    assert replica.sql("SELECT count(*) FROM kept") == str(written + 1)
    assert replica.sql("SELECT timeline_id FROM pg_control_checkpoint()") >= timeline
    replica.sql("INSERT INTO kept VALUES ('after')")
    assert leader_key(servers[0]) == replica.name
    eventually("the service's master", lambda: ports(servers[1], "master") == [replica.postgres])

    # It comes back, and follows.
    primary.start()
    eventually("the old primary follows", lambda: streams(replica, primary), FAILOVER)
    assert primary.sql("SELECT count(*) FROM kept") == str(written + 2)
    print(f"patroni: a replica took over after {failover:.1f} s with all {written + 1} rows, "
          f"and PostgreSQL did not notice that {leader.name}, the servers' leader, was killed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                      key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    if not versions or not shutil.which(PATRONI):
        print("patroni or postgresql is not installed")
        return 1
    with tempfile.TemporaryDirectory(prefix="proconsul-patroni-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # PostgreSQL's account passes
        servers: list[Member] = []
        agents: list[Member] = []
        with ended(servers, agents):
            for number in (1, 2, 3):
                join = [servers[0].gossip()] if servers else ["127.0.0.1:1"]
                servers.append(Member(options.binary, folder, f"s{number}", 30 + number, join,
                                      {"bootstrap_expect": 3}).start())
            for number in (1, 2):
                agents.append(Member(options.binary, folder, f"c{number}", 40 + number,
                                     [server.gossip() for server in servers], CLIENT).start())
            for agent in agents:
                agent.wait_leader(60)
            nodes = [Node(f"pg{number}", agent, folder, versions[-1].parent) for number, agent in enumerate(agents, 1)]
            with killed(nodes):
                check(servers, agents, nodes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
