"""The mesh gateways of the datacenters of federation_world.py, one class for each kind, and a bystander outside."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
import time
import typing

import network
from agent_process import eventually
from federation_nodes import BYSTANDER, GATEWAY, GATEWAY_PORT, OUTSIDE, Node
from sni_relay import Relay

if typing.TYPE_CHECKING:
    from federation_world import Datacenter, World


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
        self.balancer = ""  # an address and port outside that leads here, if others are told of that

    @property
    def wan(self) -> str:
        return OUTSIDE + str(self.place)

    @property
    def told(self) -> str:
        """The address and port that others are told of."""
        return self.balancer or f"{self.wan}:{GATEWAY_PORT}"

    def binding(self) -> dict[str, str]:
        """Where it listens, if that is not what it tells."""
        return {"lan": f"{self.lan}:{GATEWAY_PORT}", "wan": f"{self.wan}:{GATEWAY_PORT}"} if self.balancer else {}

    def move(self) -> None:
        """To its other address outside."""
        self.kill()
        self.place = self.places[1 - self.places.index(self.place)]
        self.start()

    def tell(self, balancer: str) -> None:
        """Others are told of this address and port; of its own, if there is none."""
        self.kill()
        self.balancer = balancer
        self.start()

    def make_agent(self, **config) -> Node:
        name = f"gw{self.number}"
        return Node(self.world.binary, self.datacenter.folder / name, self.host, self.datacenter.name,
                    self.world.certificates.of("", self.datacenter.name),
                    {"server": False, "bootstrap_expect": 0} | config)

    def agents(self) -> list[Node]:
        return [self.agent] if self.agent else []

    def processes(self) -> list[int]:
        """The ids of those that forward."""
        return []

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
                            "wan": {"Address": self.told.rsplit(":", 1)[0], "Port": int(self.told.rsplit(":", 1)[1])}}}})

    def kill(self) -> None:
        self.running = False
        for relay in self.relays:
            relay.stop()

    def hang(self, hung: bool) -> None:
        for relay in self.relays:
            relay.hung = hung

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
                "-address", f"{self.lan}:{GATEWAY_PORT}", "-wan-address", self.told, *self.bind_words()]

    def bind_words(self) -> list[str]:
        return [word for name, address in self.binding().items() for word in ("-bind-address", f"{name}={address}")]

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

    def processes(self) -> list[int]:
        return [self.process.pid]

    def hang(self, hung: bool) -> None:
        os.kill(self.process.pid, signal.SIGSTOP if hung else signal.SIGCONT)

    end = kill


class BlockGateway(Gateway):
    """The block `mesh_gateway` of a client agent."""

    def __init__(self, *words):
        super().__init__(*words)
        self.agent = self.make_agent(mesh_gateway=self.block())

    def block(self) -> dict:
        return {"enabled": True, "service": "gateway", "expose_servers": True, "token": GATEWAY,
                "address": f"{self.lan}:{GATEWAY_PORT}", "wan_address": self.told} | (
                    {"bind_addresses": self.binding()} if self.balancer else {})

    def start(self) -> None:
        self.agent.change(mesh_gateway=self.block())
        self.agent.start()
        self.running = True

    def kill(self) -> None:
        self.running = False
        if self.agent.alive():
            os.kill(self.agent.process.pid, signal.SIGCONT)
            self.agent.kill()

    def processes(self) -> list[int]:
        return [self.agent.process.pid]

    def hang(self, hung: bool) -> None:
        os.kill(self.agent.process.pid, signal.SIGSTOP if hung else signal.SIGCONT)

    end = kill


class EnvoyGateway(CommandGateway):
    """Envoy beside a client agent, started by `connect envoy`. Whoever makes a world says where the program is."""

    program = ""

    def words(self) -> list[str]:
        return [self.world.binary, "connect", "envoy", "-gateway=mesh", "-register", "-expose-servers", "-service", "gateway",
                "-token", GATEWAY, "-grpc-addr", "127.0.0.1:8502", "-admin-bind", "127.0.0.1:19000",
                "-envoy-binary", self.program, "-ignore-envoy-compatibility",
                "-address", f"{self.lan}:{GATEWAY_PORT}", "-wan-address", self.told, *self.bind_words(),
                "--", "--concurrency", "1", "--log-level", "warning"]


def built_in(binary: str) -> bool:
    """Whether the program has a mesh gateway of its own."""
    done = subprocess.run([binary, "connect", "mesh-gateway", "-help"], capture_output=True, text=True, timeout=60)
    return "-expose-servers" in done.stdout + done.stderr


KINDS = {"relay": RelayGateway, "command": CommandGateway, "block": BlockGateway, "envoy": EnvoyGateway}


class Bystander:
    """A host outside that belongs to nobody's datacenter, with ports that are no mesh gateway's."""

    def __init__(self):
        self.host = network.Host(OUTSIDE + str(BYSTANDER))
        self.listeners: list[socket.socket] = []
        self.balancer: Relay | None = None

    def listen(self, port: int, serve) -> str:
        """Serves each connection; the address and port."""
        with self.host:
            listener = socket.create_server((self.host.address, port))
        self.listeners.append(listener)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        client.settimeout(10)
                        serve(client)
        threading.Thread(target=accept, daemon=True).start()
        return f"{self.host.address}:{port}"

    def balance(self, gateways: list[Gateway]) -> str:
        """A load balancer in front of those that run; its address and port."""
        def route(_: str) -> tuple[str, int] | None:
            running = [gateway for gateway in gateways if gateway.running]
            return (random.choice(running).wan, GATEWAY_PORT) if running else None
        self.balancer = RelayGateway.Inside(self.host, (self.host.address, GATEWAY_PORT), route)
        return f"{self.host.address}:{GATEWAY_PORT}"

    def close(self) -> None:
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if self.balancer:
            self.balancer.stop()
        self.host.close()
