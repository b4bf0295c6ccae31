"""Statements built to kill: an error within the time they are given, and the session lives."""

import pathlib
import threading
import time

import compare
import servers
import wire
from wire import Closed, Refused

KNOWN = pathlib.Path(__file__).resolve().parent / "known.txt"
MEMORY_BYTES = 256 << 20
# What the process may take beyond the memory that queries may reserve.
BESIDE_BYTES = 1200 << 20
STATES = {"54000", "54001", "54011", "53200", "57014"}
LOST = ("no answer", "connection lost")


def nested(before, core, after, depth):
    return before * depth + core + after * depth


def doubled(depth):
    """Each name stands for the one before it, twice."""
    steps = ["c0 AS (SELECT 1 AS x)"]
    steps += [f"c{n} AS (SELECT a.x FROM c{n - 1} a, c{n - 1} b)" for n in range(1, depth)]
    return f"WITH {', '.join(steps)} SELECT count(*) FROM c{depth - 1}"


def chained(depth):
    steps = ["c0 AS (SELECT 1 AS x)"] + [f"c{n} AS (SELECT x + 1 AS x FROM c{n - 1})" for n in range(1, depth)]
    return f"WITH {', '.join(steps)} SELECT x FROM c{depth - 1}"


# Long and deep texts: refused, or answered, while they are read and planned.
TEXTS = {
    "parentheses": lambda: "SELECT " + nested("(", "1", ")", 100_000),
    "additions": lambda: "SELECT " + " + ".join(["1"] * 20_000),
    "concatenations": lambda: "SELECT " + " || ".join(["'a'"] * 20_000),
    "ORs": lambda: "SELECT 1 WHERE " + " OR ".join(f"1 = {n}" for n in range(20_000)),
    "ANDs": lambda: "SELECT count(*) FROM generate_series(1, 3) g WHERE " + " AND ".join(f"g <> {n}" for n in range(20_000)),
    "comparisons": lambda: "SELECT " + " = ".join(["true"] * 20_000),
    "NOTs": lambda: "SELECT " + "NOT " * 50_000 + "true",
    "minus signs": lambda: "SELECT " + "- " * 50_000 + "1",
    "casts": lambda: "SELECT 1" + "::int" * 20_000,
    "cast words": lambda: "SELECT " + nested("CAST(", "1", " AS int)", 10_000),
    "functions": lambda: "SELECT " + nested("abs(", "1", ")", 20_000),
    "coalesce": lambda: "SELECT coalesce(" + ", ".join(["NULL"] * 50_000) + ", 1)",
    "CASE deep": lambda: "SELECT " + nested("CASE WHEN true THEN ", "1", " END", 10_000),
    "CASE wide": lambda: "SELECT CASE 1 " + " ".join(f"WHEN {n} THEN {n}" for n in range(20_000)) + " END",
    "UNION ALLs": lambda: " UNION ALL ".join(["SELECT 1"] * 10_000),
    "UNIONs": lambda: " UNION ".join(f"SELECT {n}" for n in range(10_000)),
    "INTERSECTs": lambda: " INTERSECT ".join(["SELECT 1"] * 10_000),
    "subqueries in FROM": lambda: nested("SELECT * FROM (", "SELECT 1 AS x", ") q", 3_000),
    "scalar subqueries": lambda: nested("SELECT (", "SELECT 1", ")", 3_000),
    "EXISTS": lambda: "SELECT 1 WHERE " + nested("EXISTS (SELECT 1 WHERE ", "true", ")", 2_000),
    "IN subqueries": lambda: "SELECT 1 WHERE " + nested("1 IN (SELECT 1 WHERE ", "true", ")", 2_000),
    "IN list": lambda: "SELECT 1 WHERE 1 IN (" + ",".join(map(str, range(400_000))) + ")",
    "IN list of texts": lambda: (
        "SELECT count(*) FROM generate_series(1, 10) g WHERE g::text IN (" + ",".join(f"'{n}'" for n in range(200_000)) + ")"
    ),
    "ANY of a long array": lambda: "SELECT 1 WHERE 1 = ANY (ARRAY[" + ",".join(map(str, range(200_000))) + "])",
    "ANY of a long literal": lambda: "SELECT 1 WHERE 1 = ANY ('{" + ",".join(map(str, range(400_000))) + "}'::int[])",
    "VALUES": lambda: "SELECT count(*) FROM (VALUES " + ",".join(f"({n})" for n in range(200_000)) + ") v",
    "INSERT of many rows": lambda: "INSERT INTO killers VALUES " + ",".join(f"({n},'x')" for n in range(100_000)),
    "columns": lambda: "SELECT " + ",".join(f"{n} AS c{n}" for n in range(20_000)),
    "one column, often": lambda: "SELECT " + ",".join(["g"] * 20_000) + " FROM generate_series(1, 2) g",
    "columns of a table": lambda: "CREATE TABLE wide (" + ",".join(f"c{n} int" for n in range(20_000)) + ")",
    "joins": lambda: "SELECT count(*) FROM " + ", ".join(f"generate_series(1, 1) g{n}" for n in range(1_000)),
    "left joins": lambda: (
        "SELECT count(*) FROM killers k0 "
        + " ".join(f"LEFT JOIN killers k{n} ON k{n}.id = k{n - 1}.id" for n in range(1, 400))
    ),
    "names in WITH": lambda: chained(2_000),
    "names in WITH, doubled": lambda: doubled(40),
    "ORDER BY": lambda: "SELECT 1 ORDER BY " + ",".join(["1"] * 20_000),
    "GROUP BY": lambda: "SELECT 1 FROM killers GROUP BY " + ",".join(["id"] * 20_000),
    "CUBE": lambda: "SELECT count(*) FROM killers GROUP BY CUBE (" + ",".join(f"id + {n}" for n in range(25)) + ")",
    "windows": lambda: "SELECT " + ",".join(f"sum(id) OVER (ORDER BY id + {n})" for n in range(2_000)) + " FROM killers",
    "arrays in arrays": lambda: "SELECT " + nested("ARRAY[", "1", "]", 5_000),
    "array literal": lambda: "SELECT '" + "{" * 200_000 + "}" * 200_000 + "'::int[]",
    "rows in rows": lambda: "SELECT " + nested("ROW(", "1", ")", 5_000),
    "JSON": lambda: "SELECT '" + "[" * 500_000 + "]" * 500_000 + "'::jsonb",
    "JSON objects": lambda: "SELECT '" + '{"a":' * 200_000 + "1" + "}" * 200_000 + "'::json",
    "a JSON path": lambda: "SELECT '{}'::jsonb" + " -> 'a'" * 10_000,
    "a literal": lambda: "SELECT length('" + "x" * 3_900_000 + "')",
    "a number": lambda: "SELECT " + "9" * 1_000_000,
    "a number's exponent": lambda: "SELECT 1e999999999::numeric",
    "a name": lambda: 'SELECT 1 AS "' + "n" * 3_000_000 + '"',
    "names with dots": lambda: "SELECT " + ".".join(["a"] * 50_000),
    "comments": lambda: "SELECT 1 " + "/*" * 500_000 + "*/" * 500_000,
    "open comment": lambda: "SELECT 1 " + "/*" * 1_000_000,
    "semicolons": lambda: "SELECT 1" + ";" * 1_000_000,
    "statements": lambda: "SELECT 1;" * 5_000,
    "dollar quotes": lambda: "SELECT " + "$a$" * 100_001,
    "brackets": lambda: "SELECT ARRAY[1]" + "[1]" * 20_000,
    "LIKE": lambda: "SELECT repeat('a', 5000) LIKE '" + "%a" * 5_000 + "b'",
    "a regular expression": lambda: "SELECT repeat('a', 100000) ~ '(a|a)*(a|a)*(a|a)*b'",
    "a large regular expression": lambda: "SELECT 'a' ~ '((a{1,1000}){1,1000}){1,1000}'",
    "a deep regular expression": lambda: "SELECT 'a' ~ '" + "(" * 50_000 + ")" * 50_000 + "'",
    "INTERVAL": lambda: "SELECT '" + "1 day " * 100_000 + "'::interval",
    "EXPLAIN": lambda: "EXPLAIN SELECT " + " + ".join(["g"] * 5_000) + " FROM generate_series(1, 2) g",
    "PREPARE": lambda: "PREPARE p AS SELECT " + " + ".join(f"${n}::int" for n in range(1, 5_000)),
    "a parameter's number": lambda: "PREPARE q AS SELECT $2147483647",
    "AT TIME ZONE": lambda: "SELECT now()" + " AT TIME ZONE 'UTC'" * 5_000,
    "COLLATE": lambda: "SELECT 'a'" + ' COLLATE "C"' * 10_000,
    "BETWEEN": lambda: "SELECT " + "1 BETWEEN 0 AND " * 3_000 + "1",
}

