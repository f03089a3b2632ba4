"""What works across datacenters that are joined through gateways: each function tries one part, and may note figures."""
import base64
import concurrent.futures
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import time

from agent_process import eventually
from federation_calls import Table, value
from federation_nodes import GATEWAY_PORT, MARKER, OUTSIDE, ROOT, Node
from federation_world import Datacenter, World
from identity_server import Issuer


def pairs(world: World):
    return itertools.permutations(world.datacenters, 2)


def keys(world: World, table: Table) -> None:
    """Each server of each datacenter writes to each other one and reads it there; a watch is woken from afar."""
    for near, far in pairs(world):
        for server in near.servers:
            key = f"from/{near.name}/{server.name}"
            eventually(f"{near.name} {server.name} writes in {far.name}",
                       lambda s=server, k=key, f=far: s.put(f"/v1/kv/{k}?dc={f.name}", MARKER))
            assert value(far.leader().get(f"/v1/kv/{key}")) == MARKER
            assert value(server.get(f"/v1/kv/{key}?dc={far.name}&consistent")) == MARKER
    near, far = world.datacenters[0], world.datacenters[-1]
    far.servers[1].put("/v1/kv/watched", MARKER)
    connection = near.servers[1].connection(30)
    connection.request("GET", f"/v1/kv/watched?dc={far.name}&token={ROOT}")
    answer = connection.getresponse()
    answer.read()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        def wait() -> str:
            connection.request("GET", f"/v1/kv/watched?dc={far.name}&wait=20s&token={ROOT}&index={answer.headers['X-Consul-Index']}")
            return value(json.loads(connection.getresponse().read()))
        waiting = pool.submit(wait)
        time.sleep(0.2)
        begun = time.monotonic()
        far.servers[2].put("/v1/kv/watched", MARKER + " again")
        assert waiting.result() == MARKER + " again"
        table.add("a watch of a key of another datacenter is woken", time.monotonic() - begun)
    connection.close()


def names(world: World, table: Table) -> None:
    """DNS, health and the catalog, each of the other; prepared queries that fail over."""
    for each in world.datacenters:
        each.servers[0].put("/v1/catalog/register", {
            "Node": f"{MARKER}-{each.name}", "Address": f"10.9.0.{each.number}", "Service": {"Service": f"web-{each.name}", "Port": 80}})
    for near, far in pairs(world):
        address, server = [f"10.9.0.{far.number}"], near.servers[far.number % 3]
        eventually(f"DNS of {far.name} in {near.name}",
                   lambda: server.look_up(f"web-{far.name}.service.{far.name}.consul") == address)
        assert server.look_up(f"{MARKER}-{far.name}.node.{far.name}.consul") == address
        assert server.look_up(f"s2.node.{far.name}.consul") == [far.servers[1].host.address]
        assert server.look_up(f"web-{far.name}.service.consul") == []
        for path in (f"/v1/health/service/web-{far.name}?dc={far.name}", f"/v1/health/service/web-{far.name}?dc={far.name}&cached"):
            assert len(server.get(path)) == 1, path
        assert server.get(f"/v1/catalog/service/web-{far.name}?dc={far.name}")[0]["Address"] == address[0]
        assert set(server.get("/v1/catalog/datacenters")) == {each.name for each in world.datacenters}
    near, far = world.datacenters[0], world.datacenters[1]
    created = near.servers[1].call("POST", "/v1/query", {"Name": "web", "Service": {
        "Service": f"web-{far.name}", "Failover": {"Datacenters": ["dc9", far.name]}}})
    assert created[0] == 200, created
    for server in near.servers:
        found = eventually(f"{server.name} fails over", lambda s=server: s.get("/v1/query/web/execute"))
        assert (found["Datacenter"], len(found["Nodes"])) == (far.name, 1), found
        eventually("and by DNS", lambda s=server: s.look_up("web.query.consul") == [f"10.9.0.{far.number}"])


