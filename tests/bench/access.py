"""What access control and encrypted connections cost: the same requests with and without, in turns, in the same run."""
import json
import pathlib
import re
import statistics
import subprocess
import time

from agent_process import Agent, eventually, free_ports
from figures import cpu_seconds, row

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
ACL = {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT, "agent": ROOT}}
# %d is twelve digits, so that it ends a UUID.
FIRST = 100_000_000_000


def ask(agent: Agent, method: str, path: str, body=None, token: str = ROOT) -> tuple[int, bytes]:
    separator = "&" if "?" in path else "?"
    text = json.dumps(body) if isinstance(body, dict) else body
    return agent.ask(method, path + (f"{separator}token={token}" if token else ""), text, timeout=60)


def make(agent: Agent, kind: str, body: dict) -> dict:
    status, text = ask(agent, "PUT", f"/v1/acl/{kind}", body)
    assert status == 200, (kind, status, text)
    return json.loads(text)


def start(bench, acl: dict, **config) -> Agent:
    """A server that decides by tokens."""
    bench.number += 1
    agent = Agent(bench.binary, bench.folder / f"a{bench.number}", config={"acl": acl} | config).start()
    eventually("its first token works", lambda: ask(agent, "GET", "/v1/acl/tokens")[0] == 200)
    return agent


def policies(agent: Agent, count: int) -> list[dict]:
    """Of 20 rules together, one of which is about each of what is read here."""
    links = []
    for number in range(count):
        rules = f'key_prefix "app-{number}/" {{ policy = "write" }} service "app-{number}" {{ policy = "write" }} '
        if number == 7:
            rules += 'key "k" { policy = "read" } service_prefix "web" { policy = "read" } '
        if number == 11:
            rules += 'node_prefix "" { policy = "read" } '
        make(agent, "policy", {"Name": f"p-{number}", "Rules": rules})
        links.append({"Name": f"p-{number}"})
    return links


def spent(bench, agent: Agent, count: int, path: str, token: str = "", connections: int = 64) -> float:
    """CPU us per read of the server."""
    env = {"TOKEN": token} if token else {}
    before = cpu_seconds(agent.process.pid)
    bench.tool("load", agent.port, connections, count, "GET", path, FIRST=FIRST, **env)
    return (cpu_seconds(agent.process.pid) - before) / count * 1e6


def in_turns(rounds: int, *measures) -> list[float]:
    """The median of each; one round of all after the other, so that what else runs meets all of them."""
    for measure in measures:
        measure()
    each = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(values) for values in zip(*each)]


def registration(service: str) -> str:
    return json.dumps({"Node": "n%d", "Address": "10.0.0.1", "SkipNodeUpdate": False, "Service": {
        "ID": "web-%d", "Service": service, "Port": 80, "Tags": ["a", "b"]}, "Checks": [
        {"Node": "n%d", "CheckID": "c-%d", "Name": "web", "Status": "passing", "ServiceID": "web-%d"}]})


