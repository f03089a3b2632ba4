#!/usr/bin/env python3
"""Writes the files below a folder as C++: embed.py FOLDER OUTPUT (what ui-proxy/site_files.h declares)."""
import gzip
import hashlib
import pathlib
import sys


def literal(data: bytes) -> str:
    """A string literal of any bytes; octal escapes have three digits, so that no digit behind them joins them."""
    plain = {byte: chr(byte) for byte in range(32, 127)} | {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}
    lines = [data[at:at + 48] for at in range(0, len(data), 48)]
    return "\n".join('    "' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in line) + '"' for line in lines)


def main() -> None:
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = sorted((path.relative_to(folder).as_posix(), path.read_bytes())
                   for path in folder.rglob("*") if path.is_file())
    rows = []
    for name, data in files:
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:20]
        rows.append(f'    {{"{name}",\n{{\n{literal(packed)}, {len(packed)}}},\n    "\\"{tag}\\"", {len(data)}}},\n')
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text('#include "ui-proxy/site_files.h"\n\nnamespace proconsul::ui_proxy {\nnamespace {\n\n'
                      f"constexpr SiteFile kFiles[] = {{\n{''.join(rows)}}};\n\n}}  // namespace\n\n"
                      "std::span<const SiteFile> site_files() {\n  return kFiles;\n}\n\n"
                      "}  // namespace proconsul::ui_proxy\n")


if __name__ == "__main__":
    main()
