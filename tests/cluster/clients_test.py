#!/usr/bin/env python3
"""Three servers and two client agents: what is registered on clients is in the catalog; a client goes on when the
server that it asks is killed, waits when all are gone and tells the catalog once they are back; the catalog shows when a
client fails, leaves, and is forced to leave.

    clients_test.py --binary PATH
"""
import argparse
import json
import pathlib
import signal
import sys
import tempfile

from agent_process import Agent, answer, ended, eventually


class Member(Agent):
    """On a loopback address of its own."""

    def __init__(self, binary: str, folder: pathlib.Path, name: str, number: int, join: list[str], config: dict):
        self.host = f"127.0.0.{number}"
        super().__init__(binary, folder / name, name, {
            "bind_addr": self.host, "client_addr": self.host, "retry_join": join, "retry_interval": "1s",
            "log_level": "info",
            # Failures must show within seconds.
            "gossip_lan": {"probe_interval": "200ms", "probe_timeout": "100ms", "suspicion_mult": 2},
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms", "rpc_hold_timeout": "2s"}} | config)

    def ports(self) -> dict[str, int]:
        return json.loads((self.folder / "agent.json").read_text())["ports"]

    def gossip(self) -> str:
        return f"{self.host}:{self.ports()['serf_lan']}"


CLIENT = {"server": False, "bootstrap_expect": 0, "check_update_interval": "0s"}


def serf_health(server: Agent, node: str) -> str | None:
    checks = answer(server, f"/v1/health/node/{node}") or []
    return next((check["Status"] for check in checks if check["CheckID"] == "serfHealth"), None)


def names(server: Agent, path: str, key: str) -> list[str]:
    return sorted(row[key] for row in answer(server, path) or [])


def check_catalog(servers: list[Member], client: Member) -> None:
    """A client's node is there with its check, and its services with theirs."""
    eventually(f"{client.name} is healthy", lambda: serf_health(servers[0], client.name) == "passing")
    client.put("/v1/agent/service/register", {"Name": "web", "ID": f"web-{client.name}", "Port": 80,
                                              "Check": {"CheckID": f"ttl-{client.name}", "TTL": "1h"}})
    rows = eventually("the service", lambda: answer(servers[1], "/v1/catalog/service/web"))
    assert f"web-{client.name}" in [row["ServiceID"] for row in rows], rows
    client.put(f"/v1/agent/check/pass/ttl-{client.name}?note=fine")
    checks = eventually("the check", lambda: [
        check for check in answer(servers[2], f"/v1/health/node/{client.name}?consistent")
        if check["CheckID"] == f"ttl-{client.name}"])
    assert (checks[0]["Status"], checks[0]["Output"]) == ("passing", "fine"), checks
    node = answer(servers[0], f"/v1/catalog/node/{client.name}")["Node"]
    assert node["Address"] == client.host and node["ID"] == answer(client, "/v1/agent/self")["Config"]["NodeID"], node


def check_self(client: Member) -> None:
    shown = answer(client, "/v1/agent/self")
    assert shown["Config"]["Server"] is False
    assert shown["Member"]["Tags"]["role"] == "node", shown["Member"]
    eventually("three servers", lambda: answer(client, "/v1/agent/self")["Stats"]["consul"]["known_servers"] == "3")
    assert shown["Stats"]["consul"]["server"] == "false"
    assert not {"raft", "serf_wan"} & shown["Stats"].keys(), shown["Stats"].keys()
    assert client.ask("GET", "/v1/agent/members?wan=1")[1] == b"null"


def check_alias(servers: list[Member], follower: Member, followed: Member) -> None:
    """An alias check of a service on another node follows it through the servers."""
    follower.put("/v1/agent/check/register", {"ID": "alias", "Name": "alias", "AliasNode": followed.name,
                                              "AliasService": f"web-{followed.name}"})
    eventually("the alias passes", lambda: answer(follower, "/v1/agent/checks")["alias"]["Status"] == "passing")
    followed.put(f"/v1/agent/check/fail/ttl-{followed.name}?note=broken")
    eventually("the alias fails", lambda: answer(follower, "/v1/agent/checks")["alias"]["Status"] == "critical")
    output = answer(follower, "/v1/agent/checks")["alias"]["Output"]
    assert output.endswith("failing: broken"), output
    followed.put(f"/v1/agent/check/pass/ttl-{followed.name}")
    eventually("the catalog knows it", lambda: [
        check["Status"] for check in answer(servers[0], f"/v1/health/node/{follower.name}")
        if check["CheckID"] == "alias"] == ["passing"])


def check_requests(servers: list[Member], clients: list[Member]) -> None:
    """What is asked of a client is answered by the servers, and is the same everywhere."""
    first, second = clients
    assert first.ask("PUT", "/v1/kv/colour", "blue")[1].strip() == b"true"
    assert second.ask("GET", "/v1/kv/colour?raw")[1] == b"blue"
    status, body = first.ask("PUT", "/v1/session/create", json.dumps({"TTL": "10s"}))
    assert status == 200, body
    session = json.loads(body)["ID"]
    assert first.ask("PUT", f"/v1/kv/lock?acquire={session}", "x")[1].strip() == b"true"
    assert second.ask("PUT", f"/v1/kv/lock?acquire={'0' * 8}-0000-0000-0000-{'0' * 12}", "y")[0] == 500
    assert [row["Node"] for row in answer(second, f"/v1/session/info/{session}")] == [first.name]
    assert len(answer(first, "/v1/catalog/nodes")) == 5
    assert answer(first, "/v1/status/leader") == answer(servers[0], "/v1/status/leader")


def check_transfers(servers: list[Member], client: Member) -> None:
    """Whoever is asked, the server that is named leads then; what is wrong is said by the leader."""
    def leader() -> str:
        peers = eventually("the peers", lambda: answer(servers[0], "/v1/operator/raft/configuration"))["Servers"]
        return next((peer["Node"] for peer in peers if peer["Leader"]), "")

    ids = {peer["Node"]: peer["ID"] for peer in answer(client, "/v1/operator/raft/configuration")["Servers"]}
    for asked in (*servers, client):
        named = next(server for server in servers if server.name != leader() and server is not asked)
        status, body = asked.ask("POST", f"/v1/operator/raft/transfer-leader?id={ids[named.name]}", timeout=30)
        assert (status, json.loads(body)) == (200, {"Success": True}), (asked.name, status, body)
        eventually(f"{named.name} leads", lambda n=named: leader() == n.name)
        status, body = asked.ask("POST", "/v1/operator/raft/transfer-leader?id=none")
        assert (status, body.strip()) == (500, b"Could not find address for server id none"), (asked.name, status, body)


def asked_by(client: Member, servers: list[Member]) -> Member | None:
    """The server that the client has a connection to, by the system's list of them."""
    process = pathlib.Path(f"/proc/{client.process.pid}")
    inodes = {str(entry.readlink())[8:-1] for entry in (process / "fd").iterdir()
              if str(entry.readlink()).startswith("socket:[")}
    ends = set()
    for line in (process / "net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes and fields[3] == "01":
            address, port = fields[2].split(":")
            ends.add((".".join(str(byte) for byte in reversed(bytes.fromhex(address))), int(port, 16)))
    return next((server for server in servers if (server.host, server.ports()["server"]) in ends), None)


def check_server_goes(servers: list[Member], client: Member) -> None:
    """The server that the client asks is killed: the client goes on with the others."""
    victim = eventually("a server is asked", lambda: asked_by(client, servers))
    victim.kill()
    other = next(server for server in servers if server is not victim)
    eventually("a write without it", lambda: client.ask("PUT", "/v1/kv/without", victim.name)[1].strip() == b"true")
    assert client.ask("GET", "/v1/kv/without?raw&consistent")[1].decode() == victim.name

    def registered():
        client.put("/v1/agent/service/register", {"Name": f"without-{victim.name}"})
        return answer(other, f"/v1/catalog/service/without-{victim.name}")
    eventually("a service is registered without it", registered)
    assert asked_by(client, servers) is not victim
    victim.start()


def check_all_servers_gone(servers: list[Member], client: Member) -> None:
    for server in servers:
        server.kill()
    eventually("the client knows that nobody is there",
               lambda: answer(client, "/v1/agent/self")["Stats"]["consul"]["known_servers"] == "0")
    status, text = client.ask("GET", "/v1/kv/colour")
    assert (status, text.strip()) == (500, b"No known Consul servers"), (status, text)
    client.put("/v1/agent/service/register", {"Name": "orphan"})  # kept, and told later
    assert "orphan" in answer(client, "/v1/agent/services")
    for server in servers:
        server.start()
    eventually("the catalog is told", lambda: answer(servers[0], "/v1/catalog/service/orphan"), 90)


def check_failing(servers: list[Member], client: Member) -> None:
    client.kill()
    eventually("serfHealth is critical", lambda: serf_health(servers[1], client.name) == "critical")
    assert client.name in names(servers[1], "/v1/catalog/nodes", "Node")
    client.start()
    eventually("serfHealth passes again", lambda: serf_health(servers[1], client.name) == "passing")
    client.kill()
    eventually("serfHealth is critical again", lambda: serf_health(servers[1], client.name) == "critical")
    servers[0].put(f"/v1/agent/force-leave/{client.name}")
    eventually("the node is gone", lambda: client.name not in names(servers[1], "/v1/catalog/nodes", "Node"))


def check_all_see_all(agents: list[Member]) -> None:
    """Who came back is alive to everybody: a restarted member is so only once it refuted that it is dead."""
    def alive(agent: Member) -> bool:
        return [member["Status"] for member in answer(agent, "/v1/agent/members")] == [1] * len(agents)
    for agent in agents:
        eventually(f"{agent.name} sees all alive", lambda: alive(agent), 90)


def check_leaving(servers: list[Member], client: Member) -> None:
    """leave_on_terminate is a client's default."""
    assert client.kill(signal.SIGTERM) == 0, client.log_tail()
    eventually("the node is gone", lambda: client.name not in names(servers[0], "/v1/catalog/nodes", "Node"))
    members = {member["Name"]: member["Status"] for member in answer(servers[0], "/v1/agent/members")}
    assert members[client.name] == 3, members
    client.start()
    eventually("it is back", lambda: serf_health(servers[0], client.name) == "passing")
    eventually("with its service", lambda: answer(servers[0], "/v1/catalog/service/web"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    servers: list[Member] = []
    clients: list[Member] = []
    with tempfile.TemporaryDirectory(prefix="proconsul-clients-") as folder:
        with ended(servers, clients):
            for number in (1, 2, 3):
                join = [servers[0].gossip()] if servers else ["127.0.0.1:1"]
                servers.append(Member(options.binary, pathlib.Path(folder), f"s{number}", 10 + number, join,
                                      {"bootstrap_expect": 3}).start())
            for number in (1, 2):
                clients.append(Member(options.binary, pathlib.Path(folder), f"c{number}", 20 + number,
                                      [servers[0].gossip()], CLIENT).start())
            eventually("three peers", lambda: len(answer(servers[0], "/v1/status/peers") or []) == 3)
            first, second = clients
            for client in clients:
                check_catalog(servers, client)
                check_self(client)
            check_requests(servers, clients)
            check_transfers(servers, first)
            check_alias(servers, first, second)
            check_server_goes(servers, first)
            check_all_servers_gone(servers, first)
            check_all_see_all([*servers, *clients])
            check_leaving(servers, first)
            check_failing(servers, second)
            print("clients: fine")
            return 0


if __name__ == "__main__":
    sys.exit(main())
