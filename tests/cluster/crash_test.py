#!/usr/bin/env python3
"""kill -9 at random points under concurrent writes: nothing acknowledged may be lost, every restart must be clean.

Each writer owns its keys and writes increasing numbers to them. After a crash, a key must hold a number between the
last acknowledged one and the last one sent (a write cut off by the crash may or may not have been applied); snapshots
and log compaction run meanwhile, because the thresholds are set low.
"""
import argparse
import http.client
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

from agent_process import Agent

KEYS_PER_WRITER = 8


class Writer(threading.Thread):
    """Writes until the connection breaks; sent[k] and acknowledged[k] outlive the crash."""

    def __init__(self, agent: Agent, number: int, sent: dict, acknowledged: dict, seed: int):
        super().__init__(daemon=True)
        self.agent, self.number, self.sent, self.acknowledged = agent, number, sent, acknowledged
        self.random = random.Random(seed)
        self.writes = 0

    def run(self) -> None:
        connection = self.agent.connection()
        try:
            while True:
                key = f"crash/{self.number}/{self.random.randrange(KEYS_PER_WRITER)}"
                value = self.sent.get(key, 0) + 1
                self.sent[key] = value
                if self.random.random() < 0.2:
                    path, body = "/v1/txn", json.dumps([{"KV": {"Verb": "set", "Key": key, "Value": encode(value)}}])
                else:
                    path, body = f"/v1/kv/{key}", str(value)
                connection.request("PUT", path, body)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise OSError(f"{answer.status} {text!r}")
                self.acknowledged[key] = value
                self.writes += 1
        except (OSError, http.client.HTTPException):
            connection.close()


def encode(value: int) -> str:
    import base64
    return base64.b64encode(str(value).encode()).decode()


def check(agent: Agent, sent: dict, acknowledged: dict) -> list[str]:
    status, body = agent.ask("GET", "/v1/kv/crash/?recurse&consistent")
    rows = {row["Key"]: int(decode(row["Value"])) for row in json.loads(body)} if status == 200 else {}
    faults = []
    for key, value in acknowledged.items():
        if not value <= rows.get(key, 0) <= sent[key]:
            faults.append(f"{key}: acknowledged {value}, sent {sent[key]}, found {rows.get(key)}")
    for key, value in rows.items():  # what is there now was accepted: the next round builds on it
        acknowledged[key] = value
    return faults


def decode(text: str) -> str:
    import base64
    return base64.b64decode(text).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    dice = random.Random(options.seed)
    sent: dict[str, int] = {}
    acknowledged: dict[str, int] = {}
    writes, waits = 0, []
    with tempfile.TemporaryDirectory(prefix="proconsul-crash-") as folder:
        agent = Agent(options.binary, pathlib.Path(folder), config={
            "raft_snapshot_threshold": 200, "raft_snapshot_interval": "1s", "raft_trailing_logs": 100})
        try:
            for round_number in range(1, options.rounds + 1):
                agent.start()
                if dice.random() < 0.1:  # crash while starting, too
                    time.sleep(dice.uniform(0, 0.1))
                    agent.kill()
                    agent.start()
                waits.append(agent.wait_leader())
                if faults := check(agent, sent, acknowledged):
                    print(f"round {round_number}: LOST", *faults, agent.log_tail(), sep="\n")
                    return 1
                writers = [Writer(agent, n, sent, acknowledged, dice.randrange(1 << 30)) for n in range(options.writers)]
                for writer in writers:
                    writer.start()
                time.sleep(dice.uniform(0.005, 0.25))
                agent.kill()
                for writer in writers:
                    writer.join(15)
                writes += sum(writer.writes for writer in writers)
                if round_number % 100 == 0:
                    print(f"{round_number} rounds, {writes} acknowledged writes", flush=True)
            agent.start()
            agent.wait_leader()
            faults = check(agent, sent, acknowledged)
        finally:
            agent.end_with_children()
    waits.sort()
    print(f"{options.rounds} kills, {writes} acknowledged writes, {len(faults)} lost, restart to a consistent read: "
          f"median {waits[len(waits) // 2]:.3f} s, worst {waits[-1]:.3f} s")
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
