-- What each run published to each of its targets, and how far that has come.
SELECT run_id AS "run_id text",
  step AS "step text",
  target AS "target text",
  mode AS "mode text",
  seq AS "seq int8", -- position in the order of publications to this target
  state AS "state text", -- in_doubt until the target has confirmed it
  row_count AS "rows int8",
  sha256 AS "sha256 text", -- of the staged bytes
  receipt AS "receipt json", -- the target's own word for the act
  at AS "published_at timestamptz"
FROM aqueduct_publication
