//! Every setting of a session. "Accepted" in a description means that clients
//! may set it as they are used to and that nothing here depends on it.

use super::{Shape, Unit};

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    pub name: &'static str,
    pub default: &'static str,
    pub shape: Shape,
    /// Whether clients are told of a change (ParameterStatus).
    pub reported: bool,
    /// One line for `SHOW ALL`.
    pub about: &'static str,
}

const INT: f64 = i32::MAX as f64;
const REAL: f64 = 1.79769e308;
const ACCEPTED: &str = "accepted, without effect";
const ISOLATION: Shape = Shape::Words(&["serializable", "repeatable read", "read committed", "read uncommitted"]);
const LEVELS: Shape =
    Shape::Words(&["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"]);

const fn one(name: &'static str, default: &'static str, shape: Shape, about: &'static str) -> Setting {
    Setting { name, default, shape, reported: false, about }
}

/// A setting that clients are told of.
const fn told(name: &'static str, default: &'static str, shape: Shape, about: &'static str) -> Setting {
    Setting { name, default, shape, reported: true, about }
}

const fn flag(name: &'static str, default: &'static str) -> Setting {
    one(name, default, Shape::Flag, ACCEPTED)
}

const fn cost(name: &'static str, default: &'static str) -> Setting {
    one(name, default, Shape::Number(-1.0, REAL, Unit::None), ACCEPTED)
}

const fn count(name: &'static str, default: &'static str) -> Setting {
    one(name, default, Shape::Number(0.0, INT, Unit::None), ACCEPTED)
}

const fn size(name: &'static str, default: &'static str) -> Setting {
    one(name, default, Shape::Number(-1.0, INT, Unit::Kb), ACCEPTED)
}

const fn time(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    one(name, default, Shape::Number(0.0, INT, Unit::Ms), about)
}

const fn fixed(name: &'static str, value: &'static str, about: &'static str) -> Setting {
    one(name, value, Shape::Fixed, about)
}

