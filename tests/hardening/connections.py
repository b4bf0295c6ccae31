"""Clients that come in crowds, guess, dawdle, and go away without a word."""

import statistics
import struct
import threading
import time

import servers
import wire
from wire import Closed, Refused, Wire

# Statements that go on for hours, each in another part of the engine.
ENDLESS = {
    "series": "SELECT count(*) FROM generate_series(1, 100000000000) g",
    "cross join": "SELECT count(*) FROM generate_series(1, 300000) a, generate_series(1, 300000) b WHERE (a + b) % 7 = 3",
    "hash join": "SELECT count(*) FROM generate_series(1, 300000) a JOIN generate_series(1, 300000) b ON a % 2 = b % 2",
    "group": "SELECT count(*) FROM (SELECT g % 1000, count(*) FROM generate_series(1, 100000000000) g GROUP BY 1)",
    "window": "SELECT sum(n) FROM (SELECT row_number() OVER (ORDER BY a % 3, b) n FROM generate_series(1, 3000) a, generate_series(1, 100000000) b)",
    "rows out": "SELECT g, repeat('x', 100) FROM generate_series(1, 100000000000) g",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n % 1000 + 1 FROM r) SELECT count(*) FROM r",
    "regular expression": "SELECT count(*) FROM generate_series(1, 100000000000) g WHERE repeat('a', 1000) || g::text ~ '(a+)+b'",
    "sleep": "SELECT pg_sleep(3600)",
    "insert": "INSERT INTO endless SELECT g FROM generate_series(1, 100000000000) g",
    "copy out": "COPY (SELECT g FROM generate_series(1, 100000000000) g) TO STDOUT",
    "create": "CREATE TABLE endless_too AS SELECT g FROM generate_series(1, 100000000000) g",
}

# Those that wait rather than work, for their client or for the time.
WAITING = ("rows out", "copy out", "sleep")


def guess(server, random, full):
    """Wrong passwords get the same answer in the same time, whether the user exists or not."""
    tries = 200 if full else 25
    users = {"real": servers.NAME, "unknown": "nobody", "odd": "x' OR 1=1 --", "long": "u" * 1000}
    times, answers, salts = {kind: [] for kind in users}, {}, {kind: set() for kind in users}
    for _ in range(tries):
        for kind, user in users.items():
            client = Wire(server.port)
            began = time.perf_counter()
            try:
                client.login(user=user, password=f"wrong {random.random()}")
                raise AssertionError(f"{user} was let in")
            except Refused as error:
                times[kind].append(time.perf_counter() - began)
                same = error.message.replace(user, "USER")
                answers[kind] = (
                    error.state,
                    same,
                    sorted(error.fields),
                    client.mechanisms,
                    client.iterations,
                    len(client.salt),
                )
                salts[kind].add(client.salt)
            client.socket.close()
    assert len(set(map(str, answers.values()))) == 1, answers
    assert all(len(found) == 1 for found in salts.values()), "a salt changes from try to try"
    medians = {kind: statistics.median(found) * 1000 for kind, found in times.items()}
    assert max(medians.values()) < min(medians.values()) * 1.3 + 1, f"milliseconds: {medians}"
    with wire.session(server) as client:
        assert client.ask("SELECT 1") == [["1"]]
    return f"{tries} tries each, {answers['real'][0]}, ms " + ", ".join(
        f"{kind} {found:.1f}" for kind, found in medians.items()
    )


def crowd(server, random, full):
    """As many sessions as there are places, three more for the role aqueduct, then 53300; a place that is left is free."""
    clients = [wire.session(server) for _ in range(20 + 3)]
    for _ in range(5):
        try:
            wire.session(server)
            raise AssertionError("a 24th session was opened")
        except Refused as error:
            assert error.state == "53300", error
    assert clients[0].ask("SELECT 1") == [["1"]]
    clients.pop().leave()
    servers.wait_for(lambda: opens(server), 5)
    for client in clients:
        client.leave()
    rounds = 2_000 if full else 100
    for _ in range(rounds):
        Wire(server.port).leave()
        client = Wire(server.port)
        client.send(wire.startup())
        client.leave()
    servers.wait_for(lambda: opens(server), 5)
    return f"23 sessions, then 53300; {2 * rounds} abandoned logins"


crowd.settings = {"connections_max": 20}


def opens(server):
    try:
        with wire.session(server) as client:
            return client.ask("SELECT 1") == [["1"]]
    except (Refused, Closed):
        return False


