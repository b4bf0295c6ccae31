"""Every backslash command of psql on whatever server the URL names; each prints its name and its answer as one line of
JSON: what psql says of errors, and the headings. For our own objects it is the whole answer.

    python psql.py postgresql://user:password@host:port/database
"""

import json
import re
import subprocess
import sys
import tempfile

SETUP = [
    "CREATE TABLE orders (id bigint NOT NULL, amount numeric(12,2), status text, at timestamptz)",
    "CREATE TABLE keyed (id int PRIMARY KEY, name varchar(9) NOT NULL UNIQUE, amount int DEFAULT 1 CHECK (amount > 0))",
    "CREATE TABLE child (id int, parent int REFERENCES keyed (id))",
    "CREATE TABLE cascading (parent int REFERENCES keyed (id) ON DELETE CASCADE); DROP TABLE cascading",
    "CREATE INDEX orders_status ON orders (status)",
    "CREATE SEQUENCE numbers",
    "CREATE VIEW paid AS SELECT id, amount FROM orders WHERE status = 'paid'",
    "CREATE MATERIALIZED VIEW totals AS SELECT status, sum(amount) AS amount FROM orders GROUP BY status",
    "CREATE SCHEMA sales",
    "CREATE TABLE sales.leads (id int, email varchar)",
    "COMMENT ON TABLE orders IS 'what was sold'",
    "COMMENT ON COLUMN orders.amount IS 'in euros'",
    "INSERT INTO orders VALUES (1, 1.50, 'paid', '2024-02-29 01:02:03+00'), (2, NULL, NULL, NULL)",
]

# Lists of what is there. A server has functions, types and settings of its own, so these are compared by their headings.
LISTS = r"""
\d  \d pg_catalog.pg_cl*  \d+  \dS  \da  \da+  \dA  \dA+  \dAc  \dAf  \dAo  \dAp  \db  \db+  \dc  \dc+  \dC  \dC+  \dconfig  \dconfig+ work_mem  \dd  \dd orders
\dD  \dD+  \ddp  \dE  \dE+  \des  \des+  \det  \det+  \deu  \deu+  \dew  \dew+  \df  \df+  \df upper  \dfa  \dfn  \dfp  \dft  \dfw  \dF  \dF+
\dFd  \dFp  \dFt  \dg  \dg+  \di  \di+  \dl  \dL  \dL+  \dm  \dm+  \dn  \dn+  \dnS  \do  \do+  \dO  \dO+  \dp  \dPi  \dP  \dPt  \dP+  \drds
\dRp  \dRp+  \dRs  \dRs+  \ds  \ds+  \dt  \dt+  \dtS  \dT  \dT+  \dT int4  \du  \du+  \dv  \dv+  \dx  \dx+  \dX  \dX+  \dy  \dy+  \l  \l+
\lo_list  \lo_list+  \sf pg_get_userbyid  \z  \z orders
"""

# What is ours and nobody else's: the whole answer.
OURS = r"""
\d orders
\d keyed
\d child
\d paid
\d totals
\d sales.leads
\d numbers
\d orders_status
\d no_such_table
\dt orders
\dt sales.*
\dt no_such*
\dv paid
\dm totals
\ds numbers
\di orders_status
\dn sales
\dp orders
\dd orders
\sv paid
\conninfo
\encoding
\echo :ENCODING :DBNAME :USER
\echo `echo shell`
SELECT 1 AS a, 'x' AS b \gx
SELECT 1 AS a, 'x' AS b \g
SELECT 1 AS one, 'x' AS two \gset
SELECT 1 AS one \gset got_ \echo :got_one
SELECT 'SELECT ' || g FROM generate_series(1, 2) g ORDER BY g \gexec
SELECT 1 AS a, 'x'::text AS b, 1.5::numeric(4,2) AS c \gdesc
SELECT g AS row, g % 2 AS col, g AS v FROM generate_series(1, 4) g ORDER BY g \crosstabview
SELECT 1 AS a \bind
SELECT 1 \; SELECT 2 \;
SELECT g FROM generate_series(1, 3) g ORDER BY g
TABLE orders ORDER BY id
SELECT no_such_column FROM orders
SELECT * FROM orders WHERE amount > 'x'
SELECT FORM orders
SELECT * FROM orders JOIN no_such_table USING (id)
INSERT INTO orders VALUES ('x')
DELETE FROM orders WHERE false
"""

