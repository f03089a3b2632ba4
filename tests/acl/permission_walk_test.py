#!/usr/bin/env python3
"""Every HTTP route of a server that denies by default, asked by who may, by who lacks one permission and has all
others, by nobody, and with a token that nobody knows. permission_rows.py is the table; a route of the agent's document
without a row fails, and so does a row without a route.

    permission_walk_test.py --binary PATH [--client] [--document FILE] [--only REGEX]

With --document the binary need not serve one: a real Consul shows that the table is right. It is not asked to wait, for
it wakes some waiters with the permissions they had when they began; nor for what this version has not.
"""
import argparse
import base64
import dataclasses
import http.client
import json
import os
import pathlib
import re
import string
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))
from agent_process import Agent, ended, eventually  # noqa: E402
from permission_rows import EVENT, LATER, LOGIN, ROWS, TOUCH_INTENTION, TOUCH_NODE, Row  # noqa: E402

STRANGER = "aaaaaaaa-0000-0000-0000-00000000dead"
CARRIERS = ("header", "bearer", "query")
EVERYTHING = {(f"{resource}_prefix", ""): "write" for resource in
              ("agent", "event", "key", "node", "query", "service", "session")} | {
    (resource, ""): "write" for resource in ("acl", "keyring", "mesh", "operator", "peering")}
WAIT = 2  # s


@dataclass(frozen=True)
class Token:
    secret: str = ""
    accessor: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    marked: bool
    index: str = ""


@dataclass
class Counts:
    questions: int = 0
    variants: int = 0
    waited: int = 0


def permission(need: str) -> tuple[tuple[str, str], str]:
    what, _, name = need.partition(" ")
    resource, _, access = what.partition(":")
    return (resource, name), access


def rule_of(grants: dict[tuple[str, str], str], resource: str, name: str) -> str:
    access = grants[resource, name]
    if resource in ("acl", "keyring", "mesh", "operator", "peering"):
        return f'{resource} = "{access}"'
    if resource != "intention":
        return f'{resource} {json.dumps(name)} {{ policy = "{access}" }}'
    # What may be done with the service itself must be said, too.
    service = grants.get(("service", name)) or grants.get(("service_prefix", ""), "deny")
    return f'service {json.dumps(name)} {{ policy = "{service}" intentions = "{access}" }}'


def rules_of(grants: dict[tuple[str, str], str]) -> str:
    return "\n".join(rule_of(grants, *key) for key in grants
                     if not (key[0] == "service" and ("intention", key[1]) in grants))


def exactly(needs: list[str]) -> str:
    return rules_of(dict(permission(need.split("|")[0]) for need in needs))


def all_but(need: str) -> str:
    """Everything, and of `need` what is just not enough."""
    but = {}
    for key, access in map(permission, need.split("|")):
        but[key] = "read" if access == "write" else "deny"
        if key[0].startswith("query"):
            but["acl", ""] = "read"  # who may change access control sees every query
    return rules_of(EVERYTHING | but)


def lacks(row: Row, need: str, token: Token) -> str:
    """What Consul says."""
    (resource, name), access = permission(need.split("|")[0])
    if "metrics-proxy" in row.route:
        name = f"all {resource.removesuffix('_prefix')}s"
    who = f"token with AccessorID '{token.accessor}'" if token.secret else "anonymous token"
    text = f"Permission denied: {who} lacks permission '{resource.removesuffix('_prefix')}:{access}'"
    if name:
        text += f' on "{name}"'
    if not token.secret:
        text += ". The anonymous token is used implicitly when a request does not specify a token."
    return text


