-- What DuckLake's tables cannot say of a table: constraints and indexes, as JSON. No row: it has none.
CREATE TABLE aqueduct_table(
  table_id BIGINT NOT NULL, begin_snapshot BIGINT NOT NULL, end_snapshot BIGINT, rules TEXT NOT NULL
);
CREATE INDEX aqueduct_table_id ON aqueduct_table(table_id);

-- The format of the store after this script.
PRAGMA user_version = 2;
