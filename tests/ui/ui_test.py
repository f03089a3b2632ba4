#!/usr/bin/env python3
"""The web UI: how the agent serves it, its modules by themselves (parts_test.mjs), and its pages in use against an agent,
in a stand-in for a browser (app_test.mjs). The last two need node.

    ui_test.py --binary PATH
"""
import argparse
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SITE = HERE.parent.parent / "ui-proxy" / "site"
sys.path.insert(0, str(HERE.parent / "cluster"))

from agent_process import Agent, ended, eventually  # noqa: E402

BINARY = ""
TOKEN = "11111111-2222-3333-4444-555555555555"


def get(agent: Agent, path: str, method: str = "GET", headers: dict | None = None):
    with contextlib.closing(agent.connection()) as connection:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def config_of(page: bytes) -> dict:
    return json.loads(re.search(rb'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)[1])


@contextlib.contextmanager
def agent_with(config: dict):
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(BINARY, pathlib.Path(folder) / "n1", config=config)
        with ended([agent]):
            agent.start()
            agent.wait_leader()
            yield agent


class Serving(unittest.TestCase):
    def test_pages_of_the_binary(self):
        config = {"ui_config": {"enabled": True, "metrics_provider": "prometheus", "content_path": "/my/ui",
                                "metrics_proxy": {"base_url": "http://127.0.0.1:1", "add_headers": [
                                    {"name": "Authorization", "value": "hush-hush"}]},
                                "dashboard_url_templates": {"service": "http://x/{{Service.Name}}"}},
                  "http_config": {"response_headers": {"X-Own": "yes"}}}
        with agent_with(config) as agent:
            status, headers, page = get(agent, "/my/ui/dc1/services")
            self.assertEqual((status, headers["Content-Type"], headers["X-Own"]), (200, "text/html; charset=utf-8", "yes"))
            self.assertNotIn("Vary", headers)
            self.assertNotIn(b"hush-hush", page)
            told = config_of(page)
            self.assertEqual(told["LocalDatacenter"], "dc1")
            self.assertEqual(told["UIConfig"], {
                "dashboard_url_templates": {"service": "http://x/{{Service.Name}}"}, "hcp_enabled": False,
                "metrics_provider": "prometheus", "metrics_proxy_enabled": True})
            for address in re.findall(rb'(?:src|href)="([^"]*)"', page):
                name = address.decode()
                self.assertTrue(name.startswith("/my/ui/assets/"), name)
                status, headers, packed = get(agent, name, headers={"Accept-Encoding": "gzip"})
                self.assertEqual((status, headers["Content-Encoding"], headers["X-Own"]), (200, "gzip", "yes"))
                self.assertEqual(gzip.decompress(packed), (SITE / name.removeprefix("/my/ui/")).read_bytes())
                again, _, body = get(agent, name, headers={"If-None-Match": headers["ETag"]})
                self.assertEqual((again, body), (304, b""))
            status, headers, body = get(agent, "/my/ui/", "HEAD")
            self.assertEqual((status, body), (200, b""))
            self.assertEqual(int(headers["Content-Length"]), len(page))
            self.assertEqual(get(agent, "/my/ui/", "POST")[0], 200)
            for path, status, location in (("/", 301, "/my/ui/"), ("/my/ui", 307, "/my/ui/"), ("/my/ui/index.html", 301, "./"),
                                           ("/my/ui/assets", 301, "assets/"), ("/my/ui/dc1/kv/a/", 301, "../a")):
                got, headers, _ = get(agent, path)
                self.assertEqual((got, headers.get("Location")), (status, location), path)
            self.assertEqual(get(agent, "/robots.txt")[2], (SITE / "robots.txt").read_bytes())
            self.assertEqual(get(agent, "/ui/")[0], 404)

    def test_a_folder_of_the_users_own_and_reload(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "ui").mkdir()
            (folder / "ui" / "index.html").write_text("{{.UIConfig.metrics_provider}}{{ range .ExtraScripts }} {{.}}{{ end }}")
            (folder / "ui" / "a.txt").write_text("a")
            (folder / "secret").write_text("s")
            (folder / "p.js").write_text("let p;")
            with agent_with({"ui_config": {"dir": str(folder / "ui"), "metrics_provider": "one"}}) as agent:
                self.assertEqual(get(agent, "/ui/x")[2], b"one")
                status, headers, body = get(agent, "/ui/a.txt")
                self.assertEqual((status, headers["Content-Type"], body), (200, "text/plain; charset=utf-8", b"a"))
                self.assertNotEqual(get(agent, "/ui/%2e%2e/secret")[2], b"s")
                self.assertEqual(get(agent, "/ui/assets/compiled-metrics-providers.js")[0], 404)
                self.assertEqual(get(agent, "/v1/internal/ui/metrics-proxy/x")[2], b"Metrics proxy is not enabled")

                file = agent.folder / "agent.json"
                config = json.loads(file.read_text())
                config["ui_config"] |= {"metrics_provider": "two", "metrics_provider_files": [str(folder / "p.js")]}
                file.write_text(json.dumps(config))
                self.assertEqual(agent.ask("PUT", "/v1/agent/reload")[0], 200)
                eventually("the page knows the new provider", lambda: get(agent, "/ui/")[2].startswith(b"two "), 10)
                self.assertEqual(get(agent, "/ui/")[2], b"two /ui/assets/compiled-metrics-providers.js")
                self.assertEqual(get(agent, "/ui/assets/compiled-metrics-providers.js")[2], b"// p.js\n\nlet p;\n\n")

    def test_without_a_ui(self):
        with agent_with({}) as agent:
            self.assertEqual(get(agent, "/ui/")[0], 404)
            self.assertIn(b"UI disabled", get(agent, "/")[2])


@unittest.skipUnless(shutil.which("node"), "there is no node")
class InNode(unittest.TestCase):
    def run_in_node(self, script: str, **environment: str):
        with tempfile.TemporaryDirectory() as name:
            # A browser knows modules by the page that loads them, node by a package.
            assets = pathlib.Path(shutil.copytree(SITE / "assets", pathlib.Path(name) / "assets"))
            (assets / "package.json").write_text('{"type": "module"}')
            done = subprocess.run(["node", "--test", str(HERE / script)], capture_output=True, text=True, timeout=400,
                                  env=os.environ | {"UI_ASSETS": str(assets)} | environment)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_modules_by_themselves(self):
        self.run_in_node("parts_test.mjs")

    def test_the_pages_against_an_agent(self):
        acl = {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": TOKEN, "agent": TOKEN}}
        with agent_with({"ui_config": {"enabled": True}, "acl": acl, "connect": {"enabled": True}}) as agent:
            self.run_in_node("app_test.mjs", UI_AGENT=f"http://127.0.0.1:{agent.port}", UI_TOKEN=TOKEN)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    BINARY = parser.parse_known_args()[0].binary
    unittest.main(argv=sys.argv[:1] + parser.parse_known_args()[1])
