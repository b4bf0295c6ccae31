"""The suites. Each answers {(measure, unit, peer, higher is better): [(ours, theirs), …]}."""

import collections
import io
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turn(repeat, ours, theirs):
    """Pairs of measurements, one after the other; the first pair warms up and is dropped."""
    pairs = []
    for _ in range(repeat + 1):
        pairs.append((ours(), theirs()))
    return pairs[1:]


def select(ours, postgres, folder, repeat):
    results = {}
    make = (
        "CREATE TABLE events AS SELECT i::int8 AS id, (i % 100)::int4 AS k, i * 0.25::float8 AS x, 'name ' || (i % 1000) AS s "
        "FROM generate_series(1, 1000000) AS g(i)"
    )
    for server in (ours, postgres):
        with server.connect() as connection:
            connection.execute(make)

    def connect(server):
        return timed(lambda: server.connect().close()) * 1e3

    results["connect", "ms", "postgresql", False] = in_turn(repeat * 4, lambda: connect(ours), lambda: connect(postgres))
    with ours.connect() as a, postgres.connect() as b:

        def one(connection, prepare):
            def many():
                for _ in range(500):
                    connection.execute("SELECT 1", prepare=prepare).fetchone()

            return timed(many) * 1e3 / 500

        for name, prepare in (("SELECT 1", False), ("SELECT 1 prepared", True)):
            pairs = in_turn(repeat, lambda: one(a, prepare), lambda: one(b, prepare))
            results[name, "ms", "postgresql", False] = pairs

        def query(connection, sql):
            return timed(lambda: connection.execute(sql).fetchall()) * 1e3

        group = "SELECT k, count(*), avg(x), max(s) FROM events WHERE x > 1000 GROUP BY k"
        results["aggregate of 1 M rows", "ms", "postgresql", False] = in_turn(
            repeat, lambda: query(a, group), lambda: query(b, group)
        )

        def stream(connection):
            def read():
                with connection.cursor() as cursor:
                    for _ in cursor.stream("SELECT * FROM events LIMIT 200000"):
                        pass

            return 0.2 / timed(read)

        results["rows streamed", "M rows/s", "postgresql", True] = in_turn(
            repeat, lambda: stream(a), lambda: stream(b)
        )
    return results


def copy(ours, postgres, folder, repeat):
    rows = 1_000_000
    frame = pd.DataFrame({"id": np.arange(rows), "x": np.arange(rows) * 0.5, "s": np.char.add("name ", (np.arange(rows) % 997).astype(str))})
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, header=False)
    text = buffer.getvalue()
    results = {}

    def copy_in(server):
        with server.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS copied")
            connection.execute("CREATE TABLE copied (id int8, x float8, s text)")

            def send():
                with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN WITH (FORMAT csv)") as into:
                    for at in range(0, len(text), 1 << 18):
                        into.write(text[at : at + (1 << 18)])

            return rows / 1e6 / timed(send)

    def copy_out(server):
        with server.connect() as connection:

            def receive():
                with connection.cursor() as cursor, cursor.copy("COPY copied TO STDOUT WITH (FORMAT csv)") as out:
                    for _ in out:
                        pass

            return rows / 1e6 / timed(receive)

    results["COPY in", "M rows/s", "postgresql", True] = in_turn(repeat, lambda: copy_in(ours), lambda: copy_in(postgres))
    results["COPY out", "M rows/s", "postgresql", True] = in_turn(
        repeat, lambda: copy_out(ours), lambda: copy_out(postgres)
    )
    return results


