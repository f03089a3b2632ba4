#!/usr/bin/env python3
"""Where the agent listens: several addresses, unix sockets, ports that are off, addresses that are taken.

    listeners_test.py --binary PATH
"""
import argparse
import http.client
import os
import pathlib
import socket
import stat
import sys
import tempfile
import time
import unittest

from agent_process import Agent, free_ports

BINARY = ""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Listeners(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-listeners-")
        self.agent = Agent(BINARY, pathlib.Path(self.folder.name))

    def tearDown(self):
        self.agent.end_with_children()
        self.folder.cleanup()

    @staticmethod
    def status(connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/v1/status/leader")
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    def test_several_addresses_and_a_socket_with_its_mode(self):
        path = f"{self.folder.name}/http.sock"
        self.agent.start("-hcl", f'addresses {{ http = "127.0.0.1 127.0.0.2 unix://{path}" }}',
                         "-hcl", 'unix_sockets { mode = "0600" }').wait_leader()
        for address in ("127.0.0.1", "127.0.0.2"):
            self.assertEqual(self.status(http.client.HTTPConnection(address, self.agent.port, timeout=10)), 200)
        self.assertEqual(self.status(UnixConnection(path)), 200)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with self.assertRaises(OSError):
            self.status(http.client.HTTPConnection("127.0.0.3", self.agent.port, timeout=10))

    def test_an_address_template(self):
        self.agent.start("-hcl", 'addresses { http = "{{ GetInterfaceIPs \\"^lo$\\" }}" }').wait_leader()
        self.assertEqual(self.status(http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=10)), 200)

    def test_an_own_address_takes_the_place_of_the_clients_address(self):
        other, = free_ports(1)
        self.agent.start("-client", "127.0.0.2", "-hcl", f'addresses {{ http = "127.0.0.1" }} ports {{ dns = {other} }}')
        self.agent.wait_leader()
        with self.assertRaises(OSError):
            self.status(http.client.HTTPConnection("127.0.0.2", self.agent.port, timeout=10))

    def test_a_port_that_is_off_and_an_address_that_is_taken(self):
        path = f"{self.folder.name}/http.sock"
        self.agent.start("-http-port", "-1", "-log-level", "info", "-hcl", f'addresses {{ http = "unix://{path}" }}')
        until = time.monotonic() + 20
        while "agent running" not in self.agent.log_tail() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertIn("agent running", self.agent.log_tail())
        self.assertFalse(os.path.exists(path))  # a socket is off with its port
        self.agent.kill()

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.agent.start("-http-port", str(port))
            self.assertEqual(self.agent.process.wait(20), 1)
        self.assertIn(f"127.0.0.1:{port}", self.agent.log_tail())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = options.binary
    unittest.main(argv=[sys.argv[0], *rest])
