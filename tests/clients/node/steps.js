// The same steps through node's pg on whatever server the URL names; each prints its name and its answer as one line of JSON.
//
//     node steps.js postgresql://user:password@host:port/database

const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");
const { Client, Pool } = require("pg");
const Cursor = require("pg-cursor");
const copy = require("pg-copy-streams");

const url = process.argv[2];
const PATIENCE_MS = 20000;

const FIELDS = ["code", "position", "schema", "table", "column", "dataType", "constraint", "message"];

function told(error) {
  if (!error.code) return `error ${error.message}`;
  return "error " + FIELDS.map((field) => error[field] && `${field}=${error[field]}`).filter(Boolean).join(" ");
}

async function steps(name, step) {
  let answer;
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("no answer")), PATIENCE_MS)));
  try {
    answer = JSON.stringify(await Promise.race([step(), late])) ?? "nothing";
  } catch (error) {
    answer = told(error);
  }
  clearTimeout(timer);
  process.stdout.write(JSON.stringify({ step: name, answer }) + "\n");
}

// Names, types and rows of an answer, or its command and count.
function shown(result) {
  if (Array.isArray(result)) return result.map(shown);
  if (!result.fields.length) return [result.command, result.rowCount];
  const columns = result.fields.map((f) => `${f.name}:${f.dataTypeID}:${f.dataTypeSize}:${f.dataTypeModifier}`);
  return [result.command, result.rowCount, columns, result.rows];
}

async function connected(options = {}) {
  const client = new Client({ connectionString: url, ...options });
  // A connection that the server ends is told here as well.
  client.on("error", () => {});
  await client.connect();
  return client;
}

const ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000) g";

// A statement needs a moment until there is something to cancel.
function soon() {
  return new Promise((resolve) => setTimeout(resolve, 1000));
}

function drop(client, error) {
  client.connection.stream.destroy();
  throw error;
}

// What became of a statement that was to be stopped, and whether the session lives on.
async function kept(client, answer) {
  const late = new Promise((resolve) => setTimeout(() => resolve("goes on"), 5000));
  const told = await Promise.race([answer, late]);
  if (told === "goes on") return drop(client, new Error(told));
  const after = (await client.query("SELECT 'still here' AS s")).rows;
  await client.end();
  return [told, after];
}

const TYPES = `SELECT true AS b, 1::smallint AS i2, 2 AS i4, 3::bigint AS i8, 1.5::real AS f4, 2.5::float8 AS f8,
  12.340::numeric(10,3) AS n, 'x'::text AS t, 'y'::varchar(3) AS v, 'z'::char(3) AS c, '2024-02-29'::date AS d,
  '01:02:03.5'::time AS tm, '2024-02-29 01:02:03.004'::timestamp AS ts, '2024-02-29 01:02:03+02'::timestamptz AS tz,
  '1 day 02:00:00'::interval AS iv, '\\x0001ff'::bytea AS by, '{"a": [1, 2]}'::json AS j, '{"b": null}'::jsonb AS jb,
  '00000000-0000-0000-0000-000000000001'::uuid AS u, ARRAY[1, 2] AS ia, ARRAY['a', 'b c', NULL] AS ta,
  ARRAY[1.50, 2]::numeric[] AS na, NULL::text AS z`;

const PARAMETERS = {
  bool: [true, false],
  int2: [-32768],
  int4: [2147483647],
  int8: ["9223372036854775807"],
  float4: [1.5],
  float8: [1e300, "NaN", "-Infinity"],
  numeric: ["12345678901234567890.123456", "-0.5"],
  text: ["é 'quoted' \\ and \t tab", ""],
  "varchar(3)": ["abc"],
  date: ["2024-02-29", new Date(Date.UTC(2024, 1, 29))],
  time: ["01:02:03.000004"],
  timestamp: ["2024-02-29 01:02:03.000004", new Date(Date.UTC(2024, 1, 29, 1, 2, 3))],
  timestamptz: [new Date(Date.UTC(2024, 1, 29, 1, 2, 3)), "2024-02-29 01:02:03+05:30"],
  interval: ["1 year 2 mons 3 days 04:05:06"],
  bytea: [Buffer.from([0, 1, 255])],
  json: [{ a: [1, { b: null }] }],
  jsonb: [{ b: 1, a: "é" }],
  uuid: ["00000000-0000-0000-0000-00000000000a"],
  "int4[]": [[1, null, 3], []],
  "text[]": [["a", 'with "quotes"', "a,b", null, ""]],
  "float8[]": [[1.5, 2]],
  "bool[]": [[true, false]],
};