# Short texts that ask for much: time or memory ends them.
LOADS = {
    "repeat": "SELECT length(repeat('x', 2000000000))",
    "repeat of a row": "SELECT count(*) FROM (SELECT repeat('x', 1000000) || g AS t FROM generate_series(1, 1000000) g ORDER BY t) q",
    "repeat for many rows": "SELECT max(length(repeat('x', 1000000 + g))) FROM generate_series(1, 1000000) g",
    "repeat sent": "SELECT repeat('x', 1000000 + g) FROM generate_series(1, 100000) g",
    "repeat in repeat": "SELECT length(repeat(repeat(repeat('x', 1000), 1000), 1000))",
    "lpad": "SELECT length(lpad('x', 2000000000))",
    "rpad": "SELECT length(rpad('x', 1000000000, 'abc'))",
    "replace": "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
    "translate": "SELECT length(translate(repeat('x', 50000000), 'x', 'é'))",
    "concat": "SELECT length(concat(" + ",".join(["repeat('x', 50000000)"] * 40) + "))",
    "format": "SELECT length(format('%1000000000s', 'x'))",
    "to_char": "SELECT to_char(1, repeat('9', 100000000))",
    "string_agg": "SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, 10000000)",
    "array_agg": "SELECT array_length(array_agg(g), 1) FROM generate_series(1, 2000000000) g",
    "array_agg of texts": "SELECT array_length(array_agg(repeat('x', 10000) || g), 1) FROM generate_series(1, 10000000) g",
    "json_agg": "SELECT length(json_agg(g)::text) FROM generate_series(1, 100000000) g",
    "array_fill": "SELECT array_length(array_fill(1, ARRAY[1000000000]), 1)",
    "array_cat": "WITH RECURSIVE r AS (SELECT ARRAY[1] AS a UNION ALL SELECT a || a FROM r) SELECT max(array_length(a, 1)) FROM r",
    "text doubled": "WITH RECURSIVE r AS (SELECT 'x'::text AS a UNION ALL SELECT a || a FROM r) SELECT max(length(a)) FROM r",
    "string_to_array": "SELECT array_length(string_to_array(repeat(',', 200000000), ','), 1)",
    "regexp_split": "SELECT count(*) FROM regexp_split_to_table(repeat(',', 100000000), ',')",
    "regexp_replace": "SELECT length(regexp_replace(repeat('x', 10000000), 'x', repeat('y', 10000), 'g'))",
    "unnest": "SELECT count(*) FROM generate_series(1, 1000000) g, unnest(string_to_array(repeat('x,', 100000), ',')) u",
    "series": "SELECT count(*) FROM generate_series(1, 1000000000000) g",
    "series of numerics": "SELECT count(*) FROM generate_series(1::numeric, 1000000000000) g",
    "series of times": "SELECT count(*) FROM generate_series('0001-01-01'::timestamp, '9999-01-01', '1 microsecond') g",
    "series in SELECT": "SELECT generate_series(1, 1000000000), generate_series(1, 999999999)",
    "series sorted": "SELECT g FROM generate_series(1, 1000000000) g ORDER BY g * 7919 % 1000003, g LIMIT 1 OFFSET 900000000",
    "distinct": "SELECT count(DISTINCT g) FROM generate_series(1, 2000000000) g",
    "group": "SELECT count(*) FROM (SELECT g, count(*) FROM generate_series(1, 2000000000) g GROUP BY g) q",
    "cross join": "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b, generate_series(1, 1000000) c WHERE a + b = c",
    "cross join sorted": "SELECT a, b FROM generate_series(1, 100000) a, generate_series(1, 100000) b ORDER BY a * b % 10007 LIMIT 3 OFFSET 1000000000",
    "hash join": "SELECT count(*) FROM generate_series(1, 200000000) a JOIN generate_series(1, 200000000) b ON a = b",
    "a join of one key": "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a % 1 = b % 1",
    "full join": "SELECT count(*) FROM generate_series(1, 100000000) a FULL JOIN generate_series(2, 100000000) b ON a = b",
    "window": "SELECT max(s) FROM (SELECT sum(g) OVER (ORDER BY -g ROWS BETWEEN 1000000 PRECEDING AND CURRENT ROW) s FROM generate_series(1, 100000000) g) q",
    "percentile": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY g) FROM generate_series(1, 1000000000) g",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "recursion that doubles": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, generate_series(1, 2)) SELECT count(*) FROM r",
    "recursion that is distinct": "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "correlated": "SELECT count(*) FROM generate_series(1, 100000) a WHERE (SELECT count(*) FROM generate_series(1, 100000) b WHERE b > a) > 5",
    "lateral": "SELECT count(*) FROM generate_series(1, 1000000) a, LATERAL generate_series(1, a) b",
    "power": "SELECT 10::numeric ^ 1000000",
    "factorial": "SELECT factorial(1000000)",
    "sleep": "SELECT pg_sleep(100000)",
    "sleeps": "SELECT pg_sleep(1) FROM generate_series(1, 100000)",
    "create": "CREATE TABLE much AS SELECT repeat('x', 1000) || g AS t FROM generate_series(1, 1000000000) g",
    "insert": "INSERT INTO killers SELECT g, repeat(md5(g::text), 100) FROM generate_series(1, 1000000000) g",
    "md5": "SELECT md5(repeat('x', 1000000000))",
    "encode": "SELECT length(encode(convert_to(repeat('x', 500000000), 'UTF8'), 'hex'))",
    "levels of views": "SELECT count(*) FROM view_9",
}


