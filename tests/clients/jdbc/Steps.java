// The same steps through JDBC on whatever server the URL names; each prints its name and its answer as one line of JSON.
//
//     java -cp postgresql.jar Steps.java postgresql://user:password@host:port/database

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.sql.Date;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;
import org.postgresql.util.PSQLException;

public class Steps {
    static final String ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000) g";

    static final String TYPES = "SELECT true AS b, 1::smallint AS i2, 2 AS i4, 3::bigint AS i8, 1.5::real AS f4, "
        + "2.5::float8 AS f8, 12.340::numeric(10,3) AS n, 'x'::text AS t, 'y'::varchar(3) AS v, 'z'::char(3) AS c, "
        + "'2024-02-29'::date AS d, '01:02:03.5'::time AS tm, '2024-02-29 01:02:03.000004'::timestamp AS ts, "
        + "'2024-02-29 01:02:03+02'::timestamptz AS tz, '1 day 02:00:00'::interval AS iv, '\\x0001ff'::bytea AS by, "
        + "'{\"a\": [1, 2]}'::json AS j, '{\"b\": null}'::jsonb AS jb, '00000000-0000-0000-0000-000000000001'::uuid AS u, "
        + "ARRAY[1, 2] AS ia, ARRAY['a', 'b c', NULL] AS ta, NULL::text AS z";

    static final String[][] ERRORS = {
        {"syntax", "SELECT 1 FORM t"},
        {"no table", "SELECT * FROM no_such_table"},
        {"no column", "SELECT no_such_column FROM jdbc_t"},
        {"no function", "SELECT no_such_function(1)"},
        {"by zero", "SELECT 1 / (SELECT 0)"},
        {"bad number", "SELECT 'x'::int"},
        {"table is there", "CREATE TABLE jdbc_t (id int)"},
        {"not null", "INSERT INTO jdbc_keyed VALUES (9, NULL, 1)"},
        {"too long", "INSERT INTO jdbc_keyed VALUES (9, 'longer than this', 1)"},
        {"check", "INSERT INTO jdbc_keyed VALUES (9, 'nine', -1)"},
        {"primary key", "INSERT INTO jdbc_keyed VALUES (1, 'again', 1)"},
        {"unique", "INSERT INTO jdbc_keyed VALUES (9, 'two', 1)"},
        {"foreign key", "INSERT INTO jdbc_child VALUES (1, 99)"},
    };

    interface Step {
        Object answer() throws Exception;
    }

    static String url;
    static Properties login = new Properties();
    static Connection connection;
    static final Set<Connection> opened = Collections.synchronizedSet(new HashSet<>());

    public static void main(String[] arguments) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        URI uri = new URI(arguments[0]);
        String[] user = uri.getRawUserInfo().split(":", 2);
        url = "jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath();
        login.setProperty("user", user[0]);
        login.setProperty("password", URLDecoder.decode(user[1], StandardCharsets.UTF_8));
        step("connect", () -> {
            connection = connect();
            return "yes";
        });
        if (connection == null) System.exit(0);
        sessions();
        values("text", connect("prepareThreshold", "0"));
        values("binary", connect("prepareThreshold", "-1"));
        statements();
        results();
        copies();
        transactions();
        errors();
        signals();
        metadata();
        System.exit(0);
    }

    static void sessions() {
        step("wrong password", () -> connect("password", "wrong"));
        step("no such database", () -> {
            Properties all = (Properties) login.clone();
            return DriverManager.getConnection(url.replaceAll("/[^/]*$", "/nowhere"), all);
        });
        step("settings at connect", () -> {
            Connection named = connect("ApplicationName", "steps", "currentSchema", "pg_catalog", "options", "-c statement_timeout=12s");
            return rows(named, "SELECT current_setting('application_name'), current_schema(), current_setting('statement_timeout')");
        });
        step("read only connection", () -> {
            Connection reader = connect("readOnly", "true", "readOnlyMode", "always");
            return run(reader, "CREATE TABLE jdbc_never (id int)");
        });
        step("simple protocol", () -> rows(connect("preferQueryMode", "simple"), TYPES));
        step("extended for prepared", () -> rows(connect("preferQueryMode", "extendedForPrepared"), "SELECT 1"));
        step("is valid", () -> connection.isValid(2));
        step("catalog and schema", () -> List.of(connection.getCatalog(), connection.getSchema()));
        step("client info", () -> {
            connection.setClientInfo("ApplicationName", "changed");
            return connection.getClientInfo();
        });
    }

    /** Values of every common type, there and back. */
    static void values(String form, Connection in) {
        step(form + " types", () -> described(in, TYPES));
        step(form + " types, again", () -> rows(in, TYPES));
        parameter(in, form, "bool", (s) -> s.setBoolean(1, true));
        parameter(in, form, "int2", (s) -> s.setShort(1, (short) -5));
        parameter(in, form, "int4", (s) -> s.setInt(1, 2147483647));
        parameter(in, form, "int8", (s) -> s.setLong(1, Long.MIN_VALUE));
        parameter(in, form, "float4", (s) -> s.setFloat(1, 1.5f));
        parameter(in, form, "float8", (s) -> s.setDouble(1, Double.NEGATIVE_INFINITY));
        parameter(in, form, "numeric(20,4)", (s) -> s.setBigDecimal(1, new BigDecimal("-12345678901234.5678")));
        parameter(in, form, "text", (s) -> s.setString(1, "é 'quoted' \\ and \t tab"));
        parameter(in, form, "varchar(3)", (s) -> s.setString(1, "abc"));
        parameter(in, form, "bytea", (s) -> s.setBytes(1, new byte[] {0, 1, -1}));
        parameter(in, form, "date", (s) -> s.setDate(1, Date.valueOf("2024-02-29")));
        parameter(in, form, "date", (s) -> s.setObject(1, LocalDate.of(2024, 2, 29)));
        parameter(in, form, "time", (s) -> s.setObject(1, LocalTime.of(1, 2, 3, 4000)));
        parameter(in, form, "timestamp", (s) -> s.setTimestamp(1, Timestamp.valueOf("2024-02-29 01:02:03.000004")));
        parameter(in, form, "timestamp", (s) -> s.setObject(1, LocalDateTime.of(2024, 2, 29, 1, 2, 3, 4000)));
        parameter(in, form, "timestamptz", (s) -> s.setObject(1, OffsetDateTime.of(2024, 2, 29, 1, 2, 3, 0, ZoneOffset.ofHours(2))));
        parameter(in, form, "uuid", (s) -> s.setObject(1, UUID.fromString("00000000-0000-0000-0000-00000000000a")));
        parameter(in, form, "jsonb", (s) -> s.setObject(1, "{\"a\": [1]}", Types.OTHER));
        parameter(in, form, "int4[]", (s) -> s.setArray(1, in.createArrayOf("int4", new Object[] {1, null, 3})));
        parameter(in, form, "text[]", (s) -> s.setArray(1, in.createArrayOf("text", new Object[] {"a", "b \"c\"", ""})));
        parameter(in, form, "int4", (s) -> s.setNull(1, Types.INTEGER));
        parameter(in, form, "text", (s) -> s.setNull(1, Types.VARCHAR));
        parameter(in, form, "timestamp", (s) -> s.setNull(1, Types.TIMESTAMP));
        step(form + " LIMIT", () -> asked(in, "SELECT g FROM generate_series(1, 9) g ORDER BY g LIMIT ? OFFSET ?", 2, 3));
        step(form + " ANY", () -> {
            Array wanted = in.createArrayOf("int4", new Object[] {2, 4});
            return asked(in, "SELECT g FROM generate_series(1, 9) g WHERE g = ANY(?) ORDER BY g", wanted);
        });
        step(form + " setDate beside a timestamp", () -> asked(in, "SELECT TIMESTAMP '2024-01-02' > ?", Date.valueOf("2024-01-01")));
        step(form + " parameters described", () -> {
            PreparedStatement statement = in.prepareStatement("SELECT relname FROM pg_class WHERE oid = ? AND relname = ? AND ? > 1.5");
            ParameterMetaData meta = statement.getParameterMetaData();
            List<Object> found = new ArrayList<>();
            for (int at = 1; at <= meta.getParameterCount(); at++) {
                found.add(List.of(meta.getParameterTypeName(at), meta.getParameterType(at), meta.getParameterClassName(at)));
            }
            return found;
        });
    }

    static void statements() {
        for (String table : new String[] {"jdbc_child", "jdbc_keyed", "jdbc_t", "jdbc_serial"}) {
            step("drop " + table, () -> run(connection, "DROP TABLE IF EXISTS " + table));
        }
        step("create", () -> run(connection, "CREATE TABLE jdbc_t (id int, name text, at timestamptz, amount numeric(12,2))"));
        step("create keyed", () -> run(connection,
            "CREATE TABLE jdbc_keyed (id int PRIMARY KEY, name varchar(9) NOT NULL UNIQUE, amount int DEFAULT 1 CHECK (amount > 0))"));
        step("create child", () -> run(connection, "CREATE TABLE jdbc_child (id int, parent int REFERENCES jdbc_keyed (id))"));
        step("create cascading", () -> run(connection,
            "CREATE TABLE jdbc_cascading (parent int REFERENCES jdbc_keyed (id) ON DELETE CASCADE); DROP TABLE jdbc_cascading"));
        step("create serial", () -> run(connection, "CREATE TABLE jdbc_serial (id serial PRIMARY KEY, name text)"));
        step("insert keyed", () -> run(connection, "INSERT INTO jdbc_keyed VALUES (1, 'one', 1), (2, 'two', 2)"));
        step("batch of statements", () -> {
            Statement statement = connection.createStatement();
            for (int id = 1; id < 4; id++) statement.addBatch("INSERT INTO jdbc_t (id) VALUES (" + id + ")");
            statement.addBatch("DELETE FROM jdbc_t");
            return statement.executeBatch();
        });
        step("batch of parameters", () -> batch(connection, 20));
        step("batch rewritten", () -> batch(connect("reWriteBatchedInserts", "true"), 20));
        step("batch, one wrong", () -> {
            PreparedStatement statement = connection.prepareStatement("INSERT INTO jdbc_t (id, amount) VALUES (?, 1 / ?)");
            for (int divisor : new int[] {1, 0, 1}) {
                statement.setInt(1, 900);
                statement.setInt(2, divisor);
                statement.addBatch();
            }
            try {
                return statement.executeBatch();
            } catch (BatchUpdateException error) {
                return List.of(error.getUpdateCounts(), error.getSQLState(), rows(connection, "SELECT count(*) FROM jdbc_t WHERE id = 900"));
            }
        });
        step("prepared, reused beyond the threshold", () -> {
            PreparedStatement statement = connection.prepareStatement("SELECT name, amount FROM jdbc_t WHERE id = ? ORDER BY 1, 2");
            List<Object> found = new ArrayList<>();
            for (int id = 1; id < 9; id++) {
                statement.setInt(1, id);
                found.add(shown(statement.executeQuery(), false));
            }
            return found;
        });
        step("update", () -> asked(connection, "UPDATE jdbc_t SET name = ? WHERE id < ?", "new", 3));
        step("delete", () -> asked(connection, "DELETE FROM jdbc_t WHERE id = ?", 5));
        step("several statements", () -> {
            Statement statement = connection.createStatement();
            List<Object> found = new ArrayList<>();
            boolean is = statement.execute("SELECT 1 AS a; UPDATE jdbc_t SET name = 'x' WHERE id = 1; SELECT 'x' AS b");
            while (is || statement.getUpdateCount() >= 0) {
                found.add(is ? shown(statement.getResultSet(), false) : statement.getUpdateCount());
                is = statement.getMoreResults();
            }
            return found;
        });
        step("generated keys", () -> {
            PreparedStatement statement =
                connection.prepareStatement("INSERT INTO jdbc_serial (name) VALUES ('a'), ('b')", Statement.RETURN_GENERATED_KEYS);
            return List.of(statement.executeUpdate(), shown(statement.getGeneratedKeys(), true));
        });
        step("generated keys by name", () -> {
            PreparedStatement statement = connection.prepareStatement("INSERT INTO jdbc_t (id, name) VALUES (50, 'k')", new String[] {"id"});
            return List.of(statement.executeUpdate(), shown(statement.getGeneratedKeys(), true));
        });
        step("function called", () -> {
            CallableStatement call = connection.prepareCall("{? = call upper(?)}");
            call.registerOutParameter(1, Types.VARCHAR);
            call.setString(2, "abc");
            call.execute();
            return call.getString(1);
        });
        step("escapes", () -> rows(connection, "SELECT {d '2024-02-29'}, {ts '2024-02-29 01:02:03'}, {fn concat('a', 'b')}, {fn length('abc')}"));
    }

    static Object batch(Connection in, int size) throws SQLException {
        PreparedStatement statement = in.prepareStatement("INSERT INTO jdbc_t (id, name, at, amount) VALUES (?, ?, ?, ?)");
        for (int id = 1; id <= size; id++) {
            statement.setInt(1, id);
            statement.setString(2, "n" + id);
            statement.setTimestamp(3, new Timestamp(1_700_000_000_000L + id));
            statement.setBigDecimal(4, new BigDecimal(id).divide(new BigDecimal(4)));
            statement.addBatch();
        }
        return List.of(statement.executeBatch(), rows(in, "SELECT count(*), sum(amount), max(at) FROM jdbc_t"));
    }

    static void results() {
        step("fetch size", () -> {
            Connection in = connect();
            in.setAutoCommit(false);
            PreparedStatement statement = in.prepareStatement("SELECT g, 'row ' || g FROM generate_series(1, 1000) g ORDER BY g");
            statement.setFetchSize(7);
            ResultSet found = statement.executeQuery();
            long rows = 0, sum = 0;
            while (found.next()) {
                rows++;
                sum += found.getLong(1) + found.getString(2).length();
            }
            in.commit();
            return List.of(rows, sum);
        });
        step("two cursors at a time", () -> {
            Connection in = connect();
            in.setAutoCommit(false);
            List<Object> found = new ArrayList<>();
            ResultSet[] both = new ResultSet[2];
            for (int n = 0; n < 2; n++) {
                Statement statement = in.createStatement();
                statement.setFetchSize(2);
                both[n] = statement.executeQuery("SELECT g FROM generate_series(" + n + ", 6) g ORDER BY g");
            }
            while (both[0].next() && both[1].next()) found.add(both[0].getInt(1) * 10 + both[1].getInt(1));
            return found;
        });
        step("scrolled", () -> {
            Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
            ResultSet found = statement.executeQuery("SELECT g FROM generate_series(1, 9) g ORDER BY g");
            found.last();
            int last = found.getInt(1);
            found.absolute(3);
            return List.of(last, found.getInt(1), found.getRow());
        });
        step("updated in place", () -> {
            Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE);
            ResultSet found = statement.executeQuery("SELECT id, name FROM jdbc_keyed ORDER BY id");
            found.next();
            found.updateString("name", "uno");
            found.updateRow();
            return rows(connection, "SELECT id, name FROM jdbc_keyed ORDER BY id");
        });
        step("max rows", () -> {
            Statement statement = connection.createStatement();
            statement.setMaxRows(3);
            return shown(statement.executeQuery("SELECT g FROM generate_series(1, 9) g ORDER BY g"), false);
        });
        step("columns of a table described", () -> described(connection, "SELECT id, name AS n, amount * 2 AS twice, t.at FROM jdbc_t t WHERE false"));
        step("array read", () -> {
            Object[] found = (Object[]) one("SELECT ARRAY[1, NULL, 3]").getArray(1).getArray();
            return Arrays.asList(found);
        });
        step("no rows", () -> rows(connection, "SELECT 1 AS a WHERE false"));
        step("no columns", () -> rows(connection, "SELECT FROM generate_series(1, 2)"));
    }

    static void copies() {
        step("copy in", () -> ((PGConnection) connection).getCopyAPI()
            .copyIn("COPY jdbc_t (id, name) FROM STDIN", new StringReader("100\thundred\n101\t\\N\n")));
        step("copy in, csv", () -> ((PGConnection) connection).getCopyAPI()
            .copyIn("COPY jdbc_t (id, name) FROM STDIN WITH (FORMAT csv)", new ByteArrayInputStream("102,\"a,b\"\n103,\n".getBytes())));
        step("copy in, wrong", () -> ((PGConnection) connection).getCopyAPI()
            .copyIn("COPY jdbc_t (id, name) FROM STDIN", new StringReader("x\thundred\n")));
        step("copy out, row by row", () -> {
            CopyOut rows = ((PGConnection) connection).getCopyAPI().copyOut("COPY (SELECT generate_series(1, 5)) TO STDOUT");
            List<Object> found = new ArrayList<>();
            for (byte[] row = rows.readFromCopy(); row != null; row = rows.readFromCopy()) found.add(new String(row).trim());
            return found;
        });
        for (String options : new String[] {"", "WITH (FORMAT csv, HEADER)", "WITH (FORMAT binary)"}) {
            step("copy out " + options, () -> {
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                String text = "COPY (SELECT id, name FROM jdbc_t WHERE id >= 100 ORDER BY id) TO STDOUT " + options;
                long rows = ((PGConnection) connection).getCopyAPI().copyOut(text, out);
                return List.of(rows, out.toString(StandardCharsets.ISO_8859_1));
            });
        }
    }

    static void transactions() {
        step("savepoints", () -> {
            Connection in = connect();
            in.setAutoCommit(false);
            run(in, "INSERT INTO jdbc_t (id) VALUES (200)");
            Savepoint point = in.setSavepoint("p");
            run(in, "INSERT INTO jdbc_t (id) VALUES (201)");
            String error = failure(() -> run(in, "SELECT 1 / (SELECT 0)"));
            String aborted = failure(() -> run(in, "SELECT 1"));
            in.rollback(point);
            in.releaseSavepoint(in.setSavepoint());
            in.commit();
            return List.of(error, aborted, rows(connection, "SELECT id FROM jdbc_t WHERE id >= 200 ORDER BY id"));
        });
        step("autosave", () -> {
            Connection in = connect("autosave", "always");
            in.setAutoCommit(false);
            run(in, "INSERT INTO jdbc_t (id) VALUES (210)");
            String error = failure(() -> run(in, "SELECT 1 / (SELECT 0)"));
            in.commit();
            return List.of(error, rows(connection, "SELECT id FROM jdbc_t WHERE id = 210"));
        });
        step("isolation", () -> {
            List<Object> found = new ArrayList<>();
            int[] levels = {Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE};
            for (int level : levels) {
                Connection in = connect();
                in.setTransactionIsolation(level);
                in.setAutoCommit(false);
                found.add(rows(in, "SHOW transaction_isolation"));
                found.add(in.getTransactionIsolation());
            }
            return found;
        });
        step("commit of an aborted block", () -> {
            Connection in = connect();
            in.setAutoCommit(false);
            failure(() -> run(in, "SELECT 1 / (SELECT 0)"));
            in.commit();
            return "committed";
        });
        step("read only transaction", () -> {
            Connection in = connect();
            in.setReadOnly(true);
            in.setAutoCommit(false);
            return run(in, "DELETE FROM jdbc_t");
        });
    }

    static void errors() {
        for (String[] error : ERRORS) step("error: " + error[0], () -> run(connection, error[1]));
        step("warning", () -> {
            Statement statement = connection.createStatement();
            statement.execute("DROP TABLE IF EXISTS no_such_table");
            SQLWarning warning = statement.getWarnings();
            return List.of(warning.getSQLState(), warning.getMessage());
        });
    }

    static void signals() {
        step("cancel", () -> {
            Connection in = connect();
            Statement statement = in.createStatement();
            Timer timer = new Timer(true);
            timer.schedule(new TimerTask() {
                public void run() {
                    try {
                        statement.cancel();
                    } catch (SQLException error) {
                        throw new RuntimeException(error);
                    }
                }
            }, 1000, 4000);
            String error = failure(() -> statement.executeQuery(ENDLESS));
            timer.cancel();
            return List.of(error, rows(in, "SELECT 'still here'"));
        });
        step("query timeout", () -> {
            Connection in = connect();
            Statement statement = in.createStatement();
            statement.setQueryTimeout(1);
            String error = failure(() -> statement.executeQuery(ENDLESS));
            return List.of(error, rows(in, "SELECT 'still here'"));
        });
        step("listen and notify", () -> {
            Connection in = connect();
            run(in, "LISTEN news");
            run(connection, "NOTIFY news, 'one'");
            List<Object> heard = new ArrayList<>();
            for (var one : ((PGConnection) in).getNotifications(5000)) heard.add(List.of(one.getName(), one.getParameter()));
            return heard;
        });
        step("discard all", () -> {
            Connection in = connect("prepareThreshold", "1");
            String text = "SELECT ?::int + 1";
            List<Object> found = new ArrayList<>();
            found.add(asked(in, text, 1));
            found.add(run(in, "DISCARD ALL"));
            found.add(asked(in, text, 2));
            return found;
        });
        step("aborted", () -> {
            Connection in = connect();
            in.abort(Runnable::run);
            return in.isClosed();
        });
    }

    /** What tools ask of DatabaseMetaData. Rows are those of our own tables: PostgreSQL has functions and types that we have not. */
    static void metadata() {
        step("metadata: schema", () -> run(connection,
            "DROP VIEW IF EXISTS jdbc_view; CREATE VIEW jdbc_view AS SELECT id, name FROM jdbc_t; "
                + "COMMENT ON TABLE jdbc_t IS 'a table'; COMMENT ON COLUMN jdbc_t.name IS 'a name'"));
        String[] tables = {"jdbc_t", "jdbc_keyed", "jdbc_child", "jdbc_serial", "jdbc_view"};
        meta("getCatalogs", (m) -> shown(m.getCatalogs(), true));
        meta("getSchemas", (m) -> shown(m.getSchemas(null, "p%"), true));
        meta("getSchemas, all", (m) -> labels(m.getSchemas()));
        meta("getTableTypes", (m) -> shown(m.getTableTypes(), true));
        meta("getTables", (m) -> shown(m.getTables(null, "public", "jdbc%", null), true));
        meta("getTables by type", (m) -> shown(m.getTables(null, null, "jdbc%", new String[] {"VIEW"}), true));
        meta("getTables of the catalog", (m) -> shown(m.getTables(null, "pg_catalog", "pg_class", new String[] {"SYSTEM TABLE"}), true));
        for (String table : tables) {
            meta("getColumns of " + table, (m) -> shown(m.getColumns(null, "public", table, "%"), true));
            meta("getPrimaryKeys of " + table, (m) -> shown(m.getPrimaryKeys(null, "public", table), true));
            meta("getIndexInfo of " + table, (m) -> shown(m.getIndexInfo(null, "public", table, false, true), true));
            meta("getImportedKeys of " + table, (m) -> shown(m.getImportedKeys(null, "public", table), true));
            meta("getExportedKeys of " + table, (m) -> shown(m.getExportedKeys(null, "public", table), true));
            meta("getBestRowIdentifier of " + table, (m) -> shown(m.getBestRowIdentifier(null, "public", table, 0, true), true));
        }
        meta("getCrossReference", (m) -> shown(m.getCrossReference(null, "public", "jdbc_keyed", null, "public", "jdbc_child"), true));
        meta("getVersionColumns", (m) -> shown(m.getVersionColumns(null, "public", "jdbc_t"), true));
        meta("getColumnPrivileges", (m) -> shown(m.getColumnPrivileges(null, "public", "jdbc_t", "id"), true));
        meta("getTablePrivileges", (m) -> shown(m.getTablePrivileges(null, "public", "jdbc_t"), true));
        meta("getTypeInfo", (m) -> common(m.getTypeInfo()));
        meta("getProcedures", (m) -> shown(m.getProcedures(null, "public", "%"), true));
        meta("getProcedureColumns", (m) -> shown(m.getProcedureColumns(null, "public", "%", "%"), true));
        meta("getFunctions", (m) -> labels(m.getFunctions(null, "pg_catalog", "upper")));
        meta("getFunctions, one", (m) -> m.getFunctions(null, "pg_catalog", "pg_get_userbyid").next());
        meta("getFunctionColumns", (m) -> labels(m.getFunctionColumns(null, "public", "%", "%")));
        meta("getUDTs", (m) -> shown(m.getUDTs(null, "public", "%", null), true));
        meta("getClientInfoProperties", (m) -> shown(m.getClientInfoProperties(), true));
        meta("getURL", (m) -> m.getURL().replaceAll("\\d{3,}", "PORT"));
        meta("getUserName", DatabaseMetaData::getUserName);
        meta("getDatabaseProductName", DatabaseMetaData::getDatabaseProductName);
        meta("getDatabaseMajorVersion", DatabaseMetaData::getDatabaseMajorVersion);
        meta("getSQLKeywords", (m) -> m.getSQLKeywords().length() > 1000);
        meta("getNumericFunctions", DatabaseMetaData::getNumericFunctions);
        meta("getMaxColumnNameLength", DatabaseMetaData::getMaxColumnNameLength);
        meta("getMaxColumnsInIndex", DatabaseMetaData::getMaxColumnsInIndex);
        meta("getMaxConnections", (m) -> m.getMaxConnections() > 0);
        meta("getDefaultTransactionIsolation", DatabaseMetaData::getDefaultTransactionIsolation);
        meta("supportsTransactionIsolationLevel", (m) -> m.supportsTransactionIsolationLevel(Connection.TRANSACTION_SERIALIZABLE));
        meta("isReadOnly", DatabaseMetaData::isReadOnly);
        meta("nullsAreSortedHigh", DatabaseMetaData::nullsAreSortedHigh);
        meta("getIdentifierQuoteString", DatabaseMetaData::getIdentifierQuoteString);
        meta("the type of a column by its OID", (m) -> {
            ResultSet found = one("SELECT ARRAY['2024-01-01'::date], 'x'::name, 1::oid, '1'::\"char\", 'pg_class'::regclass");
            List<Object> names = new ArrayList<>();
            for (int at = 1; at <= 5; at++) {
                names.add(found.getMetaData().getColumnTypeName(at) + "=" + found.getString(at) + " " + found.getMetaData().getColumnType(at));
            }
            return names;
        });
    }

    interface Question {
        Object of(DatabaseMetaData meta) throws Exception;
    }

    interface Binder {
        void bind(PreparedStatement statement) throws SQLException;
    }

    static void meta(String name, Question question) {
        step("metadata: " + name, () -> question.of(connection.getMetaData()));
    }

    static int parameters = 0;

    static void parameter(Connection in, String form, String type, Binder binder) {
        parameters++;
        step(form + " parameter " + parameters % 23 + " " + type, () -> {
            PreparedStatement statement = in.prepareStatement("SELECT ?::" + type + " AS p");
            List<Object> found = new ArrayList<>();
            for (int time = 0; time < 2; time++) {
                binder.bind(statement);
                found.add(shown(statement.executeQuery(), true));
            }
            return found;
        });
    }

    static Connection connect(String... more) throws SQLException {
        Properties all = (Properties) login.clone();
        for (int at = 0; at < more.length; at += 2) all.setProperty(more[at], more[at + 1]);
        Connection made = DriverManager.getConnection(url, all);
        if (connection != null) opened.add(made);
        return made;
    }

    static Object run(Connection in, String text) throws SQLException {
        try (Statement statement = in.createStatement()) {
            return statement.execute(text) ? shown(statement.getResultSet(), false) : statement.getUpdateCount();
        }
    }

    static Object rows(Connection in, String text) throws SQLException {
        try (Statement statement = in.createStatement()) {
            return shown(statement.executeQuery(text), false);
        }
    }

    static ResultSet one(String text) throws SQLException {
        ResultSet found = connection.createStatement().executeQuery(text);
        found.next();
        return found;
    }

    static Object asked(Connection in, String text, Object... values) throws SQLException {
        PreparedStatement statement = in.prepareStatement(text);
        for (int at = 0; at < values.length; at++) statement.setObject(at + 1, values[at]);
        return statement.execute() ? shown(statement.getResultSet(), false) : statement.getUpdateCount();
    }

    /** What a program can learn of the columns. */
    static Object described(Connection in, String text) throws SQLException {
        ResultSetMetaData meta = in.prepareStatement(text).executeQuery().getMetaData();
        List<Object> found = new ArrayList<>();
        for (int at = 1; at <= meta.getColumnCount(); at++) {
            found.add(List.of(meta.getColumnLabel(at), meta.getColumnName(at), meta.getColumnTypeName(at), meta.getColumnType(at),
                meta.getPrecision(at), meta.getScale(at), meta.getColumnDisplaySize(at), meta.getTableName(at),
                meta.isNullable(at), meta.isAutoIncrement(at)));
        }
        return found;
    }

    static Object labels(ResultSet found) throws SQLException {
        List<String> names = new ArrayList<>();
        ResultSetMetaData meta = found.getMetaData();
        for (int at = 1; at <= meta.getColumnCount(); at++) names.add(meta.getColumnLabel(at) + ":" + meta.getColumnTypeName(at));
        return names;
    }

    static Object shown(ResultSet found, boolean named) throws SQLException {
        List<Object> lines = new ArrayList<>();
        if (named) lines.add(labels(found));
        int columns = found.getMetaData().getColumnCount();
        while (found.next()) {
            List<String> line = new ArrayList<>();
            for (int at = 1; at <= columns; at++) line.add(cell(found, at));
            lines.add(line);
        }
        return lines;
    }

    /** As text; bytes print their address when they were sent in binary. */
    static String cell(ResultSet found, int at) throws SQLException {
        if (!found.getMetaData().getColumnTypeName(at).equals("bytea")) return String.valueOf(found.getString(at));
        byte[] bytes = found.getBytes(at);
        return bytes == null ? "null" : HexFormat.of().formatHex(bytes);
    }

    static Object common(ResultSet types) throws SQLException {
        Set<String> wanted = Set.of("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "date",
            "time", "timestamp", "timestamptz", "bytea", "json", "jsonb", "uuid", "_int4", "_text", "serial", "interval");
        List<Object> lines = new ArrayList<>();
        lines.add(labels(types));
        while (types.next()) {
            if (!wanted.contains(types.getString(1))) continue;
            List<String> line = new ArrayList<>();
            for (int at = 1; at <= 18; at++) line.add(String.valueOf(types.getString(at)));
            lines.add(line);
        }
        lines.subList(1, lines.size()).sort(Comparator.comparing(Object::toString));
        return lines;
    }

    static String failure(Step step) {
        try {
            return "no error: " + plain(step.answer());
        } catch (Exception error) {
            return told(error);
        }
    }

    static String told(Exception error) {
        if (!(error instanceof SQLException sql)) return error.toString();
        if (!(error instanceof PSQLException ours) || ours.getServerErrorMessage() == null) {
            return "error " + sql.getSQLState() + " " + sql.getMessage();
        }
        var all = ours.getServerErrorMessage();
        List<String> parts = new ArrayList<>(List.of("error " + ours.getSQLState()));
        if (all.getPosition() > 0) parts.add("position=" + all.getPosition());
        for (String[] field : new String[][] {{"schema", all.getSchema()}, {"table", all.getTable()}, {"column", all.getColumn()},
            {"type", all.getDatatype()}, {"constraint", all.getConstraint()}}) {
            if (field[1] != null) parts.add(field[0] + "=" + field[1]);
        }
        parts.add(all.getMessage());
        return String.join(" ", parts);
    }

    /** Runs a step for at most 20 seconds. Connections that it opened are closed after it. */
    static void step(String name, Step step) {
        opened.clear();
        String[] answer = {"no answer"};
        Thread thread = new Thread(() -> answer[0] = stepped(step));
        thread.setDaemon(true);
        thread.start();
        try {
            thread.join(20_000);
        } catch (InterruptedException error) {
            answer[0] = error.toString();
        }
        System.out.println("{\"step\": " + quoted(name) + ", \"answer\": " + quoted(answer[0]) + "}");
        for (Connection one : opened) {
            try {
                one.abort(Runnable::run);
            } catch (SQLException error) {
                System.err.println(error);
            }
        }
    }

    static String stepped(Step step) {
        try {
            return plain(step.answer());
        } catch (Exception error) {
            return told(error);
        }
    }

    static String plain(Object answer) {
        if (answer instanceof int[] counts) return Arrays.toString(counts);
        if (answer instanceof List<?> list) {
            List<String> parts = new ArrayList<>();
            for (Object part : list) parts.add(plain(part));
            return "[" + String.join(", ", parts) + "]";
        }
        return String.valueOf(answer);
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
