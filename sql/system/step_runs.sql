-- Steps of runs, one row per attempt.
SELECT run_id AS "run_id text",
  step AS "step text",
  attempt AS "attempt int8", -- 1 for the first
  status AS "status text",
  reason AS "reason text",
  sqlstate AS "sqlstate text", -- of the error that ended it
  message AS "message text",
  detail AS "detail text",
  hint AS "hint text",
  rows_read AS "rows_read int8",
  rows_written AS "rows_written int8",
  rows_dropped AS "rows_dropped int8", -- by checks ON VIOLATION DROP ROWS
  rows_quarantined AS "rows_quarantined int8", -- by checks ON VIOLATION QUARANTINE
  bytes AS "bytes int8", -- of the staged files
  started_at AS "started_at timestamptz",
  finished_at AS "finished_at timestamptz"
FROM aqueduct_step_run
