#!/usr/bin/env python3
"""What a reload takes over while the agent runs, by SIGHUP and by the API; and that a bad file changes nothing.

    reload_test.py --binary PATH
"""
import argparse
import http.client
import json
import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest

from agent_process import Agent

BINARY = ""
CHECK = {"Name": "beat", "TTL": "10m", "Status": "passing"}


class Reload(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-reload-")
        self.addCleanup(self.folder.cleanup)
        self.agent = Agent(BINARY, pathlib.Path(self.folder.name), config={"raft_snapshot_interval": "50ms"})
        self.addCleanup(self.end_agent)  # runs even if there never is a leader
        self.agent.start().wait_leader()

    def end_agent(self) -> None:
        self.agent.end_with_children()

    def get(self, path: str):
        status, body = self.agent.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def configure(self, **keys) -> None:
        file = self.agent.folder / "agent.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | keys))

    def reload(self, **keys) -> None:
        self.configure(**keys)
        self.assertEqual(self.agent.ask("PUT", "/v1/agent/reload"), (200, b""))

    def eventually(self, holds) -> None:
        until = time.monotonic() + 20
        while not holds() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertTrue(holds())

    def test_node_meta_reaches_the_catalog(self):
        self.reload(node_meta={"rack": "r7"})
        self.assertEqual(self.get("/v1/agent/self")["Meta"]["rack"], "r7")
        self.assertEqual(self.get("/v1/agent/self")["DebugConfig"]["NodeMeta"], {"rack": "r7"})
        self.eventually(lambda: self.get("/v1/catalog/node/n1")["Node"]["Meta"].get("rack") == "r7")
        self.reload(node_meta={})
        self.eventually(lambda: "rack" not in self.get("/v1/catalog/node/n1")["Node"]["Meta"])

    def test_debug_and_metrics_filter(self):
        self.assertEqual(self.agent.ask("GET", "/debug/pprof/nothing")[0], 404)
        before = {gauge["Name"] for gauge in self.get("/v1/agent/metrics")["Gauges"]}
        self.reload(enable_debug=True, telemetry={"prefix_filter": ["-consul.state", "-consul.raft"]})
        self.assertEqual(self.agent.ask("GET", "/debug/pprof/nothing"), (404, b"Unknown profile\n"))
        after = {gauge["Name"] for gauge in self.get("/v1/agent/metrics")["Gauges"]}
        self.assertTrue(any(".state." in name for name in before), before)
        self.assertEqual({name for name in after if name.startswith(("consul.state", "consul.raft"))}, set())

    def test_check_output_is_discarded(self):
        self.agent.ask("PUT", "/v1/agent/check/register", json.dumps(CHECK))
        self.agent.ask("PUT", "/v1/agent/check/warn/beat?note=slow")
        self.assertEqual(self.get("/v1/agent/checks")["beat"]["Output"], "slow")
        self.reload(discard_check_output=True)
        self.agent.ask("PUT", "/v1/agent/check/warn/beat?note=slower")
        self.assertEqual(self.get("/v1/agent/checks")["beat"]["Output"], "")

    def test_connections_of_a_client_are_limited(self):
        self.reload(limits={"http_max_conns_per_client": 1})
        first = self.agent.connection()
        self.eventually(lambda: self.status_on(first) == 200)
        second = self.agent.connection()
        self.assertEqual(self.status_on(second), 429)
        second.close()
        first.close()

    @staticmethod
    def status_on(connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/v1/status/leader")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_snapshots_follow_the_new_threshold(self):
        for number in range(60):
            self.agent.ask("PUT", f"/v1/kv/key{number}", "value")
        snapshots = self.agent.folder / "data" / "raft" / "snapshots"
        time.sleep(0.2)  # several checks under the old threshold
        self.assertEqual(list(snapshots.glob("*-*-*")), [])
        self.reload(raft_snapshot_threshold=20)
        self.eventually(lambda: bool(list(snapshots.glob("*-*-*"))))

    def test_files_are_watched_if_so_configured(self):
        self.agent.kill()
        self.configure(auto_reload_config=True, services=[{"name": "one"}])
        self.agent.start().wait_leader()
        self.configure(services=[{"name": "two"}])
        self.eventually(lambda: list(self.get("/v1/agent/services")) == ["two"])

    def test_a_bad_file_changes_nothing(self):
        self.configure(node_meta={"rack": "r8"}, datacentre="dc2")
        os.kill(self.agent.process.pid, signal.SIGHUP)
        status, body = self.agent.ask("PUT", "/v1/agent/reload")
        self.assertEqual(status, 500)
        self.assertIn(b"datacentre", body)
        self.assertNotIn("rack", self.get("/v1/agent/self")["Meta"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = options.binary
    unittest.main(argv=[sys.argv[0], *rest])
