-- Which run, step, definition and models the rows of a target come from.
SELECT p.target AS "target text",
  p.seq AS "seq int8", -- position in the order of publications to this target
  p.run_id AS "run_id text",
  p.step AS "step text",
  r.workflow AS "workflow text",
  r.version AS "version int8", -- of the workflow's definition
  r.model_versions AS "model_versions json",
  p.at AS "published_at timestamptz"
FROM aqueduct_publication p JOIN aqueduct_run r ON r.run_id = p.run_id
WHERE p.state = 'published'