def dawdlers(server, random, full):
    """Clients that say nothing, or half of what they would, are sent away, and stop nobody meanwhile."""
    inside = wire.session(server)
    began = time.monotonic()
    silent = [Wire(server.port, patience=45) for _ in range(30)]
    half = [Wire(server.port, patience=45) for _ in range(20)]
    for client in half:
        client.send(wire.startup()[: random.randrange(1, 20)])
    # A start, and no password.
    quiet = [Wire(server.port, patience=45) for _ in range(14)]
    for client in quiet:
        client.send(wire.startup())
        client.message()
    assert inside.ask("SELECT 1") == [["1"]]
    # All places for logins from this address are taken; another address is not hindered.
    with Wire(server.port, source="127.0.0.2") as other:
        assert other.login().ask("SELECT 1") == [["1"]]
    try:
        with wire.session(server):
            raise AssertionError("a 65th login from one address was let in")
    except Closed:
        pass
    for client in silent + half:
        gone(client)
    first = time.monotonic() - began
    assert first < 15, f"silent clients were kept for {first:.0f} s"
    assert opens(server)
    told = f"silent ones gone after {first:.1f} s"
    if full:
        for client in quiet:
            gone(client)
        second = time.monotonic() - began
        assert second < 35, f"clients without a password were kept for {second:.0f} s"
        told += f", those without a password after {second:.1f} s"
    for client in quiet:
        client.socket.close()
    # Half a message of a session is waited for, and hinders nobody.
    waiting = [wire.session(server) for _ in range(20)]
    for client in waiting:
        client.send(b"Q\0\0\0\x0dSEL")
    assert opens(server)
    for client in waiting:
        client.send(b"ECT 1\0")
        assert client.rows() == [["1"]]
        client.leave()
    return told


def gone(client):
    try:
        while True:
            client.message()
    except Closed:
        return True


def wrong_keys(server, random, full):
    """A cancel request with a wrong key stops nothing; the right one does at once."""
    tries = 5_000 if full else 200
    with wire.session(server) as client:
        client.send(wire.frame(b"Q", ENDLESS["series"].encode() + b"\0"))
        for _ in range(tries):
            pid = random.choice([client.pid, client.pid, random.randrange(-(2**31), 2**31)])
            wire.cancel(
                server.port, pid, random.choice([0, -1, client.secret ^ 1 << random.randrange(31), random.randrange(2**31)])
            )
        assert client.message()[0] == b"T"
        client.socket.settimeout(0.3)
        try:
            raise AssertionError(f"a wrong key was taken: {client.message()}")
        except TimeoutError:
            client.socket.settimeout(wire.PATIENCE_S)
        began = time.monotonic()
        wire.cancel(server.port, client.pid, client.secret)
        try:
            client.rows()
            raise AssertionError("the statement ended by itself")
        except Refused as error:
            assert error.state == "57014", error
        took = time.monotonic() - began
        assert took < 1.5, f"the right key took {took:.1f} s"
        # One that comes late hits nothing.
        wire.cancel(server.port, client.pid, client.secret)
        assert client.ask("SELECT 1") == [["1"]]
    return f"{tries} wrong keys, the right one after {took * 1000:.0f} ms"


def stopped(server, stop, name, text):
    """Seconds until a statement's work ends after `stop`; who asks for it is answered sooner."""
    client = wire.session(server)
    client.ask("SET statement_timeout = '60s'")
    used = server.seconds()
    client.send(wire.frame(b"Q", text.encode() + b"\0"))
    client.socket.settimeout(0.5)
    try:
        # Rows may come; an error may not.
        kind, body = client.message()
        if kind == b"E":
            raise Refused(body)
    except TimeoutError:
        pass
    # There must be something to stop.
    if name not in WAITING:
        servers.wait_for(lambda: server.seconds() - used > 0.2, 5)
    client.socket.settimeout(wire.PATIENCE_S)
    began = time.monotonic()
    stop(server, client)
    idle = 0
    while idle < 3:
        used = server.seconds()
        time.sleep(0.1)
        idle = idle + 1 if server.seconds() - used < 0.035 else 0
        assert time.monotonic() - began < 15, f"{name}: still busy after 15 s"
    return time.monotonic() - began - 0.3


def by_reset(server, client):
    client.leave()


def by_end(server, client):
    client.socket.close()


def by_cancel(server, client):
    began = time.monotonic()
    wire.cancel(server.port, client.pid, client.secret)
    client.socket.settimeout(15)
    try:
        while client.message()[0] != b"Z":
            pass
    except Closed:
        pass
    took = time.monotonic() - began
    assert took < 1.5, f"answered after {took:.1f} s"
    assert client.ask("SELECT 1") == [["1"]]
    client.socket.close()


def by_terminate(server, client):
    # A reader of nothing that says goodbye.
    client.send(wire.frame(b"X"))
    client.socket.close()


