#!/usr/bin/env python3
"""Streams of a server as Google's gRPC module for Go hears them: plain, inside TLS, and by ALPN.

    grpc_test.py --binary PATH [--work FOLDER]    # FOLDER keeps the Go program between runs
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster")]

import go_program  # noqa: E402
from agent_process import Agent  # noqa: E402

BINARY = ""
GO = ""


class Streams(unittest.TestCase):
    def serve(self, folder: str, config: dict | None = None) -> tuple[Agent, str, str]:
        agent = Agent(BINARY, pathlib.Path(folder), config=config).start()
        self.addCleanup(agent.kill)
        agent.wait_leader()
        ports = json.loads((agent.folder / "agent.json").read_text())["ports"]
        return agent, f"127.0.0.1:{ports['server']}", f"127.0.0.1:{agent.port}"

    def run_client(self, *arguments: str) -> None:
        asked = subprocess.run([GO, "client", *arguments], capture_output=True, text=True, timeout=240)
        self.assertEqual((asked.returncode, asked.stdout), (0, "ok\n"), asked.stderr)

    def test_plain(self):
        with tempfile.TemporaryDirectory(prefix="proconsul-grpc-") as folder:
            _, server, api = self.serve(folder)
            self.run_client(server, api)

    def test_tls(self):
        with tempfile.TemporaryDirectory(prefix="proconsul-grpc-") as folder:
            subprocess.run([GO, "certificates", folder], check=True)
            files = {"ca_file": f"{folder}/ca.pem", "cert_file": f"{folder}/server.pem",
                     "key_file": f"{folder}/server-key.pem"}
            _, server, api = self.serve(folder + "/agent", {
                "tls": {"internal_rpc": files | {"verify_incoming": True, "verify_outgoing": True}}})
            self.run_client(server, api, f"{folder}/ca.pem", "tls")
            self.run_client(server, api, f"{folder}/ca.pem", "native")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--work", type=pathlib.Path, default=None)
    options, rest = arguments.parse_known_args()
    BINARY = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory(prefix="proconsul-grpc-") as scratch:
        work = (options.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        GO = str(go_program.build("grpc", work))
        unittest.main(argv=[sys.argv[0], *rest])
