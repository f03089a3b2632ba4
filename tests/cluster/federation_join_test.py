#!/usr/bin/env python3
"""One command on each side. The primary denies by default, encrypts its gossip and is reached through a gateway alone;
it invites two servers of dc2, which join, one with the built-in gateway, and are read both ways. Tokens that are changed,
used up, over or of another datacenter are refused. A gateway may go once the other datacenter knows another one; dc2 is
forgotten once it is dead.

    federation_join_test.py --binary PATH
"""
import argparse
import base64
import json
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

from agent_process import Agent, ended, eventually, free_ports
from sni_relay import Relay
from wanfed_test import Server, WAN, certificates_in, reads

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
KEY = base64.b64encode(bytes(range(32))).decode()


class Secured(Server):
    """Asks as the operator."""

    def ask(self, method: str, path: str, body=None, timeout: float = 10, token: str = ROOT) -> tuple[int, bytes]:
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, {"X-Consul-Token": token})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def gateway(self, address: tuple[str, int], wan: tuple[str, int] | None = None, name: str = "gateway") -> None:
        service = {"Kind": "mesh-gateway", "ID": name, "Service": "gateway", "Address": address[0],
                   "Port": address[1], "Meta": {"consul-wan-federation": "1"}}
        if wan:
            service["TaggedAddresses"] = {"wan": {"Address": wan[0], "Port": wan[1]}}
        self.put("/v1/catalog/register", {"Node": name, "Address": address[0], "Service": service})


