#!/usr/bin/env python3
"""What others make of the DNS server: dig, dnsmasq before and behind it, HAProxy's resolvers."""
import argparse
import contextlib
import getpass
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import Agent, free_ports  # noqa: E402


def eventually(what: str, holds, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.05)


def dig(port: int, *words: str) -> list[str]:
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=2", "+time=3", *words],
                          capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if line]


def short(port: int, *words: str) -> list[str]:
    return sorted(dig(port, "+short", *words))


def status(port: int, *words: str) -> str:
    head = next(line for line in dig(port, *words) if "status: " in line)
    return head.split("status: ")[1].split(",")[0]


@contextlib.contextmanager
def running(*command: str, log: pathlib.Path):
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def dnsmasq(port: int, folder: pathlib.Path, *more: str):
    return running("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=",
                   f"--user={getpass.getuser()}", "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}",
                   *more, log=folder / f"dnsmasq-{port}.log")


def register(agent: Agent, node: str, address: str, service: str, port: int, **more) -> None:
    body = {"Node": node, "Address": address, "Service": {"ID": f"{service}-{port}", "Service": service, "Port": port} | more}
    code, text = agent.ask("PUT", "/v1/catalog/register", json.dumps(body))
    assert code == 200, text


def check_dig(agent: Agent, port: int) -> None:
    for i in range(40):
        register(agent, f"node-{i:02}", f"10.0.0.{i}", "web", 8000 + i, Tags=["even" if i % 2 == 0 else "odd"])
    register(agent, "ext", "www.example.test", "outside", 443)
    assert short(port, "node-07.node.consul") == ["10.0.0.7"]
    assert len(short(port, "web.service.consul", "+noedns", "+notcp", "+ignore")) == 3
    assert len(short(port, "web.service.consul", "+noedns")) == 40  # cut, and asked again over TCP
    assert len(short(port, "web.service.consul", "+bufsize=4096")) == 40
    assert len(short(port, "web.service.consul", "+tcp")) == 40
    assert len(short(port, "odd.web.service.dc1.consul", "+tcp")) == 20
    services = short(port, "_web._even.service.consul", "SRV", "+tcp")
    assert services[0] == "1 1 8000 node-00.node.dc1.consul." and len(services) == 20, services
    assert short(port, "-x", "10.0.0.9") == ["node-09.node.dc1.consul."]
    assert short(port, "0a000001.addr.consul") == ["10.0.0.1"]
    assert short(port, "consul", "NS") == ["n1.node.dc1.consul."]
    assert short(port, "consul", "SOA")[0].startswith("ns.consul. hostmaster.consul. ")
    assert status(port, "none.service.consul") == "NXDOMAIN"
    assert status(port, "web.service.consul", "AAAA") == "NOERROR"
    assert status(port, "web.service.consul", "+opcode=UPDATE", "+noedns") == "NOTIMP"
    subnet = dig(port, "web.service.consul", "+subnet=192.0.2.0/24")
    assert any("CLIENT-SUBNET: 192.0.2.0/24/0" in line for line in subnet), subnet
    assert any(line.startswith("web.service.consul.") and "\t55\tIN" in line for line in dig(port, "web.service.consul"))


def check_dnsmasq(agent: Agent, port: int, folder: pathlib.Path) -> None:
    front = free_ports(1)[0]
    with dnsmasq(front, folder, f"--server=/consul/127.0.0.1#{port}", f"--rev-server=10.0.0.0/24,127.0.0.1#{port}"):
        eventually("dnsmasq answers", lambda: short(front, "node-07.node.consul") == ["10.0.0.7"])
        assert len(short(front, "web.service.consul")) == 40
        assert short(front, "-x", "10.0.0.9") == ["node-09.node.dc1.consul."]
        assert status(front, "none.service.consul") == "NXDOMAIN"
        assert len(short(front, "web.service.consul", "SRV", "+tcp")) == 40


