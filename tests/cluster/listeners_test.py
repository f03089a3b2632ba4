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
import subprocess
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

    def test_https_with_http_2_and_without(self):
        folder = self.folder.name
        for command in (["ca", "create"], ["cert", "create", "-server"]):
            subprocess.run([os.path.abspath(BINARY), "tls", *command], cwd=folder, check=True, timeout=60, stdout=subprocess.DEVNULL)
        port, = free_ports(1)
        files = {"ca_file": "consul-agent-ca.pem", "cert_file": "dc1-server-consul-0.pem",
                 "key_file": "dc1-server-consul-0-key.pem"}
        keys = " ".join(f'{key} = "{folder}/{name}"' for key, name in files.items())
        self.agent.start("-hcl", f"ports {{ https = {port} }} tls {{ https {{ {keys} }} }}").wait_leader()

        def curl(version: str, path: str, *more: str) -> tuple[str, bytes]:
            command = ["curl", "-sS", "-m", "20", version, "--cacert", f"{folder}/consul-agent-ca.pem", "-w",
                       "%{stderr}%{http_version} %{http_code}", *more, f"https://localhost:{port}{path}"]
            asked = subprocess.run(command, capture_output=True, timeout=30)
            return asked.stderr.decode(), asked.stdout

        self.assertEqual(curl("--http2", "/v1/kv/a", "-X", "PUT", "-d", "value"), ("2 200", b"true"))
        self.assertEqual(curl("--http2", "/v1/kv/a?raw"), ("2 200", b"value"))
        self.assertEqual(curl("--http1.1", "/v1/kv/a?raw"), ("1.1 200", b"value"))
        self.assertEqual(curl("--http2", "/v1/kv/a", "-X", "POST", "-d", "x"), ("2 405", b"method POST not allowed"))
        code, archive = curl("--http2", "/v1/snapshot")
        self.assertEqual(code, "2 200")
        path = pathlib.Path(folder, "archive")
        path.write_bytes(archive)
        self.assertEqual(curl("--http2", "/v1/snapshot", "-X", "PUT", "-T", str(path))[0], "2 200")
        self.assertEqual(curl("--http2", "/v1/kv/a?index=1&wait=1s&raw"), ("2 200", b"value"))

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
