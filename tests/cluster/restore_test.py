#!/usr/bin/env python3
"""An archive with what this version does not know is restored without that, and whoever restores it is told, also where
the request goes through a client agent.

    restore_test.py --binary PATH
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from agent_process import answer, ended, eventually
from exec_test import Member

LIMIT = 60
# A record of a type that nobody has, a key of a namespace, and a key with a further field.
UNKNOWN = (b"\x3c\x80" + b"\x02\x82\xa3Key\xa4away\xa9Namespace\xa6team-1" + b"\x02\x82\xa3Key\xa6future\xa5Price\xa15")


def with_unknown(archive: bytes) -> bytes:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    files["state.bin"] += UNKNOWN
    meta = json.loads(files["meta.json"])
    meta["Size"] = len(files["state.bin"])
    files["meta.json"] = json.dumps(meta).encode()
    files["SHA256SUMS"] = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n"
                                  for name in ("meta.json", "state.bin")).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as tar:
        for name in ("meta.json", "state.bin", "SHA256SUMS"):
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            tar.addfile(info, io.BytesIO(files[name]))
    # Python fills the last record up; nothing may follow the two blocks that end the archive.
    end = sum(512 + (len(content) + 511) // 512 * 512 for content in files.values()) + 1024
    return gzip.compress(out.getvalue()[:end])


def run(binary: str, folder: pathlib.Path) -> None:
    server = Member(binary, folder, "s1", 61, [], {"log_level": "info"})
    client = Member(binary, folder, "c1", 62, [server.gossip()], {"server": False, "bootstrap_expect": 0})
    with ended([server, client]):
        server.start()
        client.start()
        server.wait_leader()
        eventually("the client is there", lambda: len(answer(client, "/v1/catalog/nodes") or []) == 2)
        assert server.ask("PUT", "/v1/kv/kept", "value")[0] == 200
        archive = with_unknown(server.ask("GET", "/v1/snapshot")[1])

        for number, agent in enumerate((server, client)):
            assert server.ask("PUT", f"/v1/kv/later-{number}", "gone with the restore")[0] == 200
            connection = agent.connection()
            connection.request("PUT", "/v1/snapshot", archive)
            response = connection.getresponse()
            said = response.read()
            assert (response.status, said) == (200, b""), (response.status, said)
            losses = json.loads(response.headers["X-Proconsul-Left-Out"])
            assert losses == [
                {"Record": "KVS", "Reason": "it belongs to the namespace team-1, and there are none here", "Count": 1},
                {"Record": "KVS", "Field": "Price", "Reason": "it is not known", "Count": 1},
                {"Record": "Unknown(60)", "Reason": "Unrecognized msg type 60", "Count": 1}], losses
            keys = eventually("the state is back", lambda: answer(server, "/v1/kv/?keys&consistent"))
            assert keys == ["future", "kept"], keys

        file = folder / "backup.snap"
        file.write_bytes(archive)
        done = subprocess.run([binary, "snapshot", "restore", f"-http-addr=127.0.0.1:{client.port}", str(file)],
                              capture_output=True, text=True, timeout=LIMIT)
        assert (done.returncode, done.stdout) == (0, "Restored snapshot\n"), done
        assert "field Price of 1 record of kind KVS: it is not known\n" in done.stderr, done.stderr
        assert "left out" in server.log_tail(200) and "Unrecognized msg type 60" in server.log_tail(200)

        whole = server.ask("GET", "/v1/snapshot")[1]
        connection = server.connection()
        connection.request("PUT", "/v1/snapshot", whole)
        response = connection.getresponse()
        assert response.status == 200 and response.headers["X-Proconsul-Left-Out"] is None
        response.read()

        # It starts again from what it restored.
        server.kill()
        server.start()
        server.wait_leader()
        assert answer(server, "/v1/kv/?keys") == ["future", "kept"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(os.path.abspath(options.binary), pathlib.Path(folder))
    print("restore: what is not known was left out and told")
    return 0


if __name__ == "__main__":
    sys.exit(main())
