"""Agents of both kinds on hosts of their own (loopback addresses, the same ports at each), plain or secured."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cluster"))
from agent_process import Agent, eventually, free_ports  # noqa: E402
from federation_nodes import Certificates  # noqa: E402
from wan_test import Member  # noqa: E402

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
AGENT = "aaaaaaaa-0000-0000-0000-000000000002"        # of agents, to keep up their nodes
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000003"
GOSSIP_KEY = base64.b64encode(b"interop-gossip-key-0001-of-32-b.").decode()
KINDS = ("ours", "consul")
PORTS = ("http", "dns", "grpc", "server", "serf_lan", "serf_wan")
AGENT_RULES = ('node_prefix "" { policy = "write" } service_prefix "" { policy = "read" } '
               'agent_prefix "" { policy = "read" } key_prefix "_rexec" { policy = "write" }')
REPLICATION_RULES = ('acl = "write" operator = "write" '
                     'service_prefix "" { policy = "read" intentions = "read" }')


def other(kind: str) -> str:
    return KINDS[1 - KINDS.index(kind)]


class WithToken(http.client.HTTPConnection):
    """Sends a token with every request."""

    def __init__(self, host: str, port: int, timeout: float, token: str):
        super().__init__(host, port, timeout=timeout)
        self.token = token

    def request(self, method, url, body=None, headers=None, **more):
        super().request(method, url, body, (headers or {}) | ({"X-Consul-Token": self.token} if self.token else {}), **more)


class Node(Agent):
    """An agent of a kind; may become one of the other kind."""

    look_up = Member.look_up

    def __init__(self, world: "World", name: str, kind: str, settings: dict):
        world.hosts += 1
        self.host = f"127.0.3.{world.hosts}"
        self.world, self.kinds, self.token = world, [kind], ROOT if world.secured else ""
        super().__init__(world.binaries[kind], world.folder / name, name, {
            "ports": world.ports | {"https": -1, "grpc_tls": -1}, "bind_addr": self.host, "client_addr": self.host,
            "retry_interval": "1s", "retry_interval_wan": "1s", "skip_leave_on_interrupt": True,
            "autopilot": {"server_stabilization_time": "500ms"}, "enable_local_script_checks": True,
            "disable_remote_exec": False, "limits": {"http_max_conns_per_client": 1000},
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}} | settings)
        self.port, self.ports = world.ports["http"], world.ports
        world.nodes.append(self)

    @property
    def kind(self) -> str:
        return self.kinds[-1]

    @property
    def life(self) -> int:
        return len(self.kinds) - 1

    def connection(self, timeout: float = 10) -> WithToken:
        return WithToken(self.host, self.port, timeout, self.token)

    def settings(self) -> dict:
        return json.loads((self.folder / "agent.json").read_text())

    def change(self, **settings) -> None:
        """Of its configuration, from its next start on; None takes a key away."""
        now = {key: value for key, value in (self.settings() | settings).items() if value is not None}
        (self.folder / "agent.json").write_text(json.dumps(now, indent=1))

    def lan(self) -> str:
        return f"{self.host}:{self.ports['serf_lan']}"

    def wan(self) -> str:
        return f"{self.host}:{self.ports['serf_wan']}"

    def leave(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may end before it answers
            self.ask("PUT", "/v1/agent/leave", timeout=30)
        self.process.wait(60)

    def become(self, kind: str) -> None:
        """With an empty data directory, from its next start on."""
        self.kinds.append(kind)
        self.binary = self.world.binaries[kind]
        subprocess.run(["rm", "-rf", str(self.folder / "data")], check=True)

    def command(self, *words: str, kind: str = "", limit: float = 60) -> str:
        """The output of a command line of its own kind, or of the one named."""
        done = subprocess.run([self.world.binaries[kind or self.kind], *words], capture_output=True, text=True,
                              timeout=limit, check=False, env=os.environ | {
                                  "CONSUL_HTTP_ADDR": f"{self.host}:{self.port}", "CONSUL_HTTP_TOKEN": self.token})
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def raft(self) -> dict[str, dict]:
        """The servers of raft's configuration by their nodes' names."""
        return {server["Node"]: server for server in self.get("/v1/operator/raft/configuration")["Servers"]}

    def leads(self) -> bool:
        return self.raft()[self.name]["Leader"]


class World:
    """What a scenario starts, with its certificates and its gossip key if it is secured."""

    def __init__(self, options, folder: pathlib.Path, secured: bool = False):
        self.binaries = {"ours": options.binary, "consul": options.consul}
        self.folder, self.secured, self.checker = folder, secured, options.checker
        folder.mkdir(parents=True)
        self.nodes: list[Node] = []
        self.hosts = 0
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.certificates = Certificates(options.binary, folder / "certificates") if secured else None

    def _security(self, name: str, datacenter: str, server: bool) -> dict:
        if not self.secured:
            return {}
        tls = self.certificates.of(name if server else "", datacenter)
        checks = {"verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}
        tokens = {"agent": AGENT, "default": AGENT} | ({"initial_management": ROOT} if server and datacenter == "dc1" else {})
        return {"encrypt": GOSSIP_KEY, "tls": {"internal_rpc": tls | checks},
                "acl": {"enabled": True, "default_policy": "deny", "enable_token_persistence": True, "tokens": tokens}}

    def server(self, name: str, kind: str, expect: int, datacenter: str = "dc1", join=(), **more) -> Node:
        joins = {"retry_join": [node.lan() for node in join]} if join else {}
        return Node(self, name, kind, {"datacenter": datacenter, "primary_datacenter": "dc1", "bootstrap_expect": expect,
                                       "connect": {"enabled": True}}
                    | joins | self._security(name, datacenter, True) | more)

    def client(self, name: str, kind: str, join, datacenter: str = "dc1", **more) -> Node:
        node = Node(self, name, kind, {"datacenter": datacenter, "primary_datacenter": "dc1", "server": False,
                                       "retry_join": [server.lan() for server in join]}
                    | self._security(name, datacenter, False) | more)
        node.change(bootstrap_expect=None, autopilot=None)
        return node

    def make_agents_token(self, server: Node) -> None:
        """The token that the agents' configurations name."""
        if not self.secured:
            return
        for name, secret, rules in (("agents", AGENT, AGENT_RULES), ("replication", REPLICATION, REPLICATION_RULES)):
            eventually(f"policy {name} is made", lambda n=name, r=rules: server.put(
                "/v1/acl/policy", {"Name": n, "Rules": r}))
            server.put("/v1/acl/token", {"SecretID": secret, "Policies": [{"Name": name}]})

    def cluster(self, kinds, **more) -> list[Node]:
        """Servers s1, s2, … of these kinds, started, with a leader, all voting."""
        servers: list[Node] = []
        for number, kind in enumerate(kinds, 1):
            servers.append(self.server(f"s{number}", kind, len(kinds), join=servers, **more))
        for server in servers:
            server.start()
        for server in servers:
            server.wait_leader(60)
        self.make_agents_token(servers[0])
        voting(servers)
        return servers


