"""What goes wrong between datacenters that are joined through gateways, one after the other, and how long it takes until
calls are answered again. `primary` and `second` are dc1 and dc2; `third` is None where there are two."""
import contextlib
import itertools
import socket
import ssl
import time

from agent_process import eventually
from federation_calls import Calls, Table
from federation_features import local_ways, outside_connections
from federation_world import GATEWAY_PORT, MARKER, OUTSIDE, RECOVERY, REPLICATION, Certificates, World

HEALED = 60  # seconds until all must be well again


class Faults:
    def __init__(self, world: World, calls: Calls, table: Table):
        self.world, self.calls, self.table = world, calls, table
        self.primary, self.second = world.datacenters[:2]
        self.third = world.datacenters[2] if len(world.datacenters) > 2 else None

    def masked(self, what: str, act, most_late: int | None = None) -> None:
        """Something breaks that others make up for: the longest time in which a direction was not answered."""
        begun = time.monotonic()
        act()
        self.calls.healed(time.monotonic(), HEALED)
        time.sleep(1.5)
        outage, failed, late = self.calls.outage(begun)
        self.table.add(what, outage, f"without an answer; {failed} calls failed, {late} of them later than 1 s after")
        assert most_late is None or late <= most_late, self.calls.errors(begun)

    def healed(self, what: str, act, only=lambda caller: True, limit: float = HEALED, begun: float | None = None) -> None:
        """How long it takes from when this begins until calls are answered."""
        begun = time.monotonic() if begun is None else begun
        act()
        self.table.add(what, self.calls.healed(begun, limit, only))

    # -- gateways ---------------------------------------------------------------------------------------------------
    def one_gateway_dies(self) -> None:
        for datacenter in (self.second, self.primary):
            gateway = datacenter.gateways[0]
            self.masked(f"one of two gateways of {datacenter.name} is killed", gateway.kill)
            self.masked(f"... and starts again", gateway.start, 0)

    def gateways_restart(self) -> None:
        """Both at once."""
        for datacenter in (self.second, self.primary):
            for gateway in datacenter.gateways:
                gateway.kill()
            begun = time.monotonic()
            for gateway in datacenter.gateways:
                gateway.start()
            self.healed(f"both gateways of {datacenter.name} restart at once: from their start", lambda: None, begun=begun)

    def gateway_never_answers(self) -> None:
        for datacenter in (self.second, self.primary):
            gateway = datacenter.gateways[1]
            self.masked(f"a gateway of {datacenter.name} takes connections and never answers", lambda: gateway.hang(True))
            self.masked("... and goes on", lambda: gateway.hang(False))

    def gateways_move(self) -> None:
        """All addresses of a datacenter's gateways change at once."""
        for datacenter in (self.primary, self.second):
            def move(datacenter=datacenter) -> None:
                for gateway in datacenter.gateways:
                    gateway.kill()
                begun = time.monotonic()
                for gateway in datacenter.gateways:
                    gateway.move()
                if datacenter is self.primary:  # the name servers have the new ones, too
                    for each in self.world.datacenters[1:]:
                        each.tell_primary_gateways([f"{gateway.wan}:{GATEWAY_PORT}" for gateway in datacenter.gateways])
                self.healed(f"all gateways of {datacenter.name} have other addresses: from their start", lambda: None, begun=begun)
            move()
        local_ways(self.world, self.table)

    # -- servers ----------------------------------------------------------------------------------------------------
    def each_server_dies(self) -> None:
        for datacenter in self.world.datacenters:
            for server in datacenter.servers:
                leads = server is datacenter.leader()
                self.masked(f"{datacenter.name} {server.name} is killed{' (it led)' if leads else ''}", server.kill)
                server.start().wait_leader(HEALED)
                eventually("all servers vote", lambda d=datacenter: sum(
                    each["Voter"] for each in d.leader().get("/v1/operator/raft/configuration")["Servers"]) == 3, HEALED)
        self.healed("after all that", lambda: None)

    def primary_gone(self) -> None:
        """Everything of it, for a while; the others go on with what they know."""
        for server in self.primary.servers:
            server.kill()
        time.sleep(2)
        for datacenter in self.world.datacenters[1:]:
            for server in datacenter.servers:
                eventually(f"{datacenter.name} serves its own", lambda s=server: s.put("/v1/kv/own", MARKER))
        if self.third:
            self.calls.healed(time.monotonic(), HEALED, lambda caller: self.primary not in (caller.near, caller.far))
        status, text = self.second.servers[0].call("GET", "/v1/kv/x?dc=dc1")
        assert status == 500, (status, text)
        time.sleep(20)
        begun = time.monotonic()
        for server in self.primary.servers:
            server.start()
        for server in self.primary.servers:
            server.wait_leader(HEALED)
        self.table.add("all servers of dc1 were gone for 22 s: from their start, it leads", time.monotonic() - begun)
        self.healed("... and calls are answered", lambda: None, begun=begun)

    def second_from_cold(self) -> None:
        """All of the secondary at once, while nothing but its own gateways leads out."""
        self.world.cut_direct("direct", self.second)
        for gateway in self.second.gateways:
            gateway.end()
        for agent in self.second.agents():
            if agent.alive():
                agent.kill()
        begun = time.monotonic()
        for server in self.second.servers:
            server.start()
        for gateway in self.second.gateways:
            gateway.start() if gateway.agent else None
        for server in self.second.servers:
            server.wait_leader(HEALED)
        for gateway in self.second.gateways:
            gateway.start() if not gateway.agent else None
        self.healed("all of dc2 restarts, with no way out but its gateways", lambda: None, begun=begun)
        assert outside_connections(self.second)[0] == 0
        self.world.mend("direct")

    # -- links ------------------------------------------------------------------------------------------------------
    def links(self) -> None:
        ours, theirs = self.primary.gateways[0].place, self.second.gateways[0].place
        for what, pairs in (("one way", [(ours, theirs)]), ("the other way", [(theirs, ours)]),
                            ("both ways", [(ours, theirs), (theirs, ours)])):
            self.masked(f"a link between gateways of dc1 and dc2 is cut {what}", lambda p=pairs: self.world.cut("link", p))
            self.masked("... and mended", lambda: self.world.mend("link"))
        for what, pairs in (("from dc1 to dc2", itertools.product(self.primary.places(), self.second.places())),
                            ("from dc2 to dc1", itertools.product(self.second.places(), self.primary.places()))):
            self.world.cut("links", list(pairs))
            time.sleep(6)
            self.healed(f"all links {what} were cut for 6 s: mended", lambda: self.world.mend("links"))
        self.world.cut_between("links", self.primary, self.second)
        time.sleep(10)
        self.healed("all links between dc1 and dc2 were cut for 10 s: mended", lambda: self.world.mend("links"))

    def secondaries_apart(self) -> None:
        """They reach the primary, but not each other."""
        if not self.third:
            return
        self.world.cut_between("apart", self.second, self.third)

        def apart(caller) -> bool:
            return {caller.near, caller.far} == {self.second, self.third}
        begun = time.monotonic()
        time.sleep(10)
        outage, failed, _ = self.calls.outage(begun, lambda caller: not apart(caller))
        self.table.add("dc2 and dc3 do not reach each other for 10 s: calls with dc1", outage, f"without an answer; {failed} failed")
        status, text = self.second.servers[0].call("GET", "/v1/kv/x?dc=dc3")
        assert status == 500, (status, text)
        self.healed("... and mended", lambda: self.world.mend("apart"))

    # -- wrong certificates, names and tokens -------------------------------------------------------------------------
    def logged(self, server, text: str, limit: float = 30) -> str:
        """A line of its log with this text."""
        return eventually(f"{server.name} logs {text!r}", lambda: next(
            (line for line in (server.folder / "log").read_text("utf-8", "replace").splitlines() if text in line), None), limit)

    def wrong_authority(self) -> None:
        """A server with certificates that another authority has signed gets nowhere, and says why."""
        rogue = Certificates(self.world.binary, self.world.folder / f"rogue-{time.monotonic_ns()}")
        stranger = self.second.make_server("stranger", 6, certificates=rogue, bootstrap_expect=1, retry_join=[])
        self.second.servers.append(stranger)  # so that it is ended with the others
        stranger.start()
        try:
            line = self.logged(stranger, "unknown authority")
            members = {member["Name"] for member in self.primary.servers[0].get("/v1/agent/members?wan=1")}
            assert "stranger.dc2" not in members, members
            self.table.add("a server with a wrong authority is refused and says so", None, line.split("error=", 1)[-1][:140])
        finally:
            stranger.end_with_children()
            self.second.servers.remove(stranger)

    def wrong_name(self) -> None:
        """A server of dc2 that shows a certificate of dc3's."""
        server = next(each for each in self.second.servers if each is not self.second.leader())
        right = self.world.certificates.of(server.name, "dc2")
        wrong = self.world.certificates.of(server.name, "dc3")
        more = {"verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}
        server.kill()
        server.change(tls={"internal_rpc": wrong | more})
        server.start()
        leader = self.second.leader()
        line = self.logged(leader, "certificate is not for server.dc2.consul")
        status, text = self.primary.servers[0].call("GET", "/v1/kv/x?dc=dc2")
        assert status in (200, 404), (status, text)
        self.table.add("a server of dc2 with a certificate of dc3 is not talked to", None, line.split("error=", 1)[-1][:140])
        server.kill()
        server.change(tls={"internal_rpc": right | more})
        begun = time.monotonic()
        server.start().wait_leader(HEALED)
        self.healed("... and with the right one it is", lambda: None, begun=begun)

    def forged_names(self) -> None:
        """Strangers outside: names that there are not, and a name that there is, with no certificate or another's."""
        rogue = Certificates(self.world.binary, self.world.folder / f"forger-{time.monotonic_ns()}")
        gateway, begun = self.primary.gateways[0], time.monotonic()
        forged = rogue.of("s1", "dc1")
        for name in ("s1.server.dc9.consul", "evil.example", "nobody.server.dc1.consul", "web.default.dc1.internal.evil.consul", ""):
            assert not self.dial(gateway, name, None), f"{name} was answered"
        for certificate in (None, forged):
            assert not self.dial(gateway, "s1.server.dc1.consul", certificate), "a stranger was answered"
        with self.second.gateways[0].host, contextlib.suppress(OSError):
            with socket.create_connection((gateway.wan, GATEWAY_PORT), 5) as sock:
                sock.sendall(b"\x16\x03\x01\xff\xff" + b"\0" * 4000)
        outage, failed, _ = self.calls.outage(begun)
        self.calls.healed(time.monotonic(), HEALED)
        self.table.add("forged names, and strangers with true ones, are refused", outage, f"without an answer meanwhile; {failed} failed")
        own = self.world.certificates.of("s1", "dc2")
        assert self.dial(gateway, "s1.server.dc1.consul", own), "a friend is refused"

    def dial(self, gateway, name: str, certificate: dict | None) -> bool:
        """Whether a server answers to an empty session of yamux through a gateway, from outside."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["consul/rpc-multi"])
        if certificate:
            context.load_cert_chain(certificate["cert_file"], certificate["key_file"])
        host = self.second.gateways[0].host  # it has a leg outside
        try:
            with host:
                sock = socket.create_connection((gateway.wan, GATEWAY_PORT), 5)
            with sock, context.wrap_socket(sock, server_hostname=name or None) as tls:
                tls.settimeout(5)
                tls.sendall(bytes([0, 2, 0, 1]) + bytes(4) + (7).to_bytes(4, "big"))  # yamux: a ping that asks
                return tls.recv(12)[:2] == bytes([0, 2])
        except (OSError, ssl.SSLError):
            return False

    def wrong_token(self) -> None:
        """The replication token of dc2 is another, and then right again."""
        self.set_replication_token(self.second, "aaaaaaaa-0000-0000-0000-00000000dead")
        eventually("its replication says so", lambda: "ACL not found" in
                   self.second.servers[0].get("/v1/acl/replication")["LastErrorMessage"], 90)
        message = self.second.servers[0].get("/v1/acl/replication")["LastErrorMessage"]
        made = self.primary.servers[0].put("/v1/acl/token", {"Policies": [{"Name": "readers"}]})
        begun = time.monotonic()
        self.set_replication_token(self.second, REPLICATION)
        for server in self.second.servers:
            eventually("the token made meanwhile is there",
                       lambda s=server: s.call("GET", "/v1/acl/token/self", None, made["SecretID"])[0] == 200)
        self.table.add("a wrong replication token is set right: what was made meanwhile is there", time.monotonic() - begun, message[:120])

    @staticmethod
    def set_replication_token(datacenter, token: str) -> None:
        for server in datacenter.servers:
            server.put("/v1/agent/token/replication", {"Token": token}, RECOVERY)

    MAIN = (one_gateway_dies, gateways_restart, gateway_never_answers, links, gateways_move, wrong_name, forged_names, wrong_token,
            second_from_cold)
    ALL = (one_gateway_dies, gateways_restart, gateway_never_answers, links, secondaries_apart, gateways_move, each_server_dies,
           primary_gone, wrong_authority, wrong_name, forged_names, wrong_token, second_from_cold)
