#!/usr/bin/env python3
"""`federation list`, `status` and `doctor`: two datacenters joined through gateways, which are relays here, with no alarm
while all is well; then one thing after the other is broken, at run time or in the configuration of a further
datacenter, and the doctor has to name it first.

    federation_cli_test.py --binary PATH
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from agent_process import ended, eventually, free_ports
from sni_relay import Relay
from wanfed_test import Server, certificates_in

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
REPLICATION = "aaaaaaaa-0000-0000-0000-000000000002"
WEAK = "aaaaaaaa-0000-0000-0000-000000000003"
UNKNOWN = "aaaaaaaa-0000-0000-0000-000000000009"
RULES = 'acl = "write" operator = "write" service_prefix "" { policy = "read" intentions = "read" }'
SKEW = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec* at) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(id, at);
  if (id == CLOCK_REALTIME) at->tv_sec += 600;
  return done;
}
"""


class Port:
    """Listens, and does with a connection what `greet` does; without it, nothing at all."""

    def __init__(self, greet=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(greet,), daemon=True).start()

    def _accept(self, greet) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.kept.append(client)
                if greet:
                    with contextlib.suppress(OSError):
                        greet(client)
                        client.close()


def says_http(client: socket.socket) -> None:
    client.recv(1)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def ask(server: Server, method: str, path: str, body=None):
    separator = "&" if "?" in path else "?"
    status, answer = server.ask(method, f"{path}{separator}token={ROOT}", json.dumps(body) if body else None, timeout=30)
    assert status == 200, (server.name, path, status, answer)
    return json.loads(answer) if answer else None


class Bench:
    def __init__(self, binary: str):
        self.binary, self.named = binary, 0

    def run(self, server: Server, command: str, *more: str) -> tuple[int, str]:
        done = subprocess.run([self.binary, "federation", command, f"-http-addr={server.host}:{server.port}",
                               f"-token={ROOT}", *more], capture_output=True, text=True, timeout=60)
        assert done.returncode != 1, done
        return done.returncode, done.stdout

    def report(self, server: Server) -> dict:
        code, out = self.run(server, "doctor", "-format=json")
        report = json.loads(out)
        assert code == (0 if report["Healthy"] else 2), (code, out)
        return report

    def healthy(self, server: Server) -> bool:
        report = self.report(server)
        assert report["Healthy"] and not report["Causes"], report["Causes"]
        return True

    def names(self, server: Server, code: str, what: str) -> None:
        def first() -> bool:
            report = self.report(server)
            assert not report["Healthy"] and report["Causes"][0]["Code"] == code, report["Causes"]
            return True
        eventually(f"{server.name} names {code}: {what}", first, 60)
        self.named += 1
        print(f"{self.named}. {what}: {code}", flush=True)


def register(server: Server, lan: tuple[str, int], wan: tuple[str, int] | None, marked: bool = True,
             status: str = "passing") -> None:
    service = {"Kind": "mesh-gateway", "ID": "gateway", "Service": "gateway", "Address": lan[0], "Port": lan[1],
               "Meta": {"consul-wan-federation": "1"} if marked else {}}
    if wan:
        service["TaggedAddresses"] = {"lan": {"Address": lan[0], "Port": lan[1]},
                                      "wan": {"Address": wan[0], "Port": wan[1]}}
    ask(server, "PUT", "/v1/catalog/register",
        {"Node": "gate", "Address": lan[0], "Service": service,
         "Check": {"CheckID": "alive", "Name": "alive", "ServiceID": "gateway", "Status": status}})


