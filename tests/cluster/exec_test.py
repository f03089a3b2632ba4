#!/usr/bin/env python3
"""A server and two client agents: `exec` runs commands, programs and scripts on those whose configuration allows it, and
shows what they put out.

    exec_test.py --binary PATH [--consul PATH]

With --consul, a binary of Consul: its `exec` on our agents, ours on its agents, and both on a mixed datacenter.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from agent_process import Agent, answer, ended, eventually

LIMIT = 60


class Member(Agent):
    """On a loopback address of its own."""

    def __init__(self, binary: str, folder: pathlib.Path, name: str, number: int, join: list[str], config: dict):
        self.address = f"127.0.0.{number}"
        super().__init__(binary, folder / name, name, {
            "bind_addr": self.address, "client_addr": "127.0.0.1", "retry_join": join, "retry_interval": "1s",
            "disable_remote_exec": False, "performance": {"raft_multiplier": 1, "leave_drain_time": "200ms"}} | config)

    def gossip(self) -> str:
        return f"{self.address}:{json.loads((self.folder / 'agent.json').read_text())['ports']['serf_lan']}"


def execute(tool: str, agent: Agent, *words: str, given: str = "") -> tuple[int, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CONSUL_")}
    done = subprocess.run([tool, "exec", f"-http-addr=127.0.0.1:{agent.port}", "-wait=2s", *words], input=given,
                          env=environment, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout + done.stderr


def lines(output: str, node: str) -> str:
    """What the node put out."""
    mark = f"    {node}: "
    return "".join(line.removeprefix(mark) + "\n" for line in output.splitlines() if line.startswith(mark) and line != mark)


def leaves_nothing(agent: Agent) -> None:
    assert agent.ask("GET", "/v1/kv/_rexec/?keys")[0] == 404
    assert json.loads(agent.ask("GET", "/v1/session/list")[1]) == []


def check_exec(tool: str, agent: Agent, nodes: list[str], folder: pathlib.Path) -> None:
    """What `tool` asks of `agent` is done on `nodes`, and nowhere else."""
    code, output = execute(tool, agent, "echo to-out; echo to-err >&2; pwd >/dev/null")
    assert code == 0, output
    for node in nodes:
        assert lines(output, node) == "to-out\nto-err\n", output
        assert f"==> {node}: finished with exit code 0" in output, output
    assert f"{len(nodes)} / {len(nodes)} node(s) completed / acknowledged" in output, output

    first = nodes[0]
    code, output = execute(tool, agent, f"-node=^{first}$", "exit 7")
    assert code == 2 and f"==> {first}: finished with exit code 7" in output, output
    assert "1 / 1 node(s)" in output, output

    code, output = execute(tool, agent, f"-node=^{first}$", "-shell=false", "printf", "%s|", "a b", "$HOME")
    assert code == 0 and lines(output, first) == "a b|$HOME|\n", output

    code, output = execute(tool, agent, f"-node=^{first}$", "-", given="#!/bin/sh\necho from $0\nseq 1 20000\n")
    assert code == 0 and "from /" in lines(output, first), output
    shown = [line for line in lines(output, first).splitlines() if line.isdigit()]
    # A piece may end within a line, where whoever shows it breaks it.
    assert "".join(shown) == "".join(map(str, range(1, 20001))), output[-2000:]

    code, output = execute(tool, agent, f"-node=^{first}$", "-service=no-such", "echo x")
    assert "0 / 0 node(s)" in output, output

    # Nothing comes for longer than the waiting side has patience, but heartbeats.
    code, output = execute(tool, agent, f"-node=^{first}$", "-wait=700ms", "-verbose", "sleep 3; echo late")
    assert code == 0 and lines(output, first) == "late\n", output
    assert f"==> {first}: heartbeat received" in output, output
    eventually("the job is deleted", lambda: agent.ask("GET", "/v1/kv/_rexec/?keys")[0] == 404)


def run(binary: str, consul: str | None, folder: pathlib.Path) -> None:
    pairs = [("ours", binary, binary)]
    if consul:
        pairs += [("on-consul", consul, consul), ("mixed", consul, binary), ("mixed-too", binary, consul)]
    for name, of_server, of_client in pairs:
        server = Member(of_server, folder / name, "s1", 41, [], {})
        client = Member(of_client, folder / name, "c1", 42, [server.gossip()], {"server": False, "bootstrap_expect": 0})
        refuses = Member(of_client, folder / name, "c2", 43, [server.gossip()],
                         {"server": False, "bootstrap_expect": 0, "disable_remote_exec": True, "log_level": "info"})
        members = [server, client, refuses]
        with ended(members):
            for member in members:
                member.start()
            server.wait_leader()
            eventually("all are known", lambda: len(answer(server, "/v1/catalog/nodes") or []) == 3)
            for tool in {binary, consul or binary}:
                for asked in (client, server, refuses):
                    check_exec(tool, asked, ["c1", "s1"], folder)
            eventually("it says why not", lambda: "ignoring remote exec event, disabled" in refuses.log_tail(200))
            if not consul:
                leaves_nothing(server)
        print(f"exec: {name}: as it should")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--consul")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(os.path.abspath(options.binary), options.consul and os.path.abspath(options.consul), pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
