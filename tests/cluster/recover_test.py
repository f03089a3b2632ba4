#!/usr/bin/env python3
"""Three servers of which two are lost for good: `recover` says what the directories hold and rebuilds a cluster from the
one that is left, with every write that was acknowledged.

    recover_test.py --binary PATH
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from agent_process import answer, ended, eventually
from servers_test import Server, Writer, leader

LIMIT = 60


class Survivor(Server):
    """Waits for no others: the cluster that it was part of decides."""

    def data(self) -> str:
        return str(self.folder / "data")


def recover(binary: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run([binary, "recover", *words], capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def report(binary: str, *directories: str) -> list[dict]:
    code, out, err = recover(binary, "-json", *directories)
    assert code == 0, f"{code}: {out} {err}"
    return json.loads(out)["Directories"]


def tree(folder: str) -> dict[str, tuple[int, int]]:
    """Every file with its size and modification time."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in pathlib.Path(folder).rglob("*")
            if path.is_file()}


def stop_in_turn(servers: list[Survivor], writers: list[Writer]) -> list[dict[str, int]]:
    """One is killed early, so that it holds less; the others end within a moment. What was acknowledged, key by key."""
    time.sleep(0.5)
    follower = next(server for server in servers if server is not leader(servers))
    follower.kill()
    before = sum(writer.writes for writer in writers)
    eventually("writes go on", lambda: sum(writer.writes for writer in writers) > before + 50)
    rest = [server for server in servers if server is not follower]
    for server in rest:
        os.kill(server.process.pid, signal.SIGKILL)
    for server in rest:
        server.process.wait(15)
    for writer in writers:
        writer.over.set()
        writer.join(20)
    return [dict(writer.acknowledged) for writer in writers]


def check_values(server: Survivor, writers: list[Writer]) -> None:
    rows = eventually(f"{server.name} reads", lambda: answer(server, "/v1/kv/?recurse&consistent"))
    found = {row["Key"]: int(base64.b64decode(row["Value"])) for row in rows}
    for writer in writers:
        for key, value in writer.acknowledged.items():
            assert value <= found.get(key, 0) <= writer.sent[key], f"{server.name}: {key}: {value}, {found.get(key)}"


def run(binary: str, folder: pathlib.Path) -> None:
    servers: list[Survivor] = []
    for number in (1, 2, 3):
        join = f"127.0.0.51:{servers[0].gossip_port()}" if servers else "127.0.0.51"
        servers.append(Survivor(binary, folder / f"s{number}", 50 + number, join))
    writers: list[Writer] = []
    with ended(servers):
        for server in servers:
            server.start()
        for server in servers:
            server.wait_leader(60)
        code, _, err = recover(binary, "-rebuild", "-this-only", servers[0].data())
        assert code == 1 and "an agent runs on this directory; stop it first" in err, err

        writers = [Writer(server) for server in servers]
        for writer in writers:
            writer.start()
        eventually("writes", lambda: all(writer.writes > 20 for writer in writers))
        stop_in_turn(servers, writers)

        before = [tree(server.data()) for server in servers]
        directories = report(binary, *(server.data() for server in servers))
        _, text, _ = recover(binary, *(server.data() for server in servers))
        assert [tree(server.data()) for server in servers] == before, "looking has changed something"
        for server, directory in zip(servers, directories):
            assert directory["Kind"] == "proconsul" and directory["Node"] == server.name, directory
            assert directory["NodeID"] == pathlib.Path(server.data(), "node-id").read_text(), directory
            assert sorted(peer["Node"] for peer in directory["Servers"]) == ["s51", "s52", "s53"], directory
            assert directory["Holds"]["Keys"] > 0 and directory["Holds"]["Nodes"] == 3, directory
            assert f"{server.data()}: the server {server.name}, {directory['NodeID']}" in text, text
        newest = next(i for i, directory in enumerate(directories) if directory["Newest"])
        oldest = min(range(3), key=lambda i: directories[i]["Last"]["Index"])
        assert any(loss["Changes"] > 0 for loss in directories[oldest]["Lacks"]), directories[oldest]
        survivor, other = servers[newest], servers[oldest]

        code, _, err = recover(binary, "-rebuild", "-this-only", other.data(), survivor.data())
        assert code == 1 and "Nothing was changed" in err and f"{other.data()} lacks" in err, err
        code, _, err = recover(binary, "-rebuild", survivor.data())
        assert code == 1 and "-servers or -this-only" in err, err
        code, _, err = recover(binary, "-rebuild", f"-servers={other.name}=127.0.0.1:1", survivor.data())
        assert code == 1 and "is not among -servers" in err, err
        assert [tree(server.data()) for server in servers] == before, "a refusal has changed something"

        code, out, err = recover(binary, "-rebuild", "-this-only", survivor.data(), other.data())
        assert code == 0 and "raft.before-recover-" in out, (out, err)
        assert json.loads(pathlib.Path(survivor.data(), "raft/peers.json").read_text())[0]["id"] == \
            directories[newest]["NodeID"]

        lost = [server for server in servers if server is not survivor]
        for server in lost:
            shutil.rmtree(server.data())
        survivor.start()
        survivor.wait_leader()
        check_values(survivor, writers)
        assert len(answer(survivor, "/v1/operator/raft/configuration")["Servers"]) == 1

        join = f"{survivor.host}:{survivor.gossip_port()}"
        for server in lost:
            server.start(f"-retry-join={join}")
        eventually("all three are voters", lambda: [
            peer["Voter"] for peer in answer(survivor, "/v1/operator/raft/configuration")["Servers"]] == [True] * 3)
        for server in servers:
            check_values(server, writers)
        assert survivor.ask("PUT", "/v1/kv/after", "x")[1].strip() == b"true"

        # The copy is a directory like any other.
        copy = next(pathlib.Path(survivor.data()).glob("raft.before-recover-*"))
        saved = folder / "saved"
        saved.mkdir()
        shutil.copytree(copy, saved / "raft")
        assert report(binary, str(saved))[0]["Last"] == directories[newest]["Last"]


def check_other_directories(binary: str, folder: pathlib.Path) -> None:
    empty, bolt, wal = folder / "empty", folder / "bolt", folder / "wal"
    for path in (empty, bolt / "raft", wal / "raft" / "wal"):
        path.mkdir(parents=True)
    (bolt / "raft" / "raft.db").write_bytes(b"\0" * 4096)
    code, out, _ = recover(binary, str(empty), str(bolt), str(wal), str(folder / "none"))
    assert code == 1, out
    assert f"{empty}:\n  Problem     no server's data directory: there is no raft log in it" in out, out
    assert "a Consul server's data directory, with its log in the format BoltDB (raft/raft.db)" in out, out
    assert "write-ahead log (raft/wal)" in out, out
    assert f"Problem     open {folder / 'none'}: no such file or directory" in out, out
    code, _, err = recover(binary, "-rebuild", "-this-only", str(bolt))
    assert code == 1 and "which cannot be read here" in err, err


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory() as folder:
        check_other_directories(binary, pathlib.Path(folder))
        run(binary, pathlib.Path(folder))
    print("recover: nothing acknowledged was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
