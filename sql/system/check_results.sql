-- What each check of each run found, kept for ever.
SELECT run_id AS "run_id text",
  check_name AS "check_name text",
  target AS "target text", -- the step or relation it looked at
  status AS "status text",
  failures AS "failures int8", -- rows that failed
  total AS "total int8", -- rows that it looked at
  ratio AS "ratio float8", -- failures / total
  value AS "value float8", -- what a check of one value found
  threshold AS "threshold text", -- what it was compared with
  message AS "message text",
  at AS "checked_at timestamptz"
FROM aqueduct_check_result