/// In the order of `SHOW ALL`.
pub const ALL: &[Setting] = &[
    told("application_name", "", Shape::Text, "name of the client program"),
    flag("array_nulls", "on"),
    one("backslash_quote", "safe_encoding", Shape::Words(&["safe_encoding", "on", "off"]), ACCEPTED),
    fixed("block_size", "8192", "what PostgreSQL's is"),
    one("bytea_output", "hex", Shape::Words(&["hex"]), "how bytea is shown; always hex"),
    flag("check_function_bodies", "on"),
    time("client_connection_check_interval", "0", "accepted; a client that goes away is noticed at once"),
    told("client_encoding", "UTF8", Shape::Encoding, "always UTF8"),
    one("client_min_messages", "notice", LEVELS, "least severe message that is sent"),
    one("constraint_exclusion", "partition", Shape::Words(&["partition", "on", "off"]), ACCEPTED),
    cost("cpu_index_tuple_cost", "0.005"),
    cost("cpu_operator_cost", "0.0025"),
    cost("cpu_tuple_cost", "0.01"),
    cost("cursor_tuple_fraction", "0.1"),
    told("DateStyle", "ISO, MDY", Shape::DateStyle, "how dates are shown; always ISO"),
    time("deadlock_timeout", "1s", ACCEPTED),
    count("default_statistics_target", "100"),
    one("default_table_access_method", "heap", Shape::Text, ACCEPTED),
    one("default_tablespace", "", Shape::Text, ACCEPTED),
    one("default_text_search_config", "pg_catalog.english", Shape::Text, ACCEPTED),
    one("default_toast_compression", "pglz", Shape::Words(&["pglz", "lz4"]), ACCEPTED),
    flag("default_transaction_deferrable", "off"),
    one("default_transaction_isolation", "read committed", ISOLATION, "isolation of new transactions"),
    told("default_transaction_read_only", "off", Shape::Flag, "whether new transactions only read"),
    size("effective_cache_size", "4GB"),
    count("effective_io_concurrency", "1"),
    flag("enable_bitmapscan", "on"),
    flag("enable_gathermerge", "on"),
    flag("enable_hashagg", "on"),
    flag("enable_hashjoin", "on"),
    flag("enable_incremental_sort", "on"),
    flag("enable_indexonlyscan", "on"),
    flag("enable_indexscan", "on"),
    flag("enable_material", "on"),
    flag("enable_memoize", "on"),
    flag("enable_mergejoin", "on"),
    flag("enable_nestloop", "on"),
    flag("enable_parallel_append", "on"),
    flag("enable_parallel_hash", "on"),
    flag("enable_partition_pruning", "on"),
    flag("enable_partitionwise_aggregate", "off"),
    flag("enable_partitionwise_join", "off"),
    flag("enable_seqscan", "on"),
    flag("enable_sort", "on"),
    flag("enable_tidscan", "on"),
    flag("escape_string_warning", "on"),
    one(
        "extra_float_digits",
        "1",
        Shape::Number(-15.0, 3.0, Unit::None),
        "accepted; floats are always shown shortest-exact",
    ),
    count("from_collapse_limit", "8"),
    flag("geqo", "on"),
    count("geqo_threshold", "12"),
    cost("hash_mem_multiplier", "2"),
    time("idle_in_transaction_session_timeout", "0", "time a transaction block may wait for its next statement"),
    time("idle_session_timeout", "0", "time a session outside a block may wait for its next statement"),
    told("in_hot_standby", "off", Shape::Fixed, "always off"),
    told("integer_datetimes", "on", Shape::Fixed, "always on"),
    told("IntervalStyle", "postgres", Shape::Words(&["postgres", "iso_8601"]), "how intervals are shown"),
    told("is_superuser", "on", Shape::Fixed, "whether the role may do everything"),
    flag("jit", "off"),
    cost("jit_above_cost", "100000"),
    count("join_collapse_limit", "8"),
    one("lc_collate", "C", Shape::Fixed, "text is compared by its code points"),
    one("lc_ctype", "C.UTF-8", Shape::Fixed, "what letters are"),
    one("lc_messages", "C", Shape::Text, ACCEPTED),
    one("lc_monetary", "C", Shape::Text, ACCEPTED),
    one("lc_numeric", "C", Shape::Text, ACCEPTED),
    one("lc_time", "C", Shape::Text, ACCEPTED),
    time("lock_timeout", "0", ACCEPTED),
    one("log_min_messages", "warning", LEVELS, ACCEPTED),
    one("log_statement", "none", Shape::Words(&["none", "ddl", "mod", "all"]), ACCEPTED),
    size("maintenance_work_mem", "64MB"),
    fixed("max_connections", "200", "connections at one time"),
    fixed("max_function_args", "100", "what PostgreSQL's is"),
    fixed("max_identifier_length", "63", "bytes of a name that count"),
    fixed("max_index_keys", "32", "what PostgreSQL's is"),
    count("max_parallel_workers", "8"),
    count("max_parallel_workers_per_gather", "2"),
    size("max_stack_depth", "2MB"),
    cost("parallel_setup_cost", "1000"),
    cost("parallel_tuple_cost", "0.1"),
    one("password_encryption", "scram-sha-256", Shape::Words(&["scram-sha-256"]), "how passwords are kept"),
    one(
        "plan_cache_mode",
        "auto",
        Shape::Words(&["auto", "force_generic_plan", "force_custom_plan"]),
        "accepted, without effect",
    ),
    fixed("port", "5433", "port of the Postgres protocol"),
    flag("quote_all_identifiers", "off"),
    cost("random_page_cost", "4"),
    flag("row_security", "on"),
    one("search_path", "\"$user\", public", Shape::Names, "schemas in which unqualified names are looked up"),
    cost("seq_page_cost", "1"),
    told("server_encoding", "UTF8", Shape::Fixed, "always UTF8"),
    told("server_version", "15.0", Shape::Fixed, "the PostgreSQL version whose behaviour clients may expect"),
    fixed("server_version_num", "150000", "server_version as a number"),
    told("session_authorization", "aqueduct", Shape::Fixed, "the role that logged in"),
    one("session_replication_role", "origin", Shape::Words(&["origin", "replica", "local"]), ACCEPTED),
    fixed("ssl", "off", "whether the server offers TLS"),
    told("standard_conforming_strings", "on", Shape::Words(&["on"]), "always on"),
    time("statement_timeout", "0", "time a statement may take; 0 is no limit"),
    flag("synchronize_seqscans", "on"),
    one(
        "synchronous_commit",
        "on",
        Shape::Words(&["local", "remote_write", "remote_apply", "on", "off"]),
        "accepted; a commit is always on the disk",
    ),
    one("temp_buffers", "8MB", Shape::Number(100.0, INT, Unit::Blocks), ACCEPTED),
    size("temp_file_limit", "-1"),
    one("tcp_keepalives_idle", "7200", Shape::Number(0.0, INT, Unit::None), ACCEPTED),
    one("tcp_user_timeout", "0", Shape::Number(0.0, INT, Unit::Ms), ACCEPTED),
    told("TimeZone", "UTC", Shape::Zone, "zone in which timestamptz is shown"),
    flag("track_activities", "on"),
    one("transaction_deferrable", "off", Shape::Flag, ACCEPTED),
    one("transaction_isolation", "read committed", ISOLATION, "isolation of this transaction"),
    one("transaction_read_only", "off", Shape::Flag, "whether this transaction only reads"),
    flag("transform_null_equals", "off"),
    fixed("wal_level", "replica", "what PostgreSQL's is"),
    size("work_mem", "4MB"),
    one("xmlbinary", "base64", Shape::Words(&["base64", "hex"]), ACCEPTED),
    one("xmloption", "content", Shape::Words(&["content", "document"]), ACCEPTED),
];
