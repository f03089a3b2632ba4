"""The built-in mesh gateway beside a plain splice loop, and two datacenters of three servers that reach each other
through two such gateways each."""
import http.client
import itertools
import json
import pathlib
import subprocess
import sys
import threading
import time

from agent_process import Agent, eventually, free_ports
from figures import memory, row

ROOT, REPLICATION = "aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"
RULES = 'acl = "write" operator = "write" service_prefix "" { policy = "read" intentions = "read" }'
MODE = {"enabled": True, "enable_mesh_gateway_wan_federation": True}
KINDS = ("http", "dns", "grpc", "grpc_tls", "server", "serf_lan", "serf_wan")


def gateway(bench) -> None:
    """Forwarding, without an agent around it."""
    through = bench.tool("gateway_bench", "throughput", *([128] if bench.quick else []))
    row("gateway: one stream, the plain splice loop's rate / its", through["plain_gb_s"] / through["gateway_gb_s"], "x", 1.1,
        f"{through['gateway_gb_s']:.2f} GB/s; no proxy {through['direct_gb_s']:.2f} GB/s")
    row("gateway: CPU a GB / the plain splice loop's", through["gateway_cpu_ms_per_gb"] / through["plain_cpu_ms_per_gb"], "x", 1.2,
        f"{through['gateway_cpu_ms_per_gb']:.0f} ms")
    row("gateway: CPU of a new connection", bench.tool("gateway_bench", "connect", *([500] if bench.quick else []))["gateway_cpu_us_per_connection"],
        "us", 100)
    small = bench.tool("gateway_bench", "small", *([2_000] if bench.quick else []))
    row("gateway: a byte to and fro, more than by the plain splice loop", small["gateway_us"] - small["plain_us"], "us", 20,
        f"{small['gateway_us']:.1f} us")
    idle = bench.tool("gateway_bench", "idle", *([1_000] if bench.quick else [10_000]))
    row(f"gateway: RSS of an idle connection, of {idle['connections']}", idle["bytes_per_connection"], "B", 2048,
        f"{idle['kernel_tcp_pages']} pages of the kernel's")


