#!/usr/bin/env python3
"""Two servers with ACLs, and who logs in at either: with JSON web tokens proven by keys from a URL and by an OpenID
provider, as a service account of Kubernetes, as a principal of AWS. Servers that are slow, huge, or lead elsewhere
are refused, and hold nobody up.

    login_test.py --binary PATH
"""
import argparse
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import grpc_ports_test as grpc
from agent_process import ended, eventually
from clients_test import Member
from identity_server import IdentityServer, Issuer

ROOT = "aaaaaaaa-0000-0000-0000-000000000001"
RULES = {"Name": "app", "Rules": 'key_prefix "app/" { policy = "write" }'}


class Test:
    def __init__(self, server: Member, agents: list[Member], identity: IdentityServer, plain: IdentityServer):
        self.server, self.agents, self.identity, self.plain = server, agents, identity, plain

    def put(self, path: str, body: dict, agent: Member | None = None) -> tuple[int, str]:
        status, text = (agent or self.server).ask("PUT", f"{path}?token={ROOT}", json.dumps(body), timeout=30)
        return status, text.decode()

    def method(self, name: str, kind: str, **config) -> None:
        status, text = self.put("/v1/acl/auth-method", {"Name": name, "Type": kind, "MaxTokenTTL": "1h", "Config": config})
        assert status == 200, text

    def refused(self, kind: str, because: str, **config) -> None:
        status, text = self.put("/v1/acl/auth-method", {"Name": "refused", "Type": kind, "Config": config})
        assert status == 500 and because in text, (status, text)

    def rule(self, method: str, **rule) -> None:
        status, text = self.put("/v1/acl/binding-rule", {"AuthMethod": method} | rule)
        assert status == 200, text

    def login(self, method: str, bearer: str, agent: Member | None = None) -> tuple[int, dict | str]:
        body = json.dumps({"AuthMethod": method, "BearerToken": bearer, "Meta": {"pod": "a&b"}})
        status, text = (agent or self.server).ask("POST", "/v1/acl/login", body, timeout=30)
        return status, json.loads(text) if status == 200 else text.decode()

    def key_status(self, secret: str) -> int:
        return self.server.ask("PUT", f"/v1/kv/app/x?token={secret}", "1")[0]

    def logout(self, secret: str) -> int:
        return self.server.ask("POST", f"/v1/acl/logout?token={secret}")[0]


def check_key_set(test: Test, folder: pathlib.Path) -> None:
    first, second, stranger = (Issuer(folder, name) for name in ("k1", "k2", "k3"))
    test.identity.keys = [first.jwk()]
    url, ca = test.identity.url, test.identity.ca
    test.method("keys", "jwt", JWKSURL=f"{url}/moved", JWKSCACert=ca, BoundAudiences=["us"], BoundIssuer="me",
                ClaimMappings={"name": "user", "/in/role": "role"}, ListClaimMappings={"groups": "groups"})
    test.rule("keys", BindType="policy", BindName="app", Selector="ops in list.groups and value.role == admin")
    test.rule("keys", BindType="service", BindName="svc-${value.user}")
    claims = {"iss": "me", "aud": ["us"], "name": "Jane", "in": {"role": "admin"}, "groups": ["dev", "ops"]}
    for agent in test.agents:
        status, token = test.login("keys", first.token(**claims), agent)
        assert status == 200, (agent.name, token)
        assert token["Description"] == 'token created via login: {"pod":"a\\u0026b"}', token
        assert token["Local"] and token["AuthMethod"] == "keys" and "ExpirationTime" in token, token
        assert token["ServiceIdentities"] == [{"ServiceName": "svc-jane"}], token
        assert [policy["Name"] for policy in token["Policies"]] == ["app"], token
        assert test.key_status(token["SecretID"]) == 200
        assert test.logout(token["SecretID"]) == 200 and test.key_status(token["SecretID"]) == 403
        assert test.logout(token["SecretID"]) == 403
        # The same by gRPC.
        port = json.loads((agent.folder / "agent.json").read_text())["ports"]["grpc"]
        call = grpc.Call(port, grpc.LOGIN, grpc.field(1, "keys") + grpc.field(2, first.token(**claims)), host=agent.host)
        assert call.end() == (grpc.OK, ""), (agent.name, call.end(), call.curl)
        made = grpc.fields(grpc.fields(call.messages[0])[1][0])
        secret = made[2][0].decode()
        assert len(made[1][0]) == 36 and test.key_status(secret) == 200, made
        out = grpc.Call(port, grpc.LOGOUT, grpc.field(1, secret), host=agent.host)
        assert out.code == grpc.OK and test.key_status(secret) == 403, out.end()
        wrong = grpc.Call(port, grpc.LOGIN, grpc.field(1, "keys") + grpc.field(2, "x"), host=agent.host)
        assert wrong.code == grpc.NOBODY and "must have three parts" in wrong.text, wrong.end()
    for bearer, because in ((stranger.token(**claims), "failed to verify id token signature"),
                            (first.token(**claims | {"aud": "them"}), "aud claim does not match"),
                            (first.token(**claims | {"iss": "you"}), "invalid issuer claim"),
                            (first.token(**claims, exp=int(time.time()) - 100), "token is expired"),
                            ("x", "must have three parts")):
        status, text = test.login("keys", bearer)
        assert status == 500 and because in text, (status, text)
    # A new key is fetched for the first token that it signed.
    test.identity.keys = [second.jwk()]
    assert test.login("keys", second.token(**claims))[0] == 200

    _, token = test.login("keys", second.token(**claims))
    status, _ = test.server.ask("DELETE", f"/v1/acl/auth-method/keys?token={ROOT}")
    assert status == 200 and test.key_status(token["SecretID"]) == 403
    assert json.loads(test.server.ask("GET", f"/v1/acl/binding-rules?token={ROOT}")[1]) == []