class Walk:
    def __init__(self, agent: Agent, routes: dict[tuple[str, str], set[str]]):
        self.agent, self.routes = agent, routes
        self.counts, self.faults = Counts(), []
        self.names: dict[str, str] = {"serial": "0"}
        self.tokens: dict[str, Token] = {}
        self.root = Token()
        self.connection = agent.connection(timeout=20)

    # Asking.

    def fill(self, text: str) -> str:
        return string.Template(text).substitute(self.names)

    def send(self, connection, method: str, path: str, body, token: Token, carrier: str = "header",
             streams=False) -> Answer:
        headers = {}
        if token.secret and carrier == "query":
            path += ("&" if "?" in path else "?") + f"token={token.secret}"
        elif token.secret:
            bearer = carrier == "bearer"
            headers = {"Authorization": f"Bearer {token.secret}"} if bearer else {"X-Consul-Token": token.secret}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = self.names["snapshot"] if body == "$snapshot" else self.fill(body)
        connection.request(method, "/v1" + self.fill(path), body, headers)
        reply = connection.getresponse()
        open_end = streams and reply.status == 200
        text = "" if open_end else reply.read().decode("utf-8", "surrogateescape")
        # Where a server said it to a client agent.
        text = text.removeprefix("rpc error making call: ")
        marked = reply.headers.get("X-Consul-Results-Filtered-By-ACLs") == "true"
        return Answer(reply.status, text if "snapshot" in path else text.strip(), marked,
                      reply.headers.get("X-Consul-Index", ""))

    def ask(self, method: str, path: str, body, token: Token, carrier: str = "header", streams=False) -> Answer:
        self.counts.questions += 1
        if not streams:
            return self.send(self.connection, method, path, body, token, carrier)
        connection = self.agent.connection(timeout=20)
        try:
            return self.send(connection, method, path, body, token, carrier, True)
        finally:
            connection.close()

    def make(self, method: str, path: str, body=None, field: str = "", limit: int = 200) -> str:
        answer = self.send(self.connection, method, path, body, self.root)
        assert answer.status <= limit, (method, self.fill(path), body, answer)
        return json.loads(answer.text)[field] if field else answer.text

    def token(self, rules: str) -> Token:
        if rules not in self.tokens:
            name = f"rules-{len(self.tokens)}"
            # Not through fill(): rules are no templates.
            for path, body in (("/acl/policy", {"Name": name, "Rules": rules}),
                               ("/acl/token", {"Policies": [{"Name": name}] if rules else []})):
                made = json.loads(self.make("PUT", path, json.dumps(body).replace("$", "$$")))
            self.tokens[rules] = Token(made["SecretID"], made["AccessorID"])
        return self.tokens[rules]

    # Judging.

    def fault(self, row: Row, who: str, question: str, wanted: str, answer: Answer) -> None:
        self.faults.append(f"{row.method} {self.fill(row.path)} {json.dumps(row.body) if row.route == '/txn' else ''} "
                           f"[{question}] by {who}: wanted {wanted}; "
                           f"got {answer.status} marked={answer.marked} {answer.text[:200]!r}")

    def judge_may(self, row: Row, question: str, answer: Answer) -> None:
        shows = self.fill(row.shows)
        denied = row.ok not in (200, 403) and "Permission denied" in answer.text
        if answer.status != row.ok or shows not in answer.text or denied:
            self.fault(row, "who may", question, f"{row.ok} with {shows!r}", answer)

    def judge_denied(self, row: Row, need: str, token: Token, question: str, answer: Answer,
                     marks: bool = True) -> None:
        who = f"who lacks {need}" if token.secret else "nobody"
        if question == "cached" and row.route.startswith("/health/"):
            # Answers made of a stream of changes leave out without telling, and do not refuse.
            if row.shows and self.fill(row.shows) in answer.text:
                self.fault(row, who, question, f"nothing of {row.shows}", answer)
            return
        if row.nobody and not token.secret:
            if str(answer.status) != row.nobody and answer.text != row.nobody:
                self.fault(row, who, question, row.nobody, answer)
            return
        if not row.hidden:
            text = row.says or lacks(row, need, token)
            if answer.status != 403 or answer.text != text:
                self.fault(row, who, question, f"403 {text!r}", answer)
            return
        shows = self.fill(row.shows)
        if answer.status != row.hidden or (shows and shows in answer.text) or row.says not in answer.text:
            self.fault(row, who, question, f"{row.hidden} without {shows!r}", answer)
        elif marks and answer.marked != (row.marks and bool(token.secret)):
            self.fault(row, who, question, f"marked={not answer.marked}", answer)

    # The walk.

    def prepare(self, row: Row) -> list[str]:
        """What the row's question needs, made anew; the permissions that it needs."""
        self.names["serial"] = str(int(self.names["serial"]) + 1)
        for make in row.makes:
            self.names[make.name] = self.make(make.method, make.path, make.body, make.field)
        return [self.fill(need) for need in row.needs]

    def probe(self, row: Row) -> str:
        """What the denied must leave as it is."""
        return self.send(self.connection, "GET", row.probe, None, self.root).text if row.probe else ""

    def walk(self, row: Row, number: int) -> None:
        reads = row.method == "GET" and not row.streams
        carriers = CARRIERS if reads else (CARRIERS[number % 3],)
        if "metrics-proxy" in row.route:
            carriers = CARRIERS[:2]  # what is in the address goes to the metrics server

        def every_way(token: Token, judge) -> None:
            for carrier in carriers if token.secret else carriers[:1]:
                judge(carrier, self.ask(row.method, row.path, row.body, token, carrier, row.streams))
            for suffix in self.suffixes(row) if reads else ():
                self.counts.variants += 1
                path = row.path + ("&" if "?" in row.path else "?") + suffix
                judge(suffix, self.ask(row.method, path, None, token))

        needs = self.prepare(row)
        lacking = [(need, self.token(all_but(need))) for need in needs]
        may = self.token(exactly([*needs, *row.besides]))
        before = self.probe(row)
        for carrier in carriers:
            answer = self.ask(row.method, row.path, row.body, Token(STRANGER), carrier, row.streams)
            says = "ACL not found" if row.stranger == 403 != row.ok else ""
            if answer.status != row.stranger or says not in answer.text:
                self.fault(row, "a stranger", carrier, f"{row.stranger}", answer)
        if needs or row.nobody:
            lacking.insert(0, (needs[0] if needs else "", Token()))
        for need, token in lacking:
            every_way(token, lambda how, answer: self.judge_denied(row, need, token, how, answer))
        after = self.probe(row)
        if after != before:
            self.fault(row, "somebody who may not", row.probe, f"unchanged {before[:200]}",
                       Answer(0, after[:300], False))
        self.names["self"] = may.accessor
        every_way(may, lambda how, answer: self.judge_may(row, how, answer))
        if not needs and not row.nobody:
            every_way(Token(), lambda how, answer: self.judge_may(row, how, answer))
        if row.marks:
            every_way(self.root, lambda how, answer: answer.marked and self.fault(
                row, "root", how, "marked=False", answer))
        # What the permitted filled a cache with is not for others.
        if "cached" in self.params(row) and reads:
            for need, token in lacking:
                every_way(token, lambda how, answer: self.judge_denied(row, need, token, how, answer))

    def params(self, row: Row) -> set[str]:
        return self.routes.get((row.method, row.route), set())

    def suffixes(self, row: Row) -> list[str]:
        known = self.params(row)
        found = [param for param in ("stale", "consistent", "cached") if param in known]
        found += ["dc=dc1"] if "dc" in known else []
        if "filter" in known and row.filter:
            found.append("filter=" + row.filter.replace(" ", "%20").replace('"', "%22"))
        return found

    # Who waits while his permission goes.

    def walk_waiting(self, rows: list[Row]) -> None:
        waiting = []
        for number, row in enumerate(rows):
            needs = self.prepare(row)
            policy = json.loads(self.make("PUT", "/acl/policy", {
                "Name": f"wait-{number}", "Rules": exactly([*needs, *row.besides])}))
            made = json.loads(self.make("PUT", "/acl/token", {"Policies": [{"ID": policy["ID"]}]}))
            policy["Rules"] = exactly([*row.besides])
            waiting.append((row, needs, policy, Token(made["SecretID"], made["AccessorID"]), []))

        def wait(row: Row, token: Token, index: str, answers: list[Answer]) -> None:
            connection = self.agent.connection(timeout=20)
            try:
                path = f"{row.path}{'&' if '?' in row.path else '?'}index={index}&wait={WAIT}s"
                answers.append(self.send(connection, row.method, path, None, token))
            finally:
                connection.close()

        threads = []
        for row, _, _, token, answers in waiting:
            first = self.ask(row.method, row.path, None, token)
            self.judge_may(row, "first", first)
            threads.append(threading.Thread(target=wait, args=(row, token, first.index, answers)))
            threads[-1].start()
        time.sleep(0.3)
        # Something else may have woken one already.
        waiting, all_of_them = [each for each in waiting if not each[-1]], len(waiting)
        assert len(waiting) >= all_of_them / 2, "they do not wait"
        for _, _, policy, _, _ in waiting:
            self.make("PUT", f"/acl/policy/{policy['ID']}", {"Name": policy["Name"], "Rules": policy["Rules"]})
        for row, *_ in waiting:
            self.prepare(row)
            self.make(*row.touch)
        for thread in threads:
            thread.join(20)
        for row, needs, _, token, answers in waiting:
            self.counts.waited += 1
            if not answers:
                self.faults.append(f"{row.path}: who waited has no answer")
            elif row.hidden:
                self.judge_denied(row, needs[0], token, "waited", answers[0], marks=False)
            elif answers[0].status == 200 and self.fill(row.shows) in answers[0].text:
                self.fault(row, "who lost it", "waited", "no answer with it", answers[0])


