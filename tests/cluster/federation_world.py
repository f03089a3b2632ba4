"""Datacenters that have the same private addresses and the same names of nodes, and no way to each other but what their
mesh gateways are for: on a network outside only gateways can be called. Servers can call from there, as behind a
translator of addresses. Needs what network.py needs.

Addresses: servers s1, s2, s3 have 10.77.0.1 .. 3 in each datacenter, gateways gw1, gw2 have .4 and .5, and .6 is free.
Outside, of datacenter k: 198.18.0.(50 k + 11) and (50 k + 12) are its gateways', (+ 21) and (+ 22) those that they may
move to; servers are seen as (+ 1) .. (+ 3).
"""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import time

import network
from agent_process import Agent, eventually
from sni_relay import Relay

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"         # may do everything
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000002"
AGENT = "aaaaaaaa-0000-0000-0000-000000000003"        # of agents, to keep up their nodes
GATEWAY = "aaaaaaaa-0000-0000-0000-000000000004"
READER = "aaaaaaaa-0000-0000-0000-000000000005"       # of whoever has none: reads the catalog
RECOVERY = "aaaaaaaa-0000-0000-0000-000000000006"     # may do everything at one agent, whatever servers say
MARKER = "federation-proof-marker"                    # in all that clients write
GOSSIP_KEY = base64.b64encode(b"federation-proof-gossip-key-0001").decode()
GATEWAY_PORT = 443
OUTSIDE = "198.18.0."
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

    def connections(self) -> list[str]:
        """Whom its host has open TCP connections with: addresses of the other ends."""
        if not self.alive():
            return []
        lines = pathlib.Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split()[1:4] for line in lines]
        return [socket.inet_ntoa(bytes.fromhex(other.split(":")[0])[::-1]) + ":" + str(int(other.split(":")[1], 16))
                for _, other, state in rows if state == "01"]


class Gateway:
    """A mesh gateway on a host of its own, beside an agent, and how it may fare; one class for each kind of it."""

    def __init__(self, world: "World", datacenter: "Datacenter", number: int):
        self.world, self.datacenter, self.number = world, datacenter, number
        self.host = datacenter.network.hosts[3 + number]
        self.lan = self.host.address
        self.places = [50 * datacenter.number + 10 + number, 50 * datacenter.number + 20 + number]
        self.place = self.places[0]  # its number outside
        self.running = False
        self.agent: Node | None = None

    @property
    def wan(self) -> str:
        return OUTSIDE + str(self.place)

    def make_agent(self, **config) -> Node:
        name = f"gw{self.number}"
        return Node(self.world.binary, self.datacenter.folder / name, self.host, self.datacenter.name,
                    self.world.certificates.of("", self.datacenter.name),
                    {"server": False, "bootstrap_expect": 0} | config)

    def agents(self) -> list[Node]:
        return [self.agent] if self.agent else []

    def end(self) -> None:
        """Whatever it runs, for good."""


class RelayGateway(Gateway):
    """The relay of sni_relay.py, which the test registers and routes."""

    class Inside(Relay):
        def __init__(self, host: network.Host, address: tuple[str, int], route):
            self.host, self.hung = host, False
            super().__init__(address, route)

        def start(self) -> None:
            with self.host:
                super().start()

        def _serve(self, client: socket.socket) -> None:
            while self.hung:
                time.sleep(0.1)
            with self.host:
                super()._serve(client)

    def __init__(self, *words):
        super().__init__(*words)
        self.relays: list[RelayGateway.Inside] = []

    def route(self, name: str) -> tuple[str, int] | None:
        label, _, rest = name.partition(".")
        node, datacenter = ("s1", rest.split(".")[0]) if label == "server" else (label, rest.split(".")[1])
        if datacenter == self.datacenter.name:
            server = next((each for each in self.datacenter.servers if each.name == node), None)
            return (server.host.address, 8300) if server else None
        other = next((each for each in self.world.datacenters if each.name == datacenter), None)
        ways = [each.wan for each in other.gateways if each.running] if other else []
        return (random.choice(ways), GATEWAY_PORT) if ways else None

    def start(self) -> None:
        self.relays = [self.Inside(self.host, (address, GATEWAY_PORT), self.route) for address in (self.lan, self.wan)]
        self.running = True
        self.register()

    def register(self) -> None:
        self.datacenter.any_server().put("/v1/catalog/register", {
            "Node": f"gw{self.number}", "Address": self.lan,
            "Service": {"Kind": "mesh-gateway", "ID": "gateway", "Service": "gateway", "Address": self.lan,
                        "Port": GATEWAY_PORT, "Meta": {"consul-wan-federation": "1"}, "TaggedAddresses": {
                            "lan": {"Address": self.lan, "Port": GATEWAY_PORT},
                            "wan": {"Address": self.wan, "Port": GATEWAY_PORT}}}})

    def kill(self) -> None:
        self.running = False
        for relay in self.relays:
            relay.stop()

    def hang(self, hung: bool) -> None:
        for relay in self.relays:
            relay.hung = hung

    def move(self) -> None:
        self.kill()
        self.place = self.places[1 - self.places.index(self.place)]
        self.start()

    end = kill