const ERRORS = {
  syntax: "SELECT 1 FORM t",
  "no table": "SELECT * FROM no_such_table",
  "no column": "SELECT no_such_column FROM node_t",
  "no function": "SELECT no_such_function(1)",
  "no operator": "SELECT 1 + true",
  "by zero": "SELECT 1 / (SELECT 0)",
  "bad number": "SELECT 'x'::int",
  "bad date": "SELECT '2024-02-30'::date",
  "too large": "SELECT 2147483647 + (SELECT 1)",
  "table is there": "CREATE TABLE node_t (id int)",
  "no schema": "CREATE TABLE no_such_schema.t (id int)",
  "not null": "INSERT INTO node_keyed VALUES (9, NULL, 1)",
  "too long": "INSERT INTO node_keyed VALUES (9, 'longer than this', 1)",
  check: "INSERT INTO node_keyed VALUES (9, 'nine', -1)",
  "primary key": "INSERT INTO node_keyed VALUES (1, 'again', 1)",
  unique: "INSERT INTO node_keyed VALUES (9, 'two', 1)",
  ambiguous: "SELECT id FROM node_t a, node_t b",
  ungrouped: "SELECT id, count(*) FROM node_t",
  "columns and values": "INSERT INTO node_t (id) VALUES (1, 2)",
};

