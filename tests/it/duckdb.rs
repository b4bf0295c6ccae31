//! Real DuckDB, a process of its own, reads the tables that we go on committing to.
