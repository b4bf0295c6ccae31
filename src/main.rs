//! The program `aqueduct`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    aqueduct::cli::main()
}
