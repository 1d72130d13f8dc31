//! The `allot` program: runs one command, prints one error, sets the exit code.

use std::process::ExitCode;

/// Orders, plans and facts are many small blocks, made on one thread and freed on another: a quarter of the
/// time of an order went into the system's allocator.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    allot::cli::main()
}