class Watch:
    """The largest resident size of a server while it runs."""

    def __init__(self, server):
        self.server, self.peak, self.on = server, 0, True
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while self.on:
            try:
                self.peak = max(self.peak, self.server.memory())
            except (FileNotFoundError, IndexError):
                return
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.thread.join()


def tried(client, server, text, timeout_ms):
    """How a statement ended, its seconds, and the most memory meanwhile."""
    client.socket.settimeout(timeout_ms / 1000 + 20)
    with Watch(server) as watch:
        began = time.monotonic()
        try:
            client.send(wire.frame(b"Q", text.encode() + b"\0"))
            state = "answered"
            while True:
                # Rows are counted, not kept.
                kind, body = client.message()
                if kind == b"E":
                    state = Refused(body).state
                if kind == b"Z":
                    break
        except TimeoutError:
            state = "no answer"
        except Closed:
            state = "connection lost"
        took = time.monotonic() - began
    return state, took, watch.peak


def goes_on(client, slack_s):
    """What is wrong with the session afterwards."""
    client.socket.settimeout(30)
    began = time.monotonic()
    while True:
        try:
            client.ask("SELECT 1")
            error = None
        except (Refused, Closed, TimeoutError) as found:
            error = found
        took = time.monotonic() - began
        if error is None and took <= slack_s:
            return None
        if took > slack_s or not isinstance(error, Refused):
            return f"and then SELECT 1: {error or 'answered'} after {took:.1f} s"


