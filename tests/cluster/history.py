"""Clients that record what they asked of KV and what they were told, and the verdicts over it: is every key
linearizable, is a stale read a state that once was, is everything there that was acknowledged.
"""
import base64
import collections
import dataclasses
import http.client
import itertools
import json
import pathlib
import random
import subprocess
import threading
import time

from agent_process import answer, eventually

UNKNOWN = None
KINDS = {"get": 8, "get consistent": 6, "get stale": 4, "get txn": 3, "put": 4, "put txn": 1, "cas": 7, "delete": 1, "delete cas": 1, "ledger": 2}
CHECK_LIMIT = 300  # seconds for the search over one round


@dataclasses.dataclass(slots=True)
class Operation:
    """On one key, whose value is a number that is written only once, 0 while the key is not there."""
    key: str
    kind: str      # a word of KINDS
    server: str
    life: int      # of the server process
    called: int    # ns
    value: int = 0         # what a write stores
    expected: int = 0      # the value whose index a cas names
    returned: int | None = UNKNOWN
    result: int = 0        # get: the value; cas: 1 if it stored
    index: int = 0         # get: ModifyIndex, or the index of the answer when there is no key


class Recorder:
    """What all clients of a round did; values stay different over all rounds."""
    values = itertools.count(1)  # next() of it is atomic

    def __init__(self, prefix: str, keys: int):
        self.prefix = prefix
        self.keys = [f"{prefix}/{number}" for number in range(keys)]
        self.operations: list[Operation] = []
        self.ledger: set[str] = set()  # keys that were acknowledged and never touched again
        self.faults: list[str] = []

    def acknowledged(self) -> list[Operation]:
        return [op for op in self.operations if op.returned is not UNKNOWN and not op.kind.startswith("get")]

    def longest_gap(self) -> float:
        """The longest time without an acknowledged write, in seconds."""
        times = sorted(op.returned for op in self.acknowledged())
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0) / 1e9


class Client(threading.Thread):
    """One after the other, operations on random keys through one server. What has no clear answer is recorded as unknown."""

    def __init__(self, recorder: Recorder, server, number: int, seed: int, pause: float):
        super().__init__(daemon=True)
        self.recorder, self.server, self.number, self.pause = recorder, server, number, pause
        self.dice = random.Random(seed)
        self.known: dict[str, tuple[int, int]] = {}  # key -> (value, ModifyIndex) as last read
        self.over = threading.Event()
        self.connection: http.client.HTTPConnection | None = None
        self.written = 0

    def run(self) -> None:
        try:
            while not self.over.is_set():
                if not self.step():
                    self.over.wait(0.05)
                self.over.wait(self.dice.expovariate(1 / self.pause))
        except Exception as error:  # pylint: disable=broad-except
            self.recorder.faults.append(f"client {self.number} ended: {error!r}")
        finally:
            if self.connection is not None:
                self.connection.close()

    def step(self, kind: str | None = None, key: str | None = None) -> bool:
        """False if the outcome is not known."""
        kind = kind or self.dice.choices(list(KINDS), KINDS.values())[0]
        key = key or self.dice.choice(self.recorder.keys)
        if kind == "ledger":
            key = f"{self.recorder.prefix}/ledger/{self.number}-{self.written}"
            self.written += 1
        path, body, method = f"/v1/kv/{key}", None, "GET"
        op = Operation(key, kind, self.server.name, self.server.life, 0)
        if kind == "get txn":
            path, body, method = "/v1/txn", transaction(Verb="get", Key=key), "PUT"
        elif kind.startswith("get"):
            path += {"get": "", "get consistent": "?consistent", "get stale": "?stale"}[kind]
        elif kind != "delete" and kind != "delete cas":
            op.value = next(self.recorder.values)
            body, method = str(op.value), "PUT"
            if kind == "put txn":
                path, body = "/v1/txn", transaction(Verb="set", Key=key, Value=base64.b64encode(body.encode()).decode())
        else:
            method = "DELETE"
        if kind.endswith("cas"):
            op.expected, index = self.known.get(key, (0, 0))
            if kind == "delete cas" and index == 0:
                return True  # there is nothing to name
            path += f"?cas={index}"
        op.called = time.monotonic_ns()
        if not kind.startswith("get"):
            self.recorder.operations.append(op)  # before it is known: the end of the round may come first
        answer = self.ask(method, path, body)
        returned = time.monotonic_ns()
        return answer is not None and self.take(op, returned, *answer)

    def ask(self, method: str, path: str, body: str | None) -> tuple[int, int, bytes] | None:
        try:
            if self.connection is None:
                self.connection = self.server.connection(12)
            self.connection.request(method, path, body)
            answer = self.connection.getresponse()
            return answer.status, int(answer.getheader("X-Consul-Index") or 0), answer.read()
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None

    def take(self, op: Operation, returned: int, status: int, index: int, body: bytes) -> bool:
        if op.kind.startswith("get"):
            if status == 200:
                rows = json.loads(body)
                row = rows["Results"][0]["KV"] if op.kind == "get txn" else rows[0]
                op.result, op.index = int(base64.b64decode(row["Value"])), row["ModifyIndex"]
                self.known[op.key] = (op.result, op.index)
            elif status == 404 or (status == 409 and b"doesn't exist" in body):
                op.index = index
                self.known.pop(op.key, None)
            else:
                return False
            op.returned = returned
            self.recorder.operations.append(op)
            return True
        word = b"true" if op.kind == "put txn" and status == 200 else body.strip()
        if status != 200 or word not in (b"true", b"false"):
            return False
        if word == b"false" and not op.kind.endswith("cas"):
            self.recorder.faults.append(f"{op.kind} of {op.key} answered false")
        op.result = int(word == b"true")
        op.returned = returned
        if op.kind == "ledger":
            self.recorder.ledger.add(op.key)
        return True


