#!/usr/bin/env python3
"""Reads README.md, runs what its console blocks say, and compares what is printed. The format: README.md beside this.

    readme_test.py --binary PATH [--readme FILE] [--chapter NAME]
"""
import argparse
import difflib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from agent_process import free_ports  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ELSEWHERE = re.compile(r"\s+# in (another|a second|a third) terminal$")
AGENT = re.compile(r"(?:\./dev run|proconsul agent)(?:\s|$)")
COMMAND_LIMIT = 60  # seconds
PORTS = ((8500, "http"), (8600, "dns"), (8300, "server"), (8301, "serf_lan"), (8302, "serf_wan"))  # as the README has them


class Command:
    def __init__(self, line: int, text: str):
        self.line, self.text, self.expected = line, text, []

    def complete(self) -> bool:
        """Whether the shell would not ask for more lines."""
        if self.text.endswith("\\"):
            return False
        here = re.search(r"<<-?'?(\w+)'?", self.text)
        return here is None or self.text.splitlines()[-1].strip() == here[1]


def chapters(readme: str) -> dict[str, list[Command]]:
    """The commands of each chapter (##) that has any, in order."""
    found: dict[str, list[Command]] = {}
    title, command = "", None
    for number, line in enumerate(readme.splitlines(), 1):
        if line.startswith("## "):
            title, command = line[3:], None
        if line and not line.startswith("    "):
            command = None
            continue
        text = line[4:]
        if command is not None and not command.complete():
            command.text += "\n" + text
        elif text.startswith("$ "):
            command = Command(number, text[2:])
            found.setdefault(title, []).append(command)
        elif command is not None:
            command.expected.append(text)
    return found


def matches(expected: list[str], printed: list[str]) -> bool:
    """Lines are equal; "..." within a line stands for any text, alone in a line for any lines."""
    if not expected:
        return not printed
    if expected[0].strip() == "...":
        return any(matches(expected[1:], printed[i:]) for i in range(len(printed) + 1))
    pattern = ".*".join(re.escape(part) for part in expected[0].split("..."))
    return bool(printed) and re.fullmatch(pattern, printed[0]) is not None and matches(expected[1:], printed[1:])


def trimmed(lines: list[str]) -> list[str]:
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


