//! What the engine promises, where an `.slt` cannot say it: crashes, time, other systems, the house itself.

mod client; // one who sends messages
mod constraints; // keys that hold among writers at once
mod clients; // drivers, psql and hostile programs, beside a PostgreSQL
mod crash; // kill -9 at each step of a publication
mod database; // its name
mod duckdb; // DuckDB reads what we commit
mod examples; // every folder a newcomer runs
mod schedules; // ticks on a clock that the test moves
mod instance; // an engine of a test's own
mod files; // external tables and file targets
mod mistakes; // what PostgreSQL refuses, by its SQLSTATE
mod postgres; // a PostgreSQL server of the tests' own
mod postgres_sink; // publishing to a real PostgreSQL
mod proxy; // a wire that is cut
mod publications; // publications that meet: in doubt, found missing, waiting for each other
mod reader; // tables of a real PostgreSQL
mod runs; // runs that are cancelled or cannot be read
mod secrets; // what nobody may read
mod sinks; // the contract of every sink
mod tidy; // rooms and their directions
mod transactions; // several clients at once, and those that go away
