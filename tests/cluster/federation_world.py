"""Datacenters that have the same private addresses and the same names of nodes, and no way to each other but what their
mesh gateways are for: on a network outside only gateways can be called. Servers can call from there, as behind a
translator of addresses. A bystander is outside, too. Needs what network.py needs.

Addresses: servers s1, s2, s3 have 10.77.0.1 .. 3 in each datacenter, gateways gw1, gw2 have .4 and .5, and .6 is free.
Outside, of datacenter k: 198.18.0.(50 k + 11) and (50 k + 12) are its gateways', (+ 21) and (+ 22) those that they may
move to; servers are seen as (+ 1) .. (+ 3). The bystander is 198.18.0.250, and 198.18.0.249 is nobody.
"""
import contextlib
import pathlib
import signal
import subprocess

import network
from agent_process import eventually
from federation_gateways import KINDS, Bystander
from federation_nodes import BYSTANDER, GATEWAY_PORT, GATEWAYS_NAME, MARKER, OUTSIDE, REPLICATION, ROOT, Certificates, Node


class Datacenter:
    def __init__(self, world: "World", number: int, gateway_kind: str, binary: str):
        self.world, self.number, self.name = world, number, f"dc{number}"
        self.ours = binary == world.binary  # its servers
        self.folder = world.folder / self.name
        self.network = network.Network(6)
        self.devices: list[tuple[int, str]] = []  # outside, with their words for the switch
        self.servers: list[Node] = []
        self.way_in = self.folder / "primary-gateways"  # what `primary_gateways` reads, as if it were a name server
        self.hosts = self.folder / "hosts"  # the same for another program than ours, in place of the machine's own file
        self.folder.mkdir(parents=True)
        self.tell_primary_gateways([f"{OUTSIDE}{50 + 10 + each}:{GATEWAY_PORT}" for each in (1, 2)])
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
                         "primary_gateways": self.primary_gateways(binary), "primary_gateways_interval": "1s",
                         "retry_interval_wan": "1s"}
        node = Node(binary or self.world.binary, self.folder / name, self.network.hosts[host_number], self.name,
                    (certificates or self.world.certificates).of(name, self.name), settings | config)
        if node.binary != self.world.binary:
            node.resolves_by(self.hosts)
        return node

    def primary_gateways(self, binary: str) -> list[str]:
        # Another program than ours has no word for a program to be asked.
        ours = binary in ("", self.world.binary)
        return [f"exec=cat {self.way_in}"] if ours else [f"{GATEWAYS_NAME}:{GATEWAY_PORT}"]

    def tell_primary_gateways(self, addresses: list[str]) -> None:
        new = self.way_in.with_suffix(".new")
        new.write_text("\n".join(addresses) + "\n")
        new.rename(self.way_in)
        lines = ["127.0.0.1 localhost", *(f"{address.rsplit(':', 1)[0]} {GATEWAYS_NAME}" for address in addresses)]
        self.hosts.write_text("\n".join(lines) + "\n")  # in place: others have it mounted

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
    """Datacenters with these kinds of gateways, of which the first is the primary. `binaries` may name other programs for
    their servers."""

    def __init__(self, binary: str, folder: pathlib.Path, gateway_kinds: list[str], binaries: dict[int, str]):
        self.binary, self.folder = binary, folder
        self.certificates = Certificates(binary, folder / "certificates")
        self.datacenters: list[Datacenter] = []
        for number, kind in enumerate(gateway_kinds, 1):
            self.datacenters.append(Datacenter(self, number, kind, binaries.get(number, binary)))
        self.bystander = Bystander()
        every = [device for each in self.datacenters for device in each.devices]
        every.append((self.bystander.host.device, f"{self.bystander.host.device}={BYSTANDER}"))
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
        far = [place for each in self.datacenters if each is not secondary for place in each.places()] + [BYSTANDER]
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
        self.bystander.close()
        self.outside.close()
        for each in self.datacenters:
            each.network.close()
