-- Runs of workflows, scheduled or asked for, with how each ended and why.
SELECT run_id AS "run_id text", -- names the run everywhere
  workflow AS "workflow text",
  version AS "version int8", -- of the workflow's definition
  trigger_kind AS "trigger text", -- schedule, manual, retry, …
  scheduled_at AS "scheduled_at timestamptz", -- the instant for which it was due
  interval_start AS "interval_start timestamptz", -- start of the data interval it stands for
  interval_end AS "interval_end timestamptz",
  status AS "status text",
  reason AS "reason text", -- why it has this status
  queued_at AS "queued_at timestamptz",
  started_at AS "started_at timestamptz",
  finished_at AS "finished_at timestamptz",
  params AS "params json", -- the values it ran with
  model_versions AS "model_versions json", -- the versions that predict() meant
  attempt AS "attempt int8",
  requested_by AS "requested_by text"
FROM aqueduct_run
