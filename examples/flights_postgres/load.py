"""Copy the Parquet files of ../flights into the tables of setup.sql.

    pip install pyarrow 'psycopg[binary]'
    python examples/flights_postgres/load.py       # connects by PGHOST, PGUSER and so on
"""

from pathlib import Path

import psycopg
import pyarrow.parquet as pq

DATA = Path(__file__).parent.parent / "flights" / "data"


def load(connection: psycopg.Connection, table: str) -> None:
    parquet = pq.ParquetFile(DATA / f"{table}.parquet")
    columns = ", ".join(parquet.schema_arrow.names)
    with connection.cursor() as cursor, cursor.copy(f"COPY public.{table} ({columns}) FROM STDIN") as copy:
        for batch in parquet.iter_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns)):
                copy.write_row(row)
    print(f"{table:10}{parquet.metadata.num_rows:>8} rows")


if __name__ == "__main__":
    with psycopg.connect() as connection:
        for table in ("flights", "weather"):
            load(connection, table)
