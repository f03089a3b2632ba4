#!/usr/bin/env python3
"""Commands that run programs or wait for long, as real processes against a real agent: lock, watch, exec, completion.

    cli_test.py --binary PATH
"""
import argparse
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
import unittest

from agent_process import Agent

BINARY = ""
LIMIT = 30


class Node(http.server.BaseHTTPRequestHandler):
    """Hands everything to the real agent but fired events: those it answers, and does what a node would do."""

    agent: Agent
    fired: list = []
    answers: dict = {}  # key below PREFIX/SESSION/ -> value

    def log_message(self, *_):
        pass

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if "/v1/event/fire/" in self.path:
            event = json.loads(body)
            Node.fired.append((self.path, event))
            for key, value in Node.answers.items():
                path = f"/v1/kv/{event['Prefix']}/{event['Session']}/{key}?acquire={event['Session']}"
                self.agent.ask("PUT", path, value)
            return self.reply(200, b'{"ID": "e1"}', "0")
        connection = self.agent.connection(LIMIT)
        connection.request(self.command, self.path, body)
        answer = connection.getresponse()
        self.reply(answer.status, answer.read(), answer.headers.get("X-Consul-Index", "0"))
        connection.close()

    def reply(self, status: int, body: bytes, index: str):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Consul-Index", index)
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # the command has ended meanwhile

    do_GET = do_PUT = do_DELETE = relay


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory(prefix="proconsul-cli-")
        cls.agent = Agent(BINARY, pathlib.Path(cls.home.name)).start()
        cls.agent.wait_leader()

    @classmethod
    def tearDownClass(cls):
        cls.agent.kill()
        cls.home.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="proconsul-cli-")
        self.path = pathlib.Path(self.folder.name)
        self.running = []

    def tearDown(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.folder.cleanup()

    def start(self, *line: str, stdin=subprocess.DEVNULL, address: str | None = None) -> subprocess.Popen:
        environment = os.environ | {"CONSUL_HTTP_ADDR": address or f"127.0.0.1:{self.agent.port}", "SHELL": "/bin/sh"}
        process = subprocess.Popen([BINARY, *line], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=environment, cwd=self.path, start_new_session=True)
        self.running.append(process)
        return process

    def finish(self, process: subprocess.Popen, code: int, text: str | None = None) -> tuple[str, str]:
        out, err = process.communicate(text, timeout=LIMIT)
        self.assertEqual(process.returncode, code, out + err)
        return out, err

    def run_line(self, code: int, *line: str, **more) -> tuple[str, str]:
        return self.finish(self.start(*line, **more), code)

    def wait_for(self, file: str) -> str:
        """The file's content, once there is any."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            if (self.path / file).exists() and (text := (self.path / file).read_text()).endswith("\n"):
                return text
            time.sleep(0.01)
        self.fail(f"{file} did not appear")

    def get(self, path: str):
        status, body = self.agent.ask("GET", path)
        return json.loads(body) if status == 200 else None

    # ---- lock

    HOLD = "echo held > {0}; while [ ! -e go ]; do sleep 0.02; done"

    def test_a_lock_lets_one_in_at_a_time(self):
        first = self.start("lock", "mutex", self.HOLD.format("first"))
        self.wait_for("first")
        out, err = self.run_line(1, "lock", "-timeout=100ms", "mutex", "true")
        self.assertEqual((out, err), ("", "Shutdown triggered or timeout during lock acquisition\n"))
        second = self.start("lock", "/mutex", self.HOLD.format("second"))
        time.sleep(0.2)
        self.assertFalse((self.path / "second").exists())
        (self.path / "go").touch()
        self.finish(first, 0)
        self.wait_for("second")
        self.finish(second, 0)
        self.assertIsNone(self.get("/v1/kv/mutex/.lock"))
        self.assertEqual(self.get("/v1/session/list"), [])

    def test_a_semaphore_lets_in_as_many_as_it_has_places(self):
        holders = [self.start("lock", "-n=2", "jobs", self.HOLD.format(name)) for name in ("a", "b")]
        for name in ("a", "b"):
            self.wait_for(name)
        self.run_line(1, "lock", "-n=2", "-timeout=100ms", "jobs", "true")
        _, err = self.run_line(1, "lock", "-n=3", "jobs", "true")
        self.assertIn("Lock acquisition failed: semaphore limit conflict (lock: 2, local: 3)", err)
        _, err = self.run_line(1, "lock", "jobs", "true")
        self.assertIn("Lock acquisition failed: Existing key does not match lock use", err)
        third = self.start("lock", "-n=2", "jobs", self.HOLD.format("c"))
        (self.path / "go").touch()
        for holder in holders + [third]:
            self.finish(holder, 0)
        self.assertIsNone(self.get("/v1/kv/jobs?keys"))
        self.assertEqual(self.get("/v1/session/list"), [])

    def test_the_child_is_ended_when_its_lock_is_lost(self):
        for count in (1, 2):
            name = f"lost{count}"
            # The shell waits for its own child in between, so that the trap runs at once.
            child = f"trap 'echo term > term{count}; exit 0' TERM; echo held > {name}; while :; do sleep 0.05; done"
            process = self.start("lock", f"-n={count}", "-verbose", name, child)
            self.wait_for(name)
            session, = self.get("/v1/session/list")
            self.assertTrue(session["Name"].startswith("Consul lock for 'trap"))
            self.agent.ask("PUT", f"/v1/session/destroy/{session['ID']}")
            out, _ = self.finish(process, 0)
            self.wait_for(f"term{count}")
            self.assertIn("Lock lost, killing child\nTerminating child pid ", out)

    def test_a_signal_reaches_the_child_and_the_lock_is_given_back(self):
        process = self.start("lock", "signals", "trap 'exit 0' TERM; echo held > up; while :; do sleep 0.05; done")
        self.wait_for("up")
        process.send_signal(signal.SIGTERM)
        self.finish(process, 0)
        self.assertIsNone(self.get("/v1/kv/signals/.lock"))
        self.assertEqual(self.get("/v1/session/list"), [])

    def test_a_signal_ends_the_waiting_too(self):
        holder = self.start("lock", "waiting", self.HOLD.format("up"))
        self.wait_for("up")
        waiter = self.start("lock", "waiting", "true")
        until = time.monotonic() + LIMIT
        while len(self.get("/v1/session/list")) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        waiter.send_signal(signal.SIGINT)
        _, err = self.finish(waiter, 1)
        self.assertEqual(err, "Shutdown triggered or timeout during lock acquisition\n")
        self.assertEqual(len(self.get("/v1/session/list")), 1)
        (self.path / "go").touch()
        self.finish(holder, 0)

    def test_what_the_child_does_and_gets(self):
        out, err = self.run_line(0, "lock", "child", "echo $CONSUL_LOCK_HELD; exit 3")
        self.assertEqual((out, err), ("true\n", "Error running handler: exit status 3\n"))
        self.run_line(2, "lock", "-child-exit-code", "child", "exit 3")
        self.run_line(0, "lock", "-child-exit-code", "child", "true")
        out, _ = self.run_line(0, "lock", "-shell=false", "child", "echo", "a  b", "$HOME")
        self.assertEqual(out, "a  b $HOME\n")
        _, err = self.run_line(0, "lock", "-shell=false", "child", "no-such-program")
        self.assertIn('exec: "no-such-program": executable file not found in $PATH', err)
        process = self.start("lock", "-pass-stdin", "child", "cat", stdin=subprocess.PIPE)
        self.assertEqual(self.finish(process, 0, "typed")[0], "typed")

    # ---- watch

    def test_a_watch_runs_its_child_at_each_change(self):
        self.agent.ask("PUT", "/v1/kv/w/a", b"1")
        process = self.start("watch", "-type=key", "-key=w/a", "cat > tmp; echo $CONSUL_INDEX >> tmp; mv tmp seen")
        data, index = self.wait_for("seen").splitlines()
        self.assertEqual(json.loads(data)["Value"], "MQ==")
        self.assertEqual(int(index), json.loads(data)["ModifyIndex"])
        (self.path / "seen").unlink()
        self.agent.ask("PUT", "/v1/kv/w/a", b"2")
        self.assertEqual(json.loads(self.wait_for("seen").splitlines()[0])["Value"], "Mg==")
        process.send_signal(signal.SIGTERM)
        self.finish(process, 0)

    def test_a_signal_ends_a_watch_that_waits_for_its_first_answer(self):
        silent = socket.create_server(("127.0.0.1", 0))
        with silent:
            process = self.start("watch", "-type=nodes", address=f"127.0.0.1:{silent.getsockname()[1]}")
            peer, _ = silent.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n""')
                peer.recv(65536)
                process.send_signal(signal.SIGINT)
                self.finish(process, 0)

    def test_a_failing_child_ends_the_watch(self):
        _, err = self.run_line(1, "watch", "-type=nodes", "kill -9 $$")
        self.assertEqual(err, "Error executing handler: signal: killed\n")

    # ---- exec

    def test_exec_shows_what_the_nodes_answer_and_leaves_nothing(self):
        Node.agent = self.agent
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        line = ("exec", "-wait=300ms", "-wait-repl=1ms", "-service=^web", "uptime", "-p")
        try:
            Node.answers = {"n1/ack": b"", "n1/out/00000": b"up\n1 day", "n1/exit": b"0"}
            out, _ = self.run_line(0, *line, address=address)
            self.assertIn("    n1: up\n    n1: 1 day\n", out)
            self.assertIn("==> n1: finished with exit code 0\n", out)
            self.assertTrue(out.endswith("\n1 / 1 node(s) completed / acknowledged\n"), out)
            path, event = Node.fired[-1]
            self.assertEqual(path, "/v1/event/fire/_rexec?service=%5Eweb")
            self.assertEqual(event["Prefix"], "_rexec")
            Node.answers = {"n1/ack": b"", "n1/exit": b"7", "n2/ack": b""}
            out, _ = self.run_line(2, *line, address=address)
            self.assertIn("==> n1: finished with exit code 7\n1 / 2 node(s) completed / acknowledged\n", out)
            Node.answers = {}
            self.run_line(0, *line, address=address)
            self.assertIsNone(self.get("/v1/kv/_rexec/?keys"))
            self.assertEqual(self.get("/v1/session/list"), [])
        finally:
            server.shutdown()
            server.server_close()

    # ---- completion

    def test_a_shell_that_asks_gets_words(self):
        environment = os.environ | {"COMP_LINE": "consul kv g rest", "COMP_POINT": "11"}
        asked = subprocess.run([BINARY], env=environment, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual((asked.returncode, asked.stdout), (0, "get\n"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest])
