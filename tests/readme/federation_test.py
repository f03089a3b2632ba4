#!/usr/bin/env python3
"""README.md's chapter about mesh gateways: its commands are run as they stand there, in network namespaces, and the examples
beside them are validated. Needs root for the first; says 77 without.

    federation_test.py --binary PATH
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "packaging" / "federation"
CHAPTER = "## Datacenters joined through mesh gateways\n"
SKIPPED = 77  # what CTest knows as such
LIMIT = 150   # seconds for the whole chapter


def commands() -> list[str]:
    text = (ROOT / "README.md").read_text().split(CHAPTER)[1].split("\n## ")[0]
    return [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)]


def run_chapter(binary: str, folder: pathlib.Path) -> None:
    (folder / "packaging").mkdir()
    shutil.copytree(EXAMPLES, folder / "packaging" / "federation")
    (folder / "bin").mkdir()
    (folder / "bin" / "proconsul").symlink_to(binary)
    first, then = commands()
    assert len([line for line in first.splitlines() if line[:1] not in (" ", "")]) <= 10, first
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    # Agents hold what they inherit, so nothing of it is a pipe of ours; all of them are in one group and end with it.
    with open(folder / "out", "w+") as out:
        shell = subprocess.Popen(["bash", "-c", f"set -e\n{first}\n{then}\n"], cwd=folder, env=environment, stdout=out,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = shell.wait(LIMIT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            subprocess.run([EXAMPLES / "namespaces.sh", "down"], check=True)
        out.seek(0)
        printed = out.read()
    logs = "".join(f"--- {name}\n{(folder / name).read_text()[-4000:]}" for name in ("dc1.log", "dc2.log")
                   if (folder / name).exists())
    assert code == 0, f"{code}\n{printed}\n{logs}"
    for expected in ("Success! Data written to: app/colour", "\nblue\n", "\nb1 "):
        assert expected in printed, f"{expected!r}\n{printed}"
    assert re.search(r"^dc2 .*", printed, re.M), printed
    print("two datacenters on one machine, joined as README.md says", flush=True)


def validate(binary: str, folder: pathlib.Path) -> None:
    """Every example is a configuration without a fault, but for addresses and files of another machine."""
    (folder / "examples").mkdir()
    texts = {path.name: path.read_text() for path in sorted((EXAMPLES / "vm").glob("*.hcl"))}
    manifest = (EXAMPLES / "kubernetes" / "secondary.yaml").read_text()
    block = re.search(r"^  server\.hcl: \|\n((?:    .*\n)+)", manifest, re.M)
    texts["kubernetes.hcl"] = textwrap.dedent(block[1])
    subprocess.run([binary, "tls", "ca", "create"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([binary, "tls", "cert", "create", "-server", "-dc", "dc2"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    for name, text in texts.items():
        text = text.replace("{{ GetPrivateIP }}", "127.0.0.1")
        for there, here in ("ca.pem", "consul-agent-ca.pem"), ("server.pem", "dc2-server-consul-0.pem"), \
                           ("server-key.pem", "dc2-server-consul-0-key.pem"):
            text = re.sub(rf'"/etc/[a-z.]+/{re.escape(there)}"', f'"{folder / here}"', text)
        path = folder / "examples" / name
        path.write_text(text)
        done = subprocess.run([binary, "validate", str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    print(f"{len(texts)} examples are valid", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    with tempfile.TemporaryDirectory() as examples:
        validate(binary, pathlib.Path(examples))
        if os.geteuid() != 0 or subprocess.run(["ip", "netns", "list"], capture_output=True).returncode != 0:
            print("no right to make network namespaces")
            return SKIPPED
    with tempfile.TemporaryDirectory() as chapter:
        run_chapter(binary, pathlib.Path(chapter))
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