class CommandGateway(Gateway):
    """`proconsul connect mesh-gateway` beside a client agent, which registers it."""

    def __init__(self, *words):
        super().__init__(*words)
        self.agent = self.make_agent()
        self.process: subprocess.Popen | None = None

    def words(self) -> list[str]:
        return [self.world.binary, "connect", "mesh-gateway", "-register", "-expose-servers", "-service", "gateway",
                "-token", GATEWAY, "-data-dir", str(self.agent.folder / "gateway"), "-drain-timeout", "1s",
                "-address", f"{self.lan}:{GATEWAY_PORT}", "-wan-address", f"{self.wan}:{GATEWAY_PORT}"]

    def start(self) -> None:
        if not self.agent.alive():
            self.agent.start()
            eventually("the gateway's agent answers", lambda: self.agent.call("GET", "/v1/status/leader")[1] not in (b"", b'""'))
        with self.host, open(self.agent.folder / "gateway.log", "ab") as log:
            self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.running = True

    def kill(self) -> None:
        self.running = False
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)

    def hang(self, hung: bool) -> None:
        os.kill(self.process.pid, signal.SIGSTOP if hung else signal.SIGCONT)

    def move(self) -> None:
        self.kill()
        self.place = self.places[1 - self.places.index(self.place)]
        self.start()

    end = kill


class BlockGateway(Gateway):
    """The block `mesh_gateway` of a client agent."""

    def __init__(self, *words):
        super().__init__(*words)
        self.agent = self.make_agent(mesh_gateway=self.block())

    def block(self) -> dict:
        return {"enabled": True, "service": "gateway", "expose_servers": True, "token": GATEWAY,
                "address": f"{self.lan}:{GATEWAY_PORT}", "wan_address": f"{self.wan}:{GATEWAY_PORT}"}

    def start(self) -> None:
        self.agent.start()
        self.running = True

    def kill(self) -> None:
        self.running = False
        if self.agent.alive():
            os.kill(self.agent.process.pid, signal.SIGCONT)
            self.agent.kill()

    def hang(self, hung: bool) -> None:
        os.kill(self.agent.process.pid, signal.SIGSTOP if hung else signal.SIGCONT)

    def move(self) -> None:
        self.kill()
        self.place = self.places[1 - self.places.index(self.place)]
        self.agent.change(mesh_gateway=self.block())
        self.start()

    end = kill


def built_in(binary: str) -> bool:
    """Whether the program has a mesh gateway of its own."""
    done = subprocess.run([binary, "connect", "mesh-gateway", "-help"], capture_output=True, text=True, timeout=60)
    return "-expose-servers" in done.stdout + done.stderr


KINDS = {"relay": RelayGateway, "command": CommandGateway, "block": BlockGateway}


