-- Values of metrics, one for each run that measured them.
SELECT workflow AS "workflow text",
  metric AS "metric text",
  dimensions AS "dimensions json", -- one value of each, {} when there are none
  NULL AS "bucket timestamptz",
  value AS "value float8",
  run_id AS "run_id text",
  status AS "status text", -- whether it was within its bounds
  at AS "measured_at timestamptz"
FROM aqueduct_metric_value
