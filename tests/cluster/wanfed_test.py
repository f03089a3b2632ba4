#!/usr/bin/env python3
"""Two datacenters that reach each other through gateways alone. The secondary is told of primary_gateways and nothing
else; gateways are relays that see only names. Gateways die and come back, a server of the secondary is restarted while
nothing but its own gateway leads out, and no datagram goes from one datacenter to the other.

    wanfed_test.py --binary PATH
"""
import argparse
import base64
import contextlib
import ctypes
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from agent_process import Agent, ended, eventually, free_ports
from sni_relay import Relay

MODE = {"enabled": True, "enable_mesh_gateway_wan_federation": True}
WAN = {"gossip_interval": "100ms", "probe_interval": "1s", "probe_timeout": "500ms", "suspicion_mult": 2}
SO_ATTACH_FILTER = 26


class Datagrams:
    """Counts UDP between two sets of loopback addresses, where this process may look."""

    def __init__(self, ours: set[str], theirs: set[str]):
        self.sets, self.count, self.all = (ours, theirs), 0, 0
        self.socket: socket.socket | None = None
        with contextlib.suppress(PermissionError):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            # IPv4 and UDP only, 64 bytes of each.
            code = [(0x28, 0, 0, 12), (0x15, 0, 3, 0x800), (0x30, 0, 0, 23), (0x15, 0, 1, 17), (6, 0, 0, 64),
                    (6, 0, 0, 0)]
            program = b"".join(struct.pack("HBBI", *each) for each in code)
            self.kept = bytearray(program)  # the kernel copies it within the call
            address = (ctypes.c_char * len(self.kept)).from_buffer(self.kept)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                                   struct.pack("HL", len(code), ctypes.addressof(address)))
            self.socket.bind(("lo", 0))
            threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            frame = self.socket.recv(64)
            source, target = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
            one, other = self.sets
            self.all += source in other and target in other
            self.count += (source in one and target in other) or (source in other and target in one)


class Server(Agent):
    def __init__(self, binary: str, folder: pathlib.Path, name: str, datacenter: str, host: str, certificates, **more):
        self.host = host
        certificate = certificates(name, datacenter)
        tls = {"ca_file": certificate[0], "cert_file": certificate[1], "key_file": certificate[2],
               "verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}
        super().__init__(binary, folder / name, name, {
            "datacenter": datacenter, "primary_datacenter": "dc1", "bind_addr": host, "client_addr": host,
            "tls": {"internal_rpc": tls}, "connect": MODE, "gossip_wan": WAN, "retry_interval_wan": "1s",
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}} | more)
        self.ports = json.loads((self.folder / "agent.json").read_text())["ports"]

    def wan(self) -> dict[str, int]:
        return {each["Name"]: each["Status"] for each in self.get("/v1/agent/members?wan=1")}

    def knows(self, *names: str) -> bool:
        return self.wan() == {name: 1 for name in names}

    def gateway(self, address: tuple[str, int]) -> None:
        self.put("/v1/catalog/register", {
            "Node": "gateway", "Address": address[0], "SkipNodeUpdate": False,
            "Service": {"Kind": "mesh-gateway", "ID": "gateway", "Service": "gateway", "Address": address[0],
                        "Port": address[1], "Meta": {"consul-wan-federation": "1"}}})


def reads(server: Server, datacenter: str, key: str, value: str) -> bool:
    found = server.get(f"/v1/kv/{key}?dc={datacenter}")
    return base64.b64decode(found[0]["Value"]).decode() == value


