#!/usr/bin/env python3
"""Three servers and a client agent: intentions that are written through one agent hold at every other one; who waits for
a change hears of it; they decide about connections, outlive the leader and a restart of all servers, and the virtual
addresses of services do so, too. The command line shows the same.

    intentions_test.py --binary PATH
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

from agent_process import answer, ended, eventually
from clients_test import CLIENT, Member

MESH = {"connect": {"enabled": True}}


def exact(source: str, destination: str) -> str:
    return f"/v1/connect/intentions/exact?source={source}&destination={destination}"


def write(agent: Member, source: str, destination: str, action: str) -> None:
    """Tried again while a leader is looked for: it is the same once or twice."""
    body = json.dumps({"Action": action})
    eventually(f"{agent.name} writes {source} -> {destination}",
               lambda: agent.ask("PUT", exact(source, destination), body, timeout=15)[0] == 200)


def told(intentions: list[dict]) -> list[str]:
    return [f"{one['SourceName']} -> {one['DestinationName']}: {one['Action']}" for one in intentions]


def listed(agent: Member) -> list[str]:
    return told(answer(agent, "/v1/connect/intentions") or [])


def check_everywhere(agents: list[Member]) -> None:
    """Whoever is asked answers the same, of single ones and of decisions."""
    for agent in agents:
        eventually(f"{agent.name} lists all", lambda: listed(agent) == [
            "api -> db: deny", "web -> db: allow", "* -> db: deny", "web -> *: deny"])
        assert answer(agent, exact("web", "db"))["Precedence"] == 9, agent.name
        assert agent.ask("GET", exact("web", "none"))[0] == 404, agent.name
        matches = answer(agent, "/v1/connect/intentions/match?by=source&name=web&name=none")
        assert told(matches["web"]) == ["web -> db: allow", "* -> db: deny", "web -> *: deny"], matches
        assert told(matches["none"]) == ["* -> db: deny"], matches
        for source, destination, allowed in (("web", "db", True), ("api", "db", False), ("x", "db", False),
                                             ("web", "x", False), ("x", "y", True)):
            path = f"/v1/connect/intentions/check?source={source}&destination={destination}"
            assert answer(agent, path) == {"Allowed": allowed}, (agent.name, path)


def check_authorize(agents: list[Member]) -> None:
    for agent in agents:
        for client, authorized in (("web", True), ("api", False), ("x", False)):
            code, text = agent.ask("POST", "/v1/agent/connect/authorize", json.dumps({
                "Target": "db", "ClientCertURI": f"spiffe://t.consul/ns/default/dc/dc1/svc/{client}"}))
            assert code == 200 and json.loads(text)["Authorized"] is authorized, (agent.name, client, text)
        code, text = agent.ask("POST", "/v1/agent/connect/authorize", json.dumps({
            "Target": "db", "ClientCertURI": "spiffe://t.consul/agent/client/dc/dc1/id/x"}))
        assert (code, text.strip()) == (400, b"ClientCertURI not a valid Service identifier"), (code, text)


def check_waiting(writer: Member, agents: list[Member]) -> None:
    """Who waits hears of a change, and of a match only if it is about it."""
    found: dict[tuple[str, str], list[str]] = {}

    def wait(agent: Member, kind: str, path: str, index: str) -> None:
        separator = "&" if "?" in path else "?"
        code, text = agent.ask("GET", f"{path}{separator}index={index}&wait=20s", timeout=40)
        assert code == 200, text
        rows = json.loads(text)
        found[agent.name, kind] = told(rows if kind == "list" else rows["queue"])

    threads = []
    for agent in agents:
        for kind, path in (("list", "/v1/connect/intentions"),
                           ("match", "/v1/connect/intentions/match?by=destination&name=queue")):
            connection = agent.connection(timeout=15)
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            threads.append(threading.Thread(target=wait, args=(agent, kind, path, reply.headers["X-Consul-Index"])))
            connection.close()
    for thread in threads:
        thread.start()
    write(writer, "web", "queue", "allow")
    for thread in threads:
        thread.join(40)
    for agent in agents:
        for kind in ("list", "match"):
            assert "web -> queue: allow" in found.get((agent.name, kind), []), (agent.name, kind, found)
    assert writer.ask("DELETE", exact("web", "queue"))[1].strip() == b"true"


def check_ids(first: Member, second: Member) -> None:
    code, text = first.ask("POST", "/v1/connect/intentions", json.dumps({
        "SourceName": "old", "DestinationName": "legacy", "Action": "allow"}))
    assert code == 200, text
    path = f"/v1/connect/intentions/{json.loads(text)['ID']}"
    made = eventually("it is known by its ID", lambda: answer(second, path))
    assert second.ask("PUT", path, json.dumps({"SourceName": "old", "DestinationName": "legacy",
                                               "Action": "deny"}))[0] == 200
    changed = eventually("it is denied", lambda: (one := answer(first, path)) and one["Action"] == "deny" and one)
    assert changed["CreatedAt"] == made["CreatedAt"] and changed["Hash"] != made["Hash"], (made, changed)
    assert first.ask("DELETE", path)[1].strip() == b"true"
    eventually("it is gone", lambda: second.ask("GET", path)[0] == 404)
    assert first.ask("GET", "/v1/connect/intentions/none")[0] == 400


def dig(agent: Member, name: str) -> list[str]:
    command = ["dig", f"@{agent.host}", "-p", str(agent.ports()["dns"]), "+short", "+time=2", "+tries=2", name]
    return subprocess.run(command, capture_output=True, text=True, timeout=15, check=True).stdout.split()


def check_addresses(agents: list[Member]) -> None:
    """A service that is named as a destination has an address before it has an instance."""
    assert agents[-1].ask("PUT", "/v1/agent/service/register", json.dumps({
        "Name": "cache", "Port": 90, "Connect": {"Native": True}}))[0] == 200
    for agent in agents:
        address = eventually(f"{agent.name} knows db's address", lambda: dig(agent, "db.virtual.consul"))
        assert address[0].startswith("240."), address
        eventually("cache has another one", lambda: dig(agent, "cache.virtual.consul") not in ([], address))
        eventually("cache is in the mesh", lambda: dig(agent, "cache.connect.consul") == [agents[-1].host])
    code, text = agents[-1].ask("PUT", "/v1/internal/service-virtual-ip", json.dumps({
        "Service": "cache", "ManualVIPs": ["10.1.1.1", "10.1.1.2"]}))
    assert (code, json.loads(text)) == (200, {"Found": True, "UnassignedFrom": None}), text
    code, text = agents[0].ask("PUT", "/v1/internal/service-virtual-ip", json.dumps({
        "Service": "db", "ManualVIPs": ["10.1.1.2"]}))
    assert [one["ServiceName"]["Name"] for one in json.loads(text)["UnassignedFrom"]] == ["cache"], text
    code, text = agents[0].ask("PUT", "/v1/internal/service-virtual-ip", json.dumps({
        "Service": "db", "ManualVIPs": ["::1"]}))
    assert code == 500 and text.strip().endswith(b'"::1" is not a valid IPv4 address'), (code, text)  # maybe of another server


def command(binary: str, agent: Member, *words: str) -> tuple[int, str]:
    done = subprocess.run([binary, "intention", words[0], f"-http-addr={agent.host}:{agent.port}", *words[1:]],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def check_commands(binary: str, agent: Member) -> None:
    assert command(binary, agent, "create", "-deny", "a", "b") == (0, "Created: a => b (deny)\n")
    assert command(binary, agent, "create", "a", "b")[0] == 1
    assert command(binary, agent, "create", "-replace", "a", "b") == (0, "")
    assert command(binary, agent, "check", "a", "b") == (0, "Allowed\n")
    assert command(binary, agent, "check", "api", "db") == (1, "Denied\n")
    code, text = command(binary, agent, "get", "a", "b")
    assert code == 0 and text.startswith("Source:       a\nDestination:  b\nAction:       allow\nID:"), text
    assert "a => b (allow)" in command(binary, agent, "match", "b")[1]
    assert command(binary, agent, "list")[1].split()[:5] == ["ID", "Source", "Action", "Destination", "Precedence"]
    assert command(binary, agent, "delete", "a", "b") == (0, "Intention deleted.\n")
    assert command(binary, agent, "get", "a", "b") == (
        1, 'Intention not found with source "a" and destination "b"\n')


def leader_of(servers: list[Member]) -> Member:
    def leader() -> Member | None:
        address = json.loads(servers[0].ask("GET", "/v1/status/leader")[1]).partition(":")[0]
        return next((server for server in servers if server.host == address), None)
    return eventually("a leader", leader)


def run(binary: str, folder: pathlib.Path) -> None:
    servers: list[Member] = []
    agents: list[Member] = []
    with ended(agents):
        for number in (1, 2, 3):
            join = [servers[0].gossip()] if servers else []
            servers.append(Member(binary, folder, f"s{number}", number, join, MESH | {"bootstrap_expect": 3}))
        client = Member(binary, folder, "c1", 4, [servers[0].gossip()], MESH | CLIENT)
        agents += [*servers, client]
        for agent in agents:
            agent.start()
        leader_of(servers)
        write(client, "web", "db", "allow")
        write(servers[0], "api", "db", "deny")
        write(servers[1], "*", "db", "deny")
        write(servers[2], "web", "*", "deny")
        check_everywhere(agents)
        check_authorize(agents)
        check_waiting(servers[1], agents)
        check_ids(client, servers[2])
        check_addresses(agents)
        check_commands(binary, client)
        addresses = dig(client, "db.virtual.consul")

        lost = leader_of(servers)
        lost.kill()
        rest = [agent for agent in agents if agent is not lost]
        write(rest[-1], "new", "place", "allow")
        assert rest[-1].ask("DELETE", exact("new", "place"), timeout=30)[0] == 200
        check_everywhere(rest)
        for server in servers:
            if server is not lost:
                server.kill()
        for server in servers:
            server.start()
        check_everywhere(agents)
        check_authorize(agents)
        assert dig(client, "db.virtual.consul") == addresses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proconsul-intentions-") as folder:
        run(options.binary, pathlib.Path(folder))
    print("intentions: all as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
