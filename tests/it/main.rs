//! What the engine promises, where an `.slt` cannot say it: crashes, time, other systems, the house itself.

mod crash; // kill -9 at each step of a publication
mod duckdb; // DuckDB reads what we commit
mod examples; // every folder a newcomer runs
mod instance; // an engine of a test's own
mod tidy; // rooms and their directions
