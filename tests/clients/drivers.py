"""The same steps through each Python driver on whatever server the URL names; each prints its name and its answer as
one line of JSON.

    python drivers.py postgresql://user:password@host:port/database
"""

import asyncio
import datetime
import decimal
import functools
import io
import json
import sys
import uuid

import asyncpg
import pandas
import psycopg
import psycopg2
import psycopg2.extras
import sqlalchemy

TYPES = (
    "SELECT true AS b, 1::smallint AS i2, 2 AS i4, 3::bigint AS i8, 1.5::real AS f4, 2.5::float8 AS f8, "
    "12.340::numeric(10,3) AS n, 'x'::text AS t, 'y'::varchar(3) AS v, '2024-02-29'::date AS d, "
    "'01:02:03.5'::time AS tm, '2024-02-29 01:02:03.000004'::timestamp AS ts, "
    "'2024-02-29 01:02:03+02'::timestamptz AS tz, '\\x0001ff'::bytea AS by, '[1, 2]'::jsonb AS j, "
    "'00000000-0000-0000-0000-000000000001'::uuid AS u, ARRAY[1, 2]::int[] AS a, NULL::text AS z"
)
ROWS = [(1, "one"), (2, "tab\tand \\ and é"), (3, None)]
ERRORS = {
    "syntax": "SELEC 1",
    "no table": "SELECT * FROM no_such_table",
    "no column": "SELECT no_such_column",
    "no function": "SELECT no_such_function(1)",
    "by zero": "SELECT 1 / (SELECT 0)",
    "bad number": "SELECT 'x'::int",
    "too large": "SELECT 2147483647 + (SELECT 1)",
    "table is there": "CREATE TABLE driver_t (id int)",
}


def state(error):
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or type(error).__name__


def of_psycopg2(url, steps):
    connection = psycopg2.connect(url)
    connection.set_session(autocommit=True)
    connection.cursor().execute("SET TimeZone TO 'UTC'")
    psycopg2.extras.register_uuid(conn_or_curs=connection)
    # Bytes as bytes: a memoryview prints its address.
    of_bytea = psycopg2.extensions.new_type((17,), "BYTES", lambda v, c: v and bytes(psycopg2.BINARY(v, c)))
    psycopg2.extensions.register_type(of_bytea, connection)

    def rows(sql, arguments=None):
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchall() if cursor.description else (cursor.rowcount, cursor.statusmessage)

    def described():
        with connection.cursor() as cursor:
            cursor.execute(TYPES)
            return [(c.name, c.type_code, c.internal_size, c.precision, c.scale) for c in cursor.description]

    def executemany():
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO driver_t VALUES (%s, %s)", ROWS)
            psycopg2.extras.execute_values(cursor, "INSERT INTO driver_t VALUES %s", [(4, "four"), (5, "five")])
        return rows("SELECT * FROM driver_t ORDER BY id")

    def copied():
        with connection.cursor() as cursor:
            cursor.copy_from(io.StringIO("6\tsix\n7\t\\N\n"), "driver_t")
            out = io.StringIO()
            cursor.copy_expert("COPY (SELECT * FROM driver_t ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)", out)
        return out.getvalue()

    def named_cursor():
        connection.set_session(autocommit=False)
        try:
            with connection, connection.cursor("c") as cursor:
                cursor.execute("SELECT generate_series(1, 10)")
                return cursor.fetchmany(3), cursor.fetchone()
        finally:
            connection.set_session(autocommit=True)

    def rolled_back():
        connection.set_session(autocommit=False)
        try:
            rows("DELETE FROM driver_t")
            connection.rollback()
            return rows("SELECT count(*) FROM driver_t WHERE id < 8")
        finally:
            connection.rollback()
            connection.set_session(autocommit=True)

    steps("types", lambda: rows(TYPES))
    steps("description", described)
    steps("drop", lambda: rows("DROP TABLE IF EXISTS driver_t"))
    steps("create", lambda: rows("CREATE TABLE driver_t (id int, name text)"))
    steps("executemany", executemany)
    steps("copy", copied)
    steps("update", lambda: rows("UPDATE driver_t SET name = %s WHERE id > %s", ("new", 4)))
    steps("delete", lambda: rows("DELETE FROM driver_t WHERE id = ANY(%s)", ([6, 7],)))
    steps("returning", lambda: rows("INSERT INTO driver_t VALUES (8, 'eight') RETURNING id, name"))
    steps("rollback", rolled_back)
    steps("named cursor", named_cursor)
    for name, sql in ERRORS.items():
        steps(f"error: {name}", lambda: rows(sql))
    connection.close()


