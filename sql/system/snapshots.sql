-- History of the managed tables: a row per commit, readable with FOR VERSION AS OF.
SELECT s.snapshot_id AS "snapshot_id int8",
  s.snapshot_time AS "committed_at timestamptz",
  s.schema_version AS "schema_version int8", -- changes when a table's shape does
  c.changes_made AS "changes text",
  c.author AS "author text",
  c.commit_message AS "message text" -- the statement's tag or the run's id
FROM ducklake_snapshot s LEFT JOIN ducklake_snapshot_changes c ON c.snapshot_id = s.snapshot_id
