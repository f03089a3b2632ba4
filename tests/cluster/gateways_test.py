#!/usr/bin/env python3
"""What follows from config entries, over HTTP and on the command line, before and after a restart: the services of
gateways, and those that others may use.

    gateways_test.py --binary PATH
"""
import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from agent_process import Agent, eventually

BINARY = ""


class Gateways(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-gateways-")
        self.addCleanup(self.folder.cleanup)
        self.agent = Agent(BINARY, pathlib.Path(self.folder.name)).start()
        self.addCleanup(self.agent.kill)  # runs even if there never is a leader
        self.agent.wait_leader()

    def put(self, path: str, body) -> None:
        self.assertEqual(self.agent.ask("PUT", path, json.dumps(body)), (200, b"true"))

    def write(self, kind: str, name: str, **fields) -> None:
        self.put("/v1/config", {"Kind": kind, "Name": name} | fields)

    def register(self, name: str, kind: str = "", **fields) -> None:
        self.put("/v1/catalog/register", {
            "Node": "far", "Address": "127.0.0.9", "SkipNodeUpdate": True,
            "Service": {"Service": name, "Kind": kind} | fields})

    def get(self, path: str):
        status, body = self.agent.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def served(self, gateway: str) -> list[str]:
        return sorted(row["Service"]["Name"] for row in self.get(f"/v1/catalog/gateway-services/{gateway}"))

    def restart(self) -> None:
        self.agent.kill(signal.SIGKILL)
        self.agent.start().wait_leader()

    def test_a_wildcard_follows_the_catalog_and_outlives_a_restart(self):
        self.register("web")
        self.register("tgw", "terminating-gateway", Port=443)
        self.write("terminating-gateway", "tgw", Services=[{"Name": "*", "CAFile": "/ca"}])
        self.assertEqual(self.served("tgw"), ["web"])

        self.register("db")
        self.restart()

        self.assertEqual(self.served("tgw"), ["db", "web"])
        self.assertEqual(self.get("/v1/catalog/gateway-services/tgw")[0]["CAFile"], "/ca")
        self.assertEqual([node["ServiceID"] for node in self.get("/v1/catalog/connect/web")], ["tgw"])
        listing = {summary["Name"]: summary for summary in self.get("/v1/internal/ui/services")}
        self.assertEqual(listing["tgw"]["GatewayConfig"], {"AssociatedServiceCount": 2})
        self.assertTrue(listing["web"]["ConnectedWithGateway"])

    def test_who_waits_for_a_gateway_hears_of_a_new_service(self):
        self.write("terminating-gateway", "tgw", Services=[{"Name": "*"}])
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/catalog/gateway-services/tgw")
        answer = connection.getresponse()
        self.assertEqual(json.loads(answer.read()), [])
        index = answer.getheader("X-Consul-Index")
        heard = []
        waiter = threading.Thread(target=lambda: heard.append(
            self.agent.ask("GET", f"/v1/catalog/gateway-services/tgw?wait=30s&index={index}", timeout=60)))
        waiter.start()

        self.register("web")

        waiter.join(60)
        self.assertEqual([row["Service"]["Name"] for row in json.loads(heard[0][1])], ["web"])

    def test_an_ingress_gateway_is_found_by_what_it_leads_to(self):
        self.register("igw", "ingress-gateway", Port=8443)
        self.register("web")
        self.write("ingress-gateway", "igw", Listeners=[{"Port": 8080, "Protocol": "tcp",
                                                         "Services": [{"Name": "web"}]}])

        self.assertEqual([node["Service"]["ID"] for node in self.get("/v1/health/ingress/web")], ["igw"])
        summary, = self.get("/v1/internal/ui/gateway-services-nodes/igw")
        self.assertEqual((summary["Name"], summary["InstanceCount"]), ("web", 1))
        self.assertEqual(summary["GatewayConfig"]["Addresses"], ["web.ingress.dc1.consul:8080"])
        self.assertEqual(self.agent.ask("DELETE", "/v1/config/ingress-gateway/igw")[0], 200)
        self.assertEqual(self.get("/v1/health/ingress/web"), [])
        self.assertEqual(self.served("igw"), [])

    def test_exported_services_are_told_with_their_consumers(self):
        self.assertEqual(self.get("/v1/exported-services"), [])
        self.register("web")
        self.write("exported-services", "default", Services=[
            {"Name": "*", "Consumers": [{"Peer": "north"}]}, {"Name": "web", "Consumers": [{"Peer": "east"}]}])

        self.assertEqual(self.get("/v1/exported-services"),
                         [{"Service": "web", "Consumers": {"Peers": ["east", "north"]}}])
        shown = subprocess.run(
            [BINARY, "services", "exported-services", f"-http-addr=127.0.0.1:{self.agent.port}"],
            capture_output=True, text=True, timeout=20, check=True)
        self.assertRegex(shown.stdout, r"web\s+east, north")
        made = subprocess.run(
            [BINARY, "services", "export", "-name=db", "-consumer-peers=west",
             f"-http-addr=127.0.0.1:{self.agent.port}"], capture_output=True, text=True, timeout=20, check=True)
        self.assertIn("Successfully exported", made.stdout)
        eventually("db is exported", lambda: {"Service": "db", "Consumers": {"Peers": ["west"]}} in
                   self.get("/v1/exported-services"))

    def test_without_a_mesh_there_are_no_chains(self):
        self.assertEqual(self.agent.ask("GET", "/v1/discovery-chain/web"),
                         (500, b"Connect must be enabled in order to use this endpoint"))
        self.assertEqual(self.agent.ask("GET", "/v1/discovery-chain/"), (400, b"Missing chain name"))
        self.assertEqual(self.agent.ask("POST", "/v1/discovery-chain/web", "[]"), (
            400, b"Request decoding failed: json: cannot unmarshal array into Go value of type map[string]interface {}"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = options.binary
    unittest.main(argv=[sys.argv[0], *rest])