def document_of(agent: Agent, file: pathlib.Path | None) -> dict[tuple[str, str], set[str]]:
    """The routes of the agent's document, each with its parameters."""
    document = json.loads(file.read_text() if file else agent.ask("GET", "/v1/openapi.json")[1])
    return {(method.upper(), path.removeprefix("/v1")): {param["name"] for param in operation.get("parameters", [])}
            for path, operations in document["paths"].items() for method, operation in operations.items()}


def world_of_catalog(walk: Walk) -> None:
    """Again as it was, when rows have changed it."""
    walk.make(*TOUCH_NODE)
    walk.make("PUT", "/catalog/register", {"Node": "other", "Address": "127.0.0.8",
                                           "Check": {"CheckID": "own", "Status": "passing"}})
    for key in ("one", "two", "held"):
        walk.make("PUT", f"/kv/walk/{key}", "x")


def world(walk: Walk) -> None:
    """What stands ready for all rows."""
    names, make = walk.names, walk.make
    eventually("the server is in its catalog", lambda: '"n1"' in make("GET", "/catalog/nodes"))
    make("PUT", "/agent/service/register", {"Name": "web", "ID": "web1", "Port": 80, "Connect": {"Native": True},
                                            "Check": {"CheckID": "web-check", "TTL": "1h", "Status": "passing"}})
    make("PUT", "/agent/check/register", {"Name": "node-check", "ID": "node-check", "TTL": "1h", "Status": "passing"})
    world_of_catalog(walk)
    make("PUT", "/coordinate/update", {"Node": "other", "Coord": {"Vec": [0.0] * 8, "Error": 1.5, "Adjustment": 0,
                                                                  "Height": 1e-5}})
    make("PUT", "/event/fire/ready")
    eventually("the event came", lambda: "ready" in make("GET", "/event/list"))
    names["session"] = make("PUT", "/session/create", {"TTL": "1h"}, "ID")
    names["spare"] = make("PUT", "/session/create", {"TTL": "1h"}, "ID")
    names["query"] = make("POST", "/query", {"Name": "walk-query", "Service": {"Service": "web"}}, "ID")
    names["unnamed"] = make("POST", "/query", {"Session": "$session", "Service": {"Service": "web"}}, "ID")
    make("PUT", "/config", {"Kind": "service-defaults", "Name": "walk"})
    make("PUT", "/config", {"Kind": "mesh"})
    names["policy_id"] = make("PUT", "/acl/policy", {"Name": "walk-policy"}, "ID")
    names["role_id"] = make("PUT", "/acl/role", {"Name": "walk-role"}, "ID")
    names["accessor"] = make("PUT", "/acl/token", {}, "AccessorID")
    make(*TOUCH_INTENTION)
    names["intention"] = make("POST", "/connect/intentions", {"SourceName": "web", "DestinationName": "walk-old",
                                                              "Action": "allow"}, "ID")
    names["self"] = ""
    names["other_key"] = base64.b64encode(os.urandom(32)).decode()


