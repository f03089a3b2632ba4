"""The wire between the hosts of network.py, as a process: takes packets from TUN devices and gives each to the host that
it is for, unless the rule of that direction drops it, and as late as it says. Needs nothing of the kernel but TUN.

    switch.py [--marker TEXT]... FD[=NUMBER[,NUMBER]...[~ADDRESS]]...

A host is known by the last octet of its addresses; if none is given, the k-th descriptor is that of host k, counted from
1. One with an ADDRESS has that address on a network of its own and is behind a translator: outside its number is seen,
and nobody outside can open a connection to it or send it a datagram.

Each line of standard input replaces all rules, {"FROM>TO": {"drop": true, "loss": 0.1, "delay": 0.05, "jitter": 0.02}}
(probability and seconds); "ok" answers once it holds. The line "seen" is answered by what hosts have sent until then:
{"packets": N, "datagrams": N, "marked": N}, where marked ones have one of the texts in them. The end of the input ends
the process.
"""
import argparse
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

SMALLEST = 20  # an IPv4 header
LARGEST = 65535
TCP, UDP = 6, 17
SOURCE, TARGET = 12, 16  # where the addresses are in an IPv4 header


def adjusted(checksum: int, old: bytes, new: bytes) -> int:
    """A checksum of the Internet once these four bytes have become those (RFC 1624)."""
    total = ~checksum & 0xffff
    for before, after in zip(struct.unpack(">2H", old), struct.unpack(">2H", new)):
        total += (~before & 0xffff) + after
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def translated(packet: bytes, place: int, address: bytes) -> bytes:
    """A TCP packet with another source or target address."""
    out, old = bytearray(packet), packet[place:place + 4]
    out[place:place + 4] = address
    for at in (10, (packet[0] & 15) * 4 + 16):  # of the IPv4 header, and of TCP, which counts the addresses too
        struct.pack_into(">H", out, at, adjusted(struct.unpack_from(">H", packet, at)[0], old, address))
    return bytes(out)


def opens(packet: bytes) -> bool:
    """Whether it is other than what comes on a TCP connection that the target has opened."""
    flags = (packet[0] & 15) * 4 + 13
    return packet[9] != TCP or len(packet) <= flags or packet[flags] & 0x12 == 0x02  # SYN without ACK


class Switch:
    def __init__(self, words: list[str], markers: list[str]):
        self.devices: dict[int, int] = {}   # by the hosts' numbers
        self.numbers: dict[int, list[int]] = {}
        self.inside: dict[int, bytes] = {}  # addresses of those behind a translator, by device
        for position, word in enumerate(words, 1):
            device, _, rest = word.partition("=")
            numbers, _, address = rest.partition("~")
            self.numbers[int(device)] = [int(number) for number in numbers.split(",")] if numbers else [position]
            self.devices |= dict.fromkeys(self.numbers[int(device)], int(device))
            if address:
                self.inside[int(device)] = socket.inet_aton(address)
        self.markers = [marker.encode() for marker in markers]
        self.seen = {"packets": 0, "datagrams": 0, "marked": 0}
        self.rules: dict[tuple[int, int], dict] = {}
        self.late: list[tuple[float, int, int, bytes]] = []  # when, order of arrival, for whom
        self.count = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        for device in self.numbers:
            os.set_blocking(device, False)
            self.selector.register(device, selectors.EVENT_READ, device)

    def forward(self, device: int, packet: bytes) -> None:
        if len(packet) < SMALLEST or packet[0] >> 4 != 4:
            return  # not IPv4: what a host says to itself about its links
        self.seen["packets"] += 1
        self.seen["datagrams"] += packet[9] == UDP
        self.seen["marked"] += any(marker in packet for marker in self.markers)
        numbers, target = self.numbers[device], packet[TARGET + 3]
        source = packet[SOURCE + 3] if packet[SOURCE + 3] in numbers else numbers[0]
        if target not in self.devices:
            return
        if device in self.inside:
            if packet[9] != TCP:
                return
            source = numbers[0]
            packet = translated(packet, SOURCE, packet[TARGET:TARGET + 3] + bytes([source]))
        rule = self.rules.get((source, target))
        if rule is None:
            self.give(target, packet)
            return
        if rule.get("drop") or random.random() < rule.get("loss", 0):
            return
        delay = rule.get("delay", 0) + random.uniform(0, rule.get("jitter", 0))
        if delay <= 0:
            self.give(target, packet)
            return
        self.count += 1
        heapq.heappush(self.late, (time.monotonic() + delay, self.count, target, packet))

    def give(self, target: int, packet: bytes) -> None:
        device = self.devices[target]
        if device in self.inside:
            if opens(packet):
                return
            packet = translated(packet, TARGET, self.inside[device])
        try:
            os.write(device, packet)
        except OSError:
            pass  # its queue is full: lost, as on any wire

    def obey(self, line: str) -> str:
        order = json.loads(line)
        if order == "seen":
            return json.dumps(self.seen)
        self.rules = {tuple(map(int, pair.split(">"))): rule for pair, rule in order.items()}
        return "ok"

    def run(self) -> None:
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else None
            for key, _ in self.selector.select(wait):
                if key.data is None:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    print(self.obey(line), flush=True)
                    continue
                for _ in range(64):  # then the others have their turn
                    try:
                        packet = os.read(key.fd, LARGEST)
                    except BlockingIOError:
                        break
                    self.forward(key.data, packet)
            now = time.monotonic()
            while self.late and self.late[0][0] <= now:
                _, _, target, packet = heapq.heappop(self.late)
                self.give(target, packet)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--marker", action="append", default=[])
    parser.add_argument("device", nargs="+")
    arguments = parser.parse_args()
    Switch(arguments.device, arguments.marker).run()
