//! The `allot` program: runs one command, prints one error, sets the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    allot::cli::main()
}
