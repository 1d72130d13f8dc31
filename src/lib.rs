//! Allot: an in-memory available-to-promise (ATP) and order-routing engine.
//!
//! Data flows one way: **command → validate → decide (under locks) → facts → journal → reply**. The rooms of
//! the house, from the ground up; an import may only point to a room that the table allows
//! (`tests/architecture.rs` reads the imports and fails on any other):
//!
//! | room | what lives there | may import |
//! | --- | --- | --- |
//! | [`model`] | ids, units, time, money, orders, plans, the network, facts: plain data | nothing of ours |
//! | [`cut`] | one moment of all state, seen while changes go on | nothing of ours |
//! | [`sys`] | the one room with unsafe code: files mapped into memory, safely | nothing of ours |
//! | [`ledger`] | the only code that changes a quantity: positions, reservations, holds, incoming, allocations, ATP | model, cut |
//! | [`routing`] | sources one order: candidates, calendar, tariff, exact search, the plan and its reasons | model, ledger (reads) |
//! | [`lifecycle`] | order identity and state; fulfilment orders, deadlines, exceptions, returns, costs as plain data | model, cut |
//! | [`journal`] | append-only files of facts, group commit, recovery | model, sys |
//! | [`snapshot`] | files of all state at one moment, read through a memory map | model, ledger, lifecycle, journal, feed, sys |
//! | [`feed`] | events made of facts, kept as streams that Redis clients can follow | model |
//! | [`scarcity`] | what a unit is worth to the orders still to come: prices of scarce stock | model, routing |
//! | [`engine`] | the one door: validate, decide, apply, facts out; replay | model, cut, ledger, routing, scarcity, lifecycle, journal, feed, snapshot |
//! | [`backlog`] | many open orders at once: offers, prices, improvement, the proven gap | model, ledger (reads), routing, engine, snapshot |
//! | [`load`] | a network folder and order files, from CSV and TOML, with errors that name line and column | model |
//! | [`chart`] | charts as SVG and pages as HTML, written out: text from numbers | nothing of ours |
//! | [`wire`] | RESP2/RESP3 bytes to values and back | nothing of ours |
//! | [`server`] | sockets, sessions, limits; the table of commands | model, engine, backlog, load, wire, journal, feed, snapshot |
//! | [`client`] | a blocking client of the wire protocol | wire |
//! | [`bench`](mod@bench) | seeded workloads, the open-loop load driver and its reports, the rules of thumb that shops use today | model, ledger, routing, engine, backlog, load, chart, client, wire |
//! | [`cli`] | the commands of the `allot` program | everything |

pub mod backlog;
pub mod bench;
pub mod chart;
pub mod cli;
pub mod client;
pub mod cut;
pub mod engine;
pub mod feed;
pub mod journal;
pub mod ledger;
pub mod lifecycle;
pub mod load;
pub mod model;
pub mod routing;
pub mod scarcity;
pub mod server;
pub mod snapshot;
pub mod sys;
pub mod wire;
