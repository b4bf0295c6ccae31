-- A sample of the rows that failed a check, as JSON.
SELECT run_id AS "run_id text",
  check_name AS "check_name text",
  ordinal AS "ordinal int8", -- position in the sample
  failing_row AS "failing_row json"
FROM aqueduct_check_failure
