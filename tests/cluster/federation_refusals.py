"""What is to be refused in a federation through gateways, and says why: certificates, names, tokens and addresses that are
wrong, and strangers. `primary` and `second` are dc1 and dc2; `third` is None where there are two."""
import contextlib
import resource
import shutil
import socket
import ssl
import time

from agent_process import eventually
from federation_calls import Calls, Table
from federation_cli_test import expired_certificate
from federation_features import diagnosis
from federation_nodes import GATEWAY_PORT, NOBODY, OUTSIDE, RECOVERY, REPLICATION, Certificates
from federation_world import Datacenter, World

HEALED = 60  # seconds until all must be well again
UNKNOWN = "aaaaaaaa-0000-0000-0000-00000000dead"
VERIFIED = {"verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}
FLOOD = 1200  # connections of one stranger


def long_hello(size: int) -> bytes:
    """A ClientHello with a server name of this size, in records as large as they may be."""
    name = b"\0" + size.to_bytes(2, "big") + b"a" * size
    names = len(name).to_bytes(2, "big") + name
    extensions = b"\0\0" + len(names).to_bytes(2, "big") + names
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    parts = [message[at:at + 16384] for at in range(0, len(message), 16384)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def astray(world: World, datacenter: Datacenter, table: Table) -> None:
    """A secondary starts with addresses of the primary's gateways that are none, and ends with the right ones."""
    def greet(client: socket.socket) -> None:
        client.recv(1)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    web = world.bystander.listen(80, greet)
    right = [f"{gateway.wan}:{GATEWAY_PORT}" for gateway in world.datacenters[0].gateways]
    for what, address, code in (("nobody listens", f"{world.bystander.host.address}:81", "gateway-refuses"),
                                ("a web server", web, "not-a-gateway"),
                                ("a black hole", f"{OUTSIDE}{NOBODY}:{GATEWAY_PORT}", "gateway-silent")):
        datacenter.tell_primary_gateways([address])
        for server in datacenter.servers:
            if not server.alive():
                server.start()
        for server in datacenter.servers:  # which know no token yet
            eventually(f"{server.name} has a leader", lambda s=server: s.call("GET", "/v1/status/leader")[1] not in (b"", b'""'))
        if not datacenter.ours:
            time.sleep(3)
            continue

        def names() -> dict:
            found = diagnosis(world, datacenter.servers[0], RECOVERY)  # no other token is known there
            assert found.get("First") == code, found
            return found["Causes"][0]
        cause = eventually(f"the doctor names {code}", names)
        table.add(f"{datacenter.name} is told of a gateway of dc1 that is none: {what}", None, f"{code}: {cause['Fix'][:110]}")
    if datacenter.ours:
        line = eventually("the log says what to do", lambda: next(
            (line for line in datacenter.servers[0].log().splitlines() if "couldn't join" in line and "advice=" in line), None))
        table.add("... and its log says", None, line.split("]", 1)[1].strip()[:160])
    datacenter.tell_primary_gateways(right)


class Refusals:
    def __init__(self, world: World, calls: Calls, table: Table):
        self.world, self.calls, self.table = world, calls, table
        self.primary, self.second = world.datacenters[:2]
        self.third = world.datacenters[2] if len(world.datacenters) > 2 else None

    def masked(self, what: str, act, most_late: int | None = None, only=lambda caller: True) -> None:
        """Something breaks that others make up for: the longest time in which a direction was not answered."""
        begun = time.monotonic()
        act()
        self.calls.healed(time.monotonic(), HEALED, only)
        time.sleep(1.5)
        outage, failed, late = self.calls.outage(begun, only)
        errors = "".join(f"; {error[:90]}" for error in sorted(self.calls.errors(begun))[:2])
        self.table.add(what, outage, f"without an answer; {failed} calls failed, {late} of them later than 1 s after{errors}")
        assert most_late is None or late <= most_late, self.calls.errors(begun)

    def healed(self, what: str, act, only=lambda caller: True, limit: float = HEALED, begun: float | None = None) -> None:
        """How long it takes from when this begins until calls are answered."""
        begun = time.monotonic() if begun is None else begun
        act()
        self.table.add(what, self.calls.healed(begun, limit, only))

    def logged(self, server, text: str, limit: float = 30, after: int = 0) -> str:
        """A line of its log with this text, behind so many characters."""
        return eventually(f"{server.name} logs {text!r}", lambda: next(
            (line for line in server.log()[after:].splitlines() if text in line), None), limit)

    # -- certificates -----------------------------------------------------------------------------------------------
    def wrong_authority(self) -> None:
        """A server with certificates that another authority has signed gets nowhere, and says why and what to do."""
        rogue = Certificates(self.world.binary, self.world.folder / f"rogue-{time.monotonic_ns()}")
        stranger = self.second.make_server("stranger", 6, certificates=rogue, bootstrap_expect=1, retry_join=[])
        self.second.servers.append(stranger)  # so that it is ended with the others
        stranger.start()
        try:
            line = self.logged(stranger, "unknown authority")
            assert "tls.internal_rpc.ca_file" in line, line
            members = {member["Name"] for member in self.primary.servers[0].get("/v1/agent/members?wan=1")}
            assert "stranger.dc2" not in members, members
            self.table.add("a server with a wrong authority is refused and says so", None, line.split("error=", 1)[-1][:200])
        finally:
            stranger.end_with_children()
            self.second.servers.remove(stranger)

    def with_certificate(self, wrong: dict, says: str, what: str) -> None:
        """A server of dc2 shows another certificate for a while."""
        leader = self.second.leader()
        server = next(each for each in self.second.servers if each is not leader)
        right, read = self.world.certificates.of(server.name, "dc2"), len(leader.log())
        server.kill()
        server.change(tls={"internal_rpc": wrong | VERIFIED})
        server.start()
        line = self.logged(leader, says, after=read)
        status, text = self.primary.servers[0].call("GET", "/v1/kv/x?dc=dc2")
        assert status in (200, 404), (status, text)
        self.table.add(f"a server of dc2 with {what} is not talked to", None, line.split("]", 1)[1].strip()[:160])
        if server.alive():
            server.kill()
        server.change(tls={"internal_rpc": right | VERIFIED})
        begun = time.monotonic()
        server.start().wait_leader(HEALED)
        self.healed("... and with the right one it is", lambda: None, begun=begun)

    def wrong_name(self) -> None:
        server = next(each for each in self.second.servers if each is not self.second.leader())
        says = "certificate is not for server.dc2.consul" if self.second.ours else "not server.dc2.consul"
        self.with_certificate(self.world.certificates.of(server.name, "dc3"), says, "a certificate of dc3")

    def expired(self) -> None:
        if not shutil.which("openssl"):
            return
        server = next(each for each in self.second.servers if each is not self.second.leader())
        right = self.world.certificates.of(server.name, "dc2")
        folder = self.world.folder / f"expired-{time.monotonic_ns()}"
        folder.mkdir()
        _, made, _ = expired_certificate(folder, (right["ca_file"], right["cert_file"], right["key_file"]), [
            "server.dc2.consul", f"{server.name}.server.dc2.consul"])
        self.with_certificate(right | {"cert_file": made}, "expired", "an expired certificate")

    # -- strangers --------------------------------------------------------------------------------------------------
    def forged_names(self) -> None:
        """Names that there are not, and a name that there is, with no certificate, another's, or TLS of long ago."""
        rogue = Certificates(self.world.binary, self.world.folder / f"forger-{time.monotonic_ns()}")
        gateway, begun = self.primary.gateways[0], time.monotonic()
        forged, own = rogue.of("s1", "dc1"), self.world.certificates.of("s1", "dc2")
        trust = self.primary.servers[0].get("/v1/connect/ca/roots")["TrustDomain"]
        for name in ("s1.server.dc9.consul", "evil.example", "nobody.server.dc1.consul", "server.dc1.consul.evil.example",
                     f"web-dc1.default.dc1.internal.{trust}", f"web-dc1.default.dc9.internal.{trust}", ""):
            assert not self.dial(gateway, name, own), f"{name} was answered"
        for certificate in (None, forged):
            assert not self.dial(gateway, "s1.server.dc1.consul", certificate), "a stranger was answered"
        assert not self.dial(gateway, "s1.server.dc1.consul", own, ssl.TLSVersion.TLSv1_1), "TLS of long ago was answered"
        for hello in (b"\x16\x03\x01\xff\xff" + b"\0" * 4000, long_hello(300), long_hello(65000), b"GET / HTTP/1.1\r\n\r\n"):
            assert not self.answered(gateway, hello), hello[:20]
        outage, failed, _ = self.calls.outage(begun)
        self.calls.healed(time.monotonic(), HEALED)
        self.table.add("forged names, and strangers with true ones, are refused", outage, f"without an answer meanwhile; {failed} failed")
        assert self.dial(gateway, "s1.server.dc1.consul", own), "a friend is refused"
        assert self.dial(gateway, "s1.server.dc1.consul", own, slowly=True), "a friend who speaks slowly is refused"

    def answered(self, gateway, words: bytes) -> bool:
        """Whether somebody answers to these words within some seconds; an alert is none."""
        with self.world.bystander.host, contextlib.suppress(OSError):
            with socket.create_connection((gateway.wan, GATEWAY_PORT), 5) as sock:
                sock.settimeout(3)
                sock.sendall(words)
                return sock.recv(1) not in (b"", b"\x15")
        return False

    def dial(self, gateway, name: str, certificate: dict | None, newest: ssl.TLSVersion | None = None, slowly: bool = False) -> bool:
        """Whether a server answers to an empty session of yamux through a gateway, from outside; slowly: byte by byte."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["consul/rpc-multi"])
        if newest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = newest
        if certificate:
            context.load_cert_chain(certificate["cert_file"], certificate["key_file"])
        ping = bytes([0, 2, 0, 1]) + bytes(4) + (7).to_bytes(4, "big")  # yamux: one that asks
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
        try:
            with self.world.bystander.host:
                sock = socket.create_connection((gateway.wan, GATEWAY_PORT), 5)
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(5)

                def until_done(step):
                    while True:
                        try:
                            done = step()
                        except ssl.SSLWantReadError:
                            done = None
                        words = outgoing.read()
                        for at in range(0, len(words), 1 if slowly else len(words) or 1):
                            sock.sendall(words[at:at + (1 if slowly else len(words))])
                        if done is not None:
                            return done
                        more = sock.recv(65536)
                        if not more:
                            raise ConnectionError("it is over")
                        incoming.write(more)
                until_done(lambda: tls.do_handshake() or True)
                until_done(lambda: tls.write(ping))
                return until_done(lambda: tls.read(12))[:2] == bytes([0, 2])
        except (OSError, ssl.SSLError):
            return False

    def flood(self) -> None:
        """A stranger opens many connections and says nothing, or half a word, on them; others are served meanwhile."""
        gateway, held, begun = self.primary.gateways[0], [], time.monotonic()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, FLOOD + 1000)), hard))
        try:
            with self.world.bystander.host:
                for number in range(FLOOD):
                    with contextlib.suppress(OSError):
                        sock = socket.socket()
                        held.append(sock)
                        sock.setblocking(False)
                        sock.connect((gateway.wan, GATEWAY_PORT))
            time.sleep(1)
            for number, sock in enumerate(held):
                with contextlib.suppress(OSError):
                    sock.send(b"\x16\x03\x01\x02\x00\x01"[:number % 7])
            time.sleep(6)
            outage, failed, _ = self.calls.outage(begun)
            self.table.add(f"a stranger holds {len(held)} connections at a gateway of dc1", outage,
                           f"without an answer meanwhile; {failed} failed")
            if self.primary.ours:
                assert self.dial(self.primary.gateways[1], "s1.server.dc1.consul", self.world.certificates.of("s1", "dc2"))
        finally:
            for sock in held:
                sock.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.healed("... and lets go", lambda: None)

    # -- the replication token --------------------------------------------------------------------------------------
    def with_token(self, what: str, says: str, breaks, mends) -> None:
        """What the primary gets while the token of dc2 is wrong is there soon after it is right."""
        breaks()
        # What waits at the primary came with the right one; something new ends that.
        self.primary.servers[0].put("/v1/acl/token", {"Policies": [{"Name": "readers"}]})

        def said() -> str:
            message = self.second.servers[0].get("/v1/acl/replication")["LastErrorMessage"]
            assert message and (says in message or not self.second.ours), message  # Consul's words are its own
            return message
        message = eventually("its replication says so", said, 90 if self.second.ours else 300)  # Consul's rests for long
        if self.second.ours:
            eventually("a log says what to do", lambda: any(
                says in line and "advice=" in line for server in self.second.servers for line in server.log().splitlines()))
        made = self.primary.servers[0].put("/v1/acl/token", {"Policies": [{"Name": "readers"}]})
        begun = time.monotonic()
        mends()
        for server in self.second.servers:
            eventually("the token made meanwhile is there", lambda s=server: s.call(
                "GET", "/v1/acl/token/self", None, made["SecretID"])[0] == 200, 90 if self.second.ours else 300)
        self.table.add(f"{what}, and then right: what was made meanwhile is there", time.monotonic() - begun, message[:120])

    def wrong_token(self) -> None:
        self.with_token("the replication token of dc2 is another", "ACL not found",
                        lambda: self.set_replication_token(UNKNOWN), lambda: self.set_replication_token(REPLICATION))

    def missing_token(self) -> None:
        self.with_token("dc2 has no replication token", "Permission denied",
                        lambda: self.set_replication_token(""), lambda: self.set_replication_token(REPLICATION))

    def removed_token(self) -> None:
        server = self.primary.servers[1]

        def remove() -> None:
            status, text = server.call("DELETE", f"/v1/acl/token/{server.get('/v1/acl/token/self', REPLICATION)['AccessorID']}")
            assert status == 200, (status, text)

        def make() -> None:
            server.put("/v1/acl/token", {"SecretID": REPLICATION, "Policies": [{"Name": "replication"}]})
        self.with_token("the replication token is deleted in dc1", "ACL not found", remove, make)

    def set_replication_token(self, token: str) -> None:
        for server in self.second.servers:
            server.put("/v1/agent/token/replication", {"Token": token}, RECOVERY)
