#!/usr/bin/env python3
"""Existing clients against an agent: Python's Consul client (Debian's python3-consul) here, node's (npm's consul) in
node/client_test.js. Each registers, queries, locks and watches.

    clients_test.py --binary PATH [--work FOLDER]    # FOLDER keeps npm's packages between runs
"""
import argparse
import contextlib
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

if importlib.util.find_spec("consul") is None and sys.executable != "/usr/bin/python3":
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # the Debian package serves the Debian interpreter

import consul  # noqa: E402
from agent_process import Agent  # noqa: E402

PORT = 0  # of the agent's HTTP API, set by main


def client() -> consul.Consul:
    return consul.Consul(host="127.0.0.1", port=PORT)


def put(path: str, **params) -> bool:
    """What the Python client still does by GET, which agents have refused for years."""
    return client().http.put(consul.base.CB.bool(), path, params=params)


class Watch:
    """A blocking query on a thread of its own: what it answered, and that it waited."""

    def __init__(self, ask):
        self.answer = None
        self.thread = threading.Thread(target=self.run, args=(ask,))
        self.thread.start()

    def run(self, ask):
        self.answer = ask()

    def still_waits(self) -> bool:
        self.thread.join(0.2)
        return self.thread.is_alive()

    def result(self):
        self.thread.join(10)
        assert not self.thread.is_alive(), "the watch was not woken"
        return self.answer


class KeyValues(unittest.TestCase):
    def test_values_flags_and_conditions(self):
        kv = client().kv
        self.assertTrue(kv.put("py/a", b"\x00\xffbytes", flags=7))
        index, row = kv.get("py/a")
        self.assertEqual((row["Value"], row["Flags"], row["Key"]), (b"\x00\xffbytes", 7, "py/a"))
        self.assertGreaterEqual(int(index), row["ModifyIndex"])
        self.assertFalse(kv.put("py/a", "x", cas=0))
        self.assertFalse(kv.put("py/a", "x", cas=row["ModifyIndex"] + 1))
        self.assertTrue(kv.put("py/a", "x", cas=row["ModifyIndex"]))
        self.assertEqual(kv.get("py/a", consistency="consistent")[1]["Value"], b"x")
        self.assertEqual(kv.get("py/a", consistency="stale")[1]["Value"], b"x")

    def test_trees_and_deletion(self):
        kv = client().kv
        for key in ("t/1", "t/2/x", "t/2/y"):
            kv.put("py/" + key, key)
        self.assertEqual([row["Key"] for row in kv.get("py/t/", recurse=True)[1]], ["py/t/1", "py/t/2/x", "py/t/2/y"])
        self.assertEqual(kv.get("py/t/", keys=True, separator="/")[1], ["py/t/1", "py/t/2/"])
        self.assertTrue(kv.delete("py/t/2", recurse=True))
        self.assertEqual(kv.get("py/t/", keys=True)[1], ["py/t/1"])
        self.assertTrue(kv.delete("py/t/1"))
        self.assertIsNone(kv.get("py/t/1")[1])

    def test_watch_of_a_key(self):
        kv = client().kv
        kv.put("py/watched", "1")
        index = kv.get("py/watched")[0]
        watch = Watch(lambda: client().kv.get("py/watched", index=index, wait="20s"))
        self.assertTrue(watch.still_waits())
        kv.put("py/watched", "2")
        new_index, row = watch.result()
        self.assertEqual(row["Value"], b"2")
        self.assertGreater(int(new_index), int(index))

    def test_watch_of_an_absent_key_ends_with_its_wait(self):
        index, row = client().kv.get("py/absent")
        self.assertIsNone(row)
        start = time.monotonic()
        self.assertIsNone(client().kv.get("py/absent", index=index, wait="300ms")[1])
        self.assertGreaterEqual(time.monotonic() - start, 0.3)


class Locks(unittest.TestCase):
    def test_one_holder_at_a_time(self):
        one = client()
        first = one.session.create(name="first", ttl=10, lock_delay=0)
        second = one.session.create(name="second", ttl=10, lock_delay=0)
        self.assertTrue(one.kv.put("py/lock", "first", acquire=first))
        self.assertFalse(one.kv.put("py/lock", "second", acquire=second))
        self.assertEqual(one.kv.get("py/lock")[1]["Session"], first)
        self.assertFalse(one.kv.put("py/lock", "x", release=second))
        self.assertTrue(one.kv.put("py/lock", "x", release=first))
        self.assertTrue(one.kv.put("py/lock", "second", acquire=second))
        self.assertEqual(one.kv.get("py/lock")[1]["LockIndex"], 2)

    def test_the_end_of_a_session_frees_its_lock_and_wakes_watchers(self):
        one = client()
        session = one.session.create(behavior="delete", ttl=10, lock_delay=0)
        self.assertTrue(one.kv.put("py/ephemeral", "", acquire=session))
        index = one.kv.get("py/ephemeral")[0]
        watch = Watch(lambda: client().kv.get("py/ephemeral", index=index, wait="20s"))
        self.assertTrue(watch.still_waits())
        self.assertTrue(one.session.destroy(session))
        self.assertIsNone(watch.result()[1])

    def test_sessions_are_listed_and_renewed(self):
        session = client().session.create(name="listed", ttl=10)
        self.assertEqual(client().session.info(session)[1]["Name"], "listed")
        self.assertIn(session, [row["ID"] for row in client().session.list()[1]])
        self.assertIn(session, [row["ID"] for row in client().session.node("n1")[1]])
        self.assertEqual(client().session.renew(session)["ID"], session)
        client().session.destroy(session)
        with self.assertRaises(consul.NotFound):
            client().session.renew(session)


