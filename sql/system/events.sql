-- Everything that happened, in order: a row per transition, written in the same commit as the change.
SELECT seq AS "seq int8",
  at AS "at timestamptz",
  object AS "object text", -- the workflow, model or table it is about
  run_id AS "run_id text",
  kind AS "kind text",
  detail AS "detail text"
FROM aqueduct_event
