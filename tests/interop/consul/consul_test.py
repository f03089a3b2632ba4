#!/usr/bin/env python3
"""Agents of ours and of a real Consul in the same datacenters.

    consul_test.py --binary PATH --consul PATH --checker PATH [--only NAME] [--keep FOLDER]
"""
import argparse
import pathlib
import sys
import tempfile
import time
import traceback

import world  # first: it knows where the modules of tests/cluster are
import clients
import datacenters
import servers
from agent_process import ended

SCENARIOS = {
    "client-consul": (clients.on_servers, "consul", False), "client-ours": (clients.on_servers, "ours", False),
    "mixed-consul": (servers.mixed, "consul", False), "mixed-ours": (servers.mixed, "ours", False),
    "rolling-consul": (servers.rolling, "consul", False), "rolling-ours": (servers.rolling, "ours", False),
    "wan-consul": (datacenters.wan, "consul", False), "wan-ours": (datacenters.wan, "ours", False),
    "encrypt-consul": (clients.auto_encrypt, "consul", True), "encrypt-ours": (clients.auto_encrypt, "ours", True),
    "replication-consul": (datacenters.replication, "consul", True), "replication-ours": (datacenters.replication, "ours", True),
    "rolling-secured": (servers.rolling, "consul", True), "rolling-secured-ours": (servers.rolling, "ours", True)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--consul", required=True, help="the program of a real Consul 1.21")
    parser.add_argument("--checker", required=True, type=pathlib.Path, help="the program history_check")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="only these")
    parser.add_argument("--keep", type=pathlib.Path, help="an empty folder for logs and data, which stay")
    options = parser.parse_args()
    options.binary, options.consul = (str(pathlib.Path(path).resolve()) for path in (options.binary, options.consul))
    failed = []
    with tempfile.TemporaryDirectory(prefix="proconsul-interop-") as scratch:
        for name in options.only or SCENARIOS:
            scenario, kind, secured = SCENARIOS[name]
            begun = time.monotonic()
            print(name, flush=True)
            made = world.World(options, (options.keep or pathlib.Path(scratch)) / name, secured)
            try:
                with ended(made.nodes):
                    scenario(made, kind)
            except (AssertionError, RuntimeError, OSError, ValueError, LookupError):
                traceback.print_exc()
                failed.append(name)
            print(f"  {'FAILED' if name in failed else 'passed'} in {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{len(options.only or SCENARIOS) - len(failed)} passed, failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
