#!/usr/bin/env python3
"""Fails when an include crosses the house the wrong way, or drags a heavy header into a header of ours."""
import pathlib
import re
import sys

# room -> the rooms it may include besides itself (the arrows of the README's drawing)
MAY_USE = {
    "base": set(),
    "raft": {"base"},
    "gossip": {"base"},
    "acl": {"base"},
    "catalog": {"base", "raft", "gossip", "acl"},
    "wanfed": {"base", "raft", "gossip", "acl", "catalog"},
    "ui-proxy": {"base"},
    "agent": {"base", "raft", "gossip", "acl", "catalog", "wanfed", "ui-proxy"},
}
HEAVY = re.compile(r'#include <(boost/beast|grpcpp|rocksdb|spdlog|fmt)/')
OURS = re.compile(r'#include "([a-z-]+)/')


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    faults, files = [], 0
    for room, allowed in MAY_USE.items():
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            files += 1
            for number, line in enumerate(path.read_text().splitlines(), 1):
                where = f"{path.relative_to(root)}:{number}"
                if (match := OURS.match(line)) and match[1] in MAY_USE and match[1] != room and match[1] not in allowed:
                    faults.append(f"{where}: {room} may not know {match[1]}")
                if path.suffix == ".h" and HEAVY.match(line):
                    faults.append(f"{where}: heavy header in a header; every includer pays for it")
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
