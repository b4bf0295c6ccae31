-- Aqueduct's own tables. Instants are text of fixed width in UTC, so that their order is time's order.

-- Facts about this installation: its id (the "server" of publication markers), the role's verifier.
CREATE TABLE aqueduct_setting(name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Every version of every object that is not part of the lake: model versions, workflows, connections, secrets,
-- external tables. A version ends when it is replaced or dropped; nothing is ever deleted but a secret's value.
CREATE TABLE aqueduct_object(
  kind TEXT NOT NULL, schema_name TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL,
  body TEXT NOT NULL, author TEXT NOT NULL, created_at TEXT NOT NULL, ended_at TEXT, reason TEXT
);
CREATE INDEX aqueduct_object_name ON aqueduct_object(kind, schema_name, name);
CREATE INDEX aqueduct_object_current ON aqueduct_object(kind, ended_at);

-- What DuckLake's tables cannot say of a column: its exact SQL type and its default as SQL text.
CREATE TABLE aqueduct_column(
  table_id BIGINT NOT NULL, column_id BIGINT NOT NULL, begin_snapshot BIGINT NOT NULL, end_snapshot BIGINT,
  type TEXT NOT NULL, default_sql TEXT
);
CREATE INDEX aqueduct_column_of_table ON aqueduct_column(table_id);

-- One row per run. tick is the due instant for scheduled runs: UNIQUE makes a tick one run on any number of nodes.
CREATE TABLE aqueduct_run(
  run_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, version BIGINT NOT NULL, trigger_kind TEXT NOT NULL, tick TEXT,
  scheduled_at TEXT NOT NULL, interval_start TEXT NOT NULL, interval_end TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, attempt BIGINT NOT NULL, epoch BIGINT NOT NULL,
  lease_until TEXT, requested_by TEXT NOT NULL, params TEXT NOT NULL, model_versions TEXT NOT NULL, definition TEXT NOT NULL,
  queued_at TEXT NOT NULL, started_at TEXT, finished_at TEXT, cancel_requested BIGINT NOT NULL,
  UNIQUE(workflow, tick)
);
CREATE INDEX aqueduct_run_status ON aqueduct_run(status);
CREATE INDEX aqueduct_run_workflow ON aqueduct_run(workflow, scheduled_at);

CREATE TABLE aqueduct_step_run(
  run_id TEXT NOT NULL, step TEXT NOT NULL, attempt BIGINT NOT NULL, status TEXT NOT NULL, reason TEXT,
  sqlstate TEXT, message TEXT, detail TEXT, hint TEXT, rows_read BIGINT, rows_written BIGINT, rows_dropped BIGINT,
  rows_quarantined BIGINT, bytes BIGINT, started_at TEXT, finished_at TEXT, staged TEXT,
  PRIMARY KEY(run_id, step, attempt)
);

CREATE TABLE aqueduct_check_result(
  run_id TEXT NOT NULL, check_name TEXT NOT NULL, target TEXT NOT NULL, status TEXT NOT NULL, failures BIGINT, total BIGINT,
  ratio DOUBLE, value DOUBLE, threshold TEXT, message TEXT, at TEXT NOT NULL,
  PRIMARY KEY(run_id, check_name)
);
CREATE TABLE aqueduct_check_failure(run_id TEXT NOT NULL, check_name TEXT NOT NULL, ordinal BIGINT NOT NULL, failing_row TEXT NOT NULL);

CREATE TABLE aqueduct_metric_value(
  run_id TEXT NOT NULL, workflow TEXT NOT NULL, metric TEXT NOT NULL, dimensions TEXT, value DOUBLE, status TEXT NOT NULL,
  at TEXT NOT NULL, PRIMARY KEY(run_id, metric, dimensions)
);
CREATE INDEX aqueduct_metric_value_history ON aqueduct_metric_value(workflow, metric, at);

-- One row per target of a run. At most one per target is 'in_doubt'.
CREATE TABLE aqueduct_publication(
  run_id TEXT NOT NULL, target TEXT NOT NULL, step TEXT NOT NULL, mode TEXT NOT NULL, seq BIGINT NOT NULL, epoch BIGINT NOT NULL,
  state TEXT NOT NULL, row_count BIGINT NOT NULL, sha256 TEXT NOT NULL, receipt TEXT, at TEXT NOT NULL,
  PRIMARY KEY(run_id, target)
);
CREATE UNIQUE INDEX aqueduct_publication_doubt ON aqueduct_publication(target) WHERE state = 'in_doubt';
CREATE UNIQUE INDEX aqueduct_publication_seq ON aqueduct_publication(target, seq);

-- What happened, in order; one row per transition, in the same commit as the change.
CREATE TABLE aqueduct_event(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, object TEXT NOT NULL, run_id TEXT, kind TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX aqueduct_event_run ON aqueduct_event(run_id);

-- The last tick of each schedule that was turned into a run row.
CREATE TABLE aqueduct_schedule(
  workflow TEXT PRIMARY KEY, since TEXT NOT NULL, last_tick TEXT, fired BIGINT NOT NULL, missed BIGINT NOT NULL,
  skipped_overlap BIGINT NOT NULL, buffered BIGINT NOT NULL
);

-- The format of the store after this script.
PRAGMA user_version = 1;