def transaction(**operation) -> str:
    return json.dumps([{"KV": operation}])


def linearizable(checker: pathlib.Path, operations: list[Operation]) -> str:
    """Nothing, or what is wrong. Ledger keys and stale reads are judged elsewhere."""
    numbers: dict[str, int] = collections.defaultdict(itertools.count().__next__)
    lines = []
    for op in operations:
        if op.kind in ("get stale", "ledger"):
            continue
        word = "get" if op.kind.startswith("get") else op.kind.replace(" ", "-") if op.kind.endswith("cas") else "put"
        result = 0 if word == "put" else op.result
        returned = -1 if op.returned is UNKNOWN else op.returned
        lines.append(f"{numbers[op.key]} {word} {op.value} {op.expected} {result} {op.called} {returned}\n")
    try:
        done = subprocess.run([checker], input="".join(lines), text=True, capture_output=True, timeout=CHECK_LIMIT,
                              check=False)
    except subprocess.TimeoutExpired:
        return f"not decided within {CHECK_LIMIT} s"
    if done.returncode == 0:
        return ""
    keys = {number: key for key, number in numbers.items()}
    return f"{keys} {done.stdout}{done.stderr}"


def stale_faults(operations: list[Operation], goes_on=lambda op: True) -> list[str]:
    """Every value belongs to one index, was written by someone who may have succeeded, before it was read; and one life
    of a server never goes back in time, if it `goes_on`."""
    faults = []
    writes = {op.value: op for op in operations if op.value != 0}
    index_of: dict[tuple[str, int], int] = {}
    value_at: dict[tuple[str, int], int] = {}
    reads = [op for op in operations if op.kind.startswith("get") and op.returned is not UNKNOWN]
    for op in reads:
        if op.result == 0:
            continue
        write = writes.get(op.result)
        refused = write is not None and write.returned is not UNKNOWN and write.result == 0
        if write is None or write.key != op.key or write.called > op.returned or refused:
            faults.append(f"{op} read what nobody can have written: {write}")
        if index_of.setdefault((op.key, op.result), op.index) != op.index:
            faults.append(f"{op}: the same value had index {index_of[op.key, op.result]}")
        if value_at.setdefault((op.key, op.index), op.result) != op.result:
            faults.append(f"{op}: the same index had value {value_at[op.key, op.index]}")
    # What an earlier read (one that had returned before this one was called) of the same process saw was not newer.
    lives = collections.defaultdict(list)
    for op in (op for op in reads if op.kind == "get stale" and goes_on(op)):  # others are answered by the leader's state
        lives[op.server, op.life, op.key].append(op)
    for ops in lives.values():
        by_return = sorted(ops, key=lambda op: op.returned)
        at, newest = 0, 0
        for op in sorted(ops, key=lambda op: op.called):
            while by_return[at].returned < op.called:
                if by_return[at].result != 0:  # only an index of the key itself says what it was
                    newest = max(newest, by_return[at].index)
                at += 1
            if op.result != 0 and op.index < newest:
                faults.append(f"{op}: this server had shown index {newest} before")
    return faults


def final_reads(servers: list, recorder: Recorder) -> set[str]:
    """Every key through every server, as part of the history; the ledger's keys that are there."""
    present: set[str] = set()
    for number, server in enumerate(servers):
        reader = Client(recorder, server, -1 - number, 0, 1)
        for key in recorder.keys:
            eventually(f"{server.name} reads", lambda r=reader, k=key: r.step("get consistent", k))
        reader.connection.close()
        rows = eventually(f"{server.name} lists", lambda s=server: answer(s, f"/v1/kv/{recorder.prefix}/?keys&consistent"))
        present = present & set(rows) if number else set(rows)
    return present


def verdict(recorder: Recorder, present: set[str], checker: pathlib.Path, ours=None) -> list[str]:
    """What is wrong with a history that is over. With `ours`, which says whether a server of ours answered, less is asked
    of Consul's: a leader that was deposed answers reads of the default mode from its state for a while, and a follower
    that joins has been seen to show an older state once more (all three of them Consul's)."""
    defaults = ours is None
    faults = list(recorder.faults)
    if lost := sorted(recorder.ledger - present):
        faults.append(f"{len(lost)} acknowledged writes are lost: {lost[:5]}")
    strict = [op for op in recorder.operations if op.kind not in ("get", "get txn")]
    if wrong := linearizable(checker, recorder.operations if defaults else strict):
        also = linearizable(checker, strict) if defaults else wrong
        faults.append(f"{wrong}\n  without the default reads: {also or 'linearizable'}")
    return faults + stale_faults(recorder.operations, ours or (lambda op: True))