def access(world: World, table: Table) -> None:
    """Policies, roles and tokens of the primary are those of the others, wherever they are made; local ones stay."""
    primary, others = world.datacenters[0], world.datacenters[1:]
    primary.servers[0].put("/v1/acl/policy", {"Name": "app", "Rules": 'key_prefix "app/" { policy = "write" }'})
    primary.servers[1].put("/v1/acl/role", {"Name": "apps", "Policies": [{"Name": "app"}]})
    for each in others:
        made = eventually("a token is made in a secondary", lambda s=each.servers[1]: s.put("/v1/acl/token", {"Roles": [{"Name": "apps"}]}))
        assert not made.get("Local"), made
        begun = time.monotonic()
        for server in each.servers + primary.servers:
            eventually("it is good everywhere",
                       lambda s=server: s.call("PUT", "/v1/kv/app/x", MARKER, made["SecretID"])[0] == 200)
        table.add(f"a token made in {each.name} is good at every server there and in dc1", time.monotonic() - begun)
        # One of the primary: how long until all servers of the secondary take it, and no longer take it.
        made = primary.servers[2].put("/v1/acl/token", {"Policies": [{"Name": "app"}]})
        begun = time.monotonic()
        for server in each.servers:
            eventually("it is good", lambda s=server: s.call("PUT", "/v1/kv/app/x", MARKER, made["SecretID"])[0] == 200)
        table.add(f"a token made in dc1 is good at every server of {each.name}", time.monotonic() - begun)
        status, _ = primary.servers[0].call("DELETE", f"/v1/acl/token/{made['AccessorID']}")
        assert status == 200
        begun = time.monotonic()
        for server in each.servers:
            eventually("it is gone", lambda s=server: s.call("PUT", "/v1/kv/app/x", MARKER, made["SecretID"])[0] == 403)
        table.add(f"a token deleted in dc1 is gone at every server of {each.name}", time.monotonic() - begun)
        local = each.servers[0].put("/v1/acl/token", {"Policies": [{"Name": "app"}], "Local": True})
        eventually("a local token is good", lambda s=each.servers[2]: s.call("PUT", "/v1/kv/app/x", MARKER, local["SecretID"])[0] == 200)
        status, _ = primary.servers[0].call("PUT", "/v1/kv/app/x", MARKER, local["SecretID"])
        assert status == 403, status
        state = eventually("ACL replication runs", lambda s=each: (r := s.servers[0].get("/v1/acl/replication"))["Running"] and r)
        assert state["SourceDatacenter"] == "dc1" and state["ReplicatedTokenIndex"] > 0, state


def configuration(world: World, table: Table) -> None:
    """Config entries, intentions among them, written anywhere, are the primary's, and then everybody's; and the states
    of federation."""
    primary, others = world.datacenters[0], world.datacenters[1:]
    for writer in world.datacenters:
        writer.servers[1].put("/v1/config", {"Kind": "service-defaults", "Name": f"of-{writer.name}", "Protocol": "http"})
        writer.servers[2].put(f"/v1/connect/intentions/exact?source=a&destination=of-{writer.name}", {"Action": "deny"})
        begun = time.monotonic()
        for each in world.datacenters:
            for server in each.servers:
                eventually(f"{each.name} {server.name} has the entry of {writer.name}",
                           lambda s=server: s.get(f"/v1/config/service-defaults/of-{writer.name}?stale")["Protocol"] == "http")
                eventually(f"{each.name} {server.name} denies", lambda s=server: not s.get(
                    f"/v1/connect/intentions/check?source=a&destination=of-{writer.name}")["Allowed"])
        table.add(f"a config entry and an intention written in {writer.name} are at every server", time.monotonic() - begun)
    status, _ = others[0].servers[0].call("DELETE", "/v1/config/service-defaults/of-dc1")
    assert status == 200, status
    for each in world.datacenters:
        eventually(f"the entry is gone in {each.name}", lambda s=each.servers[2]: s.call("GET", "/v1/config/service-defaults/of-dc1")[0] == 404)
    gateways = {each.name: sorted(f"{gateway.wan}:{GATEWAY_PORT}" for gateway in each.gateways) for each in world.datacenters}

    def known(server: Node) -> dict:
        found = server.get("/v1/internal/federation-states/mesh-gateways")
        return {name: sorted("{Address}:{Port}".format(**one["Service"]["TaggedAddresses"]["wan"]) for one in rows)
                for name, rows in found.items()}
    for each in world.datacenters:
        for server in each.servers:
            eventually(f"{each.name} {server.name} knows all gateways", lambda s=server: known(s) == gateways)


def mesh(world: World, table: Table) -> None:
    """One authority for all, and certificates from each datacenter."""
    roots = {eventually("roots", lambda s=each.servers[0]: s.get("/v1/connect/ca/roots"))["ActiveRootID"]
             for each in world.datacenters}
    trust = {each.servers[1].get("/v1/connect/ca/roots")["TrustDomain"] for each in world.datacenters}
    assert len(roots) == len(trust) == 1, (roots, trust)
    for each in world.datacenters:
        leaf = eventually(f"a certificate of {each.name}", lambda s=each.servers[2]: s.get("/v1/agent/connect/ca/leaf/web"))
        assert f"/dc/{each.name}/svc/web" in leaf["ServiceURI"], leaf["ServiceURI"]


