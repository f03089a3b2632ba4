#!/usr/bin/env python3
"""Yamux as HashiCorp's module speaks it, with either side opening the streams.

    yamux_test.py --peer PATH [--work FOLDER]    # PATH: yamux_peer; FOLDER keeps the Go program between runs
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import go_program  # noqa: E402

PEER = ""
GO = ""


class Yamux(unittest.TestCase):
    def run_pair(self, server: str, client: str) -> None:
        serving = subprocess.Popen([server, "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            address = serving.stdout.readline().strip()
            asked = subprocess.run([client, "client", address], capture_output=True, text=True, timeout=60)
            self.assertEqual((asked.returncode, asked.stdout), (0, "ok\n"), asked.stderr)
        finally:
            serving.stdin.close()
            serving.terminate()
            serving.wait(15)
            serving.stdout.close()

    def test_streams_of_a_go_client(self):
        self.run_pair(PEER, GO)

    def test_streams_to_a_go_server(self):
        self.run_pair(GO, PEER)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peer", required=True)
    arguments.add_argument("--work", type=pathlib.Path, default=None)
    options, rest = arguments.parse_known_args()
    PEER = options.peer
    with tempfile.TemporaryDirectory(prefix="proconsul-yamux-") as scratch:
        work = (options.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        GO = str(go_program.build("yamux", work))
        unittest.main(argv=[sys.argv[0], *rest])