def reads(bench) -> None:
    """Warm, at first sight, and of what a token may see a part of."""
    off, on = bench.agent(), start(bench, ACL)
    try:
        links = policies(on, 20)
        token = make(on, "token", {"Policies": links})["SecretID"]
        for agent, secret in ((off, ""), (on, ROOT)):
            ask(agent, "PUT", "/v1/kv/k", "x" * 64, secret)
            bench.tool("load", agent.port, 8, 100, "PUT", "/v1/catalog/register", registration("web"), FIRST=1_000,
                       TOKEN=secret)
        rounds, count = (3, 10_000) if bench.quick else (9, 50_000)
        for what, path, share in (("GET kv", "/v1/kv/k", 1), ("GET kv ?stale", "/v1/kv/k?stale", 1),
                                  ("health of 100 instances", "/v1/health/service/web", 5)):
            answers = [json.loads(ask(*asked)[1]) for asked in ((on, "GET", path, None, token), (off, "GET", path, None, ""))]
            assert len(answers[0]) == len(answers[1]) > 0, path
            without, with_token = in_turns(rounds, lambda p=path: spent(bench, off, count // share, p),
                                           lambda p=path: spent(bench, on, count // share, p, token))
            row(f"{what}, a token of 20 policies / ACLs off", with_token / without, "x", 1.1,
                f"{with_token:.2f} us/op, without {without:.2f}")
        first_use(bench, on, links)
        filtering(bench, on)
    finally:
        off.kill()
        on.kill()


def first_use(bench, on: Agent, links: list[dict]) -> None:
    count = 500 if bench.quick else 2_000
    secret = "cccccccc-0000-0000-0000-%d"
    own = json.dumps({"Name": "own-%d", "Rules": 'key_prefix "own-%d/" { policy = "write" }'})
    bench.tool("load", on.port, 16, count, "PUT", "/v1/acl/policy", own, FIRST=FIRST, TOKEN=ROOT)
    each = json.dumps({"SecretID": secret, "Policies": links + [{"Name": "own-%d"}]})
    bench.tool("load", on.port, 16, count, "PUT", "/v1/acl/token", each, FIRST=FIRST, TOKEN=ROOT)
    for what in ("first", "second"):
        before = cpu_seconds(on.process.pid)
        result = bench.tool("load", on.port, 1, count, "GET", "/v1/kv/k", FIRST=FIRST, TOKEN=secret)
        cpu = (cpu_seconds(on.process.pid) - before) / count * 1e6
        row(f"{what} use of a token of 21 policies, one of its own, p50", result["p50_us"], "us",
            300 if what == "first" else None, f"{cpu:.1f} us CPU")


def filtering(bench, on: Agent) -> None:
    """Of 10,000 instances, by a token with 100 rules that shows a hundredth of them, and by one that shows all."""
    size = 10_000
    bench.tool("load", on.port, 64, size, "PUT", "/v1/catalog/register", registration("web-big"), FIRST=20_000, TOKEN=ROOT)
    rules = 'service "web-big" { policy = "read" } ' + "".join(
        f'node "n{20_000 + number * 100}" {{ policy = "read" }} ' for number in range(99))
    make(on, "policy", {"Name": "few", "Rules": rules})
    more = 'node_prefix "" { policy = "read" } '
    make(on, "policy", {"Name": "all", "Rules": rules.replace('"n20000"', '"other"') + more})
    few, every = (make(on, "token", {"Policies": [{"Name": name}]})["SecretID"] for name in ("few", "all"))
    path = "/v1/health/service/web-big"
    assert len(json.loads(ask(on, "GET", path, None, few)[1])) == 99
    assert len(json.loads(ask(on, "GET", path, None, every)[1])) == size
    rounds, count = (3, 20) if bench.quick else (5, 100)
    little, root, all_of_them = in_turns(rounds, lambda: spent(bench, on, count, path, few, 8),
                                         lambda: spent(bench, on, count, path, ROOT, 8),
                                         lambda: spent(bench, on, count, path, every, 8))
    row(f"health of {size} instances, 100 rules show 99 of them", little / 1e3, "ms", 3)
    row(f"health of {size} instances, 100 rules show all / no rules", (all_of_them - root) / 1e3, "ms more", 3,
        f"{all_of_them / 1e3:.2f} ms, without rules {root / 1e3:.2f}")


# -- a secondary datacenter ---------------------------------------------------------------------------------------------
def replication(bench) -> None:
    """Until an empty secondary has all policies and tokens, and until it has one more change."""
    many, more = (1_000, 5_000) if bench.quick else (10_000, 50_000)
    primary = start(bench, ACL)
    secondary = None
    try:
        policy = json.dumps({"Name": "p-%d", "Rules": 'key_prefix "p-%d/" { policy = "write" }'})
        token = json.dumps({"SecretID": "cccccccc-0000-0000-0000-%d", "Policies": [{"Name": f"p-{FIRST + 7}"}]})
        for kind, count, body in (("policy", many, policy), ("token", more, token)):
            bench.tool("load", primary.port, 32, count, "PUT", f"/v1/acl/{kind}", body, FIRST=FIRST, TOKEN=ROOT)
        last = f"cccccccc-0000-0000-0000-{FIRST + more - 1}"
        wan = json.loads((primary.folder / "agent.json").read_text())["ports"]["serf_wan"]
        bench.number += 1
        secondary = Agent(bench.binary, bench.folder / f"a{bench.number}", "far", {
            "datacenter": "dc2", "primary_datacenter": "dc1", "retry_join_wan": [f"127.0.0.1:{wan}"],
            "acl": {"enabled": True, "default_policy": "deny", "enable_token_replication": True,
                    "tokens": {"agent": ROOT}}}).start()

        def copied() -> dict:
            return json.loads(secondary.ask("GET", "/v1/acl/replication", timeout=30)[1])

        eventually("the primary is seen", lambda: len(json.loads(
            secondary.ask("GET", "/v1/catalog/datacenters")[1])) == 2)
        before = cpu_seconds(primary.process.pid)
        begin = time.monotonic()
        # With the token from its start on: the time has the start in it, and nothing else is waited for.
        settings = json.loads((secondary.folder / "agent.json").read_text())
        settings["acl"]["tokens"]["replication"] = ROOT
        (secondary.folder / "agent.json").write_text(json.dumps(settings))
        secondary.kill()
        secondary.start()
        eventually("all is copied", lambda: copied()["ReplicatedTokenIndex"] > 0 and ask(
            secondary, "GET", "/v1/acl/token/self", None, last)[0] == 200, 300)
        took = time.monotonic() - begin
        spent_there = cpu_seconds(secondary.process.pid)
        row(f"{many} policies and {more} tokens in an empty secondary, its start included", took, "s", 10,
            f"{spent_there:.2f} s CPU, the primary {cpu_seconds(primary.process.pid) - before:.2f} s")
        delays = []
        for number in range(5):
            time.sleep(2)  # rounds are limited to one a second, after a burst
            secret = f"dddddddd-0000-0000-0000-{FIRST + number}"
            make(primary, "token", {"SecretID": secret, "Policies": [{"Name": f"p-{FIRST + 7}"}]})
            begin = time.monotonic()
            while ask(secondary, "GET", "/v1/acl/token/self", None, secret)[0] != 200:
                time.sleep(0.002)
            delays.append(time.monotonic() - begin)
        row("a new token of the primary works in the secondary after, p50", statistics.median(delays) * 1e3, "ms", 100)
    finally:
        for agent in (primary, secondary):
            if agent is not None and agent.process.poll() is None:
                agent.kill()


# -- HTTPS --------------------------------------------------------------------------------------------------------------
KEYS = {"ECDSA P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "RSA 2048": ["-newkey", "rsa:2048"]}


def certificate(folder: pathlib.Path, arguments: list[str]) -> dict[str, str]:
    folder.mkdir()
    files = {"cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}
    subprocess.run(["openssl", "req", "-x509", *arguments, "-nodes", "-days", "2", "-subj", "/CN=server.dc1.consul",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", files["key_file"], "-out",
                    files["cert_file"]], check=True, capture_output=True)
    return files


def operation_us(algorithm: str) -> float:
    """Processor time of one signature, or of one half of an agreement on a key, by `openssl speed`."""
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "-mr", algorithm], capture_output=True, text=True, check=True)
    fields = re.search(r"^\+F\d:.*$", done.stdout, re.MULTILINE).group().split(":")
    rate = float(fields[3])
    return 1e6 / rate if rate > 1 else rate * 1e6  # seconds each, or how many a second


def https(bench) -> None:
    agreement = operation_us("ecdhx25519")
    for number, (name, arguments) in enumerate(KEYS.items()):
        files = certificate(bench.folder / f"tls{number}", arguments)
        signature = operation_us("ecdsap256" if "P-256" in name else "rsa2048")
        bare = bench.tool("tls_load", "bare", files["cert_file"], files["key_file"], 300)["cpu_us"]
        port = free_ports(1)[0]
        bench.number += 1
        agent = Agent(bench.binary, bench.folder / f"a{bench.number}", config={"tls": {"https": files}})
        settings = json.loads((agent.folder / "agent.json").read_text())
        settings["ports"]["https"] = port
        (agent.folder / "agent.json").write_text(json.dumps(settings))
        agent.start().wait_leader()
        try:
            if number == 0:
                keep_alive(bench, agent, port)
            handshakes(bench, agent, port, name, signature + 2 * agreement, signature, bare)
        finally:
            agent.kill()


def tls(bench, agent: Agent, how: str, port: int, threads: int, count: int) -> tuple[float, dict]:
    before = cpu_seconds(agent.process.pid)
    result = bench.tool("tls_load", how, port, threads, count, "/v1/kv/k")
    return (cpu_seconds(agent.process.pid) - before) / count * 1e6, result


def keep_alive(bench, agent: Agent, port: int) -> None:
    agent.ask("PUT", "/v1/kv/k", "x" * 64)
    rounds, count = (3, 5_000) if bench.quick else (7, 40_000)
    plain, keep = in_turns(rounds, lambda: tls(bench, agent, "plain", agent.port, 16, count)[0],
                           lambda: tls(bench, agent, "keep", port, 16, count)[0])
    row("GET kv over a kept HTTPS connection / HTTP", keep - plain, "us more", 4, f"{keep:.2f} us/op, HTTP {plain:.2f}")


def handshakes(bench, agent: Agent, port: int, name: str, allowed: float, signature: float, bare: float) -> None:
    rounds, count = (3, 200) if bench.quick else (5, 1_000)
    resumed = []

    def resume() -> float:
        cpu, result = tls(bench, agent, "resumed", port, 4, count)
        resumed.append(result["resumed"] / count)
        return cpu

    full, again = in_turns(rounds, lambda: tls(bench, agent, "fresh", port, 4, count)[0], resume)
    # Over how much of the processor's time the key's arithmetic goes: what is called a rate, upside down, so that less is better.
    row(f"TLS handshake, {name} / `openssl speed`: signature, 2 x X25519", full / allowed, "x", 1 / 0.7,
        f"{full:.1f} us CPU; signature alone {signature:.1f} us; OpenSSL's own handshake in memory {bare:.1f} us")
    row(f"TLS handshake, {name} / OpenSSL's own in memory", full / bare, "x", 1 / 0.7)
    row(f"TLS handshake, {name}, resumed / full", again / full, "x", note=f"{again:.1f} us; {min(resumed):.0%} were resumed")