def of_psycopg(url, steps):
    values = [1, "é", 1.5, decimal.Decimal("1.50"), datetime.date(2024, 2, 29), True, None, b"\x00\xff", uuid.UUID(int=1)]
    casts = "%s::int, %s::text, %s::float8, %s::numeric, %s::date, %s::bool, %s::text, %s::bytea, %s::uuid"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET TimeZone TO 'UTC'")

        def rows(sql, arguments=None, **options):
            cursor = connection.execute(sql, arguments, **options)
            return cursor.fetchall() if cursor.description else (cursor.rowcount, cursor.statusmessage)

        def copied(form):
            with connection.cursor() as cursor:
                with cursor.copy(f"COPY driver_t FROM STDIN (FORMAT {form})") as copy:
                    copy.set_types(["int4", "text"])
                    for row in ROWS:
                        copy.write_row(row)
                with cursor.copy(f"COPY (SELECT * FROM driver_t ORDER BY id) TO STDOUT (FORMAT {form})") as copy:
                    return b"".join(bytes(part) for part in copy)

        # One message is one row, and this reads one message for each.
        def rows_copied():
            with connection.cursor() as cursor, cursor.copy("COPY (SELECT generate_series(1, 5)) TO STDOUT") as copy:
                return list(copy.rows())

        def pipelined():
            with connection.pipeline():
                return [connection.execute("SELECT %s::int", [n]) for n in range(5)]

        def aborted():
            with connection.pipeline():
                connection.execute("SELECT 1 / (SELECT 0)")
                connection.execute("INSERT INTO driver_t VALUES (99, 'never')")

        def nested():
            with connection.transaction():
                rows("INSERT INTO driver_t VALUES (10, 'outer')")
                try:
                    with connection.transaction():
                        rows("INSERT INTO driver_t VALUES (11, 'inner')")
                        raise psycopg.Rollback
                except psycopg.Rollback:
                    pass
            return rows("SELECT id FROM driver_t WHERE id >= 10 ORDER BY id")

        def server_cursor():
            with connection.transaction(), connection.cursor("c") as cursor:
                return cursor.execute("SELECT generate_series(1, 10)").fetchmany(4)

        def streamed():
            with connection.cursor() as cursor:
                return list(cursor.stream("SELECT generate_series(1, 5)"))

        for binary in (False, True):
            form = "binary" if binary else "text"
            steps(f"{form} types", lambda: rows(TYPES, binary=binary))
            steps(f"{form} parameters", lambda: rows(f"SELECT {casts}", values, binary=binary))
        steps("prepared", lambda: [rows("SELECT %s::int + 1", [n], prepare=True) for n in range(3)])
        steps("limit", lambda: rows("SELECT generate_series(1, 5) LIMIT %s", [2]))
        steps("create", lambda: rows("DROP TABLE IF EXISTS driver_t") and rows("CREATE TABLE driver_t (id int, name text)"))
        steps("copy text", lambda: copied("text"))
        steps("truncate", lambda: rows("TRUNCATE driver_t"))
        steps("copy binary", lambda: copied("binary"))
        steps("copy rows", rows_copied)
        steps("pipeline", lambda: [cursor.fetchall() for cursor in pipelined()])
        steps("aborted pipeline", aborted)
        steps("after it", lambda: rows("SELECT count(*) FROM driver_t WHERE id = 99"))
        steps("savepoint", nested)
        steps("stream", streamed)
        steps("server cursor", server_cursor)