def features(rows, columns=28, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    y = x[:, 0] * 2 + np.sin(x[:, 1] * 3) + (x[:, 2] > 0.3) * x[:, 3] + rng.normal(size=rows) * 0.1
    return x, y


def predict(ours, postgres, folder, repeat):
    import lightgbm
    import onnxruntime
    import xgboost
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    rows = 200_000
    x, y = features(rows)
    names = [f"f{i}" for i in range(x.shape[1])]
    pq.write_table(pa.table({name: x[:, i] for i, name in enumerate(names)}), folder / "features.parquet")
    light = lightgbm.train(
        {"objective": "regression", "num_leaves": 31, "verbose": -1, "num_threads": 2},
        lightgbm.Dataset(x[:50_000], y[:50_000], feature_name=names),
        100,
    )
    light.save_model(folder / "light.txt")
    boost = xgboost.train(
        {"objective": "reg:squarederror", "max_depth": 6, "nthread": 2},
        xgboost.DMatrix(x[:50_000], y[:50_000], feature_names=names),
        100,
    )
    boost.save_model(folder / "boost.json")
    graph = convert_lightgbm(light, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], zipmap=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    results = {}
    with ours.connect() as connection:
        connection.execute("CREATE EXTERNAL TABLE raw STORED AS parquet LOCATION 'features.parquet'")
        connection.execute("CREATE TABLE scored_features AS SELECT * FROM raw")
        connection.execute("CREATE MODEL light FROM 'light.txt' FORMAT lightgbm")
        connection.execute("CREATE MODEL boost FROM 'boost.json' FORMAT xgboost")

        def mine(model):
            before = ours.cpu()
            connection.execute(f"SELECT sum(predict('{model}', *)) FROM scored_features").fetchone()
            return rows / 1e6 / max(ours.cpu() - before, 0.01)

        def peer(action):
            start = time.process_time()
            action()
            return rows / 1e6 / (time.process_time() - start)

        def onnx():
            for at in range(0, rows, 8192):
                session.run(None, {"x": x[at : at + 8192]})

        unit = "M rows/CPU-s"
        results["LightGBM 100 × 31 leaves", unit, "lightgbm", True] = in_turn(
            repeat, lambda: mine("light"), lambda: peer(lambda: light.predict(x, num_threads=1))
        )
        results["LightGBM 100 × 31 leaves", unit, "onnxruntime", True] = in_turn(
            repeat, lambda: mine("light"), lambda: peer(onnx)
        )
        # Not predict(DMatrix), which remembers the answer for a matrix that it has seen.
        boost.set_param({"nthread": 1})
        boost.feature_names = None
        results["XGBoost 100 × depth 6", unit, "xgboost", True] = in_turn(
            repeat, lambda: mine("boost"), lambda: peer(lambda: boost.inplace_predict(x))
        )
    return results


def workflow(ours, postgres, folder, repeat):
    import lightgbm

    results = {}
    x, y = features(100_000, 10)
    names = [f"f{i}" for i in range(10)]
    light = lightgbm.train(
        {"objective": "regression", "num_leaves": 31, "verbose": -1},
        lightgbm.Dataset(x[:20_000], y[:20_000], feature_name=names),
        100,
    )
    light.save_model(folder / "five.txt")
    with ours.connect() as connection:
        connection.execute("CREATE MODEL five FROM 'five.txt' FORMAT lightgbm")
        for rows in (100, 100_000):
            table = pa.table({"id": np.arange(rows)} | {name: x[:rows, i] for i, name in enumerate(names)})
            pq.write_table(table, folder / f"input{rows}.parquet")
            connection.execute(f"CREATE EXTERNAL TABLE file{rows} STORED AS parquet LOCATION 'input{rows}.parquet'")
            connection.execute(f"CREATE TABLE input{rows} AS SELECT * FROM file{rows}")
            connection.execute(
                f"""CREATE WORKFLOW five{rows} AS (
                  STEP read AS (SELECT * FROM input{rows}),
                  STEP scored AS (SELECT id, f0, f1, predict('five', *) AS p FROM read),
                  STEP kept AS (SELECT id, p, p > 1 AS high FROM scored),
                  CHECK in_range ON kept (p) BETWEEN -1000 AND 1000 ON VIOLATION BLOCK,
                  METRIC mean ON kept AS (avg(p)),
                  STEP saved INTO saved{rows} AS (SELECT * FROM kept),
                  STEP summary INTO summary{rows} AS (SELECT high, count(*) AS n, avg(p) AS p FROM kept GROUP BY high)
                )"""
            )

            def run():
                status = connection.execute(f"EXECUTE WORKFLOW five{rows} WAIT").fetchone()[1]
                assert status == "succeeded", status

            def script():
                """The same as a script: not audited before it is visible, not recorded, not repeatable; but fsynced."""
                frame = pd.read_parquet(folder / f"input{rows}.parquet")
                kept = pd.DataFrame({"id": frame["id"], "p": light.predict(frame[names])})
                kept["high"] = kept["p"] > 1
                assert kept["p"].between(-1000, 1000).all()
                kept["p"].mean()
                for name, out in (("saved", kept), ("summary", kept.groupby("high")["p"].agg(["count", "mean"]))):
                    with open(folder / f"{name}.parquet", "wb") as file:
                        out.to_parquet(file)
                        file.flush()
                        import os

                        os.fsync(file.fileno())

            results[f"five steps, {rows} rows", "ms", "python script", False] = in_turn(
                repeat, lambda: timed(run) * 1e3, lambda: timed(script) * 1e3
            )
    return results


ALL = collections.OrderedDict(select=select, copy=copy, predict=predict, workflow=workflow)
