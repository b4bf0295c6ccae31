"""Transactions as a driver makes them: BEGIN by itself, nested savepoints, COPY, pipelines. argv: how to connect."""

import sys

import psycopg

target = sys.argv[1]
other = psycopg.connect(target, autocommit=True)


def ids():
    return [row[0] for row in other.execute("SELECT id FROM t ORDER BY id")]


def commits():
    return other.execute("SELECT count(*) FROM aqueduct.snapshots").fetchone()[0]


other.execute("CREATE TABLE t (id int)")

with psycopg.connect(target) as own:
    own.execute("INSERT INTO t VALUES (%s)", [1])
    assert ids() == []
    with own.transaction():
        own.execute("INSERT INTO t VALUES (2)")
    try:
        with own.transaction():
            own.execute("DELETE FROM t")
            own.execute("SELECT 1 / 0")
    except psycopg.errors.DivisionByZero:
        pass
    with own.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write("3\n4\n")
    assert [row[0] for row in own.execute("SELECT id FROM t ORDER BY id")] == [1, 2, 3, 4]
    assert ids() == []
assert ids() == [1, 2, 3, 4]

# A COPY that the client gives up fails the block.
own = psycopg.connect(target)
try:
    own.execute("INSERT INTO t VALUES (5)")
    with own.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write("6\n")
        raise RuntimeError
except RuntimeError:
    assert own.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    own.rollback()
assert ids() == [1, 2, 3, 4]

# What is sent up to a Sync is one transaction.
before = commits()
piped = psycopg.connect(target, autocommit=True)
try:
    with piped.pipeline():
        piped.execute("INSERT INTO t VALUES (7)")
        piped.execute("CREATE TABLE u (id int)")
        piped.execute("INSERT INTO u VALUES (1)")
        piped.execute("SELECT 1 / 0")
    raise AssertionError("the pipeline must fail")
except psycopg.errors.DivisionByZero:
    pass
assert ids() == [1, 2, 3, 4] and commits() == before
with piped.pipeline():
    piped.execute("INSERT INTO t VALUES (7)")
    piped.execute("CREATE TABLE u (id int)")
    piped.execute("INSERT INTO u SELECT id FROM t")
    piped.execute("UPDATE t SET id = 8 WHERE id = 7")
assert ids() == [1, 2, 3, 4, 8] and commits() == before + 1
with piped.cursor() as cursor:
    cursor.executemany("INSERT INTO u VALUES (%s)", [(n,) for n in range(100)])
assert commits() == before + 2
assert other.execute("SELECT count(*) FROM u").fetchone() == (105,)

# A conflict is told at the Sync that commits.
own = psycopg.connect(target)
own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
own.execute("UPDATE t SET id = 9 WHERE id = 8")
other.execute("DELETE FROM t WHERE id = 8")
try:
    own.commit()
    raise AssertionError("the commit must fail")
except psycopg.errors.SerializationFailure:
    pass
assert own.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
assert ids() == [1, 2, 3, 4]

# Temporary tables stay with their session.
own.execute("CREATE TEMP TABLE mine ON COMMIT DELETE ROWS AS SELECT 1 AS x")
assert own.execute("SELECT count(*) FROM mine").fetchone() == (1,)
own.commit()
assert own.execute("SELECT count(*) FROM mine").fetchone() == (0,)
own.close()
assert other.execute("SELECT count(*) FROM pg_class WHERE relname = 'mine'").fetchone() == (0,)
