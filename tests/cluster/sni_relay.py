"""A stand-in for a mesh gateway: hands TLS connections on by the server name of their ClientHello, and reads no more."""
import contextlib
import select
import socket
import threading


def client_hello(data: bytes) -> tuple[str, list[str]] | None:
    """The server name and the ALPN names of a ClientHello, or None while it is not whole."""
    if len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        return None
    at = 5 + 4 + 2 + 32  # record, handshake, version, random
    at += 1 + data[at]
    at += 2 + int.from_bytes(data[at:at + 2], "big")
    at += 1 + data[at]
    end = at + 2 + int.from_bytes(data[at:at + 2], "big")
    at += 2
    name, protocols = "", []
    while at + 4 <= end:
        kind, size = int.from_bytes(data[at:at + 2], "big"), int.from_bytes(data[at + 2:at + 4], "big")
        body = data[at + 4:at + 4 + size]
        if kind == 0:
            name = body[5:5 + int.from_bytes(body[3:5], "big")].decode()
        elif kind == 16:
            rest = body[2:]
            while rest:
                protocols.append(rest[1:1 + rest[0]].decode())
                rest = rest[1 + rest[0]:]
        at += 4 + size
    return name, protocols


class Relay:
    """`route` gives (host, port) for a server name, or None: the connection is closed."""

    def __init__(self, address: tuple[str, int], route):
        self.address, self.route = address, route
        self.seen: list[tuple[str, str]] = []  # server name and ALPN of each connection
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.listener: socket.socket | None = None
        self.start()

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(64)
        self.address = listener.getsockname()
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        """Nothing gets through any more, and what is open is cut."""
        if self.listener is None:
            return
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.listener = None
        with self.lock:
            for each in self.open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = None
        try:
            with self.lock:
                self.open.add(client)
            client.settimeout(10)
            data, hello = b"", None
            while hello is None:
                more = client.recv(65536)
                if not more:
                    return
                data += more
                hello = client_hello(data)
            name, protocols = hello
            self.seen.append((name, ",".join(protocols)))
            to = self.route(name)
            if to is None:
                return
            server = socket.create_connection(to, timeout=10)
            with self.lock:
                self.open.add(server)
            server.sendall(data)
            self._splice(client, server)
        except (OSError, IndexError, UnicodeDecodeError):
            pass
        finally:
            with self.lock:
                for each in (client, server):
                    if each is not None:
                        self.open.discard(each)
                        each.close()

    @staticmethod
    def _splice(one: socket.socket, other: socket.socket) -> None:
        ends = {one: other, other: one}
        for each in ends:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.settimeout(60)
        reading = set(ends)
        while reading:
            for each in select.select(list(reading), [], [])[0]:
                data = each.recv(65536)
                if data:
                    ends[each].sendall(data)
                    continue
                reading.discard(each)
                ends[each].shutdown(socket.SHUT_WR)