class Datacenter:
    def __init__(self, world: "World", number: int, gateway_kind: str, binary: str):
        self.world, self.number, self.name = world, number, f"dc{number}"
        self.folder = world.folder / self.name
        self.network = network.Network(6)
        self.devices: list[tuple[int, str]] = []  # outside, with their words for the switch
        self.servers: list[Node] = []
        self.way_in = self.folder / "primary-gateways"  # what `primary_gateways` reads, as if it were a name server
        self.folder.mkdir(parents=True)
        for host_number in (1, 2, 3, 6):
            host, place = self.network.hosts[host_number], 50 * number + host_number
            device = host.leg("wan0", [], OUTSIDE + "0")
            self.devices.append((device, f"{device}={place}~{host.address}"))
        self.gateways = [KINDS[gateway_kind](world, self, each) for each in (1, 2)]
        for gateway in self.gateways:
            device = gateway.host.leg("wan0", [OUTSIDE + str(place) for place in gateway.places])
            self.devices.append((device, f"{device}={gateway.places[0]},{gateway.places[1]}"))
        for host_number in (1, 2, 3):
            self.servers.append(self.make_server(f"s{host_number}", host_number, binary))

    def make_server(self, name: str, host_number: int, binary: str = "", certificates: Certificates | None = None,
                    **config) -> Node:
        settings = {"bootstrap_expect": 3, "connect": {"enabled": True, "enable_mesh_gateway_wan_federation": True},
                    "autopilot": {"server_stabilization_time": "1s"}}
        if self.number == 1:
            settings |= {"acl": {"enable_token_replication": True}, "tokens": {"initial_management": ROOT}}
        else:
            settings |= {"acl": {"enable_token_replication": True}, "tokens": {"replication": REPLICATION},
                         "primary_gateways": self.primary_gateways(binary), "primary_gateways_interval": "1s"}
        return Node(binary or self.world.binary, self.folder / name, self.network.hosts[host_number], self.name,
                    (certificates or self.world.certificates).of(name, self.name), settings | config)

    def primary_gateways(self, binary: str) -> list[str]:
        addresses = [f"{OUTSIDE}{50 + 10 + number}:{GATEWAY_PORT}" for number in (1, 2)]
        self.tell_primary_gateways(addresses)
        # Another program than ours has no word for a program to be asked.
        return [f"exec=cat {self.way_in}"] if binary in ("", self.world.binary) else addresses

    def tell_primary_gateways(self, addresses: list[str]) -> None:
        new = self.way_in.with_suffix(".new")
        new.write_text("\n".join(addresses) + "\n")
        new.rename(self.way_in)

    def any_server(self) -> Node:
        return next(server for server in self.servers if server.alive())

    def leader(self) -> Node:
        def named() -> str | None:
            found = [server.get("/v1/status/leader") for server in self.servers if server.alive()]
            return next((one for one in found if one and found.count(one) > 1), None)
        address = eventually(f"{self.name} has a leader", named).rsplit(":", 1)[0]
        return next(server for server in self.servers if server.host.address == address)

    def agents(self) -> list[Node]:
        return self.servers + [agent for gateway in self.gateways for agent in gateway.agents()]

    def places(self) -> list[int]:
        """The numbers outside of its gateways."""
        return [place for gateway in self.gateways for place in gateway.places]

    def server_places(self) -> list[int]:
        return [50 * self.number + number for number in (1, 2, 3, 6)]


class World:
    """So many datacenters, of which dc1 is the primary. `binaries` may name other programs for their servers."""

    def __init__(self, binary: str, folder: pathlib.Path, size: int, gateway_kind: str, binaries: dict[int, str]):
        self.binary, self.folder = binary, folder
        self.certificates = Certificates(binary, folder / "certificates")
        self.datacenters: list[Datacenter] = []
        for number in range(1, size + 1):
            self.datacenters.append(Datacenter(self, number, gateway_kind, binaries.get(number, binary)))
        every = [device for each in self.datacenters for device in each.devices]
        self.outside = network.Wire([device for device, _ in every], [word for _, word in every], (MARKER,))
        self.cuts: dict[str, list[tuple[int, int]]] = {}

    def cut(self, what: str, pairs: list[tuple[int, int]]) -> None:
        """Packets outside from one number to another are lost, until `mend(what)`."""
        self.cuts[what] = pairs
        self._rule()

    def mend(self, what: str) -> None:
        self.cuts.pop(what, None)
        self._rule()

    def _rule(self) -> None:
        self.outside.rule({pair: {"drop": True} for pairs in self.cuts.values() for pair in pairs})

    def cut_between(self, what: str, one: Datacenter, other: Datacenter) -> None:
        """Both ways, servers' direct calls included."""
        ones, others = one.places() + one.server_places(), other.places() + other.server_places()
        self.cut(what, [(a, b) for a in ones for b in others] + [(b, a) for a in ones for b in others])

    def cut_direct(self, what: str, secondary: Datacenter) -> None:
        """Servers of the secondary reach no gateway outside; only its own gateways do."""
        far = [place for each in self.datacenters if each is not secondary for place in each.places()]
        self.cut(what, [(place, other) for place in secondary.server_places() for other in far])

    def agents(self) -> list[Node]:
        return [agent for each in self.datacenters for agent in each.agents()]

    def close(self) -> None:
        for each in self.datacenters:
            for gateway in each.gateways:
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    gateway.end()
            for agent in each.agents():
                with contextlib.suppress(ProcessLookupError):
                    if agent.alive():
                        agent.process.send_signal(signal.SIGCONT)
                agent.end_with_children()
        self.outside.close()
        for each in self.datacenters:
            each.network.close()


UNREACHED = (OSError, http.client.HTTPException, ValueError, AssertionError)
