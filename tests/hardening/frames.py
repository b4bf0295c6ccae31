"""Frames that nobody's driver sends: the server answers or closes, and never falls."""

import struct

import wire
from wire import Closed, Refused, frame

# What a session may say, as seeds of what it may not.
STATEMENTS = [
    b"SELECT 1",
    b"SELECT $1::int + 1",
    b"BEGIN",
    b"COPY frames FROM STDIN",
    b"COPY frames TO STDOUT",
    b"SELECT $1, $2",
    b"",
    b"\xff\xfe",
]


def valid(random):
    text = random.choice(STATEMENTS) + b"\0"
    name = random.choice([b"", b"s", b"p" * 70]) + b"\0"
    value = random.choice([struct.pack("!i", -1), struct.pack("!ii", 4, 7), struct.pack("!i", 3) + b"abc"])
    count = random.choice([0, 1, 1, 2])
    values = struct.pack("!h", count) + value * count
    return random.choice(
        [
            frame(b"Q", text),
            frame(b"P", name + text + struct.pack("!hi", 1, random.choice([0, 23, 25, 1700, 2**31 - 1]))),
            frame(b"P", name + text + struct.pack("!h", 0)),
            frame(b"B", name + name + struct.pack("!hh", 1, random.choice([0, 1, 2])) + values + struct.pack("!h", 0)),
            frame(b"B", name + name + struct.pack("!h", 0) + values + struct.pack("!hh", 1, random.choice([0, 1, 7]))),
            frame(b"D", random.choice([b"S", b"P", b"X"]) + name),
            frame(b"C", random.choice([b"S", b"P", b"X"]) + name),
            frame(b"E", name + struct.pack("!i", random.choice([0, 1, -1]))),
            frame(b"d", b"1\tx\n"),
            frame(b"c"),
            frame(b"f", b"no\0"),
            frame(b"F", struct.pack("!ihhih", 1598, 0, 0, 0, 0)),
            frame(b"H"),
            frame(b"S"),
        ]
    )


def mutated(random, data):
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(data))
        kind = random.randrange(6)
        if kind == 0:
            data[at] = random.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            del data[at:]
            data += bytes([random.randrange(256)])
        elif kind == 3:
            data[at:at] = random.randbytes(random.choice([1, 4, 300]))
        elif kind == 4 and len(data) >= 5:
            data[1:5] = struct.pack(
                "!I", random.choice([0, 3, 4, 5, len(data) - 1, len(data) + 3, 2**16, 2**28, 2**31, 2**32 - 1])
            )
        else:
            # A count or a length inside the body.
            data[at : at + 2] = struct.pack("!H", random.choice([0, 1, 0x7FFF, 0x8000, 0xFFFF]))
    return bytes(data)


def check(errors, sent, states):
    """Errors have a SQLSTATE of their own; XX000 would be a bug of ours."""
    for error in errors:
        assert error.state and error.state != "XX000", f"{error} after {sent!r}"
        states[error.state] = states.get(error.state, 0) + 1


def before_login(server, random, full):
    """Random and mutated packets before login."""
    states, count = {}, 20_000 if full else 400
    grown = server.memory()
    for _ in range(count):
        kind = random.randrange(4)
        if kind == 0:
            sent = random.randbytes(random.choice([1, 8, 50, 2000]))
        elif kind == 1:
            body = random.randbytes(random.choice([0, 4, 40]))
            sent = (
                struct.pack("!ii", len(body) + 8, random.choice([196608, 196610, 80877102, 80877103, 80877104, 131072]))
                + body
            )
        elif kind == 2:
            sent = mutated(random, wire.startup(application_name="x" * 20, options="-c geqo=off"))
        else:
            # A good start, and a password message that is none.
            sent = wire.startup() + mutated(
                random, frame(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", 12) + b"n,,n=,r=abcd")
            )
        with wire.Wire(server.port) as client:
            try:
                client.send(sent)
                if client.buffer or sent[4:8] not in (wire.SSL_REQUEST[4:], wire.GSS_REQUEST[4:]):
                    check(client.end(), sent, states)
            except Closed:
                pass
    return told(server, grown, count, "packets", states)


def after_login(server, random, full):
    """Random and mutated messages of a session that has logged in."""
    states, frames, sessions, count = {}, 0, 0, 300_000 if full else 3_000
    with wire.session(server) as client:
        client.ask("CREATE TABLE frames (a int, b text)")
    grown = server.memory()
    while frames < count:
        sessions += 1
        with wire.session(server) as client:
            sent = b""
            try:
                for _ in range(40):
                    sent = valid(random)
                    if random.random() < 0.7:
                        sent = mutated(random, sent)
                    frames += 1
                    # After an error the rest is skipped until the next Sync.
                    client.send(sent + random.choice([b"", frame(b"S")]))
                check(client.end(), sent, states)
            except Closed:
                pass
            except TimeoutError:
                raise AssertionError(f"neither an answer nor an end after {sent!r}") from None
    return told(server, grown, frames, "frames", states) + f", {sessions} sessions"


def told(server, before, count, what, states):
    with wire.session(server) as client:
        assert client.ask("SELECT 1") == [["1"]]
    grown = (server.memory() - before) >> 20
    assert grown < 100, f"memory grew by {grown} MiB"
    assert "panic" not in server.log.read_text(), server.log.read_text()[-1000:]
    return f"{count} {what}, memory {grown:+} MiB, {dict(sorted(states.items()))}"


LENGTHS = [0, 1, 3, 2**31 - 1, 2**31, 2**32 - 1]


def lengths(server, random, full):
    """Lengths that cannot be are refused at once, before the rest is waited for."""
    tried = 0
    for kind in b"QPBEDCSHXFdcfp?\0\xff":
        for length in LENGTHS:
            with wire.session(server) as client:
                client.send(bytes([kind]) + struct.pack("!I", length))
                try:
                    error = refusal(client)
                    assert error.state == "08P01", f"{error} for {chr(kind)!r} of {length}"
                except TimeoutError:
                    raise AssertionError(f"{chr(kind)!r} of {length} bytes is waited for") from None
                tried += 1
    for length in [0, 7, 65_537, 2**31 - 1, 2**32 - 1]:
        with wire.Wire(server.port) as client:
            client.send(struct.pack("!II", length, 196608))
            client.end()
            tried += 1
    return f"{tried} lengths"


def refusal(client):
    while True:
        kind, body = client.message()
        if kind == b"E":
            return Refused(body)


def promised(server, random, full):
    """A long message that is announced and does not come costs nothing."""
    before = server.memory()
    clients = [wire.session(server) for _ in range(20)]
    for client in clients:
        client.send(b"Q" + struct.pack("!I", 200 << 20) + b"SELECT 1")
    with wire.session(server) as other:
        assert other.ask("SELECT 1") == [["1"]]
    grown = (server.memory() - before) >> 20
    assert grown < 100, f"20 announced messages of 200 MiB cost {grown} MiB"
    for client in clients:
        client.leave()
    return f"20 messages of 200 MiB announced, memory {grown:+} MiB"


def long_statement(server, random, full):
    """A statement longer than the limit is an error, and the session lives."""
    with wire.session(server) as client:
        try:
            client.ask("SELECT '" + "x" * (5 << 20) + "'")
            raise AssertionError("a statement of 5 MiB was taken")
        except Refused as error:
            assert error.state == "54000", error
        assert client.ask("SELECT 1") == [["1"]]
    return "5 MiB: 54000"


TESTS = [before_login, after_login, lengths, promised, long_statement]
