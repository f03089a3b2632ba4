#!/usr/bin/env python3
"""Members of ours and members that memberlist made, in one pool.

    memberlist_test.py --member PATH [--work FOLDER]    # FOLDER keeps the Go program between runs
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
MEMBER = ""
WORK = pathlib.Path()
KEY = "00112233445566778899aabbccddeeff"
LONG = 60  # seconds; nothing here takes so long on an idle machine


class Member:
    """One process; its lines are read on a thread of their own."""

    def __init__(self, program: str, name: str, ip: str, *flags: str):
        self.name = name
        self.lines: list = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen([program, "-name", name, "-ip", ip, *flags], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.address = self.expect("ready ").split()[1]

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def expect(self, start: str) -> str:
        def found():
            return next((line for line in self.lines if line.startswith(start)), None)
        with self.changed:
            if not self.changed.wait_for(found, LONG):
                raise AssertionError(f"{self.name} never said {start!r}: {self.lines[-20:]}")
            return found()

    def tell(self, *words: str) -> None:
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def forget(self) -> None:
        with self.changed:
            self.lines.clear()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(15)
        self.reader.join()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass


class Pool(unittest.TestCase):
    flags: tuple = ()

    @classmethod
    def setUpClass(cls):
        cls.program = WORK / "member"
        subprocess.run(["go", "build", "-o", str(cls.program), "."], cwd=HERE / "memberlist", check=True,
                       env=os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"})

    def setUp(self):
        self.members = []

    def tearDown(self):
        for member in self.members:
            member.kill()

    def go(self, name: str, ip: str, *flags: str) -> Member:
        self.members.append(Member(str(self.program), name, ip, *self.flags, *flags))
        return self.members[-1]

    def ours(self, name: str, ip: str, *flags: str) -> Member:
        self.members.append(Member(MEMBER, name, ip, *self.flags, *flags))
        return self.members[-1]

    def test_life_in_a_mixed_pool(self):
        cc1, cc2 = self.ours("cc1", "127.0.0.1"), self.ours("cc2", "127.0.0.2")
        go1, go2 = self.go("go1", "127.0.0.3"), self.go("go2", "127.0.0.4")
        everybody = [cc1, cc2, go1, go2]

        # Each joins another kind.
        go1.tell("join", cc1.address)
        self.assertTrue(go1.expect("outcome ").startswith("outcome 1"))
        cc2.tell("join", go1.address)
        self.assertEqual(cc2.expect("outcome "), "outcome 1")
        go2.tell("join", cc2.address)
        self.assertTrue(go2.expect("outcome ").startswith("outcome 1"))
        for member in everybody:
            for other in everybody:
                member.expect(f"joined {other.name}")
        cc1.expect("merged state-of-go1")
        go1.expect("merged state-of-cc1")

        # Messages in datagrams and on streams, both ways.
        cc1.tell("send", "go1", "datagram-to-go")
        go1.expect("message datagram-to-go")
        go1.tell("send", "cc1", "datagram-to-cc")
        cc1.expect("message datagram-to-cc")
        long = "x" * 200_000
        cc1.tell("stream", "go2", long)
        go2.expect("message " + long)
        go2.tell("stream", "cc1", long)
        cc1.expect("message " + long)

        # Probes carry payloads, metadata spreads.
        cc1.expect("ping go1 ack-of-go1")
        go1.expect("ping cc1 ack-of-cc1")
        cc2.tell("meta", "blue")
        go2.tell("meta", "green")
        go1.expect("updated cc2 blue")
        cc1.expect("updated go2 green")

        # Nobody is suspected without reason, and everybody still counts everybody.
        for member in everybody:
            member.tell("members")
            self.assertEqual(member.expect("members "), "members cc1 cc2 go1 go2")

        # One of each kind leaves, the others hear of it.
        cc2.tell("leave")
        cc2.expect("leaving")
        go1.expect("gone cc2")
        go2.tell("leave")
        go2.expect("leaving")
        cc1.expect("left go2")
        cc1.expect("left cc2")

        # And one of each kind is killed.
        cc2.kill()
        go2.kill()
        self.members = [cc1, go1]
        cc3, go3 = self.ours("cc3", "127.0.0.5"), self.go("go3", "127.0.0.6")
        cc3.tell("join", cc1.address)
        go3.tell("join", go1.address)
        for member in (cc1, go1):
            for other in (cc3, go3):
                member.expect(f"joined {other.name}")
        cc3.kill()
        go3.kill()
        self.members = [cc1, go1]
        cc1.expect("dead cc3")
        cc1.expect("dead go3")
        go1.expect("gone cc3")
        go1.expect("gone go3")

        # A killed one comes back under its name.
        cc1.forget()
        go1.forget()
        go3 = self.go("go4", "127.0.0.6")
        cc3 = self.ours("cc4", "127.0.0.5")
        cc3.tell("join", go1.address)
        go3.tell("join", cc1.address)
        for member in (cc1, go1):
            member.expect("joined cc4")
            member.expect("joined go4")


class EncryptedPool(Pool):
    flags = ("-key", KEY)

    def test_plaintext_stays_out(self):
        cc1, go1 = self.ours("cc1", "127.0.0.1"), self.go("go1", "127.0.0.2")
        self.members.append(Member(str(self.program), "outside", "127.0.0.3"))
        self.members.append(Member(MEMBER, "outside-cc", "127.0.0.4"))
        goes_out, ours_out = self.members[-2:]
        goes_out.tell("join", cc1.address)
        self.assertIn("Remote state is encrypted and encryption is not configured", goes_out.expect("outcome 0"))
        ours_out.tell("join", go1.address)
        self.assertIn("Remote state is encrypted and encryption is not configured", ours_out.expect("outcome 0"))
        cc1.tell("members")
        self.assertEqual(cc1.expect("members "), "members cc1")


class LabelledPool(Pool):
    flags = ("-label", "blue")


class EncryptedAndLabelledPool(Pool):
    flags = ("-key", KEY + KEY, "-label", "green")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--member", required=True)
    arguments.add_argument("--work", type=pathlib.Path, default=None)
    options, rest = arguments.parse_known_args()
    MEMBER = options.member
    with tempfile.TemporaryDirectory(prefix="proconsul-memberlist-") as scratch:
        WORK = (options.work or pathlib.Path(scratch)).resolve()
        WORK.mkdir(parents=True, exist_ok=True)
        unittest.main(argv=[sys.argv[0], *rest])
