#!/usr/bin/env python3
"""Prometheus and an agent: promtool reads what a scrape gets, and Prometheus' service discovery finds targets.

    prometheus_test.py --binary PATH [--work FOLDER]    # FOLDER keeps the Go program between runs
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster")]

import go_program  # noqa: E402
from agent_process import Agent, answer, eventually  # noqa: E402

BINARY = ""
WORK = pathlib.Path()
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"  # as Prometheus asks


def agent(folder: str, **telemetry) -> Agent:
    settings = {"telemetry": {"prometheus_retention_time": "60s", "disable_hostname": True} | telemetry}
    started = Agent(BINARY, pathlib.Path(folder), config=settings).start()
    started.wait_leader()
    # Sessions belong to nodes, and the leader has yet to register its own.
    eventually("the node is in the catalog", lambda: answer(started, "/v1/internal/ui/nodes"))
    return started


class Scrape(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="proconsul-scrape-")
        cls.agent = agent(cls.folder.name, enable_host_metrics=True)
        ask = cls.agent.ask
        ask("PUT", "/v1/kv/a", b"1")
        ask("DELETE", "/v1/kv/a")
        ask("PUT", "/v1/txn", json.dumps([{"KV": {"Verb": "set", "Key": "b", "Value": ""}}]))
        ask("PUT", "/v1/txn", json.dumps([{"KV": {"Verb": "get", "Key": "b"}}]))
        session = json.loads(ask("PUT", "/v1/session/create", "{}")[1])["ID"]
        ask("PUT", f"/v1/session/renew/{session}")
        ask("PUT", f"/v1/session/destroy/{session}")
        register = {"Node": "n", "Address": "10.0.0.1", "Service": {"Service": "web", "Tags": ["a"]}}
        assert ask("PUT", "/v1/catalog/register", json.dumps(register))[0] == 200
        for path in ("/v1/catalog/service/web?tag=a", "/v1/catalog/service/none", "/v1/health/service/web",
                     "/v1/catalog/nodes", "/v1/catalog/datacenters", "/v1/kv/b?consistent"):
            assert ask("GET", path)[0] == 200, path
        ask("PUT", "/v1/catalog/deregister", json.dumps({"Node": "n"}))
        eventually("the leader has looked at itself", lambda: ask("GET", "/v1/operator/autopilot/health")[0] == 200)
        cls.text = cls.scrape()

    @classmethod
    def tearDownClass(cls):
        cls.agent.kill()
        cls.folder.cleanup()

    @classmethod
    def scrape(cls) -> str:
        connection = cls.agent.connection()
        connection.request("GET", "/v1/agent/metrics", headers={"Accept": ACCEPT})
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.read().decode()
        connection.close()
        return text

    def test_promtool_can_read_it(self):
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.text, text=True, capture_output=True)
        # Exit code 3 is the linter's taste in names, which are Consul's; 1 is a text that cannot be read.
        self.assertIn(checked.returncode, (0, 3), checked.stderr)
        self.assertNotIn("error while linting", checked.stderr)

    def test_what_happened_is_there(self):
        lines = self.text.splitlines()
        for line in ('consul_fsm_kvs_count{op="set"} 1', 'consul_fsm_kvs_count{op="delete"} 1',
                     'consul_fsm_session_count{op="create"} 1', 'consul_fsm_session_count{op="destroy"} 1',
                     "consul_fsm_txn_count 1", "consul_kvs_apply_count 2", "consul_txn_apply_count 1",
                     "consul_txn_read_count 1", "consul_session_renew_count 1",
                     'consul_catalog_service_query{service="web"} 1',
                     'consul_catalog_service_query_tags{service="web",tag="a"} 1',
                     'consul_catalog_service_not_found{service="none"} 1',
                     'consul_health_service_query{service="web"} 1',
                     'consul_client_api_catalog_nodes{node="n1"} 1',
                     'consul_client_api_success_catalog_service_nodes{node="n1"} 2',
                     'consul_client_api_catalog_datacenters{node="n1"} 1',
                     "consul_server_isLeader 1", "consul_autopilot_healthy 1", "consul_autopilot_failure_tolerance 0",
                     'consul_version{pre_release="",version="1.21.4"} 1', 'consul_state_kv_entries{datacenter="dc1"} 1',
                     'consul_state_nodes{datacenter="dc1"} 1', 'consul_members_servers{datacenter="dc1"} 1',
                     'consul_state_connect_instances{datacenter="dc1",kind="mesh-gateway"} 0'):
            self.assertIn(line, lines)
        for name in ("consul_catalog_register", "consul_catalog_deregister", "consul_leader_barrier",
                     "consul_raft_apply", "consul_raft_commitTime", "consul_raft_leader_oldestLogAge",
                     "consul_raft_thread_main_saturation", "consul_raft_thread_fsm_saturation", "consul_rpc_consistentRead", "consul_rpc_query",
                     "consul_session_ttl_active", "consul_runtime_alloc_bytes", "consul_host_memory_total",
                     "consul_host_cpu_idle", "consul_host_uptime", "consul_host_disk_size",
                     "process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds"):
            self.assertIn(f"# TYPE {name} ", self.text)

    def test_every_name_has_one_block(self):
        names = [line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE ")]
        self.assertEqual(len(names), len(set(names)))

    def test_gauges_have_the_host_in_their_name_unless_it_is_off(self):
        with tempfile.TemporaryDirectory(prefix="proconsul-host-") as folder:
            other = agent(folder, disable_hostname=False, metrics_prefix="other")
            try:
                text = other.ask("GET", "/v1/agent/metrics?format=prometheus")[1].decode()
            finally:
                other.kill()
        host = "".join(c if c.isalnum() else "_" for c in os.uname().nodename)
        self.assertIn(f"\nother_{host}_server_isLeader 1\n", text)
        self.assertIn("\nother_kvs_apply_count 0\n", text)


class Discovery(unittest.TestCase):
    """The program's updates, read on a thread of their own."""

    @classmethod
    def setUpClass(cls):
        cls.program = go_program.build("prometheus", WORK)

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-discovery-")
        self.agent = agent(self.folder.name)
        self.changed = threading.Condition()
        self.seen: dict = {}
        self.process = subprocess.Popen([str(self.program), f"127.0.0.1:{self.agent.port}", "web", "db"],
                                        stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def tearDown(self):
        self.process.terminate()
        self.process.wait(15)
        self.reader.join()
        self.process.stdout.close()
        self.agent.kill()
        self.folder.cleanup()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.seen = json.loads(line)
                self.changed.notify_all()

    def expect(self, targets: dict) -> None:
        with self.changed:
            self.assertTrue(self.changed.wait_for(lambda: self.seen.get("targets") == targets, 30), self.seen)

    def register(self, service: str, address: str, port: int, tags=()) -> None:
        body = {"Node": f"node-{address}", "Address": address,
                "Service": {"ID": f"{service}-{port}", "Service": service, "Port": port, "Tags": list(tags)}}
        self.assertEqual(self.agent.ask("PUT", "/v1/catalog/register", json.dumps(body))[0], 200)

    def test_targets_come_and_go(self):
        self.register("web", "10.0.0.1", 80, ["blue", "fast"])
        self.register("other", "10.0.0.9", 90)
        self.expect({"web": ["10.0.0.1:80"]})
        self.assertEqual(self.seen["tags"], {"web": ",blue,fast,"})

        self.register("web", "10.0.0.2", 81)
        self.register("db", "10.0.0.2", 5432)
        self.expect({"web": ["10.0.0.1:80", "10.0.0.2:81"], "db": ["10.0.0.2:5432"]})

        self.assertEqual(self.agent.ask("PUT", "/v1/catalog/deregister", json.dumps({"Node": "node-10.0.0.2"}))[0], 200)
        self.expect({"web": ["10.0.0.1:80"]})


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--work", type=pathlib.Path, default=None)
    options, rest = arguments.parse_known_args()
    BINARY = options.binary
    with tempfile.TemporaryDirectory(prefix="proconsul-prometheus-") as scratch:
        WORK = (options.work or pathlib.Path(scratch)).resolve()
        WORK.mkdir(parents=True, exist_ok=True)
        unittest.main(argv=[sys.argv[0], *rest])
