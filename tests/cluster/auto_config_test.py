#!/usr/bin/env python3
"""A server with TLS, a gossip key and ACLs introduces clients that know its address and a token of an issuer that it
trusts, and nothing else; what they were told outlives a restart without servers, and nobody else is introduced.

    auto_config_test.py --binary PATH
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from agent_process import ended, eventually
from identity_server import Issuer
from wan_test import Member

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
AUTHORIZATION = {"bound_audiences": ["consul"], "bound_issuer": "test", "claim_mappings": {"sub": "node"},
                 "claim_assertions": ['value.node == "${node}"']}


def make_tls(binary: str, folder: pathlib.Path) -> dict:
    for words in (["ca", "create"], ["cert", "create", "-server", "-dc", "dc1"]):
        subprocess.run([binary, "tls", *words], cwd=folder, check=True, capture_output=True)
    return {"ca_file": str(folder / "consul-agent-ca.pem"), "cert_file": str(folder / "dc1-server-consul-0.pem"),
            "key_file": str(folder / "dc1-server-consul-0-key.pem")}


def make_server(binary: str, folder: pathlib.Path, issuer: Issuer, files: dict) -> Member:
    static = AUTHORIZATION | {"jwt_validation_pub_keys": [issuer.public_pem()]}
    return Member(binary, folder, "s1", "dc1", 21, 1, connect={"enabled": True},
                  encrypt=base64.b64encode(bytes(range(32))).decode(),
                  acl={"enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT}},
                  tls={"internal_rpc": files | {"verify_incoming": True, "verify_outgoing": True,
                                                "verify_server_hostname": True}},
                  auto_config={"authorization": {"enabled": True, "static": static}})


def make_client(binary: str, folder: pathlib.Path, server: Member, files: dict, name: str, number: int,
                token: str) -> Member:
    client = Member(binary, folder, name, "dc1", number, 0, server=False, connect={"enabled": False},
                    tls={"internal_rpc": {"ca_file": files["ca_file"], "verify_outgoing": True}},
                    auto_config={"enabled": True, "intro_token": token,
                                 "server_addresses": [f"{server.host}:{server.ports['server']}"]})
    settings = json.loads((client.folder / "agent.json").read_text())
    for of_servers in ("bootstrap_expect", "datacenter", "primary_datacenter", "gossip_wan"):
        del settings[of_servers]
    (client.folder / "agent.json").write_text(json.dumps(settings))
    return client


def with_token(server: Member, path: str):
    status, body = server.ask("GET", f"{path}{'&' if '?' in path else '?'}token={ROOT}")
    assert status == 200, (status, body)
    return json.loads(body)


def kept(client: Member) -> pathlib.Path:
    return client.folder / "data" / "auto-config.json"


def check_introduced(server: Member, client: Member) -> None:
    eventually("the client is a node", lambda: any(
        node["Node"] == client.name for node in with_token(server, "/v1/catalog/nodes")), 90)
    told = json.loads(kept(client).read_text())
    config = told["Config"]
    assert config["Datacenter"] == "dc1" and config["NodeName"] == client.name and config["SegmentName"] == "", config
    assert config["Gossip"]["Encryption"]["Key"] == base64.b64encode(bytes(range(32))).decode()
    assert config["Gossip"]["RetryJoinLAN"] == [f"{server.host}:{server.ports['serf_lan']}"]
    assert config["ACL"]["Enabled"] is True and config["ACL"]["DefaultPolicy"] == "deny"
    assert config["TLS"]["VerifyServerHostname"] is True and config["AutoEncrypt"] is None
    assert told["Certificate"]["AgentURI"].endswith(f"/agent/client/dc/dc1/id/{client.name}"), told["Certificate"]
    assert "PRIVATE KEY" in told["Certificate"]["PrivateKeyPEM"] and told["ExtraCACertificates"]
    assert kept(client).stat().st_mode & 0o077 == 0
    tokens = [token for token in with_token(server, "/v1/acl/tokens")
              if token["Description"] == f'Auto Config Token for Node "{client.name}"']
    assert len(tokens) == 1 and tokens[0]["Local"], tokens
    assert tokens[0]["NodeIdentities"] == [{"NodeName": client.name, "Datacenter": "dc1"}], tokens
    assert tokens[0]["SecretID"] == config["ACL"]["Tokens"]["Agent"]


def check_restart(server: Member, client: Member) -> None:
    before = kept(client).read_text()
    client.kill()
    server.kill()
    client.start()
    eventually("the client runs without servers", lambda: client.ask("GET", f"/v1/agent/self?token={ROOT}")[0], 60)
    assert json.loads(kept(client).read_text())["Config"] == json.loads(before)["Config"]
    server.start().wait_leader(60)
    eventually("both have found each other", lambda: any(
        member["Name"] == client.name and member["Status"] == 1
        for member in with_token(server, "/v1/agent/members")), 90)
    same = [token for token in with_token(server, "/v1/acl/tokens") if token["Description"].startswith("Auto Config")]
    assert len(same) == 1, same


def check_refused(client: Member, why: str) -> None:
    client.start()
    eventually(f"{client.name} is refused: {why}", lambda: why in (client.folder / "log").read_text(), 60)
    assert client.process.poll() is None and not kept(client).exists()
    assert client.kill(15) == 1


def check_damaged(client: Member) -> None:
    client.kill()
    whole = kept(client).read_text()
    for damaged in (whole[:len(whole) // 2], "\0\1garbage", '{"Config": 7}', '{"Unknown": true}', ""):
        kept(client).write_text(damaged)
        client.start()
        assert client.process.wait(60) == 1, damaged[:20]
        assert "failed to decode persisted auto-config data" in client.log_tail(5)
        assert kept(client).read_text() == damaged


def check_validation(binary: str, folder: pathlib.Path, files: dict, issuer: Issuer) -> None:
    def refused(why: str, **more) -> None:
        tls = {"internal_rpc": files | {"verify_outgoing": True}}
        (folder / "wrong.json").write_text(json.dumps({"data_dir": str(folder / "no"), "tls": tls} | more))
        ran = subprocess.run([binary, "validate", str(folder / "wrong.json")], capture_output=True, text=True, timeout=60,
                             env={"PATH": os.environ["PATH"]})
        assert ran.returncode == 1 and why in ran.stdout + ran.stderr, (why, ran)

    client = {"enabled": True, "intro_token": "x", "server_addresses": ["127.0.0.1"]}
    refused("cannot be set without configuring TLS", auto_config=client, tls={})
    refused("cannot be set to true for server agents", auto_config=client, server=True)
    refused("One of auto_config.intro_token, auto_config.intro_token_file or the CONSUL_INTRO_TOKEN",
            auto_config=client | {"intro_token": ""})
    refused("without providing a list of addresses", auto_config=client | {"server_addresses": []})
    refused("both auto_encrypt.tls and auto_config.enabled", auto_config=client, auto_encrypt={"tls": True})

    def static(**more) -> dict:
        return {"authorization": {"enabled": True,
                                  "static": {"jwt_validation_pub_keys": [issuer.public_pem()]} | more}}

    refused("cannot be set to true for client agents", auto_config=static())
    refused("without providing a TLS certificate for the server", auto_config=static(), server=True, tls={})
    refused("exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set", server=True,
            auto_config=static(jwt_validation_pub_keys=[]))
    refused('claim_assertion "value.node == ${node" is invalid', server=True,
            auto_config=static(claim_assertions=["value.node == ${node"]))
    refused("also enabling ACL token replication", auto_config=static(), server=True, acl={"enabled": True},
            datacenter="dc2", primary_datacenter="dc1")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as base:
        folder, agents = pathlib.Path(base), []
        issuer, stranger = Issuer(folder, "known"), Issuer(folder, "stranger")
        files = make_tls(binary, folder)
        check_validation(binary, folder, files, issuer)
        with ended(agents):
            server = make_server(binary, folder, issuer, files)
            agents.append(server.start())
            server.wait_leader(60)

            def client(name: str, number: int, token: str) -> Member:
                agents.append(make_client(binary, folder, server, files, name, number, token))
                return agents[-1]

            claims = {"iss": "test", "aud": "consul"}
            first = client("c1", 22, issuer.token(sub="c1", **claims)).start()
            check_introduced(server, first)
            now = int(time.time())
            for name, token, why in (
                    ("c2", issuer.token(sub="c1", **claims), "Permission denied: Failed JWT claim assertion"),
                    ("c3", stranger.token(sub="c3", **claims), "no known key successfully validated the token signature"),
                    ("c4", issuer.token(sub="c4", **claims, exp=now - 900, iat=now - 1800, nbf=now - 1800),
                     "token is expired"),
                    ("c5", issuer.token(sub="c5", iss="test", aud="other"), "Failed JWT authorization"),
                    ("c6", "nonsense", "Failed JWT authorization: error parsing token")):
                check_refused(client(name, 23, token), why)
            assert {node["Node"] for node in with_token(server, "/v1/catalog/nodes")} == {"s1", "c1"}
            check_restart(server, first)
            check_damaged(first)
    print("introduction, restart, refusals, damaged files and rules of the configuration: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