class Joined(Secured):
    """A server whose configuration a command wrote."""

    def __init__(self, binary: str, folder: pathlib.Path, name: str, host: str):
        self.host = host
        Agent.__init__(self, binary, folder / name, name, {
            "client_addr": host, "gossip_wan": WAN, "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}})
        settings = json.loads((self.folder / "agent.json").read_text())
        for key in ("bind_addr", "bootstrap_expect", "connect", "data_dir", "node_name", "server"):
            del settings[key]
        (self.folder / "agent.json").write_text(json.dumps(settings))
        self.ports = settings["ports"]
        self.config = self.folder / "config"

    def start(self, *more: str) -> Agent:
        return super().start("-config-dir", str(self.config), *more)


def run(binary: str, *words: str, at: Server | None = None) -> tuple[int, str, str]:
    flags = ["-http-addr", f"{at.host}:{at.port}", "-token", ROOT] if at else []
    count = 2 if words[0] == "federation" else 1
    done = subprocess.run([binary, *words[:count], *flags, *words[count:]], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def join(binary: str, server: Joined, token: str, *more: str) -> tuple[int, str, str]:
    gateway = () if "-gateway-address" in more else ("-no-gateway",)
    return run(binary, "federation", "join", "-write-only", *gateway, "-bind", server.host, "-node", server.name,
               "-config-dir", str(server.config), "-data-dir", str(server.folder / "data"), *more, token)


def refused(binary: str, server: Joined, token: str, text: str, *more: str) -> None:
    code, out, err = join(binary, server, token, *more)
    assert code == 1 and text in err, (text, code, out, err)
    assert not (server.config / "federation.json").exists()


def complaints(server: Agent) -> list[str]:
    log = (server.folder / "log").read_text("utf-8", "replace")
    # What it says of its own configuration it says always, and once that the other server is not there yet; suspicions
    # are those of a busy machine, and the gateway speaks of whom it had no route for yet.
    usual = re.compile(r"bootstrap_expect|\(LAN\) couldn't join|Join cluster failed|memberlist: (Refuting|Was able)|"
                       r"mesh[-_]gateway: ")
    return [line for line in log.splitlines() if re.search(r"\[(WARN|ERROR)\]", line) and not usual.search(line)]


def check_files(server: Joined) -> dict:
    for name in ("federation.json", "federation-tls/server-key.pem"):
        mode = stat.S_IMODE((server.config / name).stat().st_mode)
        assert mode == 0o600, (name, oct(mode))
    settings = json.loads((server.config / "federation.json").read_text())
    assert settings["datacenter"] == "dc2" and settings["primary_datacenter"] == "dc1", settings
    assert settings["encrypt"] == KEY and settings["bootstrap_expect"] == 2, settings
    return settings


def check_retirement(binary: str, a1: Secured, lan: tuple[str, int], wan: tuple[str, int]) -> None:
    code, out, err = run(binary, "federation", "retire-gateway", "gateway", at=a1)
    assert code == 1 and "no other healthy mesh gateway" in out, (code, out, err)
    a1.gateway(lan, wan, "another")
    eventually("the gateway may go", lambda: run(binary, "federation", "retire-gateway", "gateway", at=a1)[0] == 0)
    code, out, err = run(binary, "federation", "retire-gateway", "none", at=a1)
    assert code == 1 and "another at" in err, (code, out, err)
    print("a gateway may go once others know another one", flush=True)


def check_removal(binary: str, a1: Secured, servers: list[Joined], replication: str) -> None:
    code, out, err = run(binary, "federation", "remove", "dc2", at=a1)
    assert code == 1 and "is alive" in err and "b1.dc2" in err, (code, out, err)
    assert a1.get("/v1/internal/federation-state/dc2")["State"]["Datacenter"] == "dc2"
    for server in servers:
        server.kill()
    for server in servers:
        eventually(f"{server.name} has failed", lambda s=server: a1.wan()[f"{s.name}.dc2"] == 4, 120)
    code, out, err = run(binary, "force-leave", "-wan", "b2.dc2", at=a1)
    assert code == 0, (code, out, err)
    eventually("b2 has left", lambda: a1.wan()["b2.dc2"] == 3)
    code, out, err = run(binary, "federation", "remove", "dc2", at=a1)
    assert code == 0, (code, out, err)
    for text in ("replication token", "agent token of b1", "federation state", "b1.dc2"):
        assert text in out, (text, out)
    assert [state["Datacenter"] for state in a1.get("/v1/internal/federation-states")] == ["dc1"]
    eventually("b1 is no member", lambda: "b1.dc2" not in a1.wan())
    status, body = a1.ask("GET", "/v1/acl/token/self", token=replication)
    assert status == 403, (status, body)
    code, out, err = run(binary, "federation", "remove", "dc9", at=a1)
    assert code == 1 and "nothing is known" in err, (code, out, err)
    assert a1.ask("DELETE", "/v1/internal/federation-state/dc1")[0] == 200
    print("dc2 is forgotten", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        certificates = certificates_in(binary, folder)
        ca = ("-ca", str(folder / "consul-agent-ca.pem"), "-ca-key", str(folder / "consul-agent-ca-key.pem"))
        a1 = Secured(binary, folder, "a1", "dc1", "127.0.6.1", certificates, encrypt=KEY, acl={
            "enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT, "agent": ROOT}})
        b1 = Joined(binary, folder, "b1", "127.0.7.1")
        b2 = Joined(binary, folder, "b2", "127.0.7.2")
        servers = {"a1.server.dc1.consul": (a1.host, a1.ports["server"])}
        servers["server.dc1.consul"] = servers["a1.server.dc1.consul"]
        ports = free_ports(3)
        inner1 = Relay(("127.0.6.9", ports[0]), servers.get)
        own2 = ("127.0.0.1", ports[1])  # the gateway that b1 brings along
        lan1 = Relay(("127.0.6.8", ports[2]), lambda name: servers.get(name) if ".dc1." in name else own2)

        with ended([a1, b1, b2]):
            a1.start()
            a1.wait_leader(60)
            code, out, err = run(binary, "federation", "invite", "-datacenter", "dc2", *ca, at=a1)
            assert code == 1 and "no healthy mesh gateway" in err, (code, out, err)
            a1.gateway(lan1.address, inner1.address)
            eventually("the primary knows its gateway",
                       lambda: a1.get("/v1/internal/federation-invitation")["Faults"] == [])
            code, out, err = run(binary, "federation", "invite", "-datacenter", "dc2", "-ttl", "1m", *ca, at=a1)
            assert code == 0, (code, out, err)
            short = out
            code, token, err = run(binary, "federation", "invite", "-datacenter", "dc2", "-servers", "2", *ca, at=a1)
            assert code == 0 and token.startswith("proconsul-invitation-1-"), (code, token, err)
            # Whoever has used a token, or finds one, finds nothing of the datacenter's secrets in it.
            letters = token[len("proconsul-invitation-1-") + 17:]
            content = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
            assert KEY.encode() not in content
            print("invited", flush=True)

            middle = len(token) // 2
            refused(binary, b1, token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:], "damaged")
            refused(binary, b1, token[:-9], "not whole")
            refused(binary, b1, token, "for datacenter dc2, not for dc3", "-datacenter", "dc3")
            code, out, err = join(binary, b1, token, "-retry-join", f"{b2.host}:{b2.ports['serf_lan']}",
                                  "-gateway-address", f"{own2[0]}:{own2[1]}")
            assert code == 0, (code, out, err)
            settings = check_files(b1)
            code, out, err = join(binary, b1, token)
            assert code == 1 and "has joined already" in err, (code, out, err)
            code, out, err = join(binary, b2, token, "-retry-join", f"{b1.host}:{b1.ports['serf_lan']}")
            assert code == 0, (code, out, err)
            check_files(b2)
            stranger = Joined(binary, folder, "b3", "127.0.7.3")
            refused(binary, stranger, token, "used up, by b1, b2")
            assert all(seen == ("server.dc1.consul", "consul/rpc-multi") for seen in inner1.seen), inner1.seen
            print("redeemed once for each server", flush=True)

            b2.start()
            b1.start()
            b1.wait_leader(90)
            for each in (a1, b1, b2):
                eventually(f"{each.name} knows everybody", lambda s=each: s.knows("a1.dc1", "b1.dc2", "b2.dc2"), 90)
            a1.put("/v1/kv/one", 1)
            b1.put("/v1/kv/two", 2)
            for each in (b1, b2):
                eventually(f"dc1 is read at {each.name}", lambda s=each: reads(s, "dc1", "one", "1"))
            eventually("dc2 is read in dc1", lambda: reads(a1, "dc2", "two", "2"), 90)
            eventually("dc1 knows the gateway of dc2", lambda: a1.get("/v1/internal/federation-state/dc2"))
            for each in (b1, b2):
                eventually(f"{each.name} is in its catalog",
                           lambda s=each: any(n["Node"] == s.name and n["Meta"] for n in b1.get("/v1/catalog/nodes")))
            for each in (b1, b2):
                assert not complaints(each), "\n".join(complaints(each))
            print("joined, without a complaint", flush=True)

            elsewhere = ("-datacenter", "dc9")  # so that it is not redeemed before
            eventually("the other token is over",
                       lambda: "is over since" in join(binary, stranger, short, *elsewhere)[2], 120)
            refused(binary, stranger, short, "is over since")
            check_retirement(binary, a1, lan1.address, inner1.address)
            check_removal(binary, a1, [b1, b2], settings["acl"]["tokens"]["replication"])
        for relay in (inner1, lan1):
            relay.stop()
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
