"""A figure beside its goal, and what a process has used."""
import pathlib
import time

ROWS: list[tuple[str, str, str, str]] = []


def row(name: str, value: float, unit: str, goal: float | None = None, note: str = "") -> None:
    verdict = "" if goal is None else (f"<= {goal:g}" + ("" if value <= goal else "  over"))
    ROWS.append((name, f"{value:.4g} {unit}", verdict, note))
    print(f"{name:58} {value:10.4g} {unit:8} {verdict:16} {note}", flush=True)


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, threads that ended included: its CPU clock, as clock_getcpuclockid() names it."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int) -> tuple[int, int]:
    """Resident and resident anonymous bytes."""
    lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["RssAnon"].split()[0]) * 1024