def prepare(server):
    with wire.session(server) as client:
        client.socket.settimeout(120)
        client.ask("SET statement_timeout = 0")
        client.ask("CREATE TABLE killers (id bigint, name text)")
        client.ask("INSERT INTO killers SELECT g, 'x' FROM generate_series(1, 10) g")
        client.ask("CREATE VIEW view_0 AS SELECT 1 AS x")
        try:
            for n in range(1, 30):
                client.ask(f"CREATE VIEW view_{n} AS SELECT a.x FROM view_{n - 1} a, view_{n - 1} b")
        except Refused as error:
            # Some are too large already to be made.
            assert error.state == "54001", error


def judged(binary, kind, cases, random, timeout_ms, slack_s):
    """Runs statements in any order. What is known to be wrong stands in `known.txt` and is only counted."""
    known = {name.removeprefix(f"{kind}: ") for name in compare.read(KNOWN) if name.startswith(f"{kind}: ")}
    stale = known - (TEXTS | LOADS).keys()
    wrong, right, states, slowest, largest = [], [], {}, (0, ""), (0, "")
    settings = {"memory_bytes": MEMORY_BYTES, "statement_timeout_ms": timeout_ms}
    left = list(cases.items())
    random.shuffle(left)
    while left:
        with servers.aqueduct(binary, **settings) as server:
            prepare(server)
            client = wire.session(server)
            base = server.memory()
            while left:
                name, text = left.pop()
                state, took, peak = tried(client, server, text() if callable(text) else text, timeout_ms)
                grown = peak - base
                after = goes_on(client, slack_s) if server.alive() and state not in LOST else None
                kept = state == "answered" or state in STATES or state.startswith(("22", "42", "0A"))
                faults = []
                if not kept:
                    faults.append(state if server.alive() else f"THE SERVER DIED ({server.process.poll()})")
                if took > timeout_ms / 1000 + slack_s:
                    faults.append(f"{took:.1f} s")
                if grown > MEMORY_BYTES + BESIDE_BYTES:
                    faults.append(f"{grown >> 20} MiB")
                if after:
                    faults.append(after)
                if not faults and name in known:
                    right.append(name)
                if faults and name not in known:
                    wrong.append(f"{name}: {state} {', '.join(fault for fault in faults if fault != state)}")
                states[state] = states.get(state, 0) + 1
                slowest = max(slowest, (took, name))
                largest = max(largest, (grown, name))
                if VERBOSE:
                    print(f"    {name}: {state}, {took:.2f} s, {grown >> 20} MiB {'WRONG' if faults else ''}", flush=True)
                if not server.alive() or state in LOST or after:
                    server.process.kill()
                    break
                if grown > 400 << 20:
                    # What the allocator keeps would count against the next one.
                    break
    wrong += [f"{name} is listed and does not exist" for name in sorted(stale)]
    assert not wrong, f"{len(wrong)} of {len(cases)}: " + "; ".join(sorted(wrong))
    told = f"{len(cases)} statements, {dict(sorted(states.items()))}"
    told += f", slowest {slowest[0]:.1f} s ({slowest[1]}), largest {largest[0] >> 20} MiB ({largest[1]}), {len(known)} known to be wrong"
    return told + (f", right this time: {', '.join(right)}" if right else "")


VERBOSE = False


def chosen(kind, cases, random, full, count):
    """All, or some of those that are not known to be wrong."""
    known = compare.read(KNOWN)
    left = {name: text for name, text in cases.items() if f"{kind}: {name}" not in known}
    return cases if full else dict(random.sample(sorted(left.items()), count))


def texts(binary, random, full):
    """Texts that are long or deep."""
    return judged(
        binary, "texts", chosen("texts", TEXTS, random, full, 20), random, *((10_000, 1.5) if full else (2_000, 60))
    )


def loads(binary, random, full):
    """Queries that ask for more time or memory than there is."""
    return judged(
        binary, "loads", chosen("loads", LOADS, random, full, 12), random, *((10_000, 1.5) if full else (1_500, 60))
    )


TESTS = [texts, loads]
for test in TESTS:
    test.alone = True
