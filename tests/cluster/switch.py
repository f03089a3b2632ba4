"""The wire between the hosts of network.py, as a process: takes packets from TUN devices and gives each to the host that
it is for, unless the rule of that direction drops it, and as late as it says. Needs nothing of the kernel but TUN.

    switch.py FD...      # host k, counted from 1, has the k-th descriptor and an address that ends with k

Each line of standard input replaces all rules, {"FROM>TO": {"drop": true, "loss": 0.1, "delay": 0.05, "jitter": 0.02}}
(probability and seconds); "ok" answers once it holds. The end of the input ends the process.
"""
import heapq
import json
import os
import random
import selectors
import sys
import time

SMALLEST = 20  # an IPv4 header
LARGEST = 65535


class Switch:
    def __init__(self, descriptors: list[int]):
        self.devices = dict(enumerate(descriptors, 1))
        self.rules: dict[tuple[int, int], dict] = {}
        self.late: list[tuple[float, int, int, bytes]] = []  # when, order of arrival, for whom
        self.count = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        for number, device in self.devices.items():
            os.set_blocking(device, False)
            self.selector.register(device, selectors.EVENT_READ, number)

    def forward(self, source: int, packet: bytes) -> None:
        if len(packet) < SMALLEST or packet[0] >> 4 != 4:
            return  # not IPv4: what a host says to itself about its links
        target = packet[19]
        if target not in self.devices:
            return
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
        try:
            os.write(self.devices[target], packet)
        except OSError:
            pass  # its queue is full: lost, as on any wire

    def run(self) -> None:
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else None
            for key, _ in self.selector.select(wait):
                if key.data is None:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.rules = {tuple(map(int, pair.split(">"))): rule for pair, rule in json.loads(line).items()}
                    print("ok", flush=True)
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
    Switch([int(word) for word in sys.argv[1:]]).run()
