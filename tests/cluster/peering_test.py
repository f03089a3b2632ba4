#!/usr/bin/env python3
"""Two clusters that peer: one makes a token, the other establishes the peering with it; what the first exports is seen
in the second with ?peer=, changes follow, and when either side deletes the peering nothing is left of the imports. A
server that starts again takes the stream up again.

    peering_test.py --binary PATH [--other PATH]

`--other`: the binary of the second cluster, which dials; the first's, if there is none.
"""
import argparse
import base64
import json
import pathlib
import ssl
import socket
import sys
import tempfile

from agent_process import Agent, ended, eventually

MESH = {"connect": {"enabled": True}, "log_level": "info"}


def ask(agent: Agent, method: str, path: str, body=None, status: int = 200):
    got, answer = agent.ask(method, path, None if body is None else json.dumps(body), timeout=30)
    assert got == status, (agent.name, method, path, got, answer)
    return json.loads(answer) if answer.startswith((b"{", b"[")) else answer.decode()


def register(agent: Agent, name: str, address: str, status: str = "passing") -> None:
    ask(agent, "PUT", "/v1/catalog/register", {
        "Node": "outside", "Address": "10.0.0.9",
        "Service": {"Service": name, "Address": address, "Port": 80, "Tags": ["v1"], "Meta": {"k": "v"}},
        "Check": {"CheckID": f"{name}-alive", "Name": "alive", "ServiceID": name, "Status": status}})


def export(agent: Agent, peer: str, *names: str) -> None:
    ask(agent, "PUT", "/v1/config", {"Kind": "exported-services", "Name": "default", "Services": [
        {"Name": name, "Consumers": [{"Peer": peer}]} for name in names]})


def token_of(agent: Agent, peer: str) -> str:
    """Once the authority is there: a moment after the server leads."""
    def made():
        status, answer = agent.ask("POST", "/v1/peering/token", json.dumps({"PeerName": peer}), timeout=30)
        return status == 200 and json.loads(answer)["PeeringToken"]
    return eventually(f"{agent.name} makes a token", made)


def establish(agent: Agent, peer: str, token: str) -> None:
    def done():
        body = json.dumps({"PeerName": peer, "PeeringToken": token, "Meta": {"side": "dials"}})
        status, answer = agent.ask("POST", "/v1/peering/establish", body, timeout=30)
        assert status == 200, (status, answer)
        return True
    eventually(f"{agent.name} establishes {peer}", done, limit=90)


def peering(agent: Agent, name: str):
    return ask(agent, "GET", f"/v1/peering/{name}")


NEVER = "0001-01-01T00:00:00Z"


def is_active(agent: Agent, name: str) -> bool:
    found = peering(agent, name)
    return found["State"] == "ACTIVE" and found["StreamStatus"]["LastReceive"] not in (None, NEVER)


def instances(agent: Agent, name: str, peer: str) -> list[tuple]:
    """(node, address, worst check) of each."""
    return sorted((each["Node"]["Node"], each["Service"]["Address"], *(check["Status"] for check in each["Checks"]))
                  for each in ask(agent, "GET", f"/v1/health/service/{name}?peer={peer}"))


def check_server_name(agent: Agent, token: dict) -> None:
    """Who asks for the token's name is shown a certificate for it, that the token's authorities signed."""
    host, port = token["ServerAddresses"][0].rsplit(":", 1)
    context = ssl.create_default_context(cadata="".join(token["CA"]))
    context.set_alpn_protocols(["h2"])

    def shown():
        with socket.create_connection((host, int(port)), 10) as plain, \
                context.wrap_socket(plain, server_hostname=token["ServerName"]) as stream:
            assert stream.selected_alpn_protocol() in ("h2", None)
            return stream.getpeercert()["subjectAltName"]
    names = eventually("the server shows its name", shown)
    assert ("DNS", token["ServerName"]) in names, names


def check_refusals(a: Agent, b: Agent, token: str) -> None:
    text = ask(a, "POST", "/v1/peering/establish", {"PeerName": "self", "PeeringToken": token}, 500)
    assert "cannot create a peering within the same cluster" in text, text
    text = ask(b, "POST", "/v1/peering/establish", {"PeerName": "x", "PeeringToken": "bad"}, 500)
    assert "failed to decode token" in text, text
    used = ask(b, "POST", "/v1/peering/establish", {"PeerName": "again", "PeeringToken": token}, 403)
    assert "a new peering token must be generated" in used, used
    ask(b, "DELETE", "/v1/peering/again")


