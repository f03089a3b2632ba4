#!/usr/bin/env python3
"""Fails when an include crosses the house the wrong way, or drags a heavy header into a header of ours, or when the web UI
makes nodes of text or loads what is elsewhere."""
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
# What a page must not do with data, and what its policy forbids it anyway.
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|\beval\(|new Function|"
                    r"DOMParser|srcdoc|<script(?![^>]*(src=|application/json))|\sstyle=")
ELSEWHERE = re.compile(r"""(src|href)=["']?(https?:)?//|@import|url\(|from ['"](?!\./)|import\(""")


def page_faults(path: pathlib.Path, where: str) -> list[str]:
    faults = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if match := MARKUP.search(line):
            faults.append(f"{where}:{number}: {match[0].strip()} makes markup or code of text")
        if match := ELSEWHERE.search(line):
            faults.append(f"{where}:{number}: {match[0].strip()} may load what is elsewhere")
    return faults


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
    for path in sorted((root / "ui-proxy" / "site").rglob("*")):
        if path.suffix in (".js", ".html", ".css", ".svg"):
            files += 1
            faults += page_faults(path, str(path.relative_to(root)))
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