def world_of_logins(walk: Walk) -> None:
    key = subprocess.run("openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout", shell=True, check=True,
                         capture_output=True, text=True).stdout
    walk.names["key"] = key.replace("\n", "\\n")
    walk.make("PUT", "/acl/auth-method", {"Name": "walk-method", "Type": "jwt",
                                          "Config": {"JWTValidationPubKeys": ["$key"]}})
    walk.names["rule"] = walk.make("PUT", "/acl/binding-rule", {"AuthMethod": "walk-method", "BindType": "service",
                                                                "BindName": "web"}, "ID")


def check_stream(walk: Walk) -> None:
    """Who follows changes hears of those that he may see, and no longer of what he may see no more."""
    both, one = (exactly([f"key:read walk/{key}" for key in keys]) for keys in (("one", "two"), ("two",)))
    policy = json.loads(walk.make("PUT", "/acl/policy", json.dumps({"Name": "stream", "Rules": both})))
    secret = walk.make("PUT", "/acl/token", {"Policies": [{"Name": "stream"}]}, "SecretID")
    connection = walk.agent.connection(timeout=20)
    connection.request("GET", "/v1/stream?topic=kv&prefix=walk/", headers={"X-Consul-Token": secret})
    stream = connection.getresponse()
    for shown in (True, False):
        for key in ("held", "one", "two"):
            walk.make("PUT", f"/kv/walk/{key}", f"stream-{shown}")
        heard = b""
        while b"walk/two" not in heard:
            line = stream.readline()
            assert line, heard
            heard += line
        walk.counts.questions += 1
        if b"walk/held" in heard or (b"walk/one" in heard) != shown:
            walk.faults.append(f"/stream: walk/one shown: {not shown}: {heard!r}")
        walk.make("PUT", f"/acl/policy/{policy['ID']}", json.dumps({"Name": "stream", "Rules": one}))
    connection.close()