def check_bad_servers(test: Test) -> None:
    url, ca = test.identity.url, test.identity.ca
    test.refused("jwt", "certificate signed by unknown authority", JWKSURL=f"{url}/jwks")
    test.refused("jwt", "could not parse CA PEM value successfully", JWKSURL=f"{url}/jwks", JWKSCACert="x")
    test.refused("jwt", "larger than 1048576 bytes", JWKSURL=f"{url}/huge", JWKSCACert=ca)
    test.identity.elsewhere = f"{test.plain.url}/jwks"
    test.refused("jwt", "refused a redirect from https to http", JWKSURL=f"{url}/redirect", JWKSCACert=ca)
    test.refused("jwt", "stopped after 10 redirects", JWKSURL=f"{url}/circle", JWKSCACert=ca)
    test.refused("jwt", "connection refused", JWKSURL="http://127.0.0.1:1/jwks")
    test.refused("jwt", "issuer did not match", OIDCDiscoveryURL=f"{url}/a/", OIDCDiscoveryCACert=ca)

    # One that is slow holds up nobody else, and is given up in the end.
    slow = []
    begin = time.monotonic()
    threads = [threading.Thread(target=lambda: slow.append(
        test.put("/v1/acl/auth-method", {"Name": "slow", "Type": "jwt",
                                         "Config": {"JWKSURL": f"{url}/slow", "JWKSCACert": ca}}))) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert test.server.ask("GET", f"/v1/kv/app/none?token={ROOT}")[0] == 404
        status, text = test.login("none", "x")
        assert status == 403 and text == 'ACL not found: auth method "none" not found', text
        time.sleep(0.2)
    assert all(status == 500 and "timeout awaiting response" in text for status, text in slow), slow
    assert time.monotonic() - begin < 60


def check_provider(test: Test, folder: pathlib.Path) -> None:
    issuer = Issuer(folder, "provider")
    test.identity.keys = [issuer.jwk()]
    url = f"{test.identity.url}/tenant"
    test.method("oidc", "jwt", OIDCDiscoveryURL=url, OIDCDiscoveryCACert=test.identity.ca, ClaimMappings={"sub": "sub"})
    test.rule("oidc", BindType="node", BindName="${value.sub}")
    status, token = test.login("oidc", issuer.token(iss=url, sub="n7", aud="anybody"))
    assert status == 200 and token["NodeIdentities"] == [{"NodeName": "n7", "Datacenter": "dc1"}], token
    status, text = test.login("oidc", issuer.token(iss=url + "/other", sub="n7"))
    assert status == 500 and "issued by a different provider" in text, text
    status, text = test.login("oidc", issuer.token(iss=url, sub="n7", exp=int(time.time()) - 1))
    assert status == 500 and "oidc: token is expired" in text, text
    status, text = test.login("oidc", issuer.token(iss=url, sub="Not A Name"))
    assert status == 500 and text == 'invalid bind name: "not a name"', text


def check_kubernetes(test: Test) -> None:
    bearers = {name: f"e30.e30.{base64.urlsafe_b64encode(name.encode()).decode().rstrip('=')}"
               for name in ("plain", "renamed", "user", "stranger")}
    test.identity.accounts = {
        bearers["plain"]: ("system:serviceaccount:default:web", {}),
        bearers["renamed"]: ("system:serviceaccount:prod:web2", {"consul.hashicorp.com/service-name": "api"}),
        bearers["user"]: ("alice", {})}
    config = {"Host": test.identity.url, "CACert": test.identity.ca, "ServiceAccountJWT": "e30.e30.e30"}
    test.refused("kubernetes", "Config.CACert is required", Host="x")
    test.refused("kubernetes", "error parsing kubernetes ca cert", **config | {"CACert": "x"})
    test.method("k8s", "kubernetes", **config)
    test.rule("k8s", BindType="service", BindName="${serviceaccount.name}",
              Selector="serviceaccount.namespace == default or serviceaccount.name == api")
    for name, service in (("plain", "web"), ("renamed", "api")):
        status, token = test.login("k8s", bearers[name])
        assert status == 200 and token["ServiceIdentities"] == [{"ServiceName": service}], (name, token)
    for bearer, because in ((bearers["stranger"], "lookup failed: service account jwt not valid"),
                            (bearers["user"], "lookup failed: unexpected username format"),
                            ("x", "failed to parse and validate JWT")):
        status, text = test.login("k8s", bearer)
        assert status == 500 and because in text, (status, text)
    test.identity.own_token = "Bearer other"
    status, text = test.login("k8s", bearers["plain"])
    assert status == 500 and text == "Unauthorized", (status, text)


def check_aws(test: Test) -> None:
    encode = lambda text: base64.b64encode(text.encode()).decode()

    def bearer(signature: str) -> str:
        return json.dumps({"iam_http_request_method": "POST",
                           "iam_request_url": encode("https://sts.us-east-1.amazonaws.com/"),
                           "iam_request_headers": encode(json.dumps({"Authorization": [signature]})),
                           "iam_request_body": encode("Action=GetCallerIdentity&Version=2011-06-15")})

    role = "arn:aws:iam::123456789012:role/app"
    test.plain.principals = {"good": ("arn:aws:sts::123456789012:assumed-role/app/session", "AIDA:session"),
                             "other": ("arn:aws:iam::123456789012:user/app", "AIDB")}
    test.refused("aws-iam", "BoundIAMPrincipalARNs is required")
    test.method("aws", "aws-iam", BoundIAMPrincipalARNs=[role], STSEndpoint=f"{test.plain.url}/sts")
    test.rule("aws", BindType="service", BindName="${entity_name}-${account_id}", Selector="entity_id == AIDA")
    status, token = test.login("aws", bearer("good"))
    assert status == 200 and token["ServiceIdentities"] == [{"ServiceName": "app-123456789012"}], token
    assert ("sts.us-east-1.amazonaws.com", "/sts/") in test.plain.asked, test.plain.asked
    for signature, because in (("other", "IAM principal arn:aws:iam::123456789012:user/app is not trusted"),
                               ("forged", "received error code 403")):
        status, text = test.login("aws", bearer(signature))
        assert status == 500 and because in text, (status, text)


def check_limits(binary: str, folder: pathlib.Path) -> None:
    """A server with acl.login: two tokens of a method at most, and not more than some logins at once. Its certificate has a
    check of the node, which stays when the configuration is read again."""
    key = Issuer(folder, "k9")
    for words in (["ca", "create"], ["cert", "create", "-server"]):
        subprocess.run([binary, "tls", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    certificate = str(folder / "dc1-server-consul-0.pem")
    more = {"acl": {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": ROOT, "agent": ROOT},
                    "login": {"max_tokens_per_method": 2, "rate": 1, "burst": 8}},
            "tls": {"https": {"cert_file": certificate, "key_file": str(folder / "dc1-server-consul-0-key.pem")}},
            "certificate_expiry_check": {"enabled": True, "warning": "876000h"}, "enable_debug": True}
    agents: list[Member] = []
    with ended(agents):
        agents.append(Member(binary, folder, "s9", 67, [], more).start())
        server = agents[0]
        eventually("it answers", lambda: server.ask("GET", f"/v1/acl/tokens?token={ROOT}")[0] == 200)
        test = Test(server, agents, None, None)
        assert test.put("/v1/acl/policy", RULES)[0] == 200
        test.method("few", "jwt", JWTValidationPubKeys=[key.public_pem()], ClaimMappings={"name": "user"})
        test.rule("few", BindType="policy", BindName="app")
        bearer = key.token(name="jane")
        first, second = test.login("few", bearer), test.login("few", bearer)
        assert (first[0], second[0]) == (200, 200), (first, second)
        status, text = test.login("few", bearer)
        assert status == 403 and "as many as acl.login.max_tokens_per_method allows" in text, (status, text)
        assert test.logout(first[1]["SecretID"]) == 200
        assert test.login("few", bearer)[0] == 200
        answers = [test.login("few", bearer) for _ in range(12)]
        assert {status for status, _ in answers} == {403, 429}, answers
        assert any("rate limit exceeded" in text for _, text in answers)
        counted: set[str] = set()

        def all_counted() -> bool:  # one interval is shown at a time
            answer = json.loads(server.ask("GET", f"/v1/agent/metrics?token={ROOT}")[1])
            counted.update(row["Name"] for row in answer["Counters"])
            return all(any(name.endswith(f"acl.login.{outcome}") for name in counted)
                       for outcome in ("success", "failure", "limited"))

        eventually("each outcome is counted", all_counted)

        def own_check() -> dict | None:
            return json.loads(server.ask("GET", f"/v1/agent/checks?token={ROOT}")[1]).get("agent-certificates")

        check = eventually("the certificate is looked at", lambda: (c := own_check()) and c["Output"] and c)
        assert check["Status"] == "warning" and "days left" in check["Output"] and certificate in check["Output"], check
        eventually("the catalog has it", lambda: any(
            each["CheckID"] == "agent-certificates" and each["Status"] == "warning"
            for each in json.loads(server.ask("GET", f"/v1/health/node/s9?token={ROOT}")[1])))
        assert server.ask("PUT", f"/v1/agent/reload?token={ROOT}")[0] == 200
        eventually("it comes back after a reload", lambda: own_check() is not None, 90)


def run(binary: str, folder: pathlib.Path) -> None:
    acl = {"acl": {"enabled": True, "default_policy": "deny",
                   "tokens": {"initial_management": ROOT, "agent": ROOT}}}
    agents: list[Member] = []
    identity, plain = IdentityServer(folder), IdentityServer(folder, secure=False)
    try:
        with ended(agents):
            agents.append(Member(binary, folder, "s1", 65, [], acl).start())
            agents.append(Member(binary, folder, "s2", 66, [agents[0].gossip()], {"bootstrap_expect": 0} | acl).start())
            test = Test(agents[0], agents, identity, plain)
            for agent in agents:
                eventually(f"{agent.name} answers", lambda: agent.ask("GET", f"/v1/acl/tokens?token={ROOT}")[0] == 200)
            assert test.put("/v1/acl/policy", RULES)[0] == 200
            check_key_set(test, folder)
            check_provider(test, folder)
            check_kubernetes(test)
            check_aws(test)
            check_bad_servers(test)
        check_limits(binary, folder)
    finally:
        identity.stop()
        plain.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proconsul-login-") as folder:
        run(binary, pathlib.Path(folder))
    print(f"logins: as they should be ({time.monotonic() - start:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