def check_recursion(agent: Agent, port: int) -> None:
    assert short(port, "www.example.test") == ["10.8.8.8"]
    assert short(port, "www.example.test", "+tcp") == ["10.8.8.8"]
    assert short(port, "outside.service.consul") == ["10.8.8.8", "www.example.test."]
    # What the other server says of the lifetime stays.
    answer = dig(port, "outside.service.consul", "+noall", "+answer")
    assert [line.split()[1] for line in answer] == ["55", "77"], answer
    assert status(port, "none.example.test") == "NXDOMAIN"


class Named(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = str(self.server.server_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)

    def log_message(self, *_):
        pass


def check_haproxy(agent: Agent, port: int, folder: pathlib.Path) -> None:
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Named) for _ in range(3)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = [server.server_address[1] for server in servers]
    front = free_ports(1)[0]
    (folder / "haproxy.cfg").write_text(f"""
global
  maxconn 100
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
resolvers consul
  nameserver agent 127.0.0.1:{port}
  accepted_payload_size 8192
  resolve_retries 3
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold obsolete 200ms
  hold nx 200ms
frontend in
  bind 127.0.0.1:{front}
  default_backend web
backend web
  balance roundrobin
  server-template s 1-5 _app._tcp.service.consul resolvers consul resolve-prefer ipv4 init-addr none
""")
    for i, one in enumerate(ports):
        register(agent, f"app-{i}", "127.0.0.1", "app", one)

    def ask() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", front, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == 200 else ""
        except OSError:
            return ""
        finally:
            connection.close()

    with running("haproxy", "-db", "-f", str(folder / "haproxy.cfg"), log=folder / "haproxy.log"):
        eventually("HAProxy spreads over all", lambda: {ask() for _ in range(9)} == {str(one) for one in ports})
        code, text = agent.ask("PUT", "/v1/catalog/deregister", json.dumps({"Node": "app-0"}))
        assert code == 200, text
        eventually("HAProxy leaves the gone one out", lambda: {ask() for _ in range(9)} == {str(one) for one in ports[1:]})
    for server in servers:
        server.shutdown()


def check_reload(agent: Agent, port: int) -> None:
    path = agent.folder / "agent.json"
    settings = json.loads(path.read_text())
    settings["dns_config"]["service_ttl"] = {"*": "66s"}
    settings["recursors"] = []
    path.write_text(json.dumps(settings))
    os.kill(agent.process.pid, signal.SIGHUP)
    eventually("the new TTL", lambda: any("\t66\tIN" in line for line in dig(port, "web.service.consul")))
    assert status(port, "www.example.test") == "REFUSED"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proconsul-dns-") as name:
        folder = pathlib.Path(name)
        upstream, silent = free_ports(2)
        agent = Agent(options.binary, folder / "agent", config={
            "recursors": [f"127.0.0.1:{silent}", f"127.0.0.1:{upstream}"],
            "dns_config": {"enable_truncate": True, "service_ttl": {"web": "55s", "out*": "55s"}, "recursor_timeout": "500ms"}})
        port = json.loads((folder / "agent" / "agent.json").read_text())["ports"]["dns"]
        quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        quiet.bind(("127.0.0.1", silent))  # a recursor that never answers
        agent.start().wait_leader()
        try:
            with dnsmasq(upstream, folder, "--address=/www.example.test/10.8.8.8", "--local=/example.test/", "--local-ttl=77"):
                eventually("the server", lambda: short(port, "n1.node.consul") == ["127.0.0.1"])
                eventually("the upstream", lambda: short(upstream, "www.example.test") == ["10.8.8.8"])
                check_dig(agent, port)
                check_dnsmasq(agent, port, folder)
                check_recursion(agent, port)
                check_haproxy(agent, port, folder)
            check_reload(agent, port)
        except BaseException:
            print(agent.log_tail(), file=sys.stderr)
            raise
        finally:
            quiet.close()
            agent.kill(signal.SIGTERM)
    print("dig, dnsmasq and HAProxy: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