class Chapter:
    """A chapter runs in a folder of its own, against the agent that it starts last."""

    def __init__(self, binary: str, folder: pathlib.Path, aliases: list[str]):
        self.binary, self.folder, self.aliases = binary, folder, aliases
        (folder / "build/debug").mkdir(parents=True)
        (folder / "build/debug/proconsul").symlink_to(binary)
        (folder / ".curlrc").write_text("silent\n")
        kinds = ("http", "dns", "server", "serf_lan", "serf_wan")
        self.ports = dict(zip(kinds, free_ports(len(kinds))))
        self.ports |= {"grpc": -1, "grpc_tls": -1, "https": -1}
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CURL_HOME": str(folder), "LC_ALL": "C.UTF-8",
                            "CONSUL_HTTP_ADDR": f"127.0.0.1:{self.ports['http']}"}
        self.before: list[str] = []  # what later commands build on
        self.agent: subprocess.Popen | None = None

    def own(self, text: str) -> str:
        """The text with this run's ports and folder in place of the README's."""
        for usual, kind in PORTS:
            text = re.sub(rf"\b{usual}\b", str(self.ports[kind]), text)
        return text.replace("/tmp/", f"{self.folder}/")

    def readers(self, text: str) -> str:
        """The other way round."""
        for usual, kind in PORTS:
            text = re.sub(rf"\b{self.ports[kind]}\b", str(usual), text)
        return text.replace(f"{self.folder}/", "/tmp/")

    def start_agent(self, text: str) -> None:
        self.stop_agent()
        words = shlex.split(self.own(text), comments=True)
        arguments = ["-dev", *words[2:]] if words[0] == "./dev" else words[2:]
        ports = " ".join(f"{kind} = {port}" for kind, port in self.ports.items())
        with open(self.folder / "agent.log", "ab") as log:
            self.agent = subprocess.Popen([self.binary, "agent", *arguments, "-hcl", f"ports {{ {ports} }}"],
                                          cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, start_new_session=True)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Until there is a leader, and what the agent has is in the catalog: a person types more slowly than this."""
        base = f"http://127.0.0.1:{self.ports['http']}/v1/"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.agent.poll() is not None:
                raise RuntimeError(f"the agent ended with {self.agent.returncode}:\n{self.agent_log()}")
            try:
                def ask(path: str):
                    with urllib.request.urlopen(base + path, timeout=5) as answer:
                        return json.loads(answer.read())

                if ask("health/service/consul?passing"):
                    own = {service["Service"] for service in ask("agent/services").values()}
                    # Entries of the mesh's authority are written by themselves and count, too.
                    meshed = ask("agent/self")["DebugConfig"]["ConnectEnabled"]
                    if own <= ask("catalog/services").keys() and (not meshed or ask("connect/ca/roots")["Roots"]):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the agent is not ready:\n{self.agent_log()}")

    def stop_agent(self) -> None:
        if self.agent is None:
            return
        self.agent.send_signal(signal.SIGINT)
        try:
            self.agent.wait(20)
        except subprocess.TimeoutExpired:
            self.agent.kill()
            self.agent.wait()
        self.agent = None

    def agent_log(self) -> str:
        log = self.folder / "agent.log"
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-20:]) if log.exists() else ""

    def start(self, text: str) -> subprocess.Popen:
        script = "\n".join(["shopt -s expand_aliases", *self.aliases, *self.before, self.own(text)])
        environment = self.environment | ({"AGENT": str(self.agent.pid)} if self.agent else {})
        return subprocess.Popen(["bash", "-c", script], cwd=self.folder, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def judge(self, command: Command, process: subprocess.Popen) -> str:
        """What is wrong; empty if nothing is."""
        try:
            output, _ = process.communicate(timeout=COMMAND_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"has not ended after {COMMAND_LIMIT} s: {process.communicate()[0]}"
        printed = trimmed(self.readers(output).splitlines())
        expected = trimmed(command.expected)
        if not expected:
            return "" if process.returncode == 0 else f"ended with {process.returncode}: {output}"
        if matches(expected, printed):
            return ""
        return "prints something else:\n" + "\n".join(difflib.unified_diff(expected, printed, "README", "printed",
                                                                           lineterm=""))

    def run(self, commands: list[Command]) -> list[str]:
        faults = []

        def note(command: Command, fault: str) -> None:
            if fault:
                faults.append(f"README.md:{command.line}: `{command.text}` {fault}")

        waiting: list[tuple[Command, subprocess.Popen]] = []
        for command, following in zip(commands, [*commands[1:], None]):
            if AGENT.match(command.text):
                self.start_agent(command.text)
                continue
            if command.text.startswith(("alias ", "export ", "cd ")):
                (self.aliases if command.text.startswith("alias ") else self.before).append(self.own(command.text))
                process = self.start("true")
            else:
                process = self.start(command.text)
            if following is not None and ELSEWHERE.search(following.text):
                waiting.append((command, process))
                time.sleep(0.3)  # long enough that it waits for what comes next; too short only proves less
                continue
            note(command, self.judge(command, process))
            for before in waiting:
                note(before[0], self.judge(*before))
            waiting = []
        return faults


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--readme", default=str(ROOT / "README.md"))
    parser.add_argument("--chapter", help="this one only")
    options = parser.parse_args()
    found = chapters(pathlib.Path(options.readme).read_text())
    failed = 0
    aliases: list[str] = []
    for title, commands in found.items():
        if options.chapter not in (None, title):
            aliases += [command.text for command in commands if command.text.startswith("alias ")]
            continue
        with tempfile.TemporaryDirectory(prefix="proconsul-readme-") as folder:
            chapter = Chapter(str(pathlib.Path(options.binary).resolve()), pathlib.Path(folder), aliases)
            try:
                faults = chapter.run(commands)
            except RuntimeError as error:
                faults = [str(error)]
            finally:
                chapter.stop_agent()
            if faults:
                faults.append(f"log of the agent:\n{chapter.agent_log()}")
        failed += bool(faults)
        print(f"{title}: {len(commands)} commands, {'as written' if not faults else 'FAILED'}")
        for fault in faults:
            print(fault)
    if not found:
        print("no commands found")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
