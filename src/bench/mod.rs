//! Seeded workloads, and the rules of thumb that shops use today.
//!
//! Shared by the `demo` command, the tests and the benches, so that all of them mean the same load.
//! `bench` does not know how a report is printed.

pub mod generate;
pub mod random;
pub mod rules;
pub mod synthetic;
pub mod workload;