def check_later(walk: Walk) -> None:
    for method, path in LATER:
        answer = walk.ask(method, path, None, walk.root)
        if answer.status != 404:
            walk.faults.append(f"{method} {path} answers now ({answer.status}): it needs a row")


def start(binary: str, folder: pathlib.Path, ring_key: str, by_client: bool,
          agents: list[Agent]) -> tuple[Agent, Token]:
    """The agent to ask, n1: a server that denies by default, or a client of one; and the first token."""
    common = {"encrypt": ring_key, "limits": {"http_max_conns_per_client": 0}, "connect": {"enabled": True}}
    server = Agent(binary, folder / "server", "s1" if by_client else "n1", common | {
        "acl": {"enabled": True, "default_policy": "deny"}})
    agents.append(server)
    if by_client:
        join = [f"127.0.0.1:{config_of(server)['ports']['serf_lan']}"]
        agents.append(Agent(binary, folder / "client", "n1", common | {
            "acl": {"enabled": True, "default_policy": "deny"}, "server": False, "bootstrap_expect": 0,
            "retry_join": join}))
    asked = agents[-1]
    config = config_of(asked)
    config["ui_config"] = {"enabled": True, "metrics_proxy": {"base_url": f"http://127.0.0.1:{asked.port}",
                                                              "path_allowlist": ["/v1/status/leader"]}}
    (asked.folder / "agent.json").write_text(json.dumps(config))
    for agent in agents:
        agent.start()
    root = eventually("the first token", lambda: json.loads(server.ask("PUT", "/v1/acl/bootstrap")[1])["SecretID"])
    eventually("it is known", lambda: asked.ask("GET", f"/v1/acl/tokens?token={root}")[0] == 200)
    return asked, Token(root)


