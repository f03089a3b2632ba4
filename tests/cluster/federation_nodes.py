"""Agents of datacenters that are joined through mesh gateways, each on a host of its own with Consul's own ports, and the
certificates and tokens that all of them know."""
import base64
import http.client
import json
import pathlib
import random
import socket
import struct
import subprocess
import time

import network
from agent_process import Agent, eventually

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"         # may do everything
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000002"
AGENT = "aaaaaaaa-0000-0000-0000-000000000003"        # of agents, to keep up their nodes
GATEWAY = "aaaaaaaa-0000-0000-0000-000000000004"
READER = "aaaaaaaa-0000-0000-0000-000000000005"       # of whoever has none: reads the catalog
RECOVERY = "aaaaaaaa-0000-0000-0000-000000000006"     # may do everything at one agent, whatever servers say
MARKER = "federation-proof-marker"                    # in all that clients write
GOSSIP_KEY = base64.b64encode(b"federation-proof-gossip-key-0001").decode()
GATEWAY_PORT = 443
GATEWAYS_NAME = "gateways.dc1.example"                # of the primary's, for who resolves names
OUTSIDE = "198.18.0."
BYSTANDER, NOBODY = 250, 249                          # numbers outside
POLICIES = {
    "replication": (REPLICATION, 'acl = "write" operator = "write" service_prefix "" { policy = "read" intentions = "read" }'),
    "agents": (AGENT, 'node_prefix "" { policy = "write" } service_prefix "" { policy = "read" } '
                      'agent_prefix "" { policy = "read" } key_prefix "_rexec" { policy = "write" }'),
    "gateways": (GATEWAY, 'service "gateway" { policy = "write" } service_prefix "" { policy = "read" } '
                          'node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" } mesh = "write"'),
    "readers": (READER, 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } '
                        'query_prefix "" { policy = "read" }'),
}


class Certificates:
    """An authority, and what it has signed."""

    def __init__(self, binary: str, folder: pathlib.Path):
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True)
        self._run("ca", "create")
        self.known: dict[tuple[str, str], dict] = {}

    def _run(self, *words: str) -> None:
        subprocess.run([self.binary, "tls", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def of(self, node: str, datacenter: str) -> dict:
        """Files as the configuration calls them; those of a client if there is no node."""
        if (node, datacenter) not in self.known:
            before = set(self.folder.glob("*.pem"))
            self._run("cert", "create", "-dc", datacenter, *(["-server", "-node", node] if node else ["-client"]))
            key, certificate = sorted(set(self.folder.glob("*.pem")) - before, key=lambda path: "key" not in path.name)
            self.known[node, datacenter] = {"ca_file": str(self.folder / "consul-agent-ca.pem"),
                                            "cert_file": str(certificate), "key_file": str(key)}
        return self.known[node, datacenter]


class Node(Agent):
    """An agent on a host of its own, with Consul's own ports, whom its clients ask from there."""

    def __init__(self, binary: str, folder: pathlib.Path, host: network.Host, datacenter: str, tls: dict, config: dict):
        self.host, self.datacenter = host, datacenter
        name = folder.name
        ports = {"http": 8500, "dns": 8600, "grpc": 8502, "grpc_tls": 8503, "server": 8300, "serf_lan": 8301, "serf_wan": 8302}
        acl = {"enabled": True, "default_policy": "deny", "enable_token_persistence": True, "tokens":
               {"agent": AGENT, "default": READER, "agent_recovery": RECOVERY} | config.pop("tokens", {})}
        super().__init__(binary, folder, name, {
            "ports": ports, "bind_addr": host.address, "datacenter": datacenter, "primary_datacenter": "dc1",
            "encrypt": GOSSIP_KEY, "acl": acl | config.pop("acl", {}), "log_level": "info",
            "retry_join": [f"10.77.0.{number}" for number in (1, 2, 3)], "retry_interval": "1s",
            "tls": {"internal_rpc": tls | {"verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}},
            "limits": {"http_max_conns_per_client": 1000}, "disable_remote_exec": False,
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}} | config)
        self.port = ports["http"]

    def settings(self) -> dict:
        return json.loads((self.folder / "agent.json").read_text())

    def change(self, **settings) -> None:
        """Of its configuration, from its next start on."""
        (self.folder / "agent.json").write_text(json.dumps(self.settings() | settings, indent=1))

    def resolves_by(self, hosts: pathlib.Path) -> None:
        """Its program has this file as /etc/hosts, from its next start on."""
        script = self.folder / "program"
        script.write_text(f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {hosts} /etc/hosts && exec {self.binary} \"$@\"' sh \"$@\"\n")
        script.chmod(0o755)
        self.binary = str(script)

    def connection(self, timeout: float = 10) -> network.Connection:
        return network.Connection(self.host, self.port, timeout)

    def start(self, *more: str) -> "Node":
        with self.host:
            super().start(*more)
        return self

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_leader(self, limit: float = 60) -> float:
        """Seconds until it answers a consistent read by whoever may do everything."""
        begun = time.monotonic()

        def answers() -> bool:
            if not self.alive():
                raise RuntimeError(f"{self.datacenter} {self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            return self.call("GET", "/v1/kv/?keys&consistent&separator=/", timeout=2)[0] in (200, 404)
        eventually(f"{self.datacenter} {self.name} knows a leader", answers, limit)
        return time.monotonic() - begun

    def call(self, method: str, path: str, body=None, token: str = ROOT, timeout: float = 30) -> tuple[int, bytes]:
        connection = self.connection(timeout)
        try:
            body = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, body, {"X-Consul-Token": token} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str, token: str = ROOT):
        status, body = self.call("GET", path, None, token)
        assert status == 200, f"{self.datacenter} {self.name} {path}: {status} {body[:300]!r}"
        return json.loads(body)

    def put(self, path: str, body=None, token: str = ROOT):
        status, answer = self.call("PUT", path, body, token)
        assert status == 200, f"{self.datacenter} {self.name} {path}: {status} {answer[:300]!r}"
        return json.loads(answer) if answer.strip() else None

    def look_up(self, name: str, kind: int = 1) -> list[str]:
        """Addresses by DNS."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        question = struct.pack(">6H", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)
        with self.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.sendto(question, ("127.0.0.1", 8600))
            answer = sock.recv(4096)
        count, at, found = struct.unpack_from(">H", answer, 6)[0], len(question), []
        for _ in range(count):
            while answer[at] < 192 and answer[at] != 0:
                at += answer[at] + 1
            at += 1 if answer[at] == 0 else 2
            sort, _, _, size = struct.unpack_from(">2HIH", answer, at)
            if sort == 1:
                found.append(socket.inet_ntoa(answer[at + 10:at + 14]))
            at += 10 + size
        return found

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def connections(self) -> list[str]:
        """Whom its host has open TCP connections with: addresses of the other ends."""
        if not self.alive():
            return []
        lines = pathlib.Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split()[1:4] for line in lines]
        return [socket.inet_ntoa(bytes.fromhex(other.split(":")[0])[::-1]) + ":" + str(int(other.split(":")[1], 16))
                for _, other, state in rows if state == "01"]


UNREACHED = (OSError, http.client.HTTPException, ValueError, AssertionError)
