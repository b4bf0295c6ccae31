-- UNIQUE: no two rows have the same values in the columns. All rows of a key that occurs
-- again fail, as nobody knows which is right, and so does a row with NULL in its key.

-- good
EXISTS (
  SELECT 1 FROM (SELECT {columns} FROM {rows} GROUP BY {columns} HAVING count(*) = 1) AS single
  WHERE {single_matches}
)

-- summary
SELECT CAST(coalesce(sum(rows_of_key) FILTER (WHERE rows_of_key > 1 OR {any_null}), 0) AS bigint) AS failures,
       CAST(coalesce(sum(rows_of_key), 0) AS bigint) AS total,
       CAST(NULL AS double precision) AS value
FROM (SELECT {columns}, count(*) AS rows_of_key FROM {rows} GROUP BY {columns}) AS keys
