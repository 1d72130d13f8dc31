//! The `allot` program: runs one command, prints one error, sets the exit code.
fn main() {}