def expired_certificate(folder: pathlib.Path, made: tuple[str, str, str], names: list[str]) -> tuple[str, str, str] | None:
    """One that ended some days ago, of the same authority and key."""
    if not shutil.which("openssl"):
        return None
    authority = pathlib.Path(made[0])
    wanted, signed = folder / "expired.csr", folder / "expired.pem"
    (folder / "expired.ext").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
    subprocess.run(["openssl", "req", "-new", "-key", made[2], "-subj", "/CN=" + names[0], "-out", str(wanted)], check=True,
                   capture_output=True, timeout=60)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("1000\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
    done = subprocess.run(["openssl", "ca", "-batch", "-config", str(folder / "ca.cnf"), "-cert", str(authority), "-keyfile",
                           str(authority.with_name("consul-agent-ca-key.pem")), "-in", str(wanted), "-out", str(signed),
                           "-notext", "-extfile", str(folder / "expired.ext"), "-startdate", "20200101000000Z",
                           "-enddate", "20200201000000Z"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return made[0], str(signed), made[2]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    bench = Bench(binary)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        certificates = certificates_in(binary, folder)
        (folder / "rogue").mkdir()
        rogue = certificates_in(binary, folder / "rogue")
        acl = {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT}}
        a1 = Server(binary, folder, "a1", "dc1", "127.0.6.1", certificates, acl=acl)
        servers = {"a1.server.dc1.consul": (a1.host, a1.ports["server"])}
        servers["server.dc1.consul"] = servers["a1.server.dc1.consul"]
        ports = free_ports(5)
        others: dict[str, tuple[str, int]] = {}  # gateways of further datacenters
        wan2: list[tuple[str, int]] = [("127.0.8.2", ports[4])]  # where dc1's gateway finds dc2

        direct = Relay(("127.0.0.1", ports[0]), lambda name: servers.get(name) if ".dc1." in name else None)
        lan1 = Relay(("127.0.6.9", ports[1]), lambda name: servers.get(name) if ".dc1." in name else
                     others.get(name.split(".")[-2], wan2[0]))
        lan2 = Relay(("127.0.7.9", ports[2]), lambda name: servers.get(name) if ".dc2." in name else
                     others.get(name.split(".")[-2], inner1.address))
        inner1 = Relay(("127.0.8.1", ports[3]), lambda name: servers.get(name) if ".dc1." in name else None)
        inner2 = Relay(wan2[0], lambda name: servers.get(name) if ".dc2." in name else None)
        b1 = Server(binary, folder, "b1", "dc2", "127.0.7.1", certificates, primary_gateways=[text(direct.address)],
                    acl=acl | {"enable_token_replication": True, "tokens": {"replication": REPLICATION}})
        servers["b1.server.dc2.consul"] = servers["server.dc2.consul"] = (b1.host, b1.ports["server"])
        agents = [a1, b1]
        with ended(agents):
            a1.start()
            eventually("a1 leads", lambda: ask(a1, "GET", "/v1/status/leader"))
            eventually("a1 takes policies", lambda: ask(a1, "PUT", "/v1/acl/policy", {"Name": "copy", "Rules": RULES}))
            ask(a1, "PUT", "/v1/acl/policy", {"Name": "weak", "Rules": 'acl = "write"'})
            ask(a1, "PUT", "/v1/acl/token", {"SecretID": REPLICATION, "Policies": [{"Name": "copy"}]})
            weak = ask(a1, "PUT", "/v1/acl/token", {"SecretID": WEAK, "Policies": [{"Name": "weak"}]})
            eventually("a primary alone is healthy", lambda: bench.healthy(a1))
            register(a1, lan1.address, inner1.address)
            b1.start()
            eventually("b1 leads", lambda: ask(b1, "GET", "/v1/status/leader"))
            bench.names(b1, "no-gateway", "a secondary without a gateway")
            register(b1, lan2.address, inner2.address)
            for server in (a1, b1):
                eventually(f"{server.name} sees no fault", lambda s=server: bench.healthy(s), 90)

            # What it began by the direct way moves soon.
            code, out = eventually("the local gateway is the way",
                                   lambda: (shown := bench.run(b1, "list")) and "local gateway" in shown[1] and shown)
            assert code == 0 and "dc2 (own)" in out, out
            code, out = bench.run(b1, "status")
            assert code == 0 and "ACL tokens" in out and "through mesh gateways" in out, out
            code, out = bench.run(b1, "status", "-format=json")
            status = json.loads(out)
            assert {row["Name"]: row["State"] for row in status["Datacenters"]} == {"dc1": "ok", "dc2": "ok"}, status
            code, out = bench.run(a1, "doctor", "-datacenter=dc2")
            assert code == 0 and "b1 of dc2 sees it" in out, out
            for secret in (ROOT, REPLICATION, UNKNOWN):
                assert secret not in json.dumps(bench.report(b1)), "a secret is shown"
            print("healthy", flush=True)

            # ---- gateways as they are registered
            register(b1, lan2.address, inner2.address, marked=False)
            bench.names(b1, "gateway-unmarked", "the gateway is not marked")
            register(b1, lan2.address, inner2.address, status="critical")
            bench.names(b1, "gateways-critical", "the gateway is critical")
            bench.names(a1, "gateways-critical", "the gateway there is critical")
            register(b1, lan2.address, ("0.0.0.0", 443))
            bench.names(b1, "gateway-wan-address", "a wan address that is none")
            nowhere = ("127.0.8.3", free_ports(1)[0])
            wan2.insert(0, nowhere)
            inner2.stop()
            register(b1, lan2.address, nowhere)
            bench.names(b1, "wan-address-unreachable", "a wrong wan address")
            register(b1, lan2.address, None)
            bench.names(b1, "gateway-without-wan-address", "no wan address")
            wan2[0] = inner1.address
            register(b1, lan2.address, inner1.address)
            bench.names(a1, "gateway-address-twice", "both with the same wan address")
            wan2.pop(0)
            inner2.start()
            register(b1, lan2.address, inner2.address)
            ask(a1, "PUT", "/v1/catalog/deregister", {"Node": "gate"})
            bench.names(a1, "no-gateway", "the primary without a gateway")
            register(a1, lan1.address, inner1.address)
            for server in (a1, b1):
                eventually(f"{server.name} is healed", lambda s=server: bench.healthy(s), 90)

            # ---- a way that is not needed
            direct.stop()
            report = eventually("a dead primary gateway is warned of", lambda: (r := bench.report(b1))["Causes"] and r)
            assert report["Healthy"] and report["Causes"][0]["Code"] == "gateway-refuses", report["Causes"]
            direct.start()

            # ---- the replication token
            def replication(token: str) -> None:
                ask(b1, "PUT", "/v1/agent/token/replication", {"Token": token})
            replication("")
            bench.names(b1, "replication-token-missing", "no replication token")
            replication(UNKNOWN)
            bench.names(b1, "replication-token-unknown", "a wrong replication token")
            replication(WEAK)
            bench.names(b1, "replication-token-rights", "a replication token with too few rights")
            ask(a1, "DELETE", f"/v1/acl/token/{weak['AccessorID']}")
            bench.names(b1, "replication-token-unknown", "a replication token that was deleted")
            replication(REPLICATION)
            eventually("b1 copies again", lambda: bench.healthy(b1), 180)

            # ---- what does not start well
            def further(name: str, dc: str, made=certificates, node: str = "", **more) -> Server:
                server = Server(binary, folder, node or name, dc, f"127.0.9.{len(agents)}", made,
                                **({"primary_gateways": [text(direct.address)]} | more))
                agents.append(server)
                return server

            # ---- clocks
            compiler = shutil.which("cc") or shutil.which("clang-19")
            if compiler:
                (folder / "skew.c").write_text(SKEW)
                subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "skew.so"), str(folder / "skew.c"), "-ldl"],
                               check=True, timeout=120)
                late = further("late", "dc8", acl=acl | {"enable_token_replication": True,
                                                         "tokens": {"replication": REPLICATION}})
                late.binary = str(folder / "late.sh")
                pathlib.Path(late.binary).write_text(f'#!/bin/sh\nLD_PRELOAD={folder}/skew.so exec {binary} "$@"\n')
                pathlib.Path(late.binary).chmod(0o755)
                late.start()
                eventually("it answers", lambda: ask(late, "GET", "/v1/status/leader"))
                eventually("it knows the token", lambda: ask(late, "GET", "/v1/internal/federation-states") is not None)
                servers["server.dc8.consul"] = servers["late.server.dc8.consul"] = (late.host, late.ports["server"])
                outward = {"dc1": inner1.address, "dc2": inner2.address}
                lan8 = Relay(("127.0.0.1", 0), lambda name: outward.get(name.split(".")[-2], servers.get(name)))
                others["dc8"] = lan8.address
                register(late, lan8.address, lan8.address)
                bench.names(late, "clock", "a clock that is ten minutes ahead")
                late.kill()
                lan8.stop()

            hangs_up, http, black_hole = Port(lambda client: None), Port(says_http), Port()
            astray = Relay(("127.0.0.1", 0), lambda name: servers["b1.server.dc2.consul"])
            closed = free_ports(1)[0]

            def of_node(other: str):
                return lambda node, dc: certificates(other, dc)

            def of_datacenter(other: str):
                return lambda node, dc: certificates(node, other)

            def ended_certificate(node: str, dc: str):
                return expired_certificate(folder, certificates(node, dc),
                                           [f"server.{dc}.consul", f"{node}.server.{dc}.consul"])
            off = {"connect": {"enabled": True}}
            cases = [
                ("gateway-refuses", "nobody listens", dict(primary_gateways=[f"127.0.0.1:{closed}"])),
                ("not-a-gateway", "a web server", dict(primary_gateways=[text(http.address)])),
                ("gateway-closes", "a port that hangs up", dict(primary_gateways=[text(hangs_up.address)])),
                ("gateway-silent", "a black hole", dict(primary_gateways=[text(black_hole.address)])),
                ("name-unresolved", "a name that nobody knows", dict(primary_gateways=["nowhere.invalid:443"])),
                ("certificate-of-other-datacenter", "the gateway of another datacenter",
                 dict(primary_gateways=[text(astray.address)])),
                ("no-primary-gateways", "no primary_gateways", dict(primary_gateways=[])),
                ("gateway-closes", "another primary_datacenter", dict(primary_datacenter="dc99")),
                ("unknown-authority", "another CA", dict(made=rogue)),
                ("certificate-names", "a certificate without the node's name", dict(made=of_node("other"))),
                ("certificate-names", "a certificate of another datacenter", dict(made=of_datacenter("dc77"))),
                ("gossip-key-differs", "another gossip key",
                 dict(encrypt="pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=")),
                ("dotted-node-name", "a dot in the node's name", dict(node="v.dotted")),
                ("mode-off", "gateways, but not the mode", off),
                ("no-retry-join-wan", "nobody to join", dict(primary_gateways=[]) | off),
            ]
            if shutil.which("openssl"):
                cases.append(("certificate-expired", "an expired certificate", dict(made=ended_certificate)))
            started = []
            for number, (code, what, more) in enumerate(cases):
                server = further(f"v{number}", f"dc{number + 10}", **more)
                server.start()
                started.append((server, code, what))
            for server, code, what in started:
                eventually(f"{server.name} answers", lambda s=server: ask(s, "GET", "/v1/status/leader"))
                bench.names(server, code, what)
                server.kill()

            # ---- the other datacenter is gone
            for relay in (lan2, direct, inner1):
                relay.stop()
            bench.names(b1, "gateway-refuses", "all gateways are gone")
            for relay in (lan2, direct, inner1):
                relay.start()
            a1.kill()
            bench.names(b1, "gateway-has-no-way", "the primary is gone")
        for relay in (direct, lan1, lan2, inner1, inner2, astray):
            relay.stop()
    assert bench.named >= 25, bench.named
    print(f"ok: {bench.named} broken set-ups")
    return 0


if __name__ == "__main__":
    sys.exit(main())
