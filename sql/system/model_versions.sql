-- Every version that a model ever had, those of dropped ones too. A version never changes; its hash is that of its file.
SELECT CASE schema_name WHEN 'public' THEN name ELSE schema_name || '.' || name END AS "model text",
  version AS "version int8",
  body ->> 'sha256' AS "sha256 text",
  body ->> 'format' AS "format text",
  CAST(body ->> 'bytes' AS BIGINT) AS "bytes int8",
  body ->> 'source' AS "source text", -- where the file came from
  author AS "author text",
  created_at AS "created_at timestamptz",
  ended_at AS "ended_at timestamptz",
  reason AS "reason text"
FROM aqueduct_object
WHERE kind = 'model'