# Several lines, under a name.
SCRIPTS = {
    "copy from": "\\copy orders (id, status) from stdin\n3\tnew\n4\t\\N\n\\.\nSELECT id, status FROM orders WHERE id > 2 ORDER BY id;\n",
    "copy from csv": '\\copy orders (id, status) from stdin with (format csv)\n5,"a,b"\n\\.\nSELECT id, status FROM orders WHERE id = 5;\n',
    "copy from, wrong": "\\copy orders (id, status) from stdin\nx\tnew\n\\.\n",
    "copy to": "\\copy (SELECT id, status FROM orders ORDER BY id) to stdout\n",
    "copy to csv": "\\copy (SELECT id, status FROM orders ORDER BY id) to stdout with csv header\n",
    "copy in SQL": "COPY orders (id, status) FROM STDIN;\n6\tsix\n\\.\nCOPY (SELECT id, status FROM orders WHERE id = 6) TO STDOUT;\n",
    "copy to a file and from it": "\\copy orders to 'orders.tsv'\n\\copy orders from 'orders.tsv'\nSELECT count(*) FROM orders;\n",
    "transaction": "BEGIN;\nDELETE FROM orders;\nSELECT count(*) FROM orders;\nROLLBACK;\nSELECT count(*) > 0 AS there FROM orders;\n",
    "aborted": "BEGIN;\nSELECT 1 / (SELECT 0);\nSELECT 1;\nCOMMIT;\nSELECT 2 AS two;\n",
    "on error rollback": "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1 / (SELECT 0);\nSELECT 1 AS one;\nCOMMIT;\n",
    "autocommit off": "\\set AUTOCOMMIT off\nDELETE FROM orders;\nROLLBACK;\nSELECT count(*) > 0 AS there FROM orders;\n",
    "fetch count": "\\set FETCH_COUNT 3\nSELECT g FROM generate_series(1, 10) g ORDER BY g;\n",
    "verbose error": "\\set VERBOSITY sqlstate\nSELECT 1 / (SELECT 0);\n",
    "last error": "SELECT 1 / (SELECT 0);\n\\echo :SQLSTATE :LAST_ERROR_MESSAGE\n",
    "errverbose": "\\set SHOW_CONTEXT never\nSELECT 1 / (SELECT 0);\n\\echo :LAST_ERROR_SQLSTATE\n",
    "prepared": "PREPARE p (int) AS SELECT $1 + 1 AS next;\nEXECUTE p (1);\nDEALLOCATE p;\n",
    "expanded": "\\x\nSELECT * FROM orders WHERE id = 1;\n",
    "null and formats": "\\pset null -\nSELECT NULL AS n, true AS b, '1 day'::interval AS i, ARRAY[1,NULL] AS a;\n",
    "if": "\\if :{?no_such}\nSELECT 1;\n\\else\nSELECT 2 AS two;\n\\endif\n",
    "timing off": "\\timing off\nSELECT 1 AS one;\n",
    "include": "\\o /dev/null\nSELECT 1;\n\\o\nSELECT 2 AS two;\n",
    "dollar quotes": "SELECT $$it's$$ AS a, $x$ $$ $x$ AS b;\n",
    "comment inside": "SELECT 1 /* one -- */ AS a -- two\n;\n",
    "password": "SELECT current_user, session_user, current_database();\n",
    "reset": "SET work_mem TO '8MB';\nSHOW work_mem;\nRESET work_mem;\nDISCARD ALL;\n",
    "set wrong": "SET no_such_setting TO 1;\n",
    "notice": "DROP TABLE IF EXISTS no_such_table;\n",
}

PSQL = ["psql", "-X", "-q", "-A", "-P", "footer=off"]


def answer(script, folder):
    try:
        done = subprocess.run([*PSQL, sys.argv[1]], input=script, capture_output=True, text=True, timeout=20, cwd=folder)
    except subprocess.TimeoutExpired:
        return "no answer", ""
    said = re.sub(r"psql:<stdin>:\d+: ", "", done.stderr)
    # Where the server is: a port of this run.
    return re.sub(r'port "\d+"', 'port "PORT"', done.stdout), said


def headings(out):
    """What stands before the first row: a title, when there is one, and the names of the columns."""
    lines = out.splitlines()
    found = lines[:2] if lines and "|" not in lines[0] else lines[:1]
    return [line for line in found if line]


def main():
    with tempfile.TemporaryDirectory() as folder:

        def step(name, said):
            print(json.dumps({"step": name, "answer": repr(said)}), flush=True)

        for statement in SETUP:
            step(statement, answer(f"{statement};\n", folder))
        for command in re.split(r"\s{2,}|\n", LISTS.strip()):
            out, errors = answer(f"{command}\n", folder)
            step(command, (headings(out), errors))
        for line in OURS.strip().splitlines():
            script = line if "\\" in line else f"{line};"
            step(line, answer(f"{script}\n", folder))
        for name, script in SCRIPTS.items():
            step(name, answer(script, folder))


if __name__ == "__main__":
    main()