def certificates_in(binary: str, folder: pathlib.Path):
    def run(*words: str) -> None:
        subprocess.run([binary, "tls", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    run("ca", "create")

    def make(node: str, datacenter: str) -> tuple[str, str, str]:
        before = set(folder.glob(f"{datacenter}-server-*"))
        run("cert", "create", "-server", "-dc", datacenter, "-node", node)
        key, certificate = sorted(set(folder.glob(f"{datacenter}-server-*")) - before,
                                  key=lambda path: "key" not in path.name)
        return str(folder / "consul-agent-ca.pem"), str(certificate), str(key)
    return make


def check_refusals(binary: str, folder: pathlib.Path) -> None:
    """Each error names the key."""
    secondary = {"datacenter": "dc2", "primary_datacenter": "dc1"}
    mode = "connect.enable_mesh_gateway_wan_federation"
    cases = [
        ({"connect": MODE, "retry_join_wan": ["127.0.0.1"]},
         f"'retry_join_wan' is incompatible with '{mode} = true'"),
        ({"connect": MODE | {"enabled": False}}, f"'{mode}=true' requires 'connect.enabled=true'"),
        ({"connect": MODE, "server": False, "bootstrap_expect": 0}, f"'{mode} = true' requires 'server = true'"),
        ({"connect": MODE, "node_name": "a/b"}, f"'{mode} = true' requires that 'node_name' not contain '/'"),
        ({"primary_gateways": ["127.0.0.1:1"]}, "'primary_gateways' should only be configured in a secondary"),
        (secondary | {"primary_gateways": ["127.0.0.1:1"], "server": False, "bootstrap_expect": 0},
         "'primary_gateways' requires 'server = true'"),
        ({"connect": MODE}, "requires 'tls.internal_rpc.ca_file'"),
    ]
    for number, (settings, text) in enumerate(cases):
        agent = Agent(binary, folder / f"refused{number}", f"n{number}", settings)
        done = subprocess.run([binary, "agent", "-config-file", str(agent.folder / "agent.json")],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and text in done.stdout + done.stderr, (text, done)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        check_refusals(binary, folder)
        certificates = certificates_in(binary, folder)
        a1 = Server(binary, folder, "a1", "dc1", "127.0.3.1", certificates)
        far = Datagrams({"127.0.3.1"}, {"127.0.4.1", "127.0.4.2"})
        servers: dict[str, tuple[str, int]] = {"a1.server.dc1.consul": (a1.host, a1.ports["server"])}
        servers["server.dc1.consul"] = servers["a1.server.dc1.consul"]

        def of_dc1(name: str):
            """The primary's gateway: its own servers, and the other gateway for what is of dc2."""
            return servers.get(name) if ".dc1." in name else inner2.address

        def of_dc2(name: str):
            return servers.get(name) if ".dc2." in name else inner1.address

        direct_port, lan1_port, lan2_port, inner1_port, inner2_port = free_ports(5)
        direct = Relay(("127.0.0.1", direct_port), of_dc1)  # what the secondary is told of
        lan1 = Relay(("127.0.3.9", lan1_port), of_dc1)      # for servers of dc1
        lan2 = Relay(("127.0.4.9", lan2_port), of_dc2)
        inner1 = Relay(("127.0.5.1", inner1_port), of_dc1)  # from gateway to gateway
        inner2 = Relay(("127.0.5.2", inner2_port), of_dc2)

        names = ["b1", "b2"]
        secondaries = [
            Server(binary, folder, name, "dc2", f"127.0.4.{number}", certificates, bootstrap_expect=2,
                   retry_join=["127.0.4.1"], primary_gateways=[f"localhost:{direct_port}"])
            for number, name in enumerate(names, 1)]
        # The LAN port is the same for both, so that the address alone says whom to join.
        b1, b2 = secondaries
        lan_port = b1.ports["serf_lan"]
        settings = json.loads((b2.folder / "agent.json").read_text())
        settings["retry_join"] = [f"127.0.4.1:{lan_port}"]
        (b2.folder / "agent.json").write_text(json.dumps(settings))
        settings = json.loads((b1.folder / "agent.json").read_text())
        settings["retry_join"] = [f"127.0.4.2:{b2.ports['serf_lan']}"]
        (b1.folder / "agent.json").write_text(json.dumps(settings))
        for each in secondaries:
            servers[f"{each.name}.server.dc2.consul"] = (each.host, each.ports["server"])
        servers["server.dc2.consul"] = servers["b1.server.dc2.consul"]

        with ended([a1, b1, b2]):
            a1.start()
            a1.wait_leader(60)
            a1.put("/v1/kv/one", 1)
            status, body = a1.ask("GET", "/v1/kv/one?dc=dc2")
            assert status == 500 and b"No path to datacenter" in body, (status, body)
            a1.gateway(lan1.address)
            b1.start()
            b2.start()
            b1.wait_leader(60)
            everybody = ("a1.dc1", "b1.dc2", "b2.dc2")
            for each in (a1, b1, b2):
                eventually(f"{each.name} knows everybody on the WAN", lambda s=each: s.knows(*everybody))
            b1.put("/v1/kv/two", "zwei")
            eventually("dc1 is read in dc2", lambda: reads(b2, "dc1", "one", "1"))
            eventually("dc2 is read in dc1", lambda: reads(a1, "dc2", "two", '"zwei"'))
            assert ("server.dc1.consul", "consul/wan-gossip/stream") in direct.seen, direct.seen
            assert any(name == "a1.server.dc1.consul" and protocol == "consul/rpc-multi"
                       for name, protocol in direct.seen), direct.seen
            assert any(name.startswith("b") and protocol == "consul/wan-gossip/packet" for name, protocol in lan1.seen)
            status, body = a1.ask("PUT", "/v1/agent/join/127.0.4.1?wan=1")
            assert status == 500 and b"WAN join is disabled" in body, (status, body)
            print("joined through the primary's gateways", flush=True)

            # The secondary's own gateway takes over, and the other way is not needed any more.
            b1.gateway(lan2.address)
            eventually("dc2 calls by its own gateway", lambda: reads(b1, "dc1", "one", "1") and any(
                name == "a1.server.dc1.consul" and protocol == "consul/rpc-multi" for name, protocol in lan2.seen))
            time.sleep(3)
            before = len(direct.seen)
            direct.stop()
            for _ in range(20):
                assert reads(b1, "dc1", "one", "1") and reads(b2, "dc1", "one", "1")
            assert len(direct.seen) == before
            print("moved to the local gateway", flush=True)

            # Without its gateway it falls back, and returns.
            direct.start()
            lan2.stop()
            eventually("dc2 falls back to the primary's gateways", lambda: reads(b1, "dc1", "one", "1"), 20)
            seen = len(lan2.seen)
            lan2.start()
            eventually("dc2 is back at its own gateway", lambda: reads(b1, "dc1", "one", "1") and any(
                protocol == "consul/rpc-multi" and name == "a1.server.dc1.consul"
                for name, protocol in lan2.seen[seen:]), 30)
            print("fell back and returned", flush=True)

            # All of the secondary at once, with no way but its own gateway.
            direct.stop()
            for each in (b1, b2):
                each.kill()
            for each in (b1, b2):
                each.start()
            b1.wait_leader(60)
            eventually("dc2 heals after a cold restart", lambda: reads(b1, "dc1", "one", "1"), 60)
            eventually("dc1 reads dc2 again", lambda: reads(a1, "dc2", "two", '"zwei"'), 60)
            print("restarted without a direct way", flush=True)

            # The primary is gone for a while.
            a1.kill()
            eventually("dc2 takes a1 for failed", lambda: b1.wan().get("a1.dc1") == 4, 120)
            a1.start()
            a1.wait_leader(60)
            eventually("dc2 has a1 back", lambda: b1.wan().get("a1.dc1") == 1, 30)
            eventually("dc1 is read in dc2 again", lambda: reads(b2, "dc1", "one", "1"), 30)

            if far.socket is not None:
                assert far.all > 0
                assert far.count == 0, f"{far.count} datagrams between the datacenters"
        for relay in (direct, lan1, lan2, inner1, inner2):
            relay.stop()
    print("ok" if far.socket is not None else "ok, but datagrams were not looked at")
    return 0


if __name__ == "__main__":
    sys.exit(main())
