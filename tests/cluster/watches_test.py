#!/usr/bin/env python3
"""The configuration's watches: handlers get news, a reload exchanges them, what is wrong is refused.

    watches_test.py --binary PATH
"""
import argparse
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import time
import unittest

from agent_process import Agent

BINARY = ""


class Endpoint:
    """A small HTTP server that remembers what it was sent."""

    def __init__(self):
        self.requests: list[tuple[str, dict, bytes]] = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.requests.append((f"{self.command} {self.path}", dict(self.headers), body))
                self.send_response(200)
                self.end_headers()

            do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Watches(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="proconsul-watches-")
        self.folder = pathlib.Path(self.holder.name)
        self.agent = Agent(BINARY, self.folder)

    def tearDown(self):
        self.agent.end_with_children()
        self.holder.cleanup()

    def configure(self, *watches: dict) -> None:
        file = self.agent.folder / "agent.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"watches": list(watches)}))

    def start(self, *watches: dict) -> None:
        self.configure(*watches)
        self.agent.start().wait_leader()

    def put(self, path: str, body=None) -> tuple[int, str]:
        status, answer = self.agent.ask("PUT", path, body)
        return status, answer.decode()

    def reload(self, *watches: dict) -> None:
        self.configure(*watches)
        self.assertEqual(self.put("/v1/agent/reload"), (200, ""))

    def script(self, out: str, text: str = 'echo "$CONSUL_INDEX $(cat)"') -> list[str]:
        return ["sh", "-c", f"{text} >> {self.folder}/{out}"]

    def lines(self, out: str) -> list[str]:
        file = self.folder / out
        return file.read_text().splitlines() if file.exists() else []

    def eventually(self, holds) -> None:
        until = time.monotonic() + 20
        while not holds() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertTrue(holds(), self.agent.log_tail())

    def test_a_script_gets_each_change_and_its_index(self):
        self.start({"type": "key", "key": "a", "args": self.script("seen")},
                   {"type": "services", "handler": f"cat >> {self.folder}/services"})
        self.put("/v1/kv/a", "one")
        self.eventually(lambda: any('"Value":"b25l"' in line for line in self.lines("seen")))
        self.put("/v1/kv/a", "two")
        self.eventually(lambda: any('"Value":"dHdv"' in line for line in self.lines("seen")))
        index, value = self.lines("seen")[-1].split(" ", 1)
        self.assertEqual(int(index), json.loads(value)["ModifyIndex"])
        self.put("/v1/agent/service/register", '{"Name": "web"}')
        self.eventually(lambda: any('"web":[]' in line for line in self.lines("services")))

    def test_an_endpoint_gets_each_change(self):
        endpoint = Endpoint()
        self.start({"type": "keyprefix", "prefix": "p/", "handler_type": "http", "http_handler_config": {
            "path": f"http://127.0.0.1:{endpoint.port}/hook", "method": "PUT", "timeout": "5s",
            "header": {"X-Mine": ["1"]}}})
        self.put("/v1/kv/p/x", "one")
        self.eventually(lambda: any(b'"Key":"p/x"' in body for _, _, body in endpoint.requests))
        line, headers, body = endpoint.requests[-1]
        self.assertEqual(line, "PUT /hook")
        self.assertEqual(headers["X-Mine"], "1")
        self.assertEqual(int(headers["X-Consul-Index"]), json.loads(body)[0]["ModifyIndex"])

    def test_a_reload_exchanges_them_even_from_within(self):
        self.start({"type": "key", "key": "a", "args": self.script("first")})
        self.put("/v1/kv/a", "one")
        self.eventually(lambda: any('"Value":"b25l"' in line for line in self.lines("first")))
        # A handler that has the agent reloaded must not wait for itself.
        self.reload({"type": "key", "key": "again",
                     "args": self.script("reloads", f"grep -q Key && {BINARY} reload -http-addr=127.0.0.1:{self.agent.port}")},
                    {"type": "key", "key": "b", "args": self.script("second")})
        self.put("/v1/kv/again", "1")
        self.eventually(lambda: self.lines("reloads"))
        self.put("/v1/kv/a", "two")
        self.put("/v1/kv/b", "two")
        self.eventually(lambda: any('"Key":"b"' in line for line in self.lines("second")))
        self.assertFalse(any('"Value":"dHdv"' in line for line in self.lines("first")))

    def test_a_wrong_one_is_refused_and_those_before_go_on(self):
        self.start({"type": "key", "key": "a", "args": self.script("seen")})
        for watch, text in (({"type": "key", "args": ["true"]}, "Must specify a single key to watch"),
                            ({"type": "no", "args": ["true"]}, "Unsupported watch type: no"),
                            ({"type": "key", "key": "a"}, "Must define a watch handler"),
                            ({"type": "connect_roots", "args": ["true"]},
                             "Watch type connect_roots is not allowed in agent config"),
                            ({"type": "key", "key": "a", "handler_type": "x"}, "Handler type 'x' not recognized"),
                            ({"type": "key", "key": "a", "handler": "x", "args": ["true"]},
                             "Only one watch handler allowed")):
            self.configure(watch)
            status, answer = self.put("/v1/agent/reload")
            self.assertEqual(status, 500, watch)
            self.assertIn(text, answer)
        self.put("/v1/kv/a", "one")
        self.eventually(lambda: any('"Value":"b25l"' in line for line in self.lines("seen")))

        self.agent.kill()
        self.agent.start()
        self.assertEqual(self.agent.process.wait(20), 1)
        self.assertIn("Only one watch handler allowed", self.agent.log_tail())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = str(pathlib.Path(options.binary).resolve())
    unittest.main(argv=[sys.argv[0], *rest])
