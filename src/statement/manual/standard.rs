//! Standard statements: what of PostgreSQL's is here, and what differs.

use super::Manual;
use crate::statement::{declare, listen, transaction};

pub const ALL: &[Manual] = &[
    Manual {
        title: "SELECT",
        synopsis: "\
[WITH [RECURSIVE] name AS (query), …] SELECT … [FROM …] [WHERE …] [GROUP BY …] [HAVING …] [WINDOW …]
  [UNION | INTERSECT | EXCEPT …] [ORDER BY …] [LIMIT n] [OFFSET n]
FROM table [FOR VERSION AS OF snapshot | 'run_id' | (query)] [FOR TIMESTAMP AS OF timestamp]",
        about: "Reads managed tables, views, external tables, and tables of connections as connection.schema.table. \
FOR VERSION AS OF reads a managed table as a snapshot of the lake, or the publication of a run, left it; FOR TIMESTAMP \
AS OF as it was then.",
        example: "SELECT count(*) FROM flights.predictions FOR TIMESTAMP AS OF now() - INTERVAL '1 day';",
    },
    Manual {
        title: "EXPLAIN",
        synopsis: "EXPLAIN [ANALYZE] [VERBOSE] statement",
        about: "Shows the plan of a query; ANALYZE runs it and adds rows and times.",
        example: "EXPLAIN ANALYZE SELECT predict('delay', *) FROM features;",
    },
    Manual {
        title: "CREATE SCHEMA",
        synopsis: "CREATE SCHEMA [IF NOT EXISTS] name\nDROP SCHEMA [IF EXISTS] name [CASCADE | RESTRICT]",
        about: "A schema holds tables, views, models and workflows.",
        example: "CREATE SCHEMA ml;",
    },
    Manual {
        title: "CREATE TABLE",
        synopsis: "\
CREATE [TEMP] TABLE [IF NOT EXISTS] name
    (column type [NOT NULL] [DEFAULT expression] [constraint], … [, constraint, …]) [ON COMMIT …]
CREATE [TEMP] TABLE [IF NOT EXISTS] name [ON COMMIT PRESERVE ROWS | DELETE ROWS | DROP] AS query
DROP TABLE [IF EXISTS] name, … [CASCADE | RESTRICT]",
        about: "A managed table: Parquet files and a DuckLake 1.0 catalog, which DuckDB and others can read while the \
server runs. A constraint is [CONSTRAINT name] PRIMARY KEY, UNIQUE [NULLS NOT DISTINCT], CHECK (condition) or \
REFERENCES table [ON DELETE {NO ACTION | RESTRICT | CASCADE}], and holds whoever writes: statements, COPY and workflows, whose runs fail before they publish. Keys \
are looked at once per statement, not row by row. serial types and GENERATED … AS IDENTITY number rows. Dropping a \
table keeps its past readable in the lake's history, and never drops what reads it.

A temporary table is its session's alone and gone with it. It is in the schema pg_temp, which is looked up before all \
others, and in no history of the lake. ON COMMIT says what becomes of it at the end of each transaction.",
        example: "CREATE TABLE ml.scores (id bigint NOT NULL, score float8, at timestamptz DEFAULT now());",
    },
    Manual {
        title: "CREATE VIEW",
        synopsis: "CREATE [OR REPLACE] [TEMP] VIEW name [(column, …)] AS query\nDROP VIEW [IF EXISTS] name, …",
        about: "Names in a view are looked up when it is queried, so a table may be replaced under it. \
A view over a temporary table is temporary too.",
        example: "CREATE VIEW late AS SELECT * FROM flights WHERE dep_delay > 30;",
    },
    Manual {
        title: "ALTER TABLE",
        synopsis: "\
ALTER TABLE name RENAME TO name
ALTER TABLE name {ADD [COLUMN] column type … | DROP [COLUMN] column [CASCADE] | RENAME [COLUMN] column TO column
  | ALTER [COLUMN] column {TYPE type [USING expression] | SET DEFAULT … | DROP DEFAULT | SET NOT NULL | DROP NOT NULL}
  | ADD constraint | DROP CONSTRAINT name [CASCADE] | RENAME CONSTRAINT name TO name}, …
ALTER VIEW name {RENAME TO name | SET SCHEMA schema}",
        about: "Changes a table. Its rows stay where they are, as columns are found by their ids; another type, or a \
default that differs from row to row, writes them anew.",
        example: "ALTER TABLE scores ADD COLUMN model text DEFAULT 'v1';",
    },
    Manual {
        title: "INSERT",
        synopsis: "\
INSERT INTO table [(column, …)] [OVERRIDING SYSTEM VALUE] VALUES (…), … | query
  [ON CONFLICT [(column, …) | ON CONSTRAINT name] {DO NOTHING | DO UPDATE SET … [WHERE condition]}] [RETURNING …]",
        about: "Adds rows to a managed table. All of them are seen at once, or none. A table of a connection is \
written by a step of a workflow.",
        example: "INSERT INTO scores SELECT id, score FROM ml.scores;",
    },
    Manual {
        title: "UPDATE",
        synopsis: "UPDATE table SET column = expression, … [FROM …] [WHERE condition] [RETURNING …]",
        about: "Changes rows of a managed table.",
        example: "UPDATE ml.scores SET score = 0 WHERE score < 0;",
    },
    Manual {
        title: "DELETE",
        synopsis: "DELETE FROM table [USING …] [WHERE condition] [RETURNING …]\nTRUNCATE [TABLE] table, …",
        about: "Deletes rows of a managed table; their past stays readable.",
        example: "DELETE FROM ml.scores WHERE id IN (SELECT id FROM retired);",
    },
    Manual {
        title: "MERGE",
        synopsis: "\
MERGE INTO table USING source ON condition
  WHEN MATCHED [AND condition] THEN {UPDATE SET … | DELETE | DO NOTHING}
  WHEN NOT MATCHED [AND condition] THEN {INSERT [(column, …)] VALUES (…) | DO NOTHING} …",
        about: "Rows of the source change, take away or add rows of a managed table. A row that two of them would \
change is refused (21000).",
        example: "MERGE INTO t USING s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.n);",
    },
    Manual {
        title: "CREATE INDEX",
        synopsis: "CREATE [UNIQUE] INDEX [name] ON table (column | expression, …)\nDROP INDEX [IF EXISTS] name, …",
        about: "Remembered, and rows are held to a unique one. It makes nothing faster: files are left out by their \
statistics.",
        example: "CREATE UNIQUE INDEX ON ml.scores (id);",
    },
    Manual {
        title: "CREATE SEQUENCE",
        synopsis: "CREATE SEQUENCE [IF NOT EXISTS] name [INCREMENT BY n] [START WITH n] [MINVALUE n] [MAXVALUE n] \
[CYCLE]\nDROP SEQUENCE [IF EXISTS] name, …",
        about: "Numbers for nextval, setval and currval. They are written down with the next commit: one that no \
commit followed may come again after a crash.",
        example: "CREATE SEQUENCE ticket;",
    },
    Manual {
        title: "VACUUM, ANALYZE, LOCK TABLE",
        synopsis: "VACUUM [table]\nANALYZE [table]\nLOCK TABLE table [IN … MODE]",
        about: "Accepted, for tools that send them. The lake needs none of them.",
        example: "",
    },
    Manual {
        title: "COPY",
        synopsis: "\
COPY table [(column, …)] FROM 'path' | STDIN [WITH (FORMAT csv | parquet | text | binary, HEADER, DELIMITER 'c', NULL 'text')]
COPY table [(column, …)] | (query) TO 'path' | STDOUT [WITH (…)]",
        about: "Copies rows from and to files below the setting roots, or the client. A row that does not fit ends the \
copy with file, line and column, and nothing is changed.",
        example: "COPY (SELECT * FROM ml.scores) TO 'out/scores.parquet';",
    },
    transaction::FORM.manual,
    declare::FORM.manual,
    listen::FORM.manual,
    Manual {
        title: "SET",
        synopsis: "SET [SESSION | LOCAL] name = value\nSHOW name | ALL\nRESET name | ALL\nDISCARD ALL",
        about: "Settings of the session; see below.",
        example: "SET statement_timeout = '30s';",
    },
];
