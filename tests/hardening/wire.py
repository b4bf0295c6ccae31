"""A client of the protocol that does as it is told, right or wrong."""

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

import servers

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSS_REQUEST = struct.pack("!ii", 8, 80877104)
PATIENCE_S = 20


class Refused(Exception):
    """The server's error: its SQLSTATE and its message."""

    def __init__(self, body):
        fields = dict((part[:1].decode(), part[1:].decode("utf-8", "replace")) for part in body.split(b"\0") if part)
        self.state, self.message, self.fields = fields.get("C"), fields.get("M"), fields
        super().__init__(f"{self.state} {self.message}")


class Closed(Exception):
    """The connection is gone."""


def frame(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(user=servers.NAME, database=servers.NAME, version=196608, **more):
    pairs = {"user": user, "database": database} | more
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in pairs.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, version) + body


class Wire:
    """A connection, not yet logged in."""

    def __init__(self, port, source="127.0.0.1", patience=PATIENCE_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.port, self.pid, self.secret = port, None, None
        self.parameters = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error)) from error

    def exactly(self, count):
        while len(self.buffer) < count:
            try:
                part = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError) as error:
                raise Closed(str(error)) from error
            if not part:
                raise Closed("end of stream")
            self.buffer += part
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def message(self):
        kind, length = struct.unpack("!ci", self.exactly(5))
        return kind, self.exactly(length - 4)

    def encrypt(self, context):
        self.send(SSL_REQUEST)
        answer = self.exactly(1)
        assert answer == b"S", answer
        self.socket = context.wrap_socket(self.socket)
        return self

    def login(self, user=servers.NAME, password=servers.PASSWORD, binding=None, header=None, **more):
        """Logs in with SCRAM. `binding` is the server's certificate in DER, `header` what the client claims instead."""
        self.send(startup(user, **more))
        kind, body = self.message()
        if kind == b"E":
            raise Refused(body)
        assert kind == b"R" and body[:4] == struct.pack("!i", 10), (kind, body)
        self.mechanisms = [name.decode() for name in body[4:].split(b"\0") if name]
        gs2 = header or (b"p=tls-server-end-point,," if binding else b"n,,")
        nonce = base64.b64encode(os.urandom(18))
        bare = b"n=,r=" + nonce
        mechanism = b"SCRAM-SHA-256-PLUS" if binding else b"SCRAM-SHA-256"
        first = gs2 + bare
        self.send(frame(b"p", mechanism + b"\0" + struct.pack("!i", len(first)) + first))
        kind, body = self.message()
        if kind == b"E":
            raise Refused(body)
        challenge = body[4:]
        parts = dict(part.split(b"=", 1) for part in challenge.split(b","))
        self.salt, self.iterations = parts[b"s"], int(parts[b"i"])
        assert parts[b"r"].startswith(nonce)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts[b"s"]), self.iterations)
        key = hmac.digest(salted, b"Client Key", "sha256")
        bound = gs2 + (hashlib.sha256(binding).digest() if binding else b"")
        without = b"c=" + base64.b64encode(bound) + b",r=" + parts[b"r"]
        signed = b",".join((bare, challenge, without))
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.send(frame(b"p", without + b",p=" + base64.b64encode(proof)))
        while True:
            kind, body = self.message()
            if kind == b"E":
                raise Refused(body)
            if kind == b"S":
                name, value, _ = body.split(b"\0")
                self.parameters[name.decode()] = value.decode()
            if kind == b"K":
                self.pid, self.secret = struct.unpack("!ii", body)
            if kind == b"Z":
                return self

    def ask(self, text):
        """Rows of a statement in the simple protocol, as text."""
        self.send(frame(b"Q", text.encode() + b"\0"))
        return self.rows()

    def rows(self):
        rows, error = [], None
        while True:
            kind, body = self.message()
            if kind == b"D":
                rows.append(cells(body))
            if kind == b"E":
                error = Refused(body)
                if error.fields.get("V") == "FATAL":
                    raise error
            if kind == b"Z":
                if error:
                    raise error
                return rows

    def leave(self):
        """Goes away without a word, and at once: the other side gets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end(self):
        """Says that nothing more comes; the errors that the server answers until it closes."""
        errors = []
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while True:
                kind, body = self.message()
                if kind == b"E":
                    errors.append(Refused(body))
        except (Closed, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
        self.socket.close()
        return errors


def cells(body):
    (count,), at, found = struct.unpack_from("!h", body), 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        found.append(None if length < 0 else body[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return found


def cancel(port, pid, secret):
    with Wire(port) as wire:
        wire.send(struct.pack("!iiii", 16, 80877102, pid, secret))
        wire.end()


def session(server, **options):
    return Wire(server.port, **options).login()