async function main() {
  let client;
  await steps("connect", async () => {
    client = await connected();
  });
  if (!client) return;
  const rows = async (text, values) => shown(await client.query(text, values));
  const quiet = (text) => client.query(text).catch(() => {});
  await quiet("SET TimeZone TO 'UTC'");

  await steps("wrong password", async () => (await connected({ password: "wrong" })).end());
  await steps("no such database", async () => (await connected({ connectionString: url.replace(/[^/]*$/, "nowhere") })).end());
  await steps("application name", async () => {
    const named = await connected({ application_name: "steps", options: "-c statement_timeout=12s", keepAlive: true });
    const answer = await named.query("SELECT current_setting('application_name') a, current_setting('statement_timeout') t");
    await named.end();
    return answer.rows;
  });

  await steps("types", () => rows(TYPES));
  // `values` make it the extended protocol.
  await steps("types, extended", () => rows(TYPES + " WHERE $1", [true]));
  await steps("types, binary", async () => shown(await client.query({ text: TYPES + " WHERE $1", values: [true], binary: true })));
  await steps("rows as arrays", async () => (await client.query({ text: "SELECT 1, 2, 'x'", rowMode: "array" })).rows);
  for (const [type, values] of Object.entries(PARAMETERS)) {
    for (const [at, value] of values.entries()) {
      await steps(`parameter ${type} ${at}`, () => rows(`SELECT $1::${type} AS p, pg_typeof($1::${type})::text AS t`, [value]));
    }
    await steps(`parameter ${type} NULL`, () => rows(`SELECT $1::${type} AS p`, [null]));
  }
  await steps("parameter without a type", () => rows("SELECT $1 AS p, $2 || 'x' AS q", ["a", "b"]));
  await steps("parameter beside a column", () => rows("SELECT typname FROM pg_type WHERE oid = $1 AND typname = $2", [23, "int4"]));
  await steps("LIMIT and OFFSET", () => rows("SELECT g FROM generate_series(1, 9) g ORDER BY g LIMIT $1 OFFSET $2", [2, 3]));
  await steps("ANY", () => rows("SELECT g FROM generate_series(1, 9) g WHERE g = ANY($1) ORDER BY g", [[2, 4]]));
  await steps("IN", () => rows("SELECT g FROM generate_series(1, 9) g WHERE g IN ($1, $2) ORDER BY g", [2, 4]));
  await steps("an interval added", () => rows("SELECT $1::date + $2::interval AS d", ["2024-01-31", "1 month"]));
  await steps("too few parameters", () => rows("SELECT $1::int, $2::int", [1]));
  await steps("not a number", () => rows("SELECT $1::int", ["x"]));

  await steps("drop", () => rows("DROP TABLE IF EXISTS node_t, node_keyed"));
  await steps("create", () => rows("CREATE TABLE node_t (id int, name text, at timestamptz, amount numeric(12,2), tags text[])"));
  await steps("create keyed", () =>
    rows("CREATE TABLE node_keyed (id int PRIMARY KEY, name varchar(9) NOT NULL UNIQUE, amount int CHECK (amount > 0))"));
  await steps("insert keyed", () => rows("INSERT INTO node_keyed VALUES (1, 'one', 1), (2, 'two', 2)"));
  const insert = "INSERT INTO node_t VALUES ($1, $2, $3, $4, $5)";
  await steps("insert", () => rows(insert, [1, "one", new Date(0), "1.50", ["a"]]));
  await steps("prepared, reused", async () => {
    const counts = [];
    for (let id = 2; id < 6; id++) {
      const result = await client.query({ name: "insert", text: insert, values: [id, `n${id}`, null, id / 2, null] });
      counts.push(result.rowCount);
    }
    return counts;
  });
  await steps("prepared, listed", () => rows("SELECT name, parameter_types::text FROM pg_prepared_statements ORDER BY name"));
  await steps("select", () => rows("SELECT * FROM node_t ORDER BY id"));
  await steps("prepared, the table changed", async () => {
    const ask = () => client.query({ name: "all", text: "SELECT * FROM node_keyed ORDER BY 1" });
    await ask();
    await client.query("ALTER TABLE node_keyed ADD COLUMN more int");
    return shown(await ask());
  });
  await steps("update", () => rows("UPDATE node_t SET name = $1 WHERE id > $2", ["new", 3]));
  await steps("delete", () => rows("DELETE FROM node_t WHERE id = ANY($1::int[])", [[4, 5]]));
  await steps("returning", () => rows("INSERT INTO node_t (id, name) VALUES (6, 'six') RETURNING id, upper(name) AS name"));
  await steps("on conflict", () =>
    rows("INSERT INTO node_keyed (id, name, amount) VALUES (1, 'uno', 2) ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING name"));
  await steps("on conflict do nothing", () => rows("INSERT INTO node_keyed (id, name) VALUES (1, 'x') ON CONFLICT DO NOTHING"));
  await steps("several statements", () => rows("SELECT 1 AS a; SELECT 'x' AS b; DELETE FROM node_t WHERE false"));
  await steps("several statements, one wrong", () => rows("INSERT INTO node_t (id) VALUES (77); SELECT 1 / (SELECT 0)"));
  await steps("and nothing stays", () => rows("SELECT count(*) FROM node_t WHERE id = 77"));
  await steps("empty statement", () => rows(""));
  await steps("a comment", () => rows("-- nothing"));

  await steps("cursor", async () => {
    const cursor = client.query(new Cursor("SELECT g, 'row ' || g AS t FROM generate_series(1, $1::int) g", [10]));
    const answer = [await cursor.read(4), await cursor.read(4), await cursor.read(4), await cursor.read(4)];
    await cursor.close();
    return answer;
  });
  await steps("cursor, left early", async () => {
    const cursor = client.query(new Cursor("SELECT g FROM generate_series(1, 100000) g ORDER BY g"));
    const first = await cursor.read(2);
    await cursor.close();
    return [first, await rows("SELECT 'still here' AS s")];
  });
  await steps("cursor in SQL", async () => {
    await client.query("BEGIN");
    await client.query("DECLARE c SCROLL CURSOR FOR SELECT g FROM generate_series(1, 9) g");
    const answer = [];
    for (const what of ["2", "NEXT", "PRIOR", "LAST", "ABSOLUTE 3", "RELATIVE -1", "BACKWARD 2", "ALL"]) {
      answer.push(shown(await client.query(`FETCH ${what} FROM c`)));
    }
    answer.push(shown(await client.query("MOVE FIRST FROM c")), shown(await client.query("CLOSE c")));
    await client.query("COMMIT");
    return answer;
  });
  await quiet("ROLLBACK");

  await steps("copy in", async () => {
    const stream = client.query(copy.from("COPY node_t (id, name) FROM STDIN"));
    await pipeline(Readable.from(["10\tten\n11\t\\N\n", "12\ttab\\there\n"]), stream);
    return stream.rowCount;
  });
  await steps("copy in, csv", async () => {
    const stream = client.query(copy.from("COPY node_t (id, name, amount) FROM STDIN WITH (FORMAT csv, HEADER)"));
    await pipeline(Readable.from(['id,name,amount\n13,"a ""quoted"", one",1.25\n14,,\n']), stream);
    return stream.rowCount;
  });
  await steps("copy in, wrong", async () => {
    const stream = client.query(copy.from("COPY node_t (id, name) FROM STDIN"));
    await pipeline(Readable.from(["x\tten\n"]), stream);
  });
  await steps("copy in, given up", async () => {
    const stream = client.query(copy.from("COPY node_t (id, name) FROM STDIN"));
    stream.write("99\tnever\n");
    await new Promise((resolve) => stream.once("error", resolve).destroy(new Error("given up")));
    return rows("SELECT count(*) FROM node_t WHERE id = 99");
  });
  for (const options of ["", "WITH (FORMAT csv, HEADER)", "WITH (FORMAT binary)", "WITH (NULL '-', DELIMITER '|')"]) {
    await steps(`copy out ${options}`, async () => {
      const stream = client.query(copy.to(`COPY (SELECT id, name, amount FROM node_t WHERE id >= 10 ORDER BY id) TO STDOUT ${options}`));
      const parts = [];
      for await (const part of stream) parts.push(part);
      return Buffer.concat(parts).toString("latin1");
    });
  }

  await steps("transaction", async () => {
    await client.query("BEGIN");
    await client.query("INSERT INTO node_t (id) VALUES (20)");
    await client.query("SAVEPOINT s");
    await client.query("INSERT INTO node_t (id) VALUES (21)");
    const error = await client.query("SELECT 1 / (SELECT 0)").catch(told);
    const aborted = await client.query("SELECT 1").catch(told);
    await client.query("ROLLBACK TO s");
    await client.query("RELEASE s");
    await client.query("COMMIT");
    return [error, aborted, await rows("SELECT id FROM node_t WHERE id >= 20 ORDER BY id")];
  });
  await quiet("ROLLBACK");
  await steps("rollback", async () => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query("DELETE FROM node_t");
    await client.query("CREATE TABLE node_never (id int)");
    await client.query("ROLLBACK");
    return [await rows("SELECT count(*) > 0 AS there FROM node_t"), await rows("SELECT to_regclass('node_never') IS NULL AS gone")];
  });
  await steps("commit of an aborted block", async () => {
    await client.query("BEGIN");
    await client.query("SELECT 1 / (SELECT 0)").catch(() => {});
    return shown(await client.query("COMMIT"));
  });
  await steps("read only", async () => {
    await client.query("BEGIN READ ONLY");
    const error = await client.query("DELETE FROM node_t").catch(told);
    await client.query("ROLLBACK");
    return error;
  });

  await rows("SELECT 1");
  for (const [name, text] of Object.entries(ERRORS)) {
    await steps(`error: ${name}`, () => rows(text));
    await steps(`error, extended: ${name}`, () => client.query({ text, queryMode: "extended" }).then(shown));
  }
  await steps("notice", async () => {
    const notices = [];
    const hear = (notice) => notices.push([notice.severity, notice.code, notice.message]);
    client.on("notice", hear);
    await client.query("DROP TABLE IF EXISTS no_such_table");
    await client.query("COMMIT");
    client.off("notice", hear);
    return notices;
  });

  await steps("listen and notify", async () => {
    const other = await connected();
    const heard = [];
    const third = new Promise((resolve) => {
      client.on("notification", (n) => {
        heard.push([n.channel, n.payload]);
        if (heard.length === 3) resolve();
      });
    });
    await client.query("LISTEN news");
    await other.query("NOTIFY news, 'one'");
    await other.query("SELECT pg_notify('news', $1)", ["two"]);
    await other.query("BEGIN; NOTIFY news, 'never'; ROLLBACK");
    await other.query("BEGIN; NOTIFY news, 'three'; COMMIT");
    await third;
    await client.query("UNLISTEN *");
    await other.query("NOTIFY news, 'four'");
    await client.query("SELECT 1");
    await other.end();
    return heard;
  });
  // A session of their own each: one that goes on would hold up what follows.
  await steps("cancel request", async () => {
    const busy = await connected();
    const counting = busy.query(ENDLESS).catch(told);
    await soon();
    new Client({ connectionString: url }).cancel(busy, busy._activeQuery);
    return kept(busy, counting);
  });
  await steps("pg_cancel_backend", async () => {
    const busy = await connected();
    const counting = busy.query(ENDLESS).catch(told);
    await soon();
    const sent = await rows("SELECT pg_cancel_backend($1) AS sent", [busy.processID]).catch((error) => drop(busy, error));
    return [sent, await kept(busy, counting)];
  });
  await steps("statement timeout", async () => {
    const busy = await connected();
    await busy.query("SET statement_timeout = '100ms'");
    return kept(busy, busy.query(ENDLESS).catch(told));
  });
  await steps("terminated", async () => {
    const other = await connected();
    const ended = new Promise((resolve) => other.once("end", () => resolve("ended")));
    await client.query("SELECT pg_terminate_backend($1)", [other.processID]).catch((error) => drop(other, error));
    return ended;
  });

  await steps("pool", async () => {
    const pool = new Pool({ connectionString: url, max: 3 });
    const answers = await Promise.all([...Array(12).keys()].map((n) => pool.query("SELECT $1::int * 2 AS n", [n])));
    await pool.end();
    return answers.map((answer) => answer.rows[0].n);
  });
  await steps("discard all", async () => {
    await client.query("SET application_name = 'changed'; SET search_path TO pg_catalog");
    await client.query("CREATE TEMP TABLE node_temp (id int)");
    await client.query("PREPARE p AS SELECT 1");
    const discarded = shown(await client.query("DISCARD ALL"));
    const left = await rows("SELECT count(*) FROM pg_prepared_statements");
    return [discarded, left, await rows("SHOW search_path"), await client.query("SELECT * FROM node_temp").catch(told)];
  });
  await steps("10,000 rows", async () => {
    const { rows: found } = await client.query("SELECT g, repeat('x', g % 50) AS t FROM generate_series(1, 10000) g ORDER BY g");
    return [found.length, found.reduce((sum, row) => sum + row.g + row.t.length, 0)];
  });
  await steps("a long text", async () => {
    const { rows: found } = await client.query("SELECT length($1::text) AS n, $1::text = repeat('é', 1000000) AS same", ["é".repeat(1000000)]);
    return found;
  });
  await client.end();
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stdout.write(JSON.stringify({ step: "the end", answer: String(error) }) + "\n");
    process.exit(0);
  },
);
