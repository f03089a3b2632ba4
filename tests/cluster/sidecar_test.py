#!/usr/bin/env python3
"""Sidecars over a restart and a reload, from the API and from files.

    sidecar_test.py --binary PATH
"""
import argparse
import json
import pathlib
import signal
import sys
import tempfile
import unittest

from agent_process import Agent

BINARY = ""
# A check of its own, which needs nobody to listen.
SIDECAR = {"Check": {"TTL": "10m", "Status": "passing"}}


class Sidecars(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-sidecar-")
        self.addCleanup(self.folder.cleanup)
        self.agent = Agent(BINARY, pathlib.Path(self.folder.name)).start()
        self.addCleanup(self.agent.kill)  # runs even if there never is a leader
        self.agent.wait_leader()

    def put(self, path: str, body=None) -> tuple[int, str]:
        status, answer = self.agent.ask("PUT", path, None if body is None else json.dumps(body))
        return status, answer.decode()

    def register(self, name: str, sidecar: dict, **more) -> tuple[int, str]:
        return self.put("/v1/agent/service/register",
                        {"Name": name, "Port": 80, "Connect": {"SidecarService": sidecar}} | more)

    def get(self, path: str):
        status, body = self.agent.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def ports(self) -> dict[str, int]:
        return {name: service["Port"] for name, service in self.get("/v1/agent/services").items()}

    def restart(self) -> None:
        self.agent.kill(signal.SIGKILL)
        self.agent.start().wait_leader()

    def test_a_restart_keeps_port_checks_and_descent(self):
        for name in ("a", "b"):
            self.assertEqual(self.register(name, SIDECAR), (200, ""))
        self.assertEqual(self.put("/v1/agent/service/deregister/a")[0], 200)
        before = self.ports()
        self.assertEqual(before, {"b": 80, "b-sidecar-proxy": 21001})
        checks = set(self.get("/v1/agent/checks"))

        self.restart()

        self.assertEqual(self.ports(), before)
        self.assertEqual(set(self.get("/v1/agent/checks")), checks)
        self.assertEqual(self.register("c", SIDECAR), (200, ""))
        self.assertEqual(self.ports()["c-sidecar-proxy"], 21000)
        self.assertEqual(self.put("/v1/agent/service/deregister/b")[0], 200)
        self.assertEqual(set(self.ports()), {"c", "c-sidecar-proxy"})
        catalog = self.get("/v1/catalog/node-services/n1")["Services"]
        self.assertEqual({service["ID"] for service in catalog}, {"consul", "c", "c-sidecar-proxy"})

    def test_files_define_sidecars_and_a_reload_exchanges_them(self):
        file = self.agent.folder / "agent.json"
        settings = json.loads(file.read_text())

        def reload(*names: str) -> None:
            services = [{"name": name, "port": 80, "connect": {"sidecar_service": {"check": {"ttl": "10m"}}}}
                        for name in names]
            file.write_text(json.dumps(settings | {"services": services}))
            self.assertEqual(self.put("/v1/agent/reload"), (200, ""))

        reload("a", "b")
        self.assertEqual(self.ports(), {"a": 80, "a-sidecar-proxy": 21000, "b": 80, "b-sidecar-proxy": 21001})
        self.put("/v1/agent/check/pass/service:b-sidecar-proxy")
        reload("b", "c")
        self.assertEqual(self.ports(), {"b": 80, "b-sidecar-proxy": 21001, "c": 80, "c-sidecar-proxy": 21000})
        self.assertEqual(self.get("/v1/agent/checks")["service:b-sidecar-proxy"]["Status"], "passing")

    def test_what_is_refused(self):
        for sidecar, more, text in (
                ({"ID": "x"}, {}, "A SidecarService cannot specify an ID as this is managed by the agent"),
                ({"Connect": {"SidecarService": {}}}, {}, "A SidecarService cannot have a nested SidecarService"),
                ({"Check": {"HTTP": "http://x"}}, {}, "Invalid check in sidecar_service: Interval must be > 0"),
                ({"Meta": {"consul-x": "1"}}, {}, "Invalid SidecarService: "),
                ({"Proxy": {"Upstreams": [{"DestinationName": "db"}]}}, {}, "Failed Validation: 1 error occurred"),
                ({}, {"Kind": "mesh-gateway"}, "A mesh-gateway cannot have a sidecar service defined"),
                ({}, {"TaggedAddresses": {"lan_ipv4": {"Address": "::1"}}}, "must be a valid ipv4 address")):
            status, answer = self.register("web", sidecar, **more)
            self.assertIn(status, (400, 500), text)
            self.assertIn(text, answer)
        self.assertEqual(self.ports(), {})

    def test_checks_go_through_a_sidecar_that_exposes_them(self):
        checks = [{"CheckID": "http", "HTTP": "http://127.0.0.1:1/health", "Interval": "10m"},
                  {"CheckID": "grpc", "GRPC": "127.0.0.1:1/web", "Interval": "10m"},
                  {"CheckID": "tcp", "TCP": "127.0.0.1:1", "Interval": "10m"}]
        proxy = {"DestinationServiceName": "web", "DestinationServiceID": "web"}

        def ports() -> dict[str, int]:
            return {name: check["ExposedPort"] for name, check in self.get("/v1/agent/checks").items()}

        self.put("/v1/agent/service/register", {"Name": "web", "Port": 1, "Checks": checks})
        self.assertEqual(ports(), {"http": 0, "grpc": 0, "tcp": 0})
        front = {"Name": "front", "Kind": "connect-proxy", "Port": 2, "Address": "127.0.0.2",
                 "Proxy": proxy | {"Expose": {"Checks": True}}}
        self.put("/v1/agent/service/register", front)
        exposed = ports()
        self.assertEqual({exposed["http"], exposed["grpc"], exposed["tcp"]}, {21500, 21501, 0})
        self.put("/v1/agent/service/register", {"Name": "web", "Port": 1, "Checks": checks})
        self.assertEqual(ports(), exposed)
        self.put("/v1/agent/service/deregister/front")
        self.assertEqual(ports(), {"http": 0, "grpc": 0, "tcp": 0})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = options.binary
    unittest.main(argv=[sys.argv[0], *rest])
