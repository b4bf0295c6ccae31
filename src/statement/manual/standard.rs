//! Standard statements: what of PostgreSQL's is here, and what differs.

use super::Manual;
use crate::statement::transaction;

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
CREATE [TEMP] TABLE [IF NOT EXISTS] name (column type [NOT NULL] [DEFAULT expression], …) [ON COMMIT …]
CREATE [TEMP] TABLE [IF NOT EXISTS] name [ON COMMIT PRESERVE ROWS | DELETE ROWS | DROP] AS query
DROP TABLE [IF EXISTS] name, … [CASCADE | RESTRICT]",
        about: "A managed table: Parquet files and a DuckLake 1.0 catalog, which DuckDB and others can read while the \
server runs. Dropping one keeps its past readable in the lake's history, and never drops what reads it.

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
        synopsis: "ALTER TABLE name RENAME TO name",
        about: "Renames a table.",
        example: "ALTER TABLE scores RENAME TO scores_old;",
    },
    Manual {
        title: "INSERT",
        synopsis: "INSERT INTO table [(column, …)] VALUES (…), … | query",
        about: "Adds rows to a managed table. All of them are seen at once, or none. A table of a connection is \
written by a step of a workflow.",
        example: "INSERT INTO scores SELECT id, score FROM ml.scores;",
    },
    Manual {
        title: "UPDATE",
        synopsis: "UPDATE table SET column = expression, … [FROM …] [WHERE condition]",
        about: "Changes rows of a managed table.",
        example: "UPDATE ml.scores SET score = 0 WHERE score < 0;",
    },
    Manual {
        title: "DELETE",
        synopsis: "DELETE FROM table [USING …] [WHERE condition]\nTRUNCATE [TABLE] table, …",
        about: "Deletes rows of a managed table; their past stays readable.",
        example: "DELETE FROM ml.scores WHERE id IN (SELECT id FROM retired);",
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
    Manual {
        title: "SET",
        synopsis: "SET [SESSION | LOCAL] name = value\nSHOW name | ALL\nRESET name | ALL\nDISCARD ALL",
        about: "Settings of the session; see below.",
        example: "SET statement_timeout = '30s';",
    },
];
