-- Every definition that a workflow ever had, those of dropped ones too.
SELECT CASE schema_name WHEN 'public' THEN name ELSE schema_name || '.' || name END AS "workflow text",
  version AS "version int8",
  body ->> 'text' AS "definition text", -- the statement that made it
  author AS "author text",
  created_at AS "created_at timestamptz",
  ended_at AS "ended_at timestamptz", -- when it was replaced or dropped
  reason AS "reason text" -- why it ended
FROM aqueduct_object
WHERE kind = 'workflow'
