#!/usr/bin/env python3
"""The mesh's certificate authority: a root that survives kill -9 and is exchanged, certificates that openssl believes, an
intermediate in a second datacenter, and a client agent that speaks TLS with a certificate of the servers.

    connect_ca_test.py --binary PATH
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import grpc_ports_test as grpc
from agent_process import ended, eventually
from wan_test import Member

MESH = {"connect": {"enabled": True}}
ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
WEB = "aaaaaaaa-0000-0000-0000-000000000002"
OTHER = "aaaaaaaa-0000-0000-0000-000000000003"


def roots(server: Member) -> dict:
    def found():
        shown = server.get("/v1/connect/ca/roots")
        return shown if shown and shown["ActiveRootID"] else None

    return eventually(f"{server.name} has roots", found)


def active(server: Member) -> dict:
    found = roots(server)
    return next(root for root in found["Roots"] if root["ID"] == found["ActiveRootID"])


def leaf(server: Member, service: str, query: str = "") -> dict:
    return server.get(f"/v1/agent/connect/ca/leaf/{service}{query}")


def believed(folder: pathlib.Path, root: dict, certificate: dict) -> None:
    """By openssl, with the root alone and what came with the certificate."""
    parts = certificate["CertPEM"].split("-----END CERTIFICATE-----\n")[:-1]
    parts = [part + "-----END CERTIFICATE-----\n" for part in parts]
    for name, text in (("root.pem", root["RootCert"]), ("leaf.pem", parts[0]), ("between.pem", "".join(parts[1:])),
                       ("key.pem", certificate["PrivateKeyPEM"])):
        (folder / name).write_text(text)
    between = ["-untrusted", folder / "between.pem"] if parts[1:] else []
    for purpose in ("sslserver", "sslclient"):
        checked = subprocess.run(["openssl", "verify", "-purpose", purpose, "-CAfile", folder / "root.pem", *between,
                                  folder / "leaf.pem"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    public = [subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout for words in (
        ["x509", "-in", folder / "leaf.pem", "-noout", "-pubkey"], ["pkey", "-in", folder / "key.pem", "-pubout"])]
    assert public[0] == public[1]


def rotate(server: Member, **config) -> None:
    server.put("/v1/connect/ca/configuration", {"Provider": "consul", "Config": config})


def check_rotation(folder: pathlib.Path, server: Member) -> None:
    first = active(server)
    old = leaf(server, "web")
    believed(folder, first, old)
    assert leaf(server, "web") == old

    rotate(server, LeafCertTTL="48h")
    assert active(server)["ID"] == first["ID"]
    rotate(server, LeafCertTTL="48h", PrivateKeyType="rsa", PrivateKeyBits=2048)
    second = active(server)
    assert second["ID"] != first["ID"] and len(roots(server)["Roots"]) == 2
    assert (second["PrivateKeyType"], second["PrivateKeyBits"], len(second["IntermediateCerts"])) == ("rsa", 2048, 1)
    # Under another root certificates are exchanged within half a minute, not all at once.
    status, text = server.ask("GET", f"/v1/agent/connect/ca/leaf/web?index={old['ModifyIndex']}&wait=60s", timeout=90)
    assert status == 200, text
    new = json.loads(text)
    assert new["SerialNumber"] != old["SerialNumber"] and new["PrivateKeyPEM"] != old["PrivateKeyPEM"]
    believed(folder, second, new)
    believed(folder, first, new)  # who only knows the old root

    status, text = server.ask("PUT", "/v1/connect/ca/configuration", json.dumps({"Provider": "vault", "Config": {}}))
    assert status == 500 and b"not built into this agent" in text, (status, text)
    assert active(server)["ID"] == second["ID"]


def check_restart(folder: pathlib.Path, server: Member) -> None:
    before = roots(server)
    server.kill()
    server.start().wait_leader()
    assert roots(server) == before
    believed(folder, active(server), eventually("it signs", lambda: leaf(server, "web")))


def check_secondary(folder: pathlib.Path, a1: Member, b1: Member) -> None:
    def follows() -> bool:
        return active(b1)["ID"] == active(a1)["ID"] and active(b1)["SigningKeyID"] != active(a1)["SigningKeyID"]

    eventually("dc2 has an intermediate", follows, 90)
    assert roots(b1)["TrustDomain"] == roots(a1)["TrustDomain"]
    certificate = eventually("dc2 signs", lambda: leaf(b1, "db"))
    assert certificate["ServiceURI"].endswith("/ns/default/dc/dc2/svc/db")
    believed(folder, active(a1), certificate)

    before = active(a1)["ID"]
    rotate(a1, PrivateKeyBits=384)
    assert active(a1)["ID"] != before
    eventually("dc2 has another one", follows, 90)
    believed(folder, active(a1), eventually("dc2 signs", lambda: (c := leaf(b1, "db")) != certificate and c))
    status, text = b1.ask("GET", "/v1/agent/connect/ca/leaf/far?dc=dc1", timeout=30)
    assert status == 200 and json.loads(text)["ServiceURI"].endswith("/dc/dc1/svc/far"), (status, text)


def check_permissions(server: Member) -> None:
    """Whoever may not have a certificate made does not get one that was made for another."""
    def code(token: str, path: str) -> int:
        connection = server.connection(30)
        connection.request("GET", path, headers={"X-Consul-Token": token})
        return connection.getresponse().status

    for token, service in ((WEB, "web"), (OTHER, "other")):
        status, text = server.ask("PUT", f"/v1/acl/token?token={ROOT}", json.dumps(
            {"SecretID": token, "ServiceIdentities": [{"ServiceName": service}]}))
        assert status == 200, text
    path = "/v1/agent/connect/ca/leaf/web"
    assert code(OTHER, path) == 403
    assert code(WEB, path) == 200
    for _ in range(2):
        assert code(OTHER, path) == 403
        assert code("", path) == 403
        assert code("no-such-token", path) == 403
        assert code(WEB, path) == 200
    assert code("", "/v1/connect/ca/configuration") == 403 and code(ROOT, "/v1/connect/ca/configuration") == 200


def make_tls(binary: str, folder: pathlib.Path) -> dict:
    for words in (["ca", "create"], ["cert", "create", "-server", "-dc", "dc1"]):
        subprocess.run([binary, "tls", *words], cwd=folder, check=True, capture_output=True)
    return {"ca_file": str(folder / "consul-agent-ca.pem"), "cert_file": str(folder / "dc1-server-consul-0.pem"),
            "key_file": str(folder / "dc1-server-consul-0-key.pem")}


def check_auto_encrypt(binary: str, folder: pathlib.Path, agents: list[Member]) -> None:
    files = make_tls(binary, folder)
    rules = {"verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}
    server = Member(binary, folder, "t1", "dc1", 8, 1, **MESH, auto_encrypt={"allow_tls": True},
                    tls={"internal_rpc": files | rules})
    agents.append(server.start())
    server.wait_leader()
    first = active(server)
    # Only its server's CA is known to it; and the port, since in this test it is no usual one.
    client = Member(binary, folder, "t2", "dc1", 9, 0, **MESH, server=False,
                    retry_join=[f"{server.host}:{server.ports['serf_lan']}"], auto_encrypt={"tls": True},
                    tls={"internal_rpc": {"ca_file": files["ca_file"], "verify_outgoing": True}})
    text = (client.folder / "agent.json").read_text()
    settings = json.loads(text)
    del settings["bootstrap_expect"]
    settings["ports"]["server"] = server.ports["server"]
    (client.folder / "agent.json").write_text(json.dumps(settings))
    agents.append(client.start())

    def registered(name: str) -> bool:
        client.put("/v1/agent/service/register", {"Name": name})
        return bool(server.get(f"/v1/catalog/service/{name}"))

    eventually("the client can call", lambda: registered("one"), 60)
    assert not list((client.folder / "data").rglob("*.pem")) and not list((client.folder / "data").rglob("*key*"))
    rotate(server, PrivateKeyBits=384)
    assert active(server)["ID"] != first["ID"]
    eventually("it still can", lambda: registered("two"), 60)
    # Programs reach its gRPC port by that certificate, which the mesh's authority signed for localhost.
    (folder / "roots.pem").write_text("".join(root["RootCert"] for root in roots(server)["Roots"]))
    port, here = client.ports["grpc_tls"], f"localhost:{client.ports['grpc_tls']}:{client.host}"
    more = ("--cacert", str(folder / "roots.pem"), "--resolve", here)
    heard = grpc.Call(port, grpc.ROOTS, seconds=8, more=more, scheme="https", host="localhost")
    assert heard.messages and b"BEGIN CERTIFICATE" in heard.messages[0], (heard.end(), heard.curl)
    certificate = leaf(client, "one")
    believed(folder, active(server), certificate)
    # A server that comes back asks for certificates again.
    server.kill()
    server.start().wait_leader()
    eventually("it can again", lambda: registered("three"), 60)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as base:
        folder, agents = pathlib.Path(base), []
        with ended(agents):
            a1 = Member(binary, folder, "a1", "dc1", 1, 1, **MESH)
            agents.append(a1.start())
            a1.wait_leader()
            check_rotation(folder, a1)
            check_restart(folder, a1)
            b1 = Member(binary, folder, "b1", "dc2", 2, 1, **MESH,
                        retry_join_wan=[f"{a1.host}:{a1.ports['serf_wan']}"])
            agents.append(b1.start())
            check_secondary(folder, a1, b1)
            guarded = Member(binary, folder, "g1", "dc1", 3, 1, **MESH, acl={
                "enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT}})
            agents.append(guarded.start())
            eventually("there is a root token", lambda: guarded.ask("GET", f"/v1/acl/tokens?token={ROOT}")[0] == 200)
            eventually("there are roots", lambda: guarded.get("/v1/connect/ca/roots"))
            check_permissions(guarded)
            check_auto_encrypt(binary, folder, agents)
    print("roots, rotation, restart, another datacenter, permissions and auto_encrypt: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
