#!/usr/bin/env python3
"""Go's serf (Debian's package) and nodes of our pool in one pool, encrypted, over loopback."""
import argparse
import base64
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import free_ports  # noqa: E402

OLD_KEY = base64.b64encode(b"a" * 32).decode()
NEW_KEY = base64.b64encode(b"b" * 32).decode()


def eventually(what: str, holds, limit: float = 60):
    end = time.monotonic() + limit
    while not (held := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.1)
    return held


class Ours:
    """A pool_node; commands go in, lines come out."""

    def __init__(self, binary: str, name: str, *words: str):
        self.name = name
        self.process = subprocess.Popen([binary, name, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard: list[str] = []
        self.answers: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.port = int(self.until("start")[0])

    def read(self) -> None:
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith("heard "):
                self.heard.append(line[len("heard "):])
            elif not line.startswith("respond: "):
                self.answers.put(line)

    def until(self, command: str) -> tuple[str, list[str]]:
        """The outcome of a command, and the lines before it."""
        before = []
        while True:
            line = self.answers.get(timeout=90)
            if line.startswith(f"{command}: "):
                return line[len(command) + 2:], before
            before.append(line)

    def do(self, command: str) -> tuple[str, list[str]]:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.until(command.split()[0])

    def ok(self, command: str) -> list[str]:
        outcome, lines = self.do(command)
        assert outcome == "ok", f"{command}: {outcome} {lines}"
        return lines

    def members(self) -> dict[str, tuple[str, str]]:
        return {name: (status, tags)
                for _, name, status, _, tags in (line.split(" ", 4) for line in self.do("members")[1])}

    def status(self, name: str) -> str:
        return self.members().get(name, ("none", ""))[0]

    def wait(self, event: str) -> None:
        eventually(f"{self.name} hears {event}; it heard {self.heard}", lambda: event in self.heard)

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


class Gos:
    """A serf agent with a handler that writes down events and answers queries."""

    def __init__(self, folder: pathlib.Path, name: str, *words: str):
        self.name = name
        self.port, rpc = free_ports(2)
        self.rpc = f"-rpc-addr=127.0.0.1:{rpc}"
        self.log = folder / f"{name}.log"
        self.events = folder / f"{name}.events"
        self.events.touch()
        handler = folder / f"{name}.sh"
        # Members that come or go within a moment are told together, in a line each.
        handler.write_text('#!/bin/sh\npayload=$(cat)\n'
                           'printf "%s\\n" "$payload" | while IFS= read -r line; do\n'
                           f'echo "$SERF_EVENT $SERF_USER_EVENT$SERF_QUERY_NAME $line" >> {self.events}\ndone\n'
                           f'[ "$SERF_EVENT" != query ] || printf %s "answer of {name}"\n')
        handler.chmod(0o755)
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                ["serf", "agent", f"-node={name}", f"-bind=127.0.0.1:{self.port}", self.rpc, "-profile=local",
                 f"-event-handler={handler}", "-log-level=debug", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        eventually(f"{name} answers", lambda: self.run("info", check=False).returncode == 0)

    def run(self, command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(["serf", command, self.rpc, *words], capture_output=True, text=True, timeout=90, check=False)
        assert not check or done.returncode == 0, f"{command} {words}: {done.stdout} {done.stderr}"
        return done

    def members(self) -> dict[str, dict]:
        return {member["name"]: member for member in json.loads(self.run("members", "-format=json").stdout)["members"]}

    def status(self, name: str) -> str:
        return self.members().get(name, {"status": "none"})["status"]

    def heard(self) -> list[str]:
        """Tags in order: serf writes them in that of a Go map, which is another one now and then."""
        lines = [line.split("\t") for line in self.events.read_text().splitlines()]
        return ["\t".join([*line[:3], ",".join(sorted(line[3].split(",")))] if len(line) == 4 else line) for line in lines]

    def wait(self, event: str) -> None:
        eventually(f"{self.name} hears {event}", lambda: event in self.heard())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def all_see(nodes: list, name: str, status: str) -> None:
    for node in nodes:
        if node.name != name:
            eventually(f"{node.name} sees {name} {status}", lambda n=node: n.status(name) == status)


def check_news(ours: Ours, go1: Gos, go2: Gos) -> None:
    ours.ok("event deploy v1")
    go1.wait("user deploy v1")
    go2.wait("user deploy v1")
    ours.wait("user deploy v1")
    go2.run("event", "rollback", "v0")
    ours.wait("user rollback v0")
    assert ours.heard.count("user deploy v1") == 1

    everybody = {f"answer {node} answer of {node}" for node in ("ours", "go1", "go2")}
    # Gossip may miss a member: several queries together reach all.
    gathered: set[str] = set()
    for relay in (0, 1, 2, 2, 2):
        lines = ours.ok(f"query who {relay}")
        assert len(lines) == len(set(lines)), lines
        gathered.update(lines)
    missing = (everybody | {"ack ours", "ack go1", "ack go2"}) - {line.strip() for line in gathered}
    assert not missing, (missing, gathered)

    for words in ((), ("-relay-factor=1",)):
        eventually("ours answers a query of Go's",
                   lambda w=words: "Response from 'ours': answer of ours" in go1.run("query", *w, "who").stdout)
    assert "query who" in " ".join(ours.heard)
    only = go1.run("query", "-tag", "role=cpp", "-no-ack", "which").stdout
    assert "from 'go2'" not in only, only
    assert "[3/3]" in go1.run("keys", "-list").stdout
    eventually("Go reaches all", lambda: "Successfully contacted all live nodes" in
               go2.run("reachability", check=False).stdout)


def check_tags(ours: Ours, go1: Gos, go2: Gos) -> None:
    assert go1.members()["ours"]["tags"] == {"role": "cpp", "zone": "a"}
    assert ours.members()["go1"][1] == "role=go,", ours.members()
    go1.run("tags", "-set", "role=db")
    ours.wait("member-update go1")
    assert ours.members()["go1"][1] == "role=db,"
    ours.ok("tags role=web build=1.2")
    eventually("Go sees new tags", lambda: go2.members()["ours"]["tags"] == {"role": "web", "build": "1.2"})


def check_keys(ours: Ours, go1: Gos) -> None:
    def until_all(what: str, holds) -> None:
        eventually(what, holds, 90)

    for operation, key in (("install", NEW_KEY), ("use", NEW_KEY), ("remove", OLD_KEY)):
        until_all(f"Go's {operation}", lambda o=operation, k=key: go1.run("keys", f"-{o}", k, check=False).returncode == 0)
    until_all("one key at all", lambda: ours.do("key list")[1] == [f"key {NEW_KEY} 3", f"primary {NEW_KEY} 3"])
    for operation, key in (("install", OLD_KEY), ("use", OLD_KEY), ("remove", NEW_KEY)):
        until_all(f"our {operation}", lambda o=operation, k=key: ours.do(f"key {o} {k}")[0] == "ok")
    listed = go1.run("keys", "-list").stdout
    assert [OLD_KEY, "[3/3]"] in [line.split() for line in listed.splitlines()] and NEW_KEY not in listed, listed
    outcome, lines = ours.do(f"key remove {OLD_KEY}")
    assert outcome == "3/3 nodes reported failure", outcome
    assert any("Removing the primary key is not allowed" in line for line in lines), lines


def check_goodbyes(binary: str, folder: pathlib.Path, ours: Ours, go1: Gos, go2: Gos) -> None:
    # Go's leaves.
    go2.run("leave")
    ours.wait("member-leave go2")
    assert "member-failed go2" not in ours.heard
    all_see([ours, go1], "go2", "left")
    go2.process.wait(20)

    # One of ours and one of Go's die.
    kept = folder / "go3.snapshot"
    mortal = Ours(binary, "mortal", f"key={OLD_KEY}")
    go3 = Gos(folder, "go3", f"-encrypt={OLD_KEY}", f"-snapshot={kept}", f"-join=127.0.0.1:{ours.port}")
    assert mortal.do(f"join 127.0.0.1:{go1.port}")[0] == "1"
    for name in ("mortal", "go3"):
        all_see([ours, go1], name, "alive")
    # Go writes what it gathered only when more comes.
    eventually("Go's snapshot", lambda: ours.do("event tick 1") and "alive: ours" in kept.read_text())
    mortal.end()
    go3.kill()
    for name in ("mortal", "go3"):
        all_see([ours, go1], name, "failed")
        ours.wait(f"member-failed {name}")

    # They are made to leave by one of the other kind, and taken from the list.
    go1.run("force-leave", "mortal")
    all_see([ours, go1], "mortal", "left")
    ours.wait("member-leave mortal")
    ours.ok("force-leave go3")
    all_see([ours, go1], "go3", "left")
    # A prune that gossip fails to bring to somebody is not repaired by the exchange of states: ask again.
    ours.ok("force-leave mortal prune")
    eventually("go1 forgets mortal", lambda: go1.status("mortal") == "none" or time.sleep(1)
               or not ours.do("force-leave mortal prune"))
    all_see([ours, go1], "mortal", "none")

    # In Go's place comes ours, with its snapshot, and finds the others.
    heir = Ours(binary, "go3", f"key={OLD_KEY}", f"snapshot={kept}", f"port={go3.port}")
    all_see([ours, go1, heir], "go3", "alive")
    eventually("the heir knows all", lambda: heir.status("go1") == "alive" and heir.status("ours") == "alive")
    assert heir.do("leave")[0] == "ok"
    all_see([ours, go1], "go3", "left")
    heir.end()

    # Ours leaves, while it sees the other: who seems to have failed is not waited for.
    all_see([ours], "go1", "alive")
    assert ours.do("leave")[0] == "ok"
    all_see([go1], "ours", "left")
    go1.wait("member-leave  ours\t127.0.0.1\tweb\tbuild=1.2,role=web")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    with tempfile.TemporaryDirectory(prefix="serf_interop_") as name:
        folder = pathlib.Path(name)
        nodes: list = []
        try:
            ours = Ours(binary, "ours", f"key={OLD_KEY}", "role=cpp", "zone=a")
            nodes.append(ours)
            go1 = Gos(folder, "go1", f"-encrypt={OLD_KEY}", "-tag", "role=go")
            nodes.append(go1)
            assert ours.do(f"join 127.0.0.1:{go1.port}")[0] == "1"
            go2 = Gos(folder, "go2", f"-encrypt={OLD_KEY}", f"-join=127.0.0.1:{ours.port}")
            nodes.append(go2)
            for member in ("ours", "go1", "go2"):
                all_see(nodes, member, "alive")
            check_news(ours, go1, go2)
            check_tags(ours, go1, go2)
            check_keys(ours, go1)
            check_goodbyes(binary, folder, ours, go1, go2)
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()
                print(f"--- {log.name}", *lines[-30:], sep="\n", file=sys.stderr)
            raise
        finally:
            for node in nodes:
                node.process.kill()
                node.process.wait(10)
    print("serf: ok")


if __name__ == "__main__":
    main()
