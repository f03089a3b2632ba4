#!/usr/bin/env python3
"""schemathesis against a development agent, from the document that the agent serves.

    schemathesis_test.py --binary PATH --work FOLDER [--examples N] [--seed N] [--include REGEX]

FOLDER keeps the virtual environment between runs. Exit status 77: PyPI cannot be reached, nothing was tested.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))
from agent_process import Agent  # noqa: E402

UNASKED = ("/v1/agent/leave", "/v1/agent/monitor", "/v1/agent/metrics/stream", "/v1/stream")
CHECKS = ("documented_status", "documented_content", "documented_failure", "never_sniffed", "response_schema_conformance")


def tool(work: pathlib.Path) -> pathlib.Path:
    """schemathesis, from PyPI in the versions of requirements.txt; fails if it cannot be had."""
    folder, wanted = work / "venv", (HERE / "requirements.txt").read_text()
    mark = folder / "installed.txt"
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", HERE / "requirements.txt"], check=True)
        mark.write_text(wanted)
    return folder / "bin/schemathesis"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="fuzzing", help="also: examples, coverage, stateful")
    parser.add_argument("--include", default=".*", help="only paths that match")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    run = tool(options.work.resolve())
    with tempfile.TemporaryDirectory(prefix="proconsul-openapi-") as folder:
        # Waits are short, and nothing limits how many connections a client has.
        agent = Agent(options.binary, pathlib.Path(folder), config={
            "max_query_time": "50ms", "default_query_time": "50ms", "limits": {"http_max_conns_per_client": 0}})
        agent.start()
        try:
            return ask(run, agent, pathlib.Path(folder), options)
        finally:
            if agent.process.poll() is None:
                agent.kill(signal.SIGTERM)


def ask(run: pathlib.Path, agent: Agent, folder: pathlib.Path, options) -> int:
    agent.wait_leader()
    command = [run, "run", f"http://127.0.0.1:{agent.port}/v1/openapi.json", "--checks", ",".join(CHECKS),
               "--phases", options.phases, "--max-examples", str(options.examples), "--seed", str(options.seed),
               "--workers", "2", "--request-timeout", "20", "--continue-on-failure", "--no-color", "--warnings", "off",
               "--generation-database", "none", "--suppress-health-check", "all", "--max-redirects", "0",
               "--include-path-regex", options.include]
    for path in UNASKED:
        command += ["--exclude-path", path]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "checks", "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if agent.process.poll() is not None:
        print(f"the agent ended with {agent.process.returncode}:\n{agent.log_tail()}")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
