#!/usr/bin/env python3
"""Scheduled snapshots: archives come into a directory and a bucket, old ones go, what fails is tried again, and what was
kept can be restored.

    snapshots_test.py --binary PATH
"""
import argparse
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from agent_process import answer, ended, eventually
from exec_test import Member
from s3_server import S3

LIMIT = 60
NAME = re.compile(r"consul-dc1-\d{8}T\d{6}Z-(\d+)\.snap")


def inspect(binary: str, file: pathlib.Path) -> str:
    return subprocess.run([binary, "snapshot", "inspect", str(file)], capture_output=True, text=True, timeout=LIMIT,
                          check=True).stdout


def run(binary: str, folder: pathlib.Path) -> None:
    local, stale = folder / "backups", folder / "stale"
    local.mkdir()
    old = [f"consul-dc1-2020010{day}T000000Z-7.snap" for day in (1, 2, 3, 4)]
    others = ["consul-dc1-s9-20200101T000000Z-7.snap", "consul-dc2-20200101T000000Z-7.snap", "notes.txt",
              "consul-dc1-20209901T000000Z-7.snap"]
    for name in old + others:
        (local / name).write_text("x")
    store = S3("backups", "AKID", "secret/key+", "eu-test-1")
    store.objects = {f"nightly/{name}": b"x" for name in old + others}
    store.objects["elsewhere/" + old[0]] = b"x"
    store.fail = 1
    block = {"interval": "1h", "retain": 2, "local_storage": {"path": str(local)},
             "aws_storage": {"s3_bucket": "backups", "s3_region": "eu-test-1", "s3_endpoint": store.endpoint(),
                             "s3_force_path_style": True, "s3_key_prefix": "nightly/", "access_key_id": "AKID",
                             "secret_access_key": "secret/key+", "s3_server_side_encryption": True}}
    server = Member(binary, folder, "s1", 71, [], {"snapshots": block, "log_level": "info"})
    client = Member(binary, folder, "c1", 72, [server.gossip()],
                    {"server": False, "bootstrap_expect": 0, "snapshots": block})
    members = [server, client]
    with ended(members):
        # More than one part, and nothing that gzip could make small.
        server.start()
        server.wait_leader()
        for number in range(40):
            assert server.ask("PUT", f"/v1/kv/large/{number}", random.randbytes(400_000))[0] == 200

        taken = eventually("a local archive", lambda: [
            name for name in os.listdir(local) if NAME.fullmatch(name) and name not in old + others])
        eventually("only two stay", lambda: len([name for name in os.listdir(local) if NAME.fullmatch(name)
                                                 and name not in others]) == 2)
        assert sorted(os.listdir(local)) == sorted(taken + [old[3]] + others), os.listdir(local)
        summary = inspect(binary, local / taken[0])
        assert f"Index        {NAME.fullmatch(taken[0])[1]}" in summary, summary

        eventually("it was said that the bucket failed", lambda: "SlowDown: Said by the test." in server.log_tail(100))
        remote = eventually("an archive in the bucket", lambda: [
            key for key in store.objects if NAME.fullmatch(key.removeprefix("nightly/")) and
            key.removeprefix("nightly/") not in old + others], 40)
        eventually("two in the bucket", lambda: len(store.objects) == len(others) + 3)
        assert set(store.objects) == {f"nightly/{name}" for name in others + [old[3]]} | set(remote) | {
            "elsewhere/" + old[0]}, store.objects.keys()
        assert store.uploads == {} and store.faults == [], (store.uploads, store.faults)
        assert any("partNumber=2" in path for _, path in store.requests), store.requests
        copy = folder / "copy.snap"
        copy.write_bytes(store.objects[remote[0]])
        assert "KVS" in inspect(binary, copy)

        # It is a backup: all is back after a loss.
        assert server.ask("DELETE", "/v1/kv/?recurse")[0] == 200
        assert server.ask("PUT", "/v1/snapshot", copy.read_bytes(), timeout=30)[0] == 200
        assert len(eventually("the keys", lambda: answer(server, "/v1/kv/?keys"))) == 40
        counted = {row["Name"]: row["Count"] for row in answer(server, "/v1/agent/metrics")["Counters"]}
        assert counted.get("consul.snapshots.failed", 0) <= 1, counted

        # A start soon after takes none.
        server.kill()
        before = sorted(os.listdir(local)), sorted(store.objects)
        server.start()
        server.wait_leader()
        eventually("the bucket is looked at again", lambda: store.requests[-1][0] == "GET")
        assert (sorted(os.listdir(local)), sorted(store.objects)) == before

        client.start()
        eventually("the client warns", lambda: "snapshots has no effect: only servers take them." in client.log_tail())

        # A server that takes its own.
        own = Member(binary, folder, "own", 73, [], {"snapshots": {"stale": True, "local_storage": {"path": str(stale)}}})
        members.append(own)
        own.start()
        name = eventually("its archive", lambda: [name for name in os.listdir(stale) if name.endswith(".snap")])[0]
        assert re.fullmatch(r"consul-dc1-own-\d{8}T\d{6}Z-\d+\.snap", name), name


def check_bad_blocks(binary: str, folder: pathlib.Path) -> None:
    for block, text in (
            ('interval = "1s"', "snapshots.interval: cannot be less than 10s"),
            ('retain = -1', "snapshots.retain: cannot be negative"),
            ('prefix = "a/b"', "snapshots.prefix: may have letters"),
            ('aws_storage { s3_bucket = "b", s3_endpoint = "ftp://x" }', "snapshots.aws_storage.s3_endpoint: should read"),
            ('aws_storage { s3_endpoint = "http://x:1" }', "snapshots.aws_storage.s3_bucket: is missing"),
            ('aws_storage { s3_bucket = "b", access_key_id = "k" }', "access_key_id and secret_access_key go together"),
            ('aws_storage { s3_bucket = "b", s3_kms_key = "k" }', "needs s3_server_side_encryption"),
            ('aws_store { }', "invalid config key snapshots.aws_store")):
        file = folder / "bad.hcl"
        file.write_text(f'data_dir = "/x"\nbind_addr = "127.0.0.1"\nsnapshots {{\n{block}\n}}\n')
        done = subprocess.run([binary, "validate", str(file)], capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 1 and text in done.stderr, (block, done)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory() as folder:
        check_bad_blocks(binary, pathlib.Path(folder))
        run(binary, pathlib.Path(folder))
    print("snapshots: kept, verified, and restored")
    return 0


if __name__ == "__main__":
    sys.exit(main())