def voting(servers: list[Node]) -> None:
    """All of them, and nobody else, vote; each of them says so and autopilot finds them healthy."""
    names = {server.name for server in servers}
    for server in servers:
        eventually(f"{server.name} sees {names} vote", lambda s=server: {
            name for name, row in s.raft().items() if row["Voter"]} == names == set(s.raft()), 90)
        eventually(f"{server.name} finds all healthy", lambda s=server: s.get("/v1/operator/autopilot/health")["Healthy"], 90)


def leader_of(servers: list[Node]) -> Node:
    def found():
        at = json.loads(servers[0].ask("GET", "/v1/status/leader")[1])
        return next((server for server in servers if at.split(":")[0] == server.host), None)
    return eventually("there is a leader", found)


def hand_over(servers: list[Node], to: Node) -> None:
    """Leadership to one of them."""
    identity = servers[0].raft()[to.name]["ID"]
    if leader_of(servers) is not to:
        status, body = servers[0].ask("POST", f"/v1/operator/raft/transfer-leader?id={identity}", timeout=30)
        assert status == 200, (status, body)
    for server in servers:
        eventually(f"{server.name} knows that {to.name} leads", lambda s=server: s.raft()[to.name]["Leader"])
    to.wait_leader()


def until_index(node: Node, path: str, index: int, limit: float = 30) -> tuple[float, object]:
    """Seconds that a blocking query took, and its answer."""
    begun = time.monotonic()
    separator = "&" if "?" in path else "?"
    status, body = node.ask("GET", f"{path}{separator}index={index}&wait=60s", timeout=limit)
    assert status == 200, (status, body)
    return time.monotonic() - begun, json.loads(body)