def disappeared(server, random, full):
    """The statement of a client that is gone stops within seconds; one that asks for it is answered within one."""
    with wire.session(server) as client:
        client.ask("CREATE TABLE endless (id bigint)")
    ways = [by_reset, by_end, by_cancel, by_terminate] if full else [random.choice([by_reset, by_end]), by_cancel]
    chosen = list(ENDLESS) if full else random.sample(list(ENDLESS), 4)
    slowest, wrong, missing = (0, ""), [], set()
    for name in chosen:
        for stop in ways:
            try:
                took = stopped(server, stop, name, ENDLESS[name])
                slowest = max(slowest, (took, f"{name} {stop.__name__}"))
                # A sort that has begun is ended first.
                if took > 6:
                    wrong.append(f"{name} {stop.__name__}: {took:.1f} s")
            except Refused as error:
                if error.state in ("0A000", "42883"):
                    missing.add(name)
                else:
                    wrong.append(f"{name}: {error}")
            except (AssertionError, TimeoutError) as error:
                wrong.append(f"{name} {stop.__name__}: {error}")
                return_to_rest(server)
    assert not wrong, "; ".join(wrong)
    with wire.session(server) as client:
        assert client.ask("SELECT count(*) FROM endless") == [["0"]]
    return f"{len(chosen)} statements in {len(ways)} ways, slowest {slowest[0]:.1f} s ({slowest[1]})" + (
        f", not there: {', '.join(sorted(missing))}" if missing else ""
    )


def return_to_rest(server):
    """Waits for what goes on, so that it does not count against the next one."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        used = server.seconds()
        time.sleep(0.5)
        if server.seconds() - used < 0.1:
            return


def slow_readers(server, random, full):
    """A client that asks for much and reads nothing costs bounded memory; others go on."""
    before = server.memory()
    texts = [
        "SELECT g, repeat('x', 1000) FROM generate_series(1, 100000000) g",
        "COPY (SELECT g, repeat('x', 1000) FROM generate_series(1, 100000000) g) TO STDOUT",
    ]
    clients = []
    for at in range(8 if full else 4):
        client = wire.session(server)
        client.send(wire.frame(b"Q", texts[at % 2].encode() + b"\0"))
        clients.append(client)
    samples, until = [], time.monotonic() + (20 if full else 3)
    while time.monotonic() < until:
        samples.append(server.memory())
        with wire.session(server) as other:
            began = time.monotonic()
            assert other.ask("SELECT 1") == [["1"]]
            assert time.monotonic() - began < 2, "another session waits"
        time.sleep(0.1)
    # They wait, they do not work.
    used = server.seconds()
    time.sleep(1)
    used = server.seconds() - used
    assert used < 0.3, f"{used:.1f} CPU seconds in one second for nobody"
    for client in clients:
        client.leave()
    grown = (max(samples) - before) >> 20
    # Some batches of rows each, here 8 MiB long.
    assert grown < 160 * len(clients), f"{len(clients)} slow readers cost {grown} MiB"
    still = (samples[-1] - samples[len(samples) // 2]) >> 20
    assert still < 40, f"after half of the time memory grew by {still} MiB"
    return f"{len(clients)} slow readers, memory {grown:+} MiB"


def many_statements(server, random, full):
    """Statements sent without reading any answer do not pile up."""
    before, sent = server.memory(), 0
    client = wire.session(server)
    client.socket.settimeout(0.2)
    line = wire.frame(b"Q", b"SELECT repeat('x', 10000)\0") * 100
    until = time.monotonic() + (20 if full else 3)
    while time.monotonic() < until:
        try:
            client.socket.sendall(line)
            sent += 100
        except TimeoutError:
            break
    grown = (server.memory() - before) >> 20
    assert grown < 64, f"{sent} unread statements cost {grown} MiB"
    client.leave()
    return f"{sent} statements before it blocks, memory {grown:+} MiB"


def batches(server, random, full):
    """Many prepared statements and portals of one session: answered, and given back with the session."""
    count = 20_000 if full else 1_000
    before = server.memory()
    with wire.session(server) as client:
        for at in range(0, count, 100):
            data = b""
            for number in range(at, at + 100):
                name = f"s{number}".encode() + b"\0"
                data += wire.frame(b"P", name + b"SELECT $1::int + 1\0" + struct.pack("!h", 0))
            client.send(data + wire.frame(b"S"))
            client.rows()
        grown = (server.memory() - before) >> 20
    assert grown * 1024 < 64 * count + 64 * 1024, f"{count} prepared statements cost {grown} MiB"
    return f"{count} prepared statements, memory {grown:+} MiB"


def at_once(server, random, full):
    """Many threads connecting, asking and leaving at random points."""
    wrong, rounds = [], 60 if full else 8

    def one(seed):
        try:
            for turn in range(rounds):
                client = wire.session(server)
                client.send(wire.frame(b"Q", b"SELECT count(*) FROM generate_series(1, 100000) g\0") * 3)
                if (seed + turn) % 3:
                    assert client.rows() == [["100000"]]
                client.leave()
        except Exception as error:
            wrong.append(f"{type(error).__name__} {error}")

    threads = [threading.Thread(target=one, args=(at,)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    return f"16 clients, {16 * rounds} sessions"


TESTS = [guess, crowd, dawdlers, wrong_keys, disappeared, slow_readers, many_statements, batches, at_once]