class Certificates:
    def __init__(self, binary: str, folder: pathlib.Path):
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True)
        self.run("ca", "create")

    def run(self, *words: str) -> None:
        subprocess.run([self.binary, "tls", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def of(self, node: str, datacenter: str) -> dict:
        before = set(self.folder.glob("*.pem"))
        self.run("cert", "create", "-server", "-dc", datacenter, "-node", node)
        key, certificate = sorted(set(self.folder.glob("*.pem")) - before, key=lambda path: "key" not in path.name)
        return {"ca_file": str(self.folder / "consul-agent-ca.pem"), "cert_file": str(certificate), "key_file": str(key),
                "verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True}


class Server(Agent):
    """On a loopback address of its own; the ports are the same for all of a datacenter."""

    def __init__(self, binary: str, folder: pathlib.Path, datacenter: str, number: int, ports: dict, tls: dict, more: dict):
        self.host = f"127.0.{datacenter[-1]}.{number}"
        super().__init__(binary, folder, folder.name, {
            "datacenter": datacenter, "primary_datacenter": "dc1", "bind_addr": self.host, "client_addr": self.host,
            "ports": ports, "bootstrap_expect": 3, "connect": MODE, "tls": {"internal_rpc": tls}, "retry_interval": "1s",
            "retry_join": [f"127.0.{datacenter[-1]}.{each}:{ports['serf_lan']}" for each in (1, 2, 3)],
            "limits": {"http_max_conns_per_client": 2000}, "performance": {"raft_multiplier": 1}} | more)
        self.port = ports["http"]

    def connection(self, timeout: float = 10) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def call(self, method: str, path: str, body=None, token: str = ROOT, timeout: float = 10) -> tuple[int, bytes]:
        return self.ask(method, f"{path}{'&' if '?' in path else '?'}token={token}", body and json.dumps(body), timeout)

    def get(self, path: str):
        status, body = self.call("GET", path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def put(self, path: str, body=None):
        status, answer = self.call("PUT", path, body)
        assert status == 200, (path, status, answer)
        return json.loads(answer)


class Gateway:
    """`proconsul connect mesh-gateway` beside one of the servers."""

    def __init__(self, server: Server, number: int):
        self.server, self.number, self.process = server, number, None
        self.host = f"{server.host.rsplit('.', 1)[0]}.{10 + number}"
        self.lan, self.wan = free_ports(2)

    def start(self) -> None:
        with open(self.server.folder / f"gateway{self.number}.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.server.binary, "connect", "mesh-gateway", "-register", "-expose-servers", "-service", f"gateway{self.number}",
                 "-http-addr", f"{self.server.host}:{self.server.port}", "-token", ROOT, "-address", f"{self.host}:{self.lan}",
                 "-wan-address", f"{self.host}:{self.wan}", "-bind-address", f"lan={self.host}:{self.lan}",
                 "-bind-address", f"wan={self.host}:{self.wan}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def move(self) -> None:
        self.kill()
        self.lan, self.wan = free_ports(2)
        self.start()


class Federation:
    def __init__(self, bench):
        self.folder = bench.folder / "federation"
        certificates = Certificates(bench.binary, self.folder / "certificates")
        self.way_in = self.folder / "primary-gateways"
        self.servers: dict[str, list[Server]] = {}
        self.gateways: dict[str, list[Gateway]] = {}
        for datacenter in ("dc1", "dc2"):
            ports = dict(zip(KINDS, free_ports(len(KINDS)))) | {"https": -1}
            acl = {"enabled": True, "default_policy": "deny", "enable_token_replication": True}
            more = {"acl": acl | {"tokens": {"initial_management": ROOT}}}
            if datacenter == "dc2":
                more = {"acl": acl | {"tokens": {"replication": REPLICATION}}, "primary_gateways": [f"exec=cat {self.way_in}"]}
            self.servers[datacenter] = [
                Server(bench.binary, self.folder / f"{datacenter}-s{number}", datacenter, number, ports,
                       certificates.of(f"{datacenter}-s{number}", datacenter), more) for number in (1, 2, 3)]
            self.gateways[datacenter] = [Gateway(self.servers[datacenter][number], number) for number in (1, 2)]
        self.tell()

    def tell(self) -> None:
        """The name servers know the primary's gateways."""
        self.way_in.write_text("".join(f"{each.host}:{each.wan}\n" for each in self.gateways["dc1"]))

    def both_ways(self) -> bool:
        return all(server.call("GET", f"/v1/kv/x?dc={far}", timeout=2)[0] == 404
                   for near, far in (("dc1", "dc2"), ("dc2", "dc1")) for server in self.servers[near])

    def end(self) -> None:
        for gateway in itertools.chain(*self.gateways.values()):
            gateway.kill()
        for server in itertools.chain(*self.servers.values()):
            server.end_with_children()


class Calls(threading.Thread):
    """Reads keys of the other datacenter, without a pause."""

    def __init__(self, server: Server, far: str):
        super().__init__(daemon=True)
        self.server, self.far, self.over, self.bad = server, far, threading.Event(), []
        self.good: list[float] = []
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.01):
            begun = time.monotonic()
            try:
                good = self.server.call("GET", f"/v1/kv/x?dc={self.far}", timeout=10)[0] == 404
            except (OSError, http.client.HTTPException):
                good = False
            (self.good if good else self.bad).append(begun)


def soon(holds) -> None:
    """Waits, looking all the time: what is measured is short."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def since(begun: float) -> float:
    return time.monotonic() - begun


def federation(bench) -> None:
    done = subprocess.run([bench.binary, "connect", "mesh-gateway", "-help"], capture_output=True, text=True, timeout=60)
    if "-expose-servers" not in done.stdout + done.stderr:
        return print("  federation: this program has no mesh gateway", file=sys.stderr)
    world = Federation(bench)
    try:
        start(world)
        latency(bench, world)
        tokens(bench, world)
        quiet(bench, world)
        healing(world)
    finally:
        world.end()


def start(world: Federation) -> None:
    for server in world.servers["dc1"]:
        server.start()
    for server in world.servers["dc1"]:
        server.wait_leader(30)
    one = world.servers["dc1"][0]
    eventually("the first token", lambda: one.get("/v1/acl/token/self"))
    one.put("/v1/acl/policy", {"Name": "replication", "Rules": RULES})
    one.put("/v1/acl/token", {"SecretID": REPLICATION, "Policies": [{"Name": "replication"}]})
    for gateway in world.gateways["dc1"]:
        gateway.start()
    eventually("dc1 knows its gateways", lambda: len(one.get("/v1/internal/federation-states/mesh-gateways").get("dc1", [])) == 2)
    names = {f"{server.name}.{datacenter}" for datacenter, servers in world.servers.items() for server in servers}
    begun = time.monotonic()
    for server in world.servers["dc2"]:
        server.start()
    # Its tokens are known there only later: the pool is looked at from the primary.
    eventually("dc2 has joined", lambda: names == {member["Name"] for member in one.get("/v1/agent/members?wan=1")})
    row("federation: a secondary's start to WAN joined", since(begun), "s", 1.5)
    for server in world.servers["dc2"]:
        eventually("tokens are replicated", lambda s=server: s.get("/v1/acl/token/self"))
    row("federation: a secondary's start to ACLs replicated", since(begun), "s", 2)
    for gateway in world.gateways["dc2"]:
        gateway.start()
    eventually("both ways", world.both_ways)
    row("federation: a secondary's start to federated both ways", since(begun), "s", 4)
    time.sleep(5)
    row("gateway: RSS of its process", memory(world.gateways["dc1"][0].process.pid)[0] / 1e6, "MB", 25)


def latency(bench, world: Federation) -> None:
    near, far = world.servers["dc2"][0], world.servers["dc1"][0]
    far.put("/v1/kv/k", "x" * 64)

    def p50(server: Server, path: str) -> float:
        connection = server.connection(30)
        times = []
        for _ in range(500 if bench.quick else 5_000):
            begun = time.perf_counter()
            connection.request("GET", path)
            connection.getresponse().read()
            times.append(time.perf_counter() - begun)
        connection.close()
        return sorted(times)[len(times) // 2] * 1e6
    # A follower asks its leader either way.
    local, remote = p50(far, f"/v1/kv/k?token={ROOT}"), p50(near, f"/v1/kv/k?dc=dc1&token={ROOT}")
    row("federation: GET kv through gateways, p50, more than in its own datacenter", remote - local, "us", 150,
        f"{local:.0f} us, {remote:.0f} us")


def tokens(bench, world: Federation) -> None:
    """How long until a token that the primary has made is taken in the secondary, and until it no longer is."""
    one, servers, times = world.servers["dc1"][0], world.servers["dc2"], {"made": [], "deleted": []}
    for _ in range(3 if bench.quick else 20):
        made = one.put("/v1/acl/token", {"Policies": [{"Name": "replication"}]})
        begun = time.monotonic()
        for server in servers:
            soon(lambda s=server: s.call("GET", "/v1/acl/token/self", None, made["SecretID"])[0] == 200)
        times["made"].append(since(begun) * 1e3)
        one.call("DELETE", f"/v1/acl/token/{made['AccessorID']}")
        begun = time.monotonic()
        for server in servers:
            soon(lambda s=server: s.call("GET", "/v1/acl/token/self", None, made["SecretID"])[0] == 403)
        times["deleted"].append(since(begun) * 1e3)
        time.sleep(1)
    for what, values in times.items():
        row(f"federation: a token {what} in the primary, everywhere in the secondary, p50", sorted(values)[len(values) // 2], "ms", 50,
            f"at most {max(values):.0f} ms")


def quiet(bench, world: Federation) -> None:
    def indexes() -> list[int]:
        return [int(world.servers[each][0].get("/v1/agent/self")["Stats"]["raft"]["applied_index"]) for each in world.servers]
    before, wait = indexes(), 10 if bench.quick else 60
    time.sleep(wait)
    for datacenter, was, now in zip(world.servers, before, indexes()):
        row(f"federation: raft writes of {datacenter} an idle minute", (now - was) * 60 / wait, "", 4)


def healing(world: Federation) -> None:
    callers = [Calls(world.servers["dc2"][2], "dc1"), Calls(world.servers["dc1"][2], "dc2")]

    def healed(begun: float) -> float:
        eventually("well again", lambda: all(
            caller.good and caller.good[-1] >= max([begun, *caller.bad[-1:]]) for caller in callers))
        return max(next(each for each in caller.good if each >= max([begun, *caller.bad[-1:]])) for caller in callers) - begun
    try:
        for datacenter, gateways in world.gateways.items():
            begun = time.monotonic()
            gateways[0].kill()
            time.sleep(5)
            late = sum(each > begun + 1 for caller in callers for each in caller.bad)
            row(f"federation: failed calls later than 1 s after one of two gateways of {datacenter} died", late, "", 0)
            gateways[0].start()
            healed(time.monotonic())
        for datacenter, gateways in world.gateways.items():
            time.sleep(8)
            for each in gateways:
                each.kill()
            begun = time.monotonic()
            for each in gateways:
                each.start()
            time.sleep(1)
            row(f"federation: all gateways of {datacenter} restarted, calls are answered after", healed(begun), "s", 0.5)
            time.sleep(8)
            for each in gateways:
                each.kill()
            begun = time.monotonic()
            for each in gateways:
                each.move()
            world.tell()
            time.sleep(1)
            row(f"federation: all gateways of {datacenter} at other addresses, calls are answered after", healed(begun), "s", 3)
    finally:
        for caller in callers:
            caller.over.set()
        for caller in callers:
            caller.join(15)
    for each in world.gateways["dc2"]:
        each.kill()
    for server in world.servers["dc2"]:
        server.kill()
    begun = time.monotonic()
    for server in world.servers["dc2"]:
        server.start()
    for each in world.gateways["dc2"]:
        each.start()
    eventually("both ways", world.both_ways)
    row("federation: all of the secondary restarted, federated both ways", since(begun), "s", 10)