def of_asyncpg(url, steps):
    loop = asyncio.new_event_loop()

    def wait(coroutine):
        return loop.run_until_complete(asyncio.wait_for(coroutine, 10))

    async def connected():
        return await asyncpg.connect(url, timeout=10)

    connections = []
    steps("connect", lambda: connections.append(wait(connected())))
    if connections:
        connection = connections[0]

        async def cursor():
            async with connection.transaction():
                return [row[0] async for row in connection.cursor("SELECT generate_series(1, 10)", prefetch=3)]

        async def copied():
            await connection.copy_records_to_table("driver_t", records=ROWS)
            return await connection.fetch("SELECT * FROM driver_t ORDER BY id")

        steps("types", lambda: [list(row.items()) for row in wait(connection.fetch(TYPES))])
        steps("parameters", lambda: wait(connection.fetchrow("SELECT $1::int, $2::text, $3::int[]", 1, "é", [1, 2])))
        steps("drop", lambda: wait(connection.execute("DROP TABLE IF EXISTS driver_t")))
        steps("create", lambda: wait(connection.execute("CREATE TABLE driver_t (id int, name text)")))
        steps("executemany", lambda: wait(connection.executemany("INSERT INTO driver_t VALUES ($1, $2)", ROWS)))
        steps("copy", lambda: wait(copied()))
        steps("any", lambda: wait(connection.fetch("SELECT id FROM driver_t WHERE id = ANY($1) ORDER BY id", [1, 2])))
        steps("cursor", lambda: wait(cursor()))
        for name, sql in ERRORS.items():
            steps(f"error: {name}", lambda: wait(connection.fetch(sql)))
        wait(connection.close())
    loop.close()


def of_sqlalchemy(url, steps, driver):
    engine = sqlalchemy.create_engine(url.replace("postgresql:", f"postgresql+{driver}:", 1))
    frame = pandas.DataFrame(
        {"id": [1, 2], "price": [1.5, None], "name": ["a", None], "at": pandas.to_datetime(["2024-01-01", "2024-02-29"])}
    )

    def written(if_exists):
        frame.to_sql("driver_pandas", engine, index=False, if_exists=if_exists)
        return pandas.read_sql("SELECT * FROM driver_pandas ORDER BY id", engine).to_csv()

    def reflected():
        columns = sqlalchemy.inspect(engine).get_columns("driver_pandas")
        return [(column["name"], str(column["type"]), column["nullable"]) for column in columns]

    def inspected(method):
        return getattr(sqlalchemy.inspect(engine), method)("driver_pandas")

    def declared():
        metadata = sqlalchemy.MetaData()
        table = sqlalchemy.Table(
            "driver_keyed",
            metadata,
            sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True, autoincrement=False),
            sqlalchemy.Column("name", sqlalchemy.String(20)),
        )
        metadata.drop_all(engine)
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(table.insert(), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
            return connection.execute(sqlalchemy.select(table).where(table.c.id.in_([1, 2])).order_by(table.c.id)).all()

    steps("connect", lambda: engine.connect().close())
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE IF EXISTS driver_pandas"))
    steps("pandas", lambda: written("fail"))
    steps("pandas replaces", lambda: written("replace"))
    steps("columns", reflected)
    steps("has table", lambda: inspected("has_table"))
    for method in ("get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints"):
        steps(method, lambda: inspected(method))
    steps("declared table", declared)
    engine.dispose()


CLIENTS = {
    "psycopg2": of_psycopg2,
    "psycopg": of_psycopg,
    "asyncpg": of_asyncpg,
    "sqlalchemy psycopg2": functools.partial(of_sqlalchemy, driver="psycopg2"),
    "sqlalchemy psycopg": functools.partial(of_sqlalchemy, driver="psycopg"),
}


def main(url):
    for client, run in CLIENTS.items():

        def steps(name, step):
            try:
                answer = repr(step())
            except Exception as error:
                answer = f"error {state(getattr(error, 'orig', None) or error)}"
            print(json.dumps({"step": f"{client}: {name}", "answer": answer}), flush=True)

        try:
            run(url, steps)
        except Exception as error:
            print(json.dumps({"step": f"{client}: the end", "answer": repr(error)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
