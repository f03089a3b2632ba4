#!/usr/bin/env python3
"""The gRPC ports of servers and of a client agent, as a client hears them that is none of ours (curl).

    grpc_ports_test.py --binary PATH
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from agent_process import Agent, ended, eventually

BINARY = ""
ROOT = "11111111-1111-4111-8111-111111111111"
PREFIX = "/hashicorp.consul."
FEATURES = PREFIX + "dataplane.DataplaneService/GetSupportedDataplaneFeatures"
BOOTSTRAP = PREFIX + "dataplane.DataplaneService/GetEnvoyBootstrapParams"
QUERY = PREFIX + "dns.DNSService/Query"
SERVERS = PREFIX + "serverdiscovery.ServerDiscoveryService/WatchServers"
ROOTS = PREFIX + "connectca.ConnectCAService/WatchRoots"
SIGN = PREFIX + "connectca.ConnectCAService/Sign"
LOGIN = PREFIX + "acl.ACLService/Login"
LOGOUT = PREFIX + "acl.ACLService/Logout"
TRANSFER = PREFIX + "internal.operator.OperatorService/TransferLeader"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
OK, UNKNOWN, INVALID, NOT_FOUND, DENIED, PRECONDITION, UNIMPLEMENTED, INTERNAL, NOBODY = 0, 2, 3, 5, 7, 9, 12, 13, 16


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number: int, value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data: bytes) -> dict:
    """The fields of a message: lists of numbers and bytes by number."""
    out: dict = {}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        else:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        out.setdefault(tag >> 3, []).append(value)
    return out


class Call:
    """One call: its status and messages. A stream is heard for `seconds`."""

    def __init__(self, port: int, path: str, message: bytes = b"", token: str = "", seconds: float = 20,
                 more: tuple = (), scheme: str = "http", host: str = "127.0.0.1"):
        metadata = ["-H", f"x-consul-token: {token}"] if token else []
        arguments = ["curl", "-sSN", "--http2-prior-knowledge" if scheme == "http" else "--http2", "-m", str(seconds),
                     "-H", "content-type: application/grpc", "-H", "te: trailers", *metadata, *more,
                     "--data-binary", "@-", f"{scheme}://{host}:{port}{path}"]
        for _ in range(10):
            with tempfile.NamedTemporaryFile() as heads:
                asked = subprocess.run([*arguments, "-D", heads.name],
                                       input=b"\0" + len(message).to_bytes(4, "big") + message, capture_output=True,
                                       timeout=seconds + 20)
                head = pathlib.Path(heads.name).read_text("utf-8", "replace")
            # An answer that came before curl had sent its body, and ended the stream as gRPC's servers do, is lost to it:
            # it says that the stream, or the connection, was not closed cleanly.
            if asked.returncode in (0, 28) or "grpc-status" in head:
                break
        self.curl = (asked.returncode, asked.stderr.decode())
        found = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        self.code = int(found.get("grpc-status", -1))  # -1: it goes on, or there was no answer
        self.text = found.get("grpc-message", "")
        self.messages = []
        rest = asked.stdout
        while len(rest) >= 5:
            size = int.from_bytes(rest[1:5], "big")
            self.messages.append(rest[5:5 + size])
            rest = rest[5 + size:]

    def end(self) -> tuple[int, str]:
        return self.code, self.text


def question(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return bytes.fromhex("123401000001000000000000") + labels + b"\0\0\1\0\1"


def address_of(answer: bytes) -> str:
    """The data of the last record of a DNS message inside an answer: an address."""
    return ".".join(str(byte) for byte in fields(answer)[1][0][-4:])


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certify(folder: pathlib.Path, name: str) -> dict:
    """An authority, and a certificate of it for 127.0.0.1."""
    ca, key, pem = folder / f"{name}-ca.pem", folder / f"{name}-key.pem", folder / f"{name}.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name} ca", "-keyout", f"{folder}/{name}-ca-key.pem", "-out", str(ca))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(key), "-out", f"{folder}/{name}.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", str(ca), "-CAkey", f"{folder}/{name}-ca-key.pem",
            "-CAcreateserial", "-days", "2", "-extfile", f"{folder}/names", "-out", str(pem))
    return {"ca_file": str(ca), "cert_file": str(pem), "key_file": str(key)}


def csr_for(folder: pathlib.Path, uri: str) -> bytes:
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
            "-addext", f"subjectAltName=URI:{uri}", "-keyout", f"{folder}/leaf-key.pem", "-out", f"{folder}/leaf.csr")
    return (folder / "leaf.csr").read_bytes()


class GrpcPorts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="proconsul-grpc-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def agent(self, name: str, config: dict) -> Agent:
        agent = Agent(BINARY, self.folder / name, name, config)
        agent.ports = json.loads((agent.folder / "agent.json").read_text())["ports"]
        return agent

    def server(self, config: dict) -> Agent:
        return self.agent("s1", {"connect": {"enabled": True}} | config)

    def test_a_server_that_denies_by_default(self):
        server = self.server({"acl": {"enabled": True, "default_policy": "deny",
                                      "tokens": {"initial_management": ROOT}}})
        with ended([server]):
            server.start()
            port = server.ports["grpc"]
            eventually("the anonymous token is there",
                       lambda: Call(port, FEATURES).text.startswith("An ACL token must be provided"))
            self.assertEqual(
                Call(port, FEATURES).end(),
                (NOBODY, "An ACL token must be provided (via the `x-consul-token` metadata field) to call this endpoint"))
            features = eventually("the token is there", lambda: Call(port, FEATURES, token=ROOT).messages)
            self.assertEqual(Call(port, FEATURES, token="nobody's").end(), (NOBODY, "ACL not found"))
            self.assertEqual(features, [bytes.fromhex("0a0408011001" "0a0408021001" "0a0408031001" "0a020804")])

            found = eventually("the server's own service",
                               lambda: Call(port, BOOTSTRAP, field(2, "s1") + field(6, "consul"), ROOT).messages)
            refused = Call(port, BOOTSTRAP, field(2, "s1") + field(6, "consul"))
            self.assertEqual(refused.code, DENIED)
            self.assertIn("lacks permission 'service:read' on \"consul\"", refused.text)
            found = fields(found[0])
            self.assertEqual({number: value[0] for number, value in found.items()},
                             {2: b"consul", 3: b"default", 4: b"default", 5: b"dc1", 6: b"", 8: b"s1", 10: b"consul"})

            # DNS looks with the token of the call.
            ask = field(1, question("consul.service.consul")) + field(2, 2)
            self.assertEqual(address_of(Call(port, QUERY, ask, ROOT).messages[0]), "127.0.0.1")
            self.assertEqual(fields(Call(port, QUERY, ask).messages[0])[1][0][3] & 15, 3)  # NXDOMAIN

            self.assertEqual(Call(port, SERVERS, seconds=10).code, NOBODY)
            servers = Call(port, SERVERS, token=ROOT, seconds=6)
            self.assertEqual(servers.code, -1)  # the stream goes on
            self.assertEqual(fields(fields(servers.messages[0])[1][0])[2], [b"127.0.0.1"])

            refused = Call(port, TRANSFER, field(1, "s2"))
            self.assertEqual(refused.code, UNKNOWN)
            self.assertIn("lacks permission 'operator:write'", refused.text)
            self.assertEqual(Call(port, TRANSFER, field(1, "s2"), ROOT).end(),
                             (UNKNOWN, "Could not find address for server id s2"))
            self.assertEqual(Call(port, TRANSFER, b"\x0a\xff", ROOT).code, INTERNAL)

            self.assertEqual(Call(port, LOGIN, field(1, "nobody")).end(),
                             (INVALID, 'auth method "nobody" not found'))
            self.assertEqual(Call(port, LOGOUT).end(), (INVALID, "token is required"))
            self.assertEqual(Call(port, LOGOUT, field(1, "unknown")).code, OK)
            self.assertEqual(Call(port, LOGOUT, field(1, ROOT)).end(),
                             (DENIED, "Permission denied: token wasn't created via login"))

    def test_certificates_and_what_is_wrong(self):
        server = self.server({})
        with ended([server]):
            server.start().wait_leader()
            port = server.ports["grpc"]
            roots = eventually("the authority is there",
                               lambda: Call(port, ROOTS, seconds=4).messages)
            domain = fields(roots[0])[2][0].decode()
            self.assertTrue(domain.endswith(".consul"), domain)
            csr = csr_for(self.folder, f"spiffe://{domain}/ns/default/dc/dc1/svc/web")
            signed = Call(port, SIGN, field(1, csr))
            self.assertEqual(signed.end(), (OK, ""))
            self.assertIn(b"BEGIN CERTIFICATE", fields(signed.messages[0])[2][0])
            self.assertEqual(Call(port, SIGN).end(), (INVALID, "CSR is required"))
            self.assertEqual(Call(port, SIGN, field(1, "abc")).end(), (INVALID, "no PEM-encoded data found"))
            elsewhere = csr_for(self.folder, f"spiffe://{domain}/ns/default/dc/dc9/svc/web")
            self.assertEqual(Call(port, SIGN, field(1, elsewhere)).end(),
                             (INVALID, "SPIFFE ID in CSR from a different datacenter: dc9, we are dc1"))

            self.assertEqual(Call(port, "/grpc.health.v1.Health/Check").end(),
                             (UNIMPLEMENTED, "unknown service grpc.health.v1.Health"))
            self.assertEqual(Call(port, LOGIN).end(), (PRECONDITION, "ACL support disabled"))
            self.assertEqual(Call(port, QUERY).end(),
                             (INVALID, "error protocol type not set: PROTOCOL_UNSET_UNSPECIFIED"))
            self.assertEqual(Call(port, QUERY, field(1, "abc") + field(2, 1)).end(),
                             (INTERNAL, "failure decoding dns request: dns: overflow unpacking uint16"))
            self.assertEqual(Call(port, BOOTSTRAP).end(),
                             (INVALID, "Node ID or name required to lookup the service"))
            self.assertEqual(Call(port, BOOTSTRAP, field(2, "nowhere")).end(), (NOT_FOUND, "node not found"))
            self.assertEqual(Call(port, FEATURES, b"\x08").end(),
                             (INTERNAL, "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"))

            listed = fields(fields(Call(port, REFLECTION, field(7, "")).messages[0])[6][0])[1]
            names = [fields(each)[1][0].decode() for each in listed]
            self.assertIn("hashicorp.consul.dns.DNSService", names)
            self.assertIn("grpc.reflection.v1alpha.ServerReflection", names)
            self.assertEqual(names, sorted(names))

    def test_tls_and_a_reload_of_its_certificate(self):
        first, second = certify(self.folder, "first"), certify(self.folder, "second")
        server = self.server({"tls": {"grpc": first | {"verify_incoming": True}}})
        with ended([server]):
            server.start().wait_leader()
            port = server.ports["grpc_tls"]

            def features(authority: dict, shown: dict | None = None) -> Call:
                more = ["--cacert", authority["ca_file"]]
                if shown:
                    more += ["--cert", shown["cert_file"], "--key", shown["key_file"]]
                return Call(port, FEATURES, more=tuple(more), scheme="https")

            self.assertEqual(features(first, first).end(), (OK, ""))
            self.assertNotEqual(features(first).curl[0], 0)  # without a certificate
            self.assertNotEqual(features(second, first).curl[0], 0)
            self.assertNotEqual(Call(port, FEATURES, seconds=5).curl[0], 0)  # without TLS

            config = json.loads((server.folder / "agent.json").read_text())
            config["tls"]["grpc"] = second
            (server.folder / "agent.json").write_text(json.dumps(config))
            self.assertEqual(server.ask("PUT", "/v1/agent/reload")[0], 200)
            self.assertEqual(features(second).end(), (OK, ""))
            self.assertNotEqual(features(first, first).curl[0], 0)

    def test_no_certificate_and_no_port(self):
        server = self.server({"connect": {"enabled": False}})  # with the mesh it soon has one for peers
        with ended([server]):
            server.start("-hcl", "ports { grpc = -1 }").wait_leader()
            self.assertNotEqual(Call(server.ports["grpc_tls"], FEATURES, more=("-k",), scheme="https").curl[0], 0)
            self.assertEqual(Call(server.ports["grpc"], FEATURES).curl[0], 7)  # refused

    def test_a_client_agent_has_its_server_answer(self):
        server = self.server({})
        client = self.agent("c1", {"server": False, "bootstrap_expect": 0})
        with ended([server, client]):
            server.start().wait_leader()
            client.start("-retry-join", f"127.0.0.1:{server.ports['serf_lan']}")
            port = client.ports["grpc"]
            roots = eventually("the client knows its server", lambda: Call(port, ROOTS, seconds=5).messages)
            self.assertEqual(roots[0], Call(server.ports["grpc"], ROOTS, seconds=4).messages[0])
            self.assertEqual(Call(port, SIGN).end(), (INVALID, "CSR is required"))
            ask = field(1, question("consul.service.consul")) + field(2, 1)
            self.assertEqual(address_of(Call(port, QUERY, ask).messages[0]), "127.0.0.1")
            self.assertEqual(Call(port, TRANSFER, field(1, "s2")).end(),
                             (UNKNOWN, "Could not find address for server id s2"))
            # What servers do not have on the server port, and what is not theirs.
            self.assertEqual(Call(port, FEATURES).end(),
                             (UNIMPLEMENTED, "unknown service hashicorp.consul.dataplane.DataplaneService"))
            self.assertEqual(Call(port, REFLECTION).end(), (UNIMPLEMENTED, "Unknown method " + REFLECTION))

    def test_limits_of_requests(self):
        server = self.server({"limits": {"request_limits": {"mode": "enforcing", "read_rate": 0, "write_rate": -1}}})
        with ended([server]):
            server.start()
            port = server.ports["grpc"]
            refused = eventually("it listens", lambda: (call := Call(port, FEATURES)).code >= 0 and call)
            self.assertEqual(refused.end(), (8, "rate limit exceeded, try again later or against a different server"))
            self.assertEqual(Call(port, LOGIN).end(), (PRECONDITION, "ACL support disabled"))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    options, rest = arguments.parse_known_args()
    BINARY = str(pathlib.Path(options.binary).resolve())
    unittest.main(argv=[sys.argv[0], *rest])
