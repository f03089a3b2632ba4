#!/usr/bin/env python3
"""The agent as a process: what it tells its service manager, how it takes signals, its pid file, its log and where it
sends metrics.

    process_test.py --binary PATH
"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import sys
import tempfile
import time
import unittest

from agent_process import Agent

BINARY = ""
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) \[(TRACE|DEBUG|INFO|WARN|ERROR)\] {1,2}agent[.\w-]*: ")


class Process(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-process-")
        self.path = pathlib.Path(self.folder.name)
        self.agent = None

    def tearDown(self):
        if self.agent is not None:
            self.agent.end_with_children()
        self.folder.cleanup()

    def start(self, *flags: str, environment: dict | None = None, **config) -> Agent:
        before = dict(os.environ)
        os.environ.update(environment or {})
        try:
            self.agent = Agent(BINARY, self.path, config=config).start(*flags)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return self.agent

    def log(self) -> str:
        return (self.path / "log").read_text()

    def eventually(self, holds) -> None:
        until = time.monotonic() + 20
        while not holds() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertTrue(holds(), self.agent.log_tail())

    def manager(self) -> tuple[socket.socket, str]:
        path = str(self.path / "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(path)
        listener.settimeout(20)
        self.addCleanup(listener.close)
        return listener, path

    def test_the_service_manager_hears_of_every_change(self):
        listener, path = self.manager()
        self.start(environment={"NOTIFY_SOCKET": path})
        self.assertEqual(listener.recv(999), b"READY=1")
        self.assertEqual(self.agent.ask("GET", "/v1/agent/self")[0], 200)

        os.kill(self.agent.process.pid, signal.SIGHUP)
        self.assertRegex(listener.recv(999), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(listener.recv(999), b"READY=1")

        self.assertEqual(self.agent.kill(signal.SIGTERM), 1)
        self.assertEqual(listener.recv(999), b"STOPPING=1")

    def test_the_watchdog_is_fed(self):
        listener, path = self.manager()
        self.start(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        self.assertEqual(listener.recv(999), b"READY=1")
        for _ in range(3):
            self.assertEqual(listener.recv(999), b"WATCHDOG=1")

    def test_the_pid_file_is_there_while_the_agent_is(self):
        file = self.path / "agent.pid"
        self.start("-pid-file", str(file)).wait_leader()
        self.assertEqual(file.read_text(), str(self.agent.process.pid))
        self.agent.kill(signal.SIGTERM)
        self.assertFalse(file.exists())

    def test_a_server_only_stops_by_signals(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            self.start(log_level="info").wait_leader()
            self.assertEqual(self.agent.kill(sign), 1)
            self.assertIn("[INFO]  agent: Graceful shutdown disabled. Exiting\n", self.log())

    def test_a_server_leaves_by_signals_if_it_may(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            self.start(leave_on_terminate=True, skip_leave_on_interrupt=False, log_level="info").wait_leader()
            self.assertEqual(self.agent.kill(sign), 0)
            self.assertIn("[INFO]  agent: Gracefully shutting down agent...\n", self.log())
            self.assertIn("[INFO]  agent: Graceful exit completed\n", self.log())

    def test_usr1_dumps_the_metrics(self):
        self.start().wait_leader()
        os.kill(self.agent.process.pid, signal.SIGUSR1)
        self.eventually(lambda: re.search(r"^\[\d{4}-.* UTC\]\[G\] 'consul\..*server\.isLeader': 1\.000$", self.log(), re.M))
        self.assertEqual(self.agent.ask("GET", "/v1/status/leader")[0], 200)

    def test_lines_have_consuls_form(self):
        self.start(log_level="trace").wait_leader()
        self.agent.kill(signal.SIGTERM)
        lines = [line for line in self.log().split("Log data will now stream in", 1)[1].splitlines()[1:] if line]
        self.assertTrue(lines)
        for line in lines:
            if not line.startswith("  "):  # a value of several lines
                self.assertRegex(line, LINE)

    def test_json_logs_are_json_alone(self):
        folder = self.path / "logs"
        folder.mkdir()
        self.start("-log-json", "-log-file", f"{folder}/", "-log-rotate-bytes", "1000", "-log-rotate-max-files", "2",
                   log_level="trace").wait_leader()
        for i in range(20):
            self.agent.ask("PUT", f"/v1/kv/{i}", b"x")
        self.agent.kill(signal.SIGTERM)
        for line in self.log().splitlines():
            self.assertEqual(list(json.loads(line))[:4], ["@level", "@message", "@module", "@timestamp"])
        self.assertTrue((folder / "consul.log").exists())
        old = [file for file in folder.iterdir() if re.fullmatch(r"consul-\d{19}\.log", file.name)]
        self.assertEqual(len(old), 2)

    def test_a_bad_level_is_refused(self):
        self.start("-log-level", "loud")
        self.assertEqual(self.agent.process.wait(20), 1)
        self.assertIn("==> Invalid log level: loud. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]\n", self.log())

    def test_monitor_streams_lines_of_its_own_level(self):
        self.start(log_level="error").wait_leader()
        connection = self.agent.connection(20)
        connection.request("GET", "/v1/agent/monitor?loglevel=debug")
        answer = connection.getresponse()
        self.agent.ask("GET", "/v1/agent/checks")
        line = answer.fp.readline()
        while b"Request finished" not in line:
            line = answer.fp.readline()
        self.assertRegex(line.decode(), LINE)
        connection.close()
        self.assertNotIn("Request finished", self.log())

    def test_statsd_gets_metrics(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.bind(("127.0.0.1", 0))
            daemon.settimeout(20)
            self.start(telemetry={"statsd_address": "127.0.0.1:%d" % daemon.getsockname()[1],
                                  "prefix_filter": ["-consul.raft"]}).wait_leader()
            self.agent.ask("PUT", "/v1/kv/a", b"1")
            got = b""
            while b"consul.kvs.apply:" not in got or b"server.isLeader:1.000000|g\n" not in got:
                got += daemon.recv(65536)
        self.assertRegex(got, rb"(?m)^consul\.fsm\.kvs\.set:\d+\.\d{6}\|ms$")
        self.assertNotIn(b"consul.raft.apply", got)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", required=True)
    options, rest = arguments.parse_known_args()
    BINARY = options.binary
    unittest.main(argv=[sys.argv[0], *rest])
