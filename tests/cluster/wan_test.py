#!/usr/bin/env python3
"""Two datacenters joined over the WAN: two servers and a client agent of dc1, a server of dc2. They are asked for each
other over HTTP and DNS, queries fail over, and a datacenter that is gone is missed no longer than it is gone.

    wan_test.py --binary PATH
"""
import argparse
import concurrent.futures
import json
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile

from agent_process import Agent, ended, eventually

WAN = {"gossip_interval": "50ms", "probe_interval": "500ms", "probe_timeout": "300ms", "suspicion_mult": 2}
NAME_ERROR, SERVER_FAILURE = 3, 2
PTR = 12


class Member(Agent):
    """On a loopback address of its own."""

    def __init__(self, binary: str, folder: pathlib.Path, name: str, datacenter: str, number: int, expect: int,
                 **more):
        self.host = f"127.0.1.{number}"
        super().__init__(binary, folder / name, name, {
            "datacenter": datacenter, "primary_datacenter": "dc1", "bind_addr": self.host, "client_addr": self.host,
            "bootstrap_expect": expect, "gossip_wan": WAN, "retry_interval": "1s", "retry_interval_wan": "1s",
            "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}} | more)
        self.ports = json.loads((self.folder / "agent.json").read_text())["ports"]

    def look_up(self, name: str, timeout: float = 15, kind: int = 1) -> tuple[int, list[str]]:
        """The code of an answer, and its addresses."""
        number = random.randrange(65536)
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        question = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(timeout)
            sock.sendto(question, (self.host, self.ports["dns"]))
            answer = sock.recv(4096)
        _, flags, _, answers, _, _ = struct.unpack(">6H", answer[:12])
        at, addresses = len(question), []
        for _ in range(answers):
            while answer[at] not in range(192, 256) and answer[at] != 0:
                at += answer[at] + 1
            at += 1 if answer[at] == 0 else 2
            found, _, _, size = struct.unpack(">2HIH", answer[at:at + 10])
            if found == 1:
                addresses.append(socket.inet_ntoa(answer[at + 10:at + 14]))
            at += 10 + size
        return flags & 15, addresses


def members(server: Member) -> dict[str, int]:
    return {member["Name"]: member["Status"] for member in server.get("/v1/agent/members?wan=1")}


def check_pools(a1: Member, a2: Member, b1: Member) -> None:
    # Nobody told a2 of the WAN: it is joined by a1, and b1 hears of it.
    everybody = {"a1.dc1", "a2.dc1", "b1.rack7.dc2"}
    for server in (a1, a2, b1):
        eventually(f"{server.name} knows all of the WAN", lambda s=server: set(members(s)) == everybody)
    for server, order in ((a1, ["dc1", "dc2"]), (a2, ["dc1", "dc2"]), (b1, ["dc2", "dc1"])):
        assert server.get("/v1/catalog/datacenters") == order, "one's own datacenter is the nearest"
        maps = eventually(f"{server.name} has coordinates of both",
                          lambda s=server: len(m := s.get("/v1/coordinate/datacenters")) == 2 and m)
        assert {entry["AreaID"] for entry in maps} == {"wan"}
        assert "b1.rack7" in [node["Node"] for entry in maps if entry["Datacenter"] == "dc2" for node in entry["Coordinates"]]


def check_reads_and_writes(a2: Member, b1: Member) -> None:
    assert b1.ask("PUT", "/v1/kv/from-b?dc=dc1", "1")[1].strip() == b"true"
    assert a2.ask("PUT", "/v1/kv/from-a?dc=dc2", "2")[1].strip() == b"true"
    assert a2.ask("GET", "/v1/kv/from-b?raw")[1] == b"1"
    assert b1.ask("GET", "/v1/kv/from-a?raw")[1] == b"2"
    assert b1.ask("GET", "/v1/kv/from-a?dc=dc1")[0] == 404
    assert a2.ask("GET", "/v1/kv/from-a?dc=dc2&raw")[1] == b"2"
    status, body = a2.ask("GET", "/v1/kv/from-a?dc=dc9")
    assert (status, body.strip()) == (500, b"No path to datacenter"), (status, body)


def check_names(a1: Member, a2: Member, b1: Member) -> None:
    b1.put("/v1/catalog/register", {"Node": "far", "Address": "10.9.0.1", "Service": {"Service": "web", "Port": 80}})
    a1.put("/v1/catalog/register", {"Node": "near", "Address": "10.8.0.1", "Service": {"Service": "db", "Port": 90}})
    for server in (a1, a2):
        assert server.look_up("web.service.dc2.consul") == (0, ["10.9.0.1"])
        assert server.look_up("far.node.dc2.consul") == (0, ["10.9.0.1"])
        assert server.look_up("b1.rack7.node.dc2.consul") == (0, [b1.host])
        assert server.look_up("web.service.consul") == (NAME_ERROR, [])
    # Any server of dc1 may answer, and it may not have heard yet.
    eventually("dc1's name in dc2", lambda: b1.look_up("db.service.dc1.consul") == (0, ["10.8.0.1"]))
    assert b1.look_up("near.node.dc1.consul") == (0, ["10.8.0.1"])
    assert b1.look_up("db.service.dc9.consul") == (NAME_ERROR, [])
    assert b1.look_up("nothing.service.dc1.consul") == (NAME_ERROR, [])


def check_streams(server: Member, client: Member, b1: Member) -> None:
    """Health of the other datacenter is followed by subscriptions, which a server passes on."""
    path = "/v1/health/service/web?dc=dc2"

    def followed(member: Member, more: str):
        connection = member.connection(30)
        connection.request("GET", path + more)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.getheader("X-Consul-Query-Backend") == "streaming"
        instances = sorted(node["Service"]["ID"] for node in json.loads(answer.read()))
        return instances, answer.getheader("X-Consul-Index"), answer.getheader("X-Cache")

    for number, member in enumerate((client, server)):
        assert followed(member, "&cached")[::2] == (["web"], "MISS")
        instances, index, cache = followed(member, "&cached")
        assert (instances, cache) == (["web"], "HIT")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(followed, member, f"&index={index}&wait=30s")
            b1.put("/v1/catalog/register", {"Node": "far", "Address": "10.9.0.1",
                                            "Service": {"ID": f"web-{number}", "Service": "web", "Port": 80}})
            assert waiting.result()[0] == ["web", f"web-{number}"]
        b1.put("/v1/catalog/deregister", {"Node": "far", "ServiceID": f"web-{number}"})
        eventually("it goes", lambda m=member: followed(m, "&cached")[0] == ["web"])
    status, body = server.ask("GET", "/v1/health/service/web?dc=dc9&cached", timeout=60)
    assert (status, body) == (503, b"resolver error: resolver produced no addresses"), (status, body)


def check_client(client: Member) -> None:
    """It has no state: whatever is asked of it, it asks of servers."""
    eventually("the client knows a server", lambda: client.look_up("db.service.consul") == (0, ["10.8.0.1"]))
    assert client.look_up("near.node.consul") == (0, ["10.8.0.1"])
    assert client.look_up("web.service.dc2.consul") == (0, ["10.9.0.1"])
    assert client.look_up("far.node.dc2.consul") == (0, ["10.9.0.1"])
    assert client.look_up("web.query.consul") == (0, ["10.9.0.1"])
    assert client.look_up("web.service.consul") == (NAME_ERROR, [])
    assert client.look_up("web.service.dc9.consul") == (NAME_ERROR, [])
    assert client.look_up("0a080001.addr.consul") == (0, ["10.8.0.1"])
    assert client.look_up("1.0.8.10.in-addr.arpa", kind=PTR)[0] == 0
    assert client.look_up("9.9.9.9.in-addr.arpa", kind=PTR)[0] == NAME_ERROR
    assert client.get("/v1/catalog/datacenters") == ["dc1", "dc2"]
    assert client.ask("GET", "/v1/kv/from-a?dc=dc2&raw")[1] == b"2"
    found = client.get("/v1/query/web/execute")
    assert (found["Datacenter"], [node["Node"]["Node"] for node in found["Nodes"]]) == ("dc2", ["far"]), found


def check_usage(binary: str, a1: Member, b1: Member, client: Member) -> None:
    """What is registered is counted in every datacenter, whoever is asked."""
    own = b1.get("/v1/operator/usage")["Usage"]
    assert list(own) == ["dc2"] and own["dc2"]["BillableServiceInstances"] >= 1, own
    for asked in (a1, b1, client):
        found = asked.get("/v1/operator/usage?global")["Usage"]
        assert sorted(found) == ["dc1", "dc2"] and found["dc2"] == own["dc2"], f"{asked.name}: {found}"
        printed = subprocess.run([binary, "operator", "usage", "instances", "-all-datacenters",
                                  f"-http-addr={asked.host}:{asked.port}"],
                                 check=True, capture_output=True, text=True, timeout=60).stdout
        lines = printed.splitlines()
        for datacenter, usage in found.items():
            assert f"{datacenter} Billable Service Instances: {usage['BillableServiceInstances']}" in lines, printed
            assert [datacenter, str(usage["Nodes"])] in [line.split() for line in lines], printed


def check_failover(a1: Member, a2: Member, b1: Member, client: Member) -> None:
    a1.ask("POST", "/v1/query", json.dumps({"Name": "web", "Service": {
        "Service": "web", "Failover": {"NearestN": 1, "Datacenters": ["dc9", "dc2"]}}, "DNS": {"TTL": "4s"}}))
    for server in (a1, a2):
        found = eventually(f"{server.name} has the query", lambda s=server: s.get("/v1/query/web/execute"))
        assert (found["Datacenter"], found["Failovers"]) == ("dc2", 1), found
        assert [node["Node"]["Node"] for node in found["Nodes"]] == ["far"]
        # Its own state answers, which may not have heard of the query yet: the leader answered for it above.
        eventually(f"{server.name} answers by DNS",
                   lambda s=server: s.look_up("web.query.consul") == (0, ["10.9.0.1"]))
    found = b1.get("/v1/query/web/execute?dc=dc1")
    assert (found["Datacenter"], [node["Node"]["Node"] for node in found["Nodes"]]) == ("dc2", ["far"]), found
    eventually("its name in dc2", lambda: b1.look_up("web.query.dc1.consul") == (0, ["10.9.0.1"]))

    check_client(client)
    check_streams(a1, client, b1)

    b1.kill()
    found = a1.get("/v1/query/web/execute")
    assert (found["Nodes"], found["Failovers"]) == ([], 1), found
    assert a2.look_up("web.query.consul") == (NAME_ERROR, [])
    assert a2.look_up("web.service.dc2.consul")[0] == SERVER_FAILURE
    eventually("the dead server is seen", lambda: members(a1)["b1.rack7.dc2"] == 4)
    status, body = a1.ask("GET", "/v1/kv/from-a?dc=dc2", timeout=30)
    assert status == 500, body
    assert a1.get("/v1/catalog/datacenters") == ["dc1", "dc2"], "it may come back"
    assert list(a1.get("/v1/operator/usage?global")["Usage"]) == ["dc1"], "who does not answer is left out"

    b1.start().wait_leader()
    eventually("the query finds it again",
               lambda: a1.get("/v1/query/web/execute")["Datacenter"] == "dc2"
               and a1.get("/v1/query/web/execute")["Nodes"])
    eventually("its names are back", lambda: a2.look_up("web.service.dc2.consul") == (0, ["10.9.0.1"]))


def check_other_server(a1: Member, a2: Member, b1: Member) -> None:
    """One server of a datacenter is enough for reads that may be stale, at once."""
    for dead, alive in ((a1, a2), (a2, a1)):
        dead.kill()
        for _ in range(4):
            assert b1.look_up("db.service.dc1.consul") == (0, ["10.8.0.1"]), f"{alive.name} is there"
        dead.start()
        eventually("dc1 has a leader", lambda: b1.ask("PUT", "/v1/kv/again?dc=dc1", "1")[1].strip() == b"true")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proconsul-wan-") as name:
        folder = pathlib.Path(name)
        a1 = Member(options.binary, folder, "a1", "dc1", 1, 2)
        a2 = Member(options.binary, folder, "a2", "dc1", 2, 2, retry_join=[f"{a1.host}:{a1.ports['serf_lan']}"])
        b1 = Member(options.binary, folder, "b1.rack7", "dc2", 3, 1, retry_join_wan=[f"{a1.host}:{a1.ports['serf_wan']}"])
        c1 = Member(options.binary, folder, "c1", "dc1", 4, 0, server=False,
                    retry_join=[f"{a1.host}:{a1.ports['serf_lan']}"])
        servers = [a1, a2, b1, c1]
        with ended(servers):
            for server in servers:
                server.start()
            for server in servers:
                server.wait_leader(60)
            check_pools(a1, a2, b1)
            check_reads_and_writes(a2, b1)
            check_names(a1, a2, b1)
            check_usage(options.binary, a1, b1, c1)
            check_failover(a1, a2, b1, c1)
            check_other_server(a1, a2, b1)
            print("wan: two datacenters found each other, and did without each other")
            return 0


if __name__ == "__main__":
    sys.exit(main())
