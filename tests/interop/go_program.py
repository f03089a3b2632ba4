"""A Go program of a folder beside this file, built into a folder that is kept between runs."""
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def build(name: str, work: pathlib.Path) -> pathlib.Path:
    program = work / name
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / name, check=True,
                   env=os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"})
    return program
