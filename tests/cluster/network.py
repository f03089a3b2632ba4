"""Hosts on one machine, each in a network namespace of its own, and a wire between them that can be cut, slowed and made
lossy in each direction. Nothing is left behind: a namespace is gone with the last process and descriptor that holds it.
Needs root and /dev/net/tun.
"""
import ctypes
import fcntl
import http.client
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, IFF_UP, RTF_UP = 0x890B, 0x8914, 0x8916, 0x891C, 0x1, 0x1

libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """What this process lacks to make hosts, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "there is no /dev/net/tun"
    return ""


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _up(sock: socket.socket, device: str, address: str, mask: str) -> None:
    name = device.encode()
    for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, mask)) if address else ():
        fcntl.ioctl(sock, request, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(value)))
    fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", name, IFF_UP))


def _route(sock: socket.socket, device: str, network: str, mask: str) -> None:
    """To the network through the device (the kernel's struct rtentry)."""
    def address(value: str) -> bytes:
        return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
    name = ctypes.create_string_buffer(device.encode())
    entry = struct.pack("L16s16s16sHhLPhP2LH", 0, address(network), address("0.0.0.0"), address(mask), RTF_UP, 0, 0, 0, 0,
                        ctypes.addressof(name), 0, 0, 0)
    fcntl.ioctl(sock, SIOCADDRT, entry + bytes(8))


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Host:
    """A network namespace with loopback and one address. A thread, and what it starts, is there within `with host:`."""

    def __init__(self, address: str):
        self.address = address
        self._home = threading.local()
        home = self._now()
        try:
            _checked(libc.unshare(CLONE_NEWNET), "unshare")
            self.handle = self._now()
            self.device = _tun("eth0")
            self.legs: list[int] = []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                _up(sock, "lo", "127.0.0.1", "255.0.0.0")
                _up(sock, "eth0", address, "255.255.255.0")
        finally:
            _checked(libc.setns(home, CLONE_NEWNET), "setns")
            os.close(home)

    @staticmethod
    def _now() -> int:
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> "Host":
        self._home.handle = self._now()
        _checked(libc.setns(self.handle, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_) -> None:
        _checked(libc.setns(self._home.handle, CLONE_NEWNET), "setns")
        os.close(self._home.handle)

    def leg(self, name: str, addresses: list[str], network: str = "") -> int:
        """One more device, on another wire, with these addresses; with none, it is the way to the network (of 256)."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            self.legs.append(_tun(name))
            _up(sock, name, "", "")
            for number, address in enumerate(addresses):
                _up(sock, f"{name}:{number}" if number else name, address, "255.255.255.0")
            if network:
                _route(sock, name, network, "255.255.255.0")
        return self.legs[-1]

    def close(self) -> None:
        for device in self.legs:
            os.close(device)
        os.close(self.device)
        os.close(self.handle)


class Connection(http.client.HTTPConnection):
    """From the host to itself, whatever namespace the caller is in."""

    def __init__(self, host: Host, port: int, timeout: float):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.inside = host

    def connect(self) -> None:
        with self.inside:
            super().connect()


class Wire:
    """A switch between devices: its words are those of switch.py."""

    def __init__(self, devices: list[int], words: list[str], markers: tuple[str, ...] = ()):
        options = [option for marker in markers for option in ("--marker", marker)]
        self.switch = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("switch.py")), *options, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=devices)
        self.lock = threading.Lock()
        self.rule({})

    def _say(self, order) -> str:
        with self.lock:
            self.switch.stdin.write(json.dumps(order) + "\n")
            self.switch.stdin.flush()
            answer = self.switch.stdout.readline()
        if not answer:
            raise RuntimeError(f"the switch ended with {self.switch.wait(5)}")
        return answer

    def rule(self, rules: dict[tuple[int, int], dict]) -> None:
        """What happens to packets from one host to another; those that are not named are delivered."""
        self._say({f"{source}>{target}": rule for (source, target), rule in rules.items()})

    def seen(self) -> dict[str, int]:
        """What was sent until now: packets, datagrams, and packets that were marked."""
        return json.loads(self._say("seen"))

    def close(self) -> None:
        self.switch.stdin.close()
        self.switch.wait(10)


class Network(Wire):
    """Hosts 10.77.0.1, 10.77.0.2, ... on one wire. Hosts are named by their numbers, 1.. ."""

    def __init__(self, size: int):
        self.hosts = {number: Host(f"10.77.0.{number}") for number in range(1, size + 1)}
        devices = [host.device for host in self.hosts.values()]
        super().__init__(devices, [str(device) for device in devices])

    def pairs(self) -> list[tuple[int, int]]:
        return [(source, target) for source in self.hosts for target in self.hosts if source != target]

    def close(self) -> None:
        super().close()
        for host in self.hosts.values():
            host.close()
