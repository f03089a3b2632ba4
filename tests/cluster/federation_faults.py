"""What goes wrong between datacenters that are joined through gateways, one after the other, and how long it takes until
calls are answered again; what is to be refused is in federation_refusals.py."""
import itertools
import pathlib
import re
import shutil
import signal
import tempfile
import time

from agent_process import eventually
from connect_ca_test import believed
from federation_features import diagnosis, local_ways, outside_connections
from federation_nodes import GATEWAY_PORT, MARKER, Node
from federation_refusals import HEALED, Refusals
from federation_world import Datacenter


class Faults(Refusals):
    gone = 20  # seconds for which the primary is away

    # -- gateways ---------------------------------------------------------------------------------------------------
    def one_gateway_dies(self) -> None:
        for datacenter in (self.second, self.primary):
            gateway = datacenter.gateways[0]
            self.masked(f"one of two gateways of {datacenter.name} is killed", gateway.kill)
            self.masked("... and starts again", gateway.start, 0)

    def each_gateway_dies(self) -> None:
        for datacenter in self.world.datacenters:
            for gateway in datacenter.gateways:
                self.masked(f"gateway {gateway.number} of {datacenter.name} is killed", gateway.kill)
                self.masked("... and starts again", gateway.start, 0)

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
            # Servers of Consul's wait for such a gateway of their own for as long as it hangs.
            self.masked(f"a gateway of {datacenter.name} takes connections and never answers", lambda g=gateway: g.hang(True),
                        only=lambda caller: caller.near.ours)
            self.healed("... and goes on", lambda g=gateway: g.hang(False))

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

    def behind_one_balancer(self) -> None:
        """Both gateways of dc2 tell others of one address: a load balancer's."""
        gateways = self.second.gateways
        shared = self.world.bystander.balance(gateways)
        for gateway in gateways:
            gateway.kill()
        begun = time.monotonic()
        for gateway in gateways:
            gateway.tell(shared)

        def told(server: Node) -> bool:
            rows = server.get("/v1/internal/federation-states/mesh-gateways")[self.second.name]
            return {"{Address}:{Port}".format(**row["Service"]["TaggedAddresses"]["wan"]) for row in rows} == {shared}
        for datacenter in self.world.datacenters:
            for server in datacenter.servers:
                eventually(f"{datacenter.name} {server.name} knows of the load balancer", lambda s=server: told(s), HEALED)
        self.healed("both gateways of dc2 are behind one load balancer: from their start", lambda: None, begun=begun)
        self.masked("... and one of them is killed", gateways[0].kill)
        self.masked("... and starts again", gateways[0].start)
        for gateway in gateways:
            gateway.kill()
        begun = time.monotonic()
        for gateway in gateways:
            gateway.tell("")
        self.healed("... and both have addresses of their own again: from their start", lambda: None, begun=begun)

    # -- servers ----------------------------------------------------------------------------------------------------
    def each_server_dies(self) -> None:
        for datacenter in self.world.datacenters:
            for server in datacenter.servers:
                leads = server is datacenter.leader()
                self.masked(f"{datacenter.name} {server.name} is killed{' (it led)' if leads else ''}", server.kill)
                server.start().wait_leader(HEALED)
                self.all_vote(datacenter)
        self.healed("after all that", lambda: None)

    @staticmethod
    def all_vote(datacenter: Datacenter) -> None:
        eventually("all servers vote", lambda: sum(
            each["Voter"] for each in datacenter.leader().get("/v1/operator/raft/configuration")["Servers"]) == 3, HEALED)

    def rolling_restart(self) -> None:
        """As in an upgrade: one server after the other ends in order and starts again."""
        for datacenter in self.world.datacenters:
            def restart(datacenter=datacenter) -> None:
                for server in datacenter.servers:
                    server.kill(signal.SIGTERM, 30)
                    server.start().wait_leader(HEALED)
                    self.all_vote(datacenter)
            self.masked(f"all servers of {datacenter.name} restart, one after the other", restart)

    def leaders_change(self) -> None:
        """What the primary gets while leaders go is copied all the same."""
        rounds, began = 5, time.monotonic()
        for number in range(rounds):
            datacenter = self.second if number % 2 == 0 else self.primary
            leader = datacenter.leader()
            leader.kill()
            writer = next(server for server in self.primary.servers if server.alive())
            made = eventually("a token is made", lambda w=writer: w.put("/v1/acl/token", {"Policies": [{"Name": "app"}]}))
            begun = time.monotonic()
            for each in self.world.datacenters[1:]:
                for server in each.servers:
                    if server.alive():
                        eventually(f"it is good at {each.name} {server.name}", lambda s=server, t=made["SecretID"]: s.call(
                            "PUT", "/v1/kv/app/x", MARKER, t)[0] == 200, HEALED)
            self.table.add(f"the leader of {datacenter.name} was killed: a token made in dc1 is good at all that are left",
                           time.monotonic() - begun)
            leader.start().wait_leader(HEALED)
            self.all_vote(datacenter)
        self.healed("... and calls are answered", lambda: None, begun=time.monotonic())
        assert time.monotonic() > began

    def authority_rotates(self) -> None:
        """Another root of the mesh: certificates of each datacenter are soon under it."""
        leader = self.primary.leader()
        before = leader.get("/v1/connect/ca/roots")["ActiveRootID"]
        config = leader.get("/v1/connect/ca/configuration")
        bits = 384 if config["Config"].get("PrivateKeyBits") != 384 else 256
        leader.put("/v1/connect/ca/configuration", {"Provider": "consul", "Config": {"PrivateKeyType": "ec", "PrivateKeyBits": bits}})
        begun = time.monotonic()

        def rotated(server: Node) -> str | None:
            now = server.get("/v1/connect/ca/roots")["ActiveRootID"]
            return now if now != before else None
        for each in self.world.datacenters:
            for server in each.servers:
                eventually(f"{each.name} {server.name} has the other root", lambda s=server: rotated(s), HEALED)
        self.table.add("the mesh has another root: every server has it", time.monotonic() - begun)
        with tempfile.TemporaryDirectory() as folder:
            for each in self.world.datacenters:
                server = each.servers[0]
                shown = server.get("/v1/connect/ca/roots")
                root = next(root for root in shown["Roots"] if root["ID"] == shown["ActiveRootID"])

                def signs(server=server, root=root) -> bool:
                    leaf = server.get(f"/v1/agent/connect/ca/leaf/rotated-{time.monotonic_ns()}")
                    believed(pathlib.Path(folder), root, leaf)
                    return True
                if shutil.which("openssl"):
                    eventually(f"{each.name} signs under it", signs, HEALED)
        self.table.add("... and each datacenter signs under it", time.monotonic() - begun)

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
        if self.second.ours:
            named = eventually("the doctor has a cause", lambda: diagnosis(self.world, self.second.servers[0])["Causes"][0])
            self.table.add("all servers of dc1 are gone: the doctor in dc2 says", None, f"{named['Code']}: {named['Cause'][:110]}")
        time.sleep(self.gone)
        begun = time.monotonic()
        for server in self.primary.servers:
            server.start()
        for server in self.primary.servers:
            server.wait_leader(HEALED)
        self.table.add(f"all servers of dc1 were gone for {self.gone} s: from their start, it leads", time.monotonic() - begun)
        self.healed("... and calls are answered", lambda: None, begun=begun)

    def stop_all(self, datacenter: Datacenter) -> None:
        """Its power fails."""
        for gateway in datacenter.gateways:
            gateway.end()
        for agent in datacenter.agents():
            if agent.alive():
                agent.kill()

    def start_all(self, datacenter: Datacenter) -> None:
        for server in datacenter.servers:
            server.start()
        for server in datacenter.servers:
            server.wait_leader(HEALED)
        for gateway in datacenter.gateways:
            gateway.start()

    def primary_from_cold(self) -> None:
        self.stop_all(self.primary)
        time.sleep(3)
        begun = time.monotonic()
        self.start_all(self.primary)
        self.healed("all of dc1 restarts, gateways too", lambda: None, begun=begun)
        local_ways(self.world, self.table)

    def waiting_for_the_primary(self) -> None:
        """Everything restarts, the primary last; who merely waits for it logs no error."""
        for datacenter in self.world.datacenters:
            self.stop_all(datacenter)
        others = self.world.datacenters[1:]
        read = {agent: len(agent.log()) for datacenter in others for agent in datacenter.agents()}
        for datacenter in others:
            self.start_all(datacenter)
        begun = time.monotonic()
        if len(others) > 1 and all(datacenter.ours for datacenter in others):
            self.healed("everything restarts, dc1 last: dc2 and dc3 call each other without it", lambda: None,
                        only=lambda caller: self.primary not in (caller.near, caller.far), begun=begun)
        time.sleep(20)
        for datacenter in others:
            for server in datacenter.servers:
                server.put("/v1/kv/own", MARKER)
        errors = [line for agent, size in read.items() if agent.binary == self.world.binary
                  for line in agent.log()[size:].splitlines() if re.search(r"\[ERROR\]", line)]
        begun = time.monotonic()
        self.start_all(self.primary)
        self.healed("everything restarts, dc1 20 s after the others: from its start", lambda: None, begun=begun)
        self.table.add("... errors in logs of those that waited", None, str(len(errors)))
        assert not errors, errors[:10]

    def second_from_cold(self) -> None:
        """All of the secondary at once, while nothing but its own gateways leads out."""
        if not self.second.ours:
            self.table.add("all of dc2 restarts, with no way out but its gateways", None, "left out: Consul locks itself out")
            return
        self.world.cut_direct("direct", self.second)
        self.stop_all(self.second)
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

    MAIN = (one_gateway_dies, gateways_restart, gateway_never_answers, links, gateways_move, Refusals.wrong_name,
            Refusals.forged_names, Refusals.wrong_token, second_from_cold)
    ALL = (one_gateway_dies, each_gateway_dies, gateways_restart, gateway_never_answers, links, secondaries_apart, gateways_move,
           behind_one_balancer, each_server_dies, rolling_restart, leaders_change, authority_rotates, primary_gone,
           primary_from_cold, Refusals.wrong_authority, Refusals.wrong_name, Refusals.expired, Refusals.forged_names,
           Refusals.flood, Refusals.wrong_token, Refusals.missing_token, Refusals.removed_token, waiting_for_the_primary,
           second_from_cold)
