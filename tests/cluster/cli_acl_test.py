#!/usr/bin/env python3
"""The commands of access control as real processes against a real agent that denies by default: what one makes, others
show and use.

    cli_acl_test.py --binary PATH
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from agent_process import Agent, eventually

BINARY = ""
LIMIT = 30
ROOT = "aaaaaaaa-1111-1111-1111-000000000011"
BUILTIN = "00000000-0000-0000-0000-000000000001"


def settings(root: str | None) -> dict:
    tokens = {"tokens": {"initial_management": root, "agent": root}} if root else {}
    return {"acl": {"enabled": True, "default_policy": "deny", **tokens}}


class AccessControl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory(prefix="proconsul-cli-acl-")
        cls.path = pathlib.Path(cls.home.name)
        cls.agent = Agent(BINARY, cls.path / "agent", config=settings(ROOT)).start()
        eventually("the agent knows its first token",
                   lambda: cls.agent.ask("GET", f"/v1/acl/token/self?token={ROOT}")[0] == 200)

    @classmethod
    def tearDownClass(cls):
        cls.agent.end_with_children()
        cls.home.cleanup()

    def line(self, *words: str, code: int = 0, token: str = ROOT, text: str = "", agent: Agent | None = None):
        """The command's standard output, or its standard error if it is to fail."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path), "CONSUL_HTTP_TOKEN": token,
                       "CONSUL_HTTP_ADDR": f"127.0.0.1:{(agent or self.agent).port}"}
        done = subprocess.run([BINARY, *words], input=text, env=environment, cwd=self.path, capture_output=True,
                              text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def made(self, *words: str, **more):
        return json.loads(self.line(*words, "-format=json", **more))

    def test_a_policy_lives_and_ends(self):
        (self.path / "rules.hcl").write_text('key_prefix "a/" { policy = "write" }')
        policy = self.made("acl", "policy", "create", "-name=lived", "-rules=@rules.hcl", "-description=d")
        self.assertEqual(self.made("acl", "policy", "read", "-name=lived"), policy)
        self.assertEqual(self.line("acl", "policy", "read", "-id", policy["ID"][:13]),
                         f"ID:           {policy['ID']}\nName:         lived\nDescription:  d\nDatacenters:  \n"
                         'Rules:\nkey_prefix "a/" { policy = "write" }\n')
        again = self.line("acl", "policy", "create", "-name=lived", code=1)
        self.assertTrue(again.startswith("Failed to create new policy: Unexpected response code: 500 "), again)
        changed = self.made("acl", "policy", "update", "-name=lived", "-rules=-", text='acl = "read"')
        self.assertEqual((changed["Rules"], changed["Description"]), ('acl = "read"', "d"))
        listed = self.line("acl", "policy", "list")
        self.assertIn(f"lived:\n   ID:           {policy['ID']}\n   Description:  d\n   Datacenters:  \n", listed)
        self.assertIn(f"global-management:\n   ID:           {BUILTIN}\n", listed)
        self.assertEqual(self.line("acl", "policy", "delete", "-name=lived"),
                         f'Policy "{policy["ID"]}" deleted successfully\n')
        gone = self.line("acl", "policy", "delete", "-name=lived", code=1)
        self.assertEqual(gone, "Error determining policy ID: No such policy with name: lived\n")

    def test_tokens_do_what_they_are_given(self):
        self.line("acl", "policy", "create", "-name=keys", '-rules=key_prefix "k/" { policy = "write" }')
        role = self.made("acl", "role", "create", "-name=writer", "-policy-name=keys", "-service-identity=web:dc1")
        token = self.made("acl", "token", "create", "-description=t", "-role-id", role["ID"][:13],
                          "-node-identity=n1:dc1", "-templated-policy=builtin/service", "-var=name:api")
        self.assertEqual([link["Name"] for link in token["Roles"]], ["writer"])
        self.line("kv", "put", "k/a", "1", token=token["SecretID"])
        refused = self.line("kv", "put", "other", "1", token=token["SecretID"], code=1)
        self.assertIn("Permission denied", refused)
        accessor = token["AccessorID"]
        self.assertEqual(self.made("acl", "token", "read", "-self", token=token["SecretID"])["AccessorID"], accessor)
        expanded = self.line("acl", "token", "read", "-accessor-id", accessor, "-expanded")
        self.assertIn("\tRole Name: writer\n", expanded)
        self.assertIn('\t\t\t\tRules:\n\t\t\t\t\tkey_prefix "k/" { policy = "write" }\n', expanded)
        self.assertIn("Default Policy: deny\n", expanded)
        clone = self.made("acl", "token", "clone", "-accessor-id", accessor[:13], "-description=c")
        self.assertEqual((clone["Description"], clone["Roles"]), ("c", token["Roles"]))
        updated = self.made("acl", "token", "update", "-accessor-id", accessor, "-append-policy-name=keys")
        self.assertEqual([link["Name"] for link in updated["Policies"]], ["keys"])
        self.assertNotIn("NodeIdentities", updated)
        self.assertIn(f"AccessorID:       {accessor}\n", self.line("acl", "token", "list"))
        for one in (accessor, clone["AccessorID"]):
            self.assertEqual(self.line("acl", "token", "delete", "-accessor-id", one),
                             f'Token "{one}" deleted successfully\n')
        self.line("kv", "get", "k/a", token=token["SecretID"], code=1)

    def test_a_role_grows_and_is_renamed(self):
        role = self.made("acl", "role", "create", "-name=grown", "-service-identity=a")
        self.line("acl", "role", "update", "-id", role["ID"], "-service-identity=b", "-name=grown2")
        self.assertIn("Service Identities:\n   a (Datacenters: all)\n   b (Datacenters: all)\n",
                      self.line("acl", "role", "read", "-name=grown2"))
        alone = self.made("acl", "role", "update", "-id", role["ID"][:13], "-no-merge", "-name=grown",
                          "-node-identity=n:dc1")
        self.assertNotIn("ServiceIdentities", alone)
        self.line("acl", "role", "delete", "-name=grown")
        missing = self.line("acl", "role", "read", "-name=grown", code=1)
        self.assertEqual(missing, 'Role not found with name "grown"\n')

    def test_templates_are_shown(self):
        self.assertIn("builtin/service\n", self.line("acl", "templated-policy", "list"))
        shown = self.line("acl", "templated-policy", "read", "-name=builtin/node")
        self.assertIn("\tName: String - Required - The node name.\n", shown)
        rules = self.line("acl", "templated-policy", "preview", "-name=builtin/service", "-var=name:web")
        self.assertIn('service "web" {\n\tpolicy = "write"\n}', rules)
        status, why = self.agent.ask("POST", f"/v1/acl/templated-policy/preview/builtin/service?token={ROOT}",
                                     '{"Name":"web","Nope":1}')
        self.assertEqual((status, why), (400, b'Failed to decode request body: json: unknown field "Nope"'))

    def test_an_agent_takes_its_token(self):
        (self.path / "token").write_text(ROOT)
        for kind in ("default", "agent", "replication", "config_file_service_registration", "dns"):
            self.assertEqual(self.line("acl", "set-agent-token", kind, "@token"),
                             f'ACL token "{kind}" set successfully\n')
        recovery = "cccccccc-1111-1111-1111-000000000011"  # it may do nothing but what concerns the agent itself
        self.line("acl", "set-agent-token", "recovery", "-", text=recovery)
        self.line("members", token=recovery)
        self.line("acl", "token", "list", token=recovery, code=1)
        # Whoever brings no token now asks with the default one.
        self.line("kv", "get", "-keys", "k/", token="")
        self.line("acl", "set-agent-token", "default", "")
        refused = self.line("kv", "put", "k/a", "1", token="", code=1)
        self.assertIn("Permission denied", refused)

    def test_the_first_token_is_made_once(self):
        agent = Agent(BINARY, self.path / "bootstrapped", config=settings(None)).start()
        try:
            secret = "bbbbbbbb-1111-1111-1111-000000000011"
            token = json.loads(eventually("there is a leader", lambda: self.line(
                "acl", "bootstrap", "-format=json", "-", token="", text=secret + "\n", agent=agent)))
            self.assertEqual((token["SecretID"], token["Policies"][0]["ID"]), (secret, BUILTIN))
            again = self.line("acl", "bootstrap", token="", agent=agent, code=1)
            self.assertTrue(again.startswith("Failed ACL bootstrapping: Unexpected response code: 403 "), again)
            self.assertIn("ACL bootstrap no longer allowed (reset index: ", again)
            self.line("acl", "token", "list", token=secret, agent=agent)
        finally:
            agent.end_with_children()

    def test_without_a_token_nothing_is_told(self):
        for words in (("token", "list"), ("policy", "list"), ("role", "list")):
            self.assertIn("Permission denied", self.line("acl", *words, token="", code=1))
        self.assertIn("Permission denied", self.line("acl", "token", "create", "-policy-name=x", token="", code=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options, rest = parser.parse_known_args()
    BINARY = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest])
