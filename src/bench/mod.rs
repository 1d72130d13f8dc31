//! Seeded workloads, the driver that offers them to a server, and the rules of thumb that shops use today.
//!
//! Shared by the `demo` and `bench` commands, the tests and the benches, so that all of them mean the
//! same load.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`profile`] | what a load is: its catalogue, its mix of commands, its rate over time, as a TOML file |
//! | [`dialect`] | a command of the load as bytes for Allot, Redis or PostgreSQL, and their replies |
//! | [`drive`] | commands sent when they are due, and what their replies took |
//! | [`run`] | one run against a server, from an empty folder to a report |
//! | [`capacity`] | the highest rate that holds an objective, and what a load to come needs |
//! | [`report`] | HTML, HdrHistogram logs, comparisons |
//! | [`random`], [`workload`], [`synthetic`], [`generate`] | seeded numbers, orders and networks |
//! | [`backlog`] | open orders on scarce stock, routed first come, first served |
//! | [`single`] | single orders with their stock, for the router alone |
//! | [`rules`] | the rules of thumb |

pub mod backlog;
pub mod capacity;
pub mod dialect;
pub mod drive;
pub mod generate;
pub mod hold;
pub mod profile;
pub mod random;
pub mod report;
pub mod rules;
pub mod run;
pub mod single;
pub mod synthetic;
pub mod workload;