class Services(unittest.TestCase):
    def wait_for(self, ask, holds):
        """Anti-entropy carries local services into the catalog a moment later."""
        deadline = time.monotonic() + 10
        index, rows = ask(None)
        while not holds(rows) and time.monotonic() < deadline:
            index, rows = ask(index)
        self.assertTrue(holds(rows), rows)
        return rows

    def health(self, name, **options):
        return lambda index: client().health.service(name, index=index, wait="5s", **options)

    def test_an_agents_service_with_a_ttl_check(self):
        agent = client().agent
        self.assertTrue(agent.service.register("py-web", service_id="py-web-1", address="10.0.0.1", port=80,
                                               tags=["blue"], check=consul.Check.ttl("30s")))
        self.assertEqual(agent.services()["py-web-1"]["Port"], 80)
        rows = self.wait_for(self.health("py-web"), lambda rows: len(rows) == 1)
        self.assertEqual(rows[0]["Service"]["Tags"], ["blue"])
        self.assertEqual(client().health.service("py-web", passing=True)[1], [])
        self.assertTrue(put("/v1/agent/check/pass/service:py-web-1", note="fine"))
        rows = self.wait_for(self.health("py-web", passing=True), lambda rows: len(rows) == 1)
        self.assertEqual({check["CheckID"]: check["Status"] for check in rows[0]["Checks"]}["service:py-web-1"], "passing")
        self.assertEqual(client().health.service("py-web", tag="green")[1], [])
        self.assertIn("py-web", client().catalog.services()[1])
        self.assertTrue(put("/v1/agent/service/deregister/py-web-1"))
        self.wait_for(self.health("py-web"), lambda rows: rows == [])

    def test_watch_of_a_services_health(self):
        client().catalog.register("py-node", "10.0.0.9", service={"Service": "py-db", "ID": "db", "Port": 5432},
                                  check={"CheckID": "db", "Name": "db", "Status": "passing", "ServiceID": "db"})
        index, rows = client().health.service("py-db", passing=True)
        self.assertEqual(rows[0]["Node"]["Address"], "10.0.0.9")
        watch = Watch(lambda: client().health.service("py-db", index=index, wait="20s"))
        self.assertTrue(watch.still_waits())
        client().catalog.register("py-node", "10.0.0.9", check={"CheckID": "db", "Name": "db", "Status": "critical",
                                                                "ServiceID": "db"})
        status = {check["CheckID"]: check["Status"] for check in watch.result()[1][0]["Checks"]}
        self.assertEqual(status["db"], "critical")
        self.assertEqual([row["ServiceName"] for row in client().catalog.service("py-db")[1]], ["py-db"])
        self.assertIn("py-node", [row["Node"] for row in client().catalog.nodes()[1]])
        self.assertIn("db", [check["CheckID"] for check in client().health.state("critical")[1]])
        self.assertTrue(client().catalog.deregister("py-node"))
        self.assertEqual(client().health.service("py-db")[1], [])

    def test_maintenance(self):
        agent = client().agent
        agent.service.register("py-down", port=1)
        self.wait_for(self.health("py-down", passing=True), lambda rows: len(rows) == 1)
        self.assertTrue(agent.service.maintenance("py-down", True, "closed"))
        self.wait_for(self.health("py-down", passing=True), lambda rows: rows == [])
        self.assertTrue(agent.service.maintenance("py-down", False))
        self.wait_for(self.health("py-down", passing=True), lambda rows: len(rows) == 1)

    def test_who_leads(self):
        self.assertRegex(client().status.leader(), r"^127\.0\.0\.1:\d+$")
        self.assertEqual(client().status.peers(), [client().status.leader()])
        self.assertEqual(client().catalog.datacenters(), ["dc1"])
        self.assertEqual(client().agent.self()["Config"]["NodeName"], "n1")
        self.assertEqual([member["Name"] for member in client().agent.members()], ["n1"])
        self.assertEqual(client().operator.raft_config()["Servers"][0]["Node"], "n1")


class Node(unittest.TestCase):
    def test_nodes_client(self):
        done = subprocess.run(["node", str(NODE_FOLDER / "client_test.js"), str(PORT)], timeout=120)
        self.assertEqual(done.returncode, 0)


NODE_FOLDER = pathlib.Path()


def install_node_client(folder: pathlib.Path) -> pathlib.Path:
    """npm's packages, exactly as the lock file names them, in a folder of the build."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "package-lock.json"
    known = fresh.exists() and (folder / "node_modules" / "consul").exists() \
        and fresh.read_bytes() == (HERE / "node" / "package-lock.json").read_bytes()
    for name in ("package.json", "package-lock.json", "client_test.js"):
        shutil.copy(HERE / "node" / name, folder / name)
    if not known:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=300)
    return folder


def main() -> int:
    global PORT, NODE_FOLDER
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", type=pathlib.Path)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("CONSUL_")]:
        del os.environ[name]  # the Python client lets them win over its arguments
    with tempfile.TemporaryDirectory(prefix="proconsul-clients-") as temporary:
        folder = pathlib.Path(temporary)
        NODE_FOLDER = install_node_client(options.work or folder / "node")
        agent = Agent(options.binary, folder / "agent").start()
        try:
            agent.wait_leader()
            PORT = agent.port
            suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
            result = unittest.TextTestRunner(verbosity=2).run(suite)
            if not result.wasSuccessful():
                print(agent.log_tail())
            return 0 if result.wasSuccessful() else 1
        finally:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                agent.kill(signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
