#!/usr/bin/env python3
"""Two datacenters that reach each other through built-in gateways alone: that of dc1 is the command, that of dc2 a block
in its server's configuration. Gateways are killed, moved by a registration and by a reload, drained; the agent is
restarted under its gateway, and the gateway without its agent.

    mesh_gateway_test.py --binary PATH
"""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request

from agent_process import ended, eventually, free_ports
from wanfed_test import Server, certificates_in, reads

SECONDS = 60


class Gateway:
    """`connect mesh-gateway` as a process; its output goes to a file."""

    def __init__(self, binary: str, folder: pathlib.Path, agent: Server, lan: str, wan: str, metrics: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self.process = folder / "log", None
        self.words = [binary, "connect", "mesh-gateway", "-register", "-expose-servers", "-service", "mesh-gateway",
                      "-address", lan, "-wan-address", wan, "-bind-address", f"lan={lan}", "-bind-address",
                      f"wan={wan}", "-http-addr", f"{agent.host}:{agent.port}", "-data-dir", str(folder / "data"),
                      "-metrics-address", metrics, "-drain-timeout", "1s"]

    def start(self) -> "Gateway":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def kill(self, number: int = signal.SIGKILL) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(30)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def name_behind(address: str, name: str) -> bytes:
    """The certificate of whom a TLS client reaches that asks this gateway for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain, \
            context.wrap_socket(plain, server_hostname=name) as tls:
        return tls.getpeercert(binary_form=True)


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        return True
    return False


def wan_of(server: Server, datacenter: str) -> list[str]:
    """Where the server believes the other datacenter's gateways to be."""
    found = []
    for instance in server.get("/v1/internal/federation-states/mesh-gateways").get(datacenter) or []:
        wan = instance["Service"]["TaggedAddresses"]["wan"]
        found.append(f"{wan['Address']}:{wan['Port']}")
    return found


def both_ways(a1: Server, b1: Server) -> bool:
    return reads(b1, "dc1", "one", "1") and reads(a1, "dc2", "two", "2")


def refused(binary: str, *words: str) -> str:
    done = subprocess.run([binary, "connect", "mesh-gateway", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(temporary)
        certificates = certificates_in(binary, folder)
        ports = free_ports(8)
        lan1, wan1, moved1 = (f"127.0.6.{last}:{port}" for last, port in zip((9, 10, 11), ports))
        lan2, wan2, moved2 = (f"127.0.7.{last}:{port}" for last, port in zip((9, 10, 11), ports[3:]))
        metrics, taken = (f"127.0.6.9:{port}" for port in ports[6:])

        a1 = Server(binary, folder, "a1", "dc1", "127.0.6.1", certificates)
        block = {"enabled": True, "address": lan2, "wan_address": wan2, "bind_addresses": {"lan": lan2, "wan": wan2},
                 "limits": {"drain_timeout": "1s"}}
        b1 = Server(binary, folder, "b1", "dc2", "127.0.7.1", certificates, primary_gateways=[wan1],
                    mesh_gateway=block)
        gateway = Gateway(binary, folder / "gateway", a1, lan1, wan1, metrics)
        cleanup.callback(gateway.end)

        assert "'-expose-servers' requires '-register'" in refused(binary, "-expose-servers")
        assert "'-address' requires '-register'" in refused(binary, "-address", lan1)
        assert 'Missing "=" in argument: x' in refused(binary, "-register", "-bind-address", "x")
        with socket.create_server((taken.rpartition(":")[0], int(taken.rpartition(":")[2]))):
            text = refused(binary, "-register", "-bind-address", f"one={taken}")
            assert "address already in use" in text, text

        with ended([a1, b1]):
            # The gateway waits for its agent, and says so.
            gateway.start()
            eventually("the gateway says that it waits", lambda: "the agent does not answer" in gateway.log.read_text())
            a1.start()
            a1.wait_leader(SECONDS)
            eventually("it is registered", lambda: "Registered service: mesh-gateway" in gateway.log.read_text())
            assert a1.get("/v1/agent/service/mesh-gateway")["Meta"] == {"consul-wan-federation": "1"}
            b1.start()
            b1.wait_leader(SECONDS)
            a1.put("/v1/kv/one", 1)
            b1.put("/v1/kv/two", 2)
            eventually("each reads the other", lambda: both_ways(a1, b1), 2 * SECONDS)
            eventually("dc1 knows the gateway of dc2", lambda: wan_of(a1, "dc2") == [wan2])
            print("joined through built-in gateways", flush=True)

            shown = urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10).read().decode()
            assert 'mesh_gateway_route_connections{' in shown and 'route="server.dc2.consul"' in shown, shown
            own = json.dumps(b1.get("/v1/agent/metrics"))
            assert "mesh_gateway.route.endpoints" in own, own

            gateway.kill()
            gateway.start()
            eventually("a killed gateway is back", lambda: both_ways(a1, b1))
            print("gateway killed and restarted", flush=True)

            # Somebody registers it anew with other addresses: of the tagged ones only the WAN's differs.
            service = a1.get("/v1/agent/service/mesh-gateway")
            host, _, port = moved1.rpartition(":")
            to = {"Address": host, "Port": int(port)}
            bind = service["Proxy"]["Config"]["envoy_gateway_bind_addresses"] | {"wan": to}
            anew = {"Kind": "mesh-gateway", "ID": "mesh-gateway", "Name": "mesh-gateway", "Address": service["Address"],
                    "Port": service["Port"], "Meta": service["Meta"] | {"told": "1"},
                    "TaggedAddresses": service["TaggedAddresses"], "Proxy": service["Proxy"]}
            # Who knows the old address alone must hear of the new one through the old gateway: dc2 listens again?
            a1.put("/v1/agent/service/register", anew)
            eventually("dc2 hears of changes", lambda: '"told"' in json.dumps(
                b1.get("/v1/internal/federation-state/dc1")["State"]["MeshGateways"]))
            a1.put("/v1/agent/service/register", anew | {
                "TaggedAddresses": {"lan": service["TaggedAddresses"]["lan"], "wan": to},
                "Proxy": {"Config": service["Proxy"]["Config"] | {"envoy_gateway_bind_addresses": bind}}})
            eventually("it listens at the new address alone", lambda: listens(moved1) and not listens(wan1))
            eventually("dc2 learns of it", lambda: wan_of(b1, "dc1") == [moved1])
            eventually("each reads the other by the new address", lambda: both_ways(a1, b1))
            print("moved by a registration", flush=True)

            # The agent goes and comes under its gateway, which forwards all the time.
            a1.kill(signal.SIGTERM)
            assert name_behind(lan1, "server.dc2.consul")
            a1.start()
            a1.wait_leader(SECONDS)
            eventually("each reads the other after a restart of the agent", lambda: both_ways(a1, b1))
            assert name_behind(lan2, "a1.server.dc1.consul")
            print("agent restarted under its gateway", flush=True)

            # The block of dc2 moves by a reload.
            settings = json.loads((b1.folder / "agent.json").read_text())
            settings["mesh_gateway"] |= {"wan_address": moved2, "bind_addresses": {"lan": lan2, "wan": moved2}}
            (b1.folder / "agent.json").write_text(json.dumps(settings))
            b1.put("/v1/agent/reload", None)
            eventually("dc1 learns of the new address", lambda: wan_of(a1, "dc2") == [moved2])
            assert listens(moved2) and not listens(wan2)
            eventually("each reads the other after a reload", lambda: both_ways(a1, b1))
            b1.kill(signal.SIGTERM)
            b1.start()
            b1.wait_leader(SECONDS)
            eventually("each reads the other after a restart of dc2", lambda: both_ways(a1, b1), 2 * SECONDS)
            print("the agent's own gateway moved and restarted", flush=True)

            # Without its agent it forwards by what is on disk.
            a1.kill()
            gateway.kill()
            gateway.start()
            eventually("it forwards without its agent", lambda: name_behind(lan1, "server.dc2.consul"))
            a1.start()
            a1.wait_leader(SECONDS)
            eventually("each reads the other again", lambda: both_ways(a1, b1), 2 * SECONDS)
            print("gateway restarted without its agent", flush=True)

            # A drained gateway takes its registration back, and nobody is led there any more.
            assert gateway.kill(signal.SIGTERM) == 0
            assert "mesh-gateway" not in a1.get("/v1/agent/services")
            assert not listens(lan1)
            gateway.start()
            eventually("each reads the other at last", lambda: both_ways(a1, b1), 2 * SECONDS)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