def config_of(agent: Agent) -> dict:
    return json.loads((agent.folder / "agent.json").read_text())


# A client agent sends whoever asks for these to a server.
SERVERS_ONLY = {"/stream", "/operator/raft/transfer-leader"}


def check_rows(walk: Walk, rows: list[Row]) -> None:
    """Every route has a row, every row a route."""
    having = {(row.method, row.route) for row in rows}
    walk.faults += [f"{method} {path}: no row" for method, path in sorted(walk.routes.keys() - having)]
    walk.faults += [f"{method} {path}: has a row, and is not in the document" for method, path in
                    sorted(having - walk.routes.keys())]
    walk.faults += [f"{row.path}: takes a filter, and the row has none" for row in rows
                    if "filter" in walk.params(row) and row.shows and not (row.filter or row.unfiltered)]


def run(binary: str, folder: pathlib.Path, options) -> list[str]:
    ring_key = base64.b64encode(os.urandom(32)).decode()
    agents: list[Agent] = []
    with ended(agents):
        agent, root = start(binary, folder, ring_key, options.client, agents)
        walk = Walk(agent, document_of(agent, options.document))
        walk.root = root
        walk.names |= {"ring_key": ring_key, "serf_lan": str(config_of(agent)["ports"]["serf_lan"])}
        rows = [row for row in ROWS if row not in LOGIN or (row.method, row.route) in walk.routes]
        check_rows(walk, rows)
        world(walk)
        eventually("the leader has looked at the servers",
                   lambda: agent.ask("GET", f"/v1/operator/autopilot/health?token={root.secret}")[0] == 200)
        if LOGIN[0] in rows:
            world_of_logins(walk)
        if options.client:
            rows = [row for row in rows if row.route not in SERVERS_ONLY]
        server = "s1" if options.client else "n1"
        rows = [dataclasses.replace(row, needs=tuple(need.replace("$server", server) for need in row.needs)) for row in rows]
        rows = [row for row in rows if re.search(options.only, f"{row.method} {row.path}")]
        for number, row in enumerate(sorted((row for row in rows if not row.last),
                                            key=lambda row: "coordinate" in row.path)):
            if row.route == "/coordinate/node/{node}":
                eventually("the coordinate is there", lambda: "Vec" in walk.make("GET", "/coordinate/node/other",
                                                                                 limit=404))
            walk.walk(row, number)
        if not options.document:
            world_of_catalog(walk)
            # A client agent knows for a while what a token could.
            walk.walk_waiting([row for row in rows if row.touch and not (options.client and row in EVENT)])
            if not options.client:
                check_stream(walk)
            check_later(walk)
        walk.names["snapshot"] = walk.make("GET", "/snapshot").encode("utf-8", "surrogateescape")
        for number, row in enumerate(row for row in rows if row.last):
            walk.walk(row, number)
        if any(row.route == "/agent/leave" for row in rows):
            agent.process.wait(20)
        counts = walk.counts
        print(f"{len(walk.routes)} routes and methods of the document, {len(rows)} rows, {len(LATER)} of later parts; "
              f"{counts.questions} questions, {counts.variants} of them variants, and {counts.waited} that waited; "
              f"{len(walk.tokens)} tokens")
        return walk.faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--document", type=pathlib.Path, help="the document of routes, instead of the agent's own")
    parser.add_argument("--client", action="store_true", help="ask a client agent of the server")
    parser.add_argument("--only", default="", help="rows whose method and path match")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proconsul-walk-") as folder:
        faults = run(options.binary, pathlib.Path(folder), options)
    for fault in faults:
        print(fault)
    print(f"permission walk: {len(faults)} faults ({time.monotonic() - start:.1f} s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
