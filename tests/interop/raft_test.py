#!/usr/bin/env python3
"""Servers of ours and of HashiCorp's raft module in one group: each kind leads, follows, hands over and sends snapshots.

    raft_test.py --peer PATH [--work FOLDER]    # PATH: raft_peer; FOLDER keeps the Go program between runs
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import go_program  # noqa: E402

PEER = ""
GO = ""
PATIENCE = 60.0


class Server:
    def __init__(self, program: str, name: str):
        self.name = name
        self.process = subprocess.Popen([program, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def ask(self, *words) -> str:
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(15)
        self.process.stdin.close()
        self.process.stdout.close()


class Group(unittest.TestCase):
    def setUp(self):
        # A quorum of five: both kinds, until those that come late.
        self.servers = {name: Server(PEER if name in "abd" else GO, name) for name in "abdgh"}
        self.list = [f"{server.name}={server.address}" for server in self.servers.values()]
        for name in "abg":
            self.start(name)

    def tearDown(self):
        for server in self.servers.values():
            server.end()

    def start(self, name: str) -> None:
        self.assertEqual(self.servers[name].ask("servers", *self.list), "ok")

    def leader(self, among: str) -> Server:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for name in among:
                if self.servers[name].ask("leader") == "true":
                    return self.servers[name]
            time.sleep(0.02)
        self.fail(f"nobody of {among} leads")

    def lead(self, name: str, among: str) -> Server:
        """Hands leadership to this one, whoever has it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            leader = self.leader(among)
            if leader.name == name:
                return leader
            leader.ask("transfer", name, self.servers[name].address)
            time.sleep(0.05)
        self.fail(f"{name} never leads")

    def expect(self, count: int, among: str) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            said = {self.servers[name].ask("count") for name in among}
            if len(said) == 1 and said.pop().startswith(f"{count} "):
                return
            time.sleep(0.02)
        self.fail(f"not {count} everywhere: {[self.servers[name].ask('count') for name in among]}")

    def test_both_kinds_lead_follow_and_send_snapshots(self):
        self.lead("g", "abg")
        self.assertEqual(self.servers["g"].ask("propose", 300, 100), "ok")
        self.expect(300, "abg")

        ours = self.lead("a", "abg")
        self.assertEqual(ours.ask("propose", 300, 2000), "ok")
        self.expect(600, "abg")
        self.assertEqual(ours.ask("snapshot"), "ok")
        self.start("h")
        self.expect(600, "abgh")

        theirs = self.lead("h", "abgh")
        self.assertEqual(theirs.ask("propose", 50, 60000), "ok")
        self.assertEqual(theirs.ask("snapshot"), "ok")
        self.start("d")
        self.expect(650, "abdgh")

        ours = self.lead("d", "abdgh")
        self.assertEqual(ours.ask("propose", 10, 10), "ok")
        self.expect(660, "abdgh")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peer", required=True)
    arguments.add_argument("--work", type=pathlib.Path, default=None)
    options, rest = arguments.parse_known_args()
    PEER = options.peer
    with tempfile.TemporaryDirectory(prefix="proconsul-raft-") as scratch:
        work = (options.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        GO = str(go_program.build("raft", work))
        unittest.main(argv=[sys.argv[0], *rest])