def events(world: World, table: Table) -> None:
    """Events fired, and commands run, in another datacenter; operators' calls of it."""
    for near, far in pairs(world):
        near.servers[0].put(f"/v1/event/fire/from-{near.name}?dc={far.name}", MARKER)
        for server in far.servers:
            eventually("the event is there", lambda s=server: any(
                event["Name"] == f"from-{near.name}" for event in s.get("/v1/event/list")))
        assert all(event["Name"] != f"from-{near.name}" for event in near.servers[1].get("/v1/event/list"))
        assert len(near.servers[0].get(f"/v1/operator/raft/configuration?dc={far.name}")["Servers"]) == 3
        status, archive = near.servers[2].call("GET", f"/v1/snapshot?dc={far.name}")
        assert status == 200 and len(archive) > 1000, (status, len(archive))
    near, far = world.datacenters[0], world.datacenters[1]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CONSUL_")}
    with near.servers[1].host:
        done = subprocess.run([world.binary, "exec", f"-datacenter={far.name}", f"-token={ROOT}", "-node=s3", "-wait=3s",
                               "echo ran"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "s3: ran" in done.stdout, done


def operators(world: World, table: Table) -> None:
    """Sessions and locks, transactions, coordinates, the keyring of all pools, and an archive put back, from afar."""
    for near, far in pairs(world):
        server = near.servers[far.number % 3]
        session = server.put(f"/v1/session/create?dc={far.name}", {"Node": "s2", "TTL": "60s", "LockDelay": "0s"})["ID"]
        assert server.put(f"/v1/kv/lock/{near.name}?dc={far.name}&acquire={session}", MARKER) is True
        assert far.servers[0].get(f"/v1/kv/lock/{near.name}")[0]["Session"] == session
        assert server.put(f"/v1/kv/lock/{near.name}?dc={far.name}&release={session}", MARKER) is True
        server.put(f"/v1/session/destroy/{session}?dc={far.name}")
        done = server.put(f"/v1/txn?dc={far.name}", [{"KV": {"Verb": "set", "Key": f"txn/{near.name}", "Value": base64.b64encode(
            MARKER.encode()).decode()}}, {"KV": {"Verb": "get", "Key": f"txn/{near.name}"}}])
        assert value([row["KV"] for row in done["Results"][1:]]) == MARKER, done
    for each in world.datacenters:
        server = each.servers[1]
        eventually(f"{each.name} knows how far away all are", lambda s=server: {row["Datacenter"] for row in s.get(
            "/v1/coordinate/datacenters") if row["Coordinates"]} == {one.name for one in world.datacenters})
        begun = time.monotonic()
        rings = eventually("all tell their keys", lambda s=server: s.get("/v1/operator/keyring"))
        table.add(f"{each.name} lists the keys of all pools", time.monotonic() - begun)
        assert {(ring["Datacenter"], ring["WAN"]) for ring in rings} == {
            (one.name, wan) for one in world.datacenters for wan in ((False, True) if one is each else (False,))}, rings
        assert all(ring["Keys"] and not ring.get("Messages") for ring in rings), rings
    near, far = world.datacenters[0], world.datacenters[-1]
    far.servers[0].put("/v1/kv/archived", MARKER)
    _, archive = near.servers[0].call("GET", f"/v1/snapshot?dc={far.name}")
    far.servers[0].put("/v1/kv/archived", "later")
    status, text = near.servers[0].call("PUT", f"/v1/snapshot?dc={far.name}", archive)
    assert status == 200, (status, text)
    for server in far.servers:
        eventually(f"{server.name} has what the archive has", lambda s=server: value(s.get("/v1/kv/archived?consistent")) == MARKER)


def logins(world: World, table: Table) -> None:
    """Who logs in to the primary from afar has a token that is good everywhere; who logs in to a secondary has one that is
    good there alone."""
    if not shutil.which("openssl"):
        return
    primary, issuer = world.datacenters[0], Issuer(world.folder, "issuer")
    primary.servers[0].put("/v1/acl/policy", {"Name": "login", "Rules": 'key_prefix "login/" { policy = "write" }'})
    primary.servers[0].put("/v1/acl/role", {"Name": "logins", "Policies": [{"Name": "login"}]})
    for each in world.datacenters:
        server = each.servers[1]
        eventually(f"the role is in {each.name}", lambda s=server: s.get("/v1/acl/role/name/logins"))
        server.put("/v1/acl/auth-method", {
            "Name": "someone", "Type": "jwt", "TokenLocality": "global" if each is primary else "local", "MaxTokenTTL": "1h",
            "Config": {"JWTValidationPubKeys": [issuer.public_pem()], "ClaimMappings": {"name": "name"}}})
        server.put("/v1/acl/binding-rule", {"AuthMethod": "someone", "BindType": "role", "BindName": "logins"})

    def log_in(server: Node, far: str) -> dict:
        status, text = server.call("POST", f"/v1/acl/login{far}", {
            "AuthMethod": "someone", "BearerToken": issuer.token(name="jane")}, "")
        assert status == 200, (status, text)
        return json.loads(text)

    def good(server: Node, token: dict) -> bool:
        return server.call("PUT", "/v1/kv/login/x", MARKER, token["SecretID"])[0] == 200
    for each in world.datacenters[1:]:
        begun, token = time.monotonic(), log_in(each.servers[2], "?dc=dc1")
        assert not token.get("Local"), token
        for server in (server for one in world.datacenters for server in one.servers):
            eventually(f"it is good at {server.datacenter} {server.name}", lambda s=server: good(s, token))
        table.add(f"who logs in to dc1 from {each.name} is known at every server of all", time.monotonic() - begun)
        token = log_in(each.servers[2], "")
        assert token.get("Local"), token
        for server in each.servers:
            eventually(f"it is good at {each.name} {server.name}", lambda s=server: good(s, token))
        assert not good(primary.servers[0], token)


def doctor(world: World, table: Table) -> None:
    """Sees no fault from where any server of ours stands."""
    asked = 0
    for each in world.datacenters:
        for server in each.servers if each.ours else ():
            eventually(f"the doctor finds {each.name} {server.name} well", lambda s=server: diagnosis(world, s)["Healthy"], 60)
            asked += 1
    table.add("the doctor finds no fault at servers", None, str(asked))


def diagnosis(world: World, server: Node, token: str = ROOT) -> dict:
    """What `federation doctor` says there."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CONSUL_")}
    with server.host:
        done = subprocess.run([world.binary, "federation", "doctor", f"-token={token}", "-format=json"], env=environment,
                              capture_output=True, text=True, timeout=90)
    assert done.returncode != 1, done
    found = json.loads(done.stdout)
    assert found["Healthy"] == (done.returncode == 0), found
    if not found["Healthy"]:
        found["First"] = found["Causes"][0]["Code"]
    return found


def memory(world: World, table: Table) -> None:
    """What processes have in memory, after all that."""
    def most(processes: list[int]) -> str:
        kilobytes = [int(line.split()[1]) for process in processes
                     for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")]
        return f"{max(kilobytes, default=0) / 1024:.0f} MB"
    for each in world.datacenters:
        servers = [server.process.pid for server in each.servers]
        gateways = [process for gateway in each.gateways for process in gateway.processes()]
        table.add(f"{each.name}: memory of a server, of a gateway, at most", None, f"{most(servers)}, {most(gateways)}")


FEATURES = (keys, names, access, logins, configuration, mesh, operators, events)


def outside_connections(datacenter: Datacenter) -> tuple[int, int]:
    """How many open connections its servers have with addresses outside, and with their own gateways."""
    ways = [f"{gateway.lan}:{GATEWAY_PORT}" for gateway in datacenter.gateways]
    found = [address for server in datacenter.servers for address in server.connections()]
    return sum(address.startswith(OUTSIDE) for address in found), sum(address in ways for address in found)


def local_ways(world: World, table: Table) -> None:
    """All traffic of servers goes by their own gateways: none has a connection outside. Consul's keep those that they
    began with (it has been seen)."""
    begun = time.monotonic()

    def counted(datacenter: Datacenter) -> tuple[int, int]:
        out, own = outside_connections(datacenter)
        assert not datacenter.ours or (own > 0 and out == 0), [server.connections() for server in datacenter.servers]
        return out, own
    for each in world.datacenters:
        out, own = eventually(f"servers of {each.name} use their own gateways", lambda e=each: counted(e), 30)
        table.add(f"{each.name}: connections of servers outside, to their own gateways", time.monotonic() - begun, f"{out}, {own}")


def nothing_outside(world: World, table: Table) -> None:
    """Not one datagram outside, and nothing of what clients wrote; what is looked for would be found."""
    seen = world.outside.seen()
    assert seen["packets"] > 0 and seen["datagrams"] == 0 and seen["marked"] == 0, seen
    table.add("packets outside; of these datagrams, and with a text of a client's", None,
              f"{seen['packets']}; {seen['datagrams']}, {seen['marked']}")


def would_be_seen(world: World) -> None:
    """A datagram with a text of a client's, sent outside on purpose."""
    import socket
    gateway, other = world.datacenters[0].gateways[0], world.datacenters[1].gateways[0]
    with gateway.host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(MARKER.encode(), (other.wan, 9))
    eventually("it is seen", lambda: (seen := world.outside.seen())["datagrams"] > 0 and seen["marked"] > 0)