def check_imports(a: Agent, b: Agent) -> None:
    eventually("web is imported", lambda: instances(b, "web", "one") == [("outside", "10.0.1.1", "passing")])
    found = ask(b, "GET", "/v1/catalog/service/web?peer=one")
    assert [(each["Node"], each["ServiceTags"], each["ServiceMeta"]) for each in found] == [
        ("outside", ["v1"], {"k": "v"})], found
    assert ask(b, "GET", "/v1/health/service/web") == [], "what is imported is none of the cluster's own"
    assert ask(b, "GET", "/v1/catalog/service/secret?peer=one") == [], "what is not exported is not seen"
    eventually("the statistics", lambda: peering(b, "one")["StreamStatus"]["ImportedServices"] == ["web"])
    assert peering(a, "two")["StreamStatus"]["ExportedServices"] == ["web"]
    # Changes follow.
    register(a, "web", "10.0.1.2", "critical")
    eventually("the change is seen", lambda: instances(b, "web", "one") == [("outside", "10.0.1.2", "critical")])
    export(a, "two", "web", "db")
    register(a, "db", "10.0.1.3")
    eventually("db is imported", lambda: instances(b, "db", "one") == [("outside", "10.0.1.3", "passing")])
    export(a, "two", "db")
    eventually("web is not exported any more", lambda: instances(b, "web", "one") == [])
    assert instances(b, "db", "one"), "db stays"
    # The other way.
    register(b, "api", "10.0.2.1")
    export(b, "one", "api")
    eventually("api is imported", lambda: instances(a, "api", "two") == [("outside", "10.0.2.1", "passing")])


def check_restart(a: Agent, b: Agent) -> None:
    for agent in (a, b):
        agent.kill()
        register_at, name, peer, seen_by = (b, "api", "two", a) if agent is b else (a, "db", "one", b)
        agent.start()
        agent.wait_leader(60)
        address = f"10.0.3.{1 if agent is b else 2}"
        register(register_at, name, address)
        eventually(f"the stream is there again after {agent.name} was killed",
                   lambda: instances(seen_by, name, peer) == [("outside", address, "passing")], limit=120)


def check_deletion(a: Agent, b: Agent) -> None:
    ask(b, "DELETE", "/v1/peering/one")
    eventually("it is gone where it was deleted", lambda: ask(b, "GET", "/v1/peerings") == [])
    assert instances(b, "db", "one") == [], "its imports went first"
    eventually("the other side knows", lambda: peering(a, "two")["State"] == "TERMINATED")
    eventually("what it imported is gone", lambda: instances(a, "api", "two") == [])
    ask(a, "DELETE", "/v1/peering/two")
    eventually("it is gone there too", lambda: ask(a, "GET", "/v1/peerings") == [])
    assert [each["Node"]["Node"] for each in ask(a, "GET", "/v1/health/service/db")] == ["outside"], "its own services stay"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--other")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        agents: list[Agent] = []
        with ended(agents):
            for binary, name, datacenter in ((options.binary, "n1", "dc1"), (options.other or options.binary, "n2", "dc2")):
                agents.append(Agent(binary, pathlib.Path(folder) / name, name, MESH | {"datacenter": datacenter}).start())
            a, b = agents
            for agent in agents:
                agent.wait_leader(60)
            text = token_of(a, "two")
            token = json.loads(base64.b64decode(text))
            assert peering(a, "two")["State"] == "PENDING"
            check_server_name(a, token)
            register(a, "web", "10.0.1.1")
            register(a, "secret", "10.0.1.9")
            export(a, "two", "web")
            establish(b, "one", text)
            for agent, name in ((a, "two"), (b, "one")):
                eventually(f"{agent.name} is connected", lambda of=agent, peer=name: is_active(of, peer))
            assert peering(b, "one")["PeerID"] == token["PeerID"] == peering(a, "two")["ID"]
            check_refusals(a, b, text)
            check_imports(a, b)
            check_restart(a, b)
            check_deletion(a, b)
    print("two clusters peer, and part")
    return 0


if __name__ == "__main__":
    sys.exit(main())
