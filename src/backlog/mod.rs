//! Many open orders at once: who gets the scarce units, and from where, so that all orders
//! together cost the least.
//!
//! `backlog` decides on plain data and changes nothing; it does not know a socket or a clock. The
//! engine moves the orders, each checked anew.
//!
//! # The problem, exactly
//!
//! Every order of a [`Problem`] gets one plan: what it has today, or any plan that its sheet allows
//! (`columns`). The sum of the router's objectives is minimised, each change costing
//! [`Problem::change_cents`] more, such that for every SKU, location and moment all orders together
//! draw no more than is promisable there by then once everything that they hold is given back; and
//! the same for what their channels may have.
//!
//! # The way, one file a step
//!
//! | file | what it does |
//! | --- | --- |
//! | `days` | opens the days of locations that hand over so much a day only |
//! | `rows` | finds which units, and which days, are scarce: less is there than all orders want |
//! | `columns` | every shipment that an order could have, priced once |
//! | `sheets`, `keep` | makes those of one order; what it has today |
//! | `shape`, `solve` | the best plan of one order at any prices, exactly, from those |
//! | `prices`, `knapsack` | prices of scarce units, and the lower bound that they prove |
//! | `large` | the same bound for orders too large for a sheet |
//! | `start` | first answers: today, and everything given out anew by regret |
//! | `search`, `moves` | improvement, move by move |
//! | `whole` | plans of these, at prices that they give, as offers |
//! | `reroute`, `retry` | orders too large for a sheet, by the router itself, alone and in exchange with others |
//! | `merge`, `groups` | the best of what several searches found |
//! | `plans`, `joint`, `branch` | the best answer of some orders together: plans near the cheapest, what they share, the search |
//! | `exact` | small components to the end, with their proof |
//! | `programme`, `milp` | all or some of it as an integer programme, and `good_lp` to solve it |
//! | `optimize` | all of it in turn |
//! | `transfers` | units that should be elsewhere: transfers that pay for themselves |
//! | `rules`, `scope` | which orders of an engine, by which rules: the problem |
//! | `file` | a plan as a file |
//! | `apply` | its moves made by an engine |
//! | `what_if` | plans under assumptions, side by side, applied nowhere |
//! | `check` | whether an outcome keeps every rule, written against the problem alone |
//!
//! The same problem and effort give the same outcome on every machine and with any number of threads:
//! sums are integers, and work is cut by the problem, never by the threads.

mod apply;
mod branch;
mod check;
mod columns;
mod days;
mod exact;
mod file;
mod groups;
mod handed;
mod joint;
mod keep;
mod knapsack;
mod large;
mod left;
mod merge;
mod milp;
mod moves;
mod optimize;
mod outcome;
mod plans;
mod prices;
mod problem;
mod programme;
mod random;
mod reroute;
mod retry;
mod rows;
mod rules;
mod scope;
mod search;
mod shape;
mod sheets;
mod solve;
mod start;
mod state;
mod transfers;
mod what_if;
mod whole;

pub use apply::{Applied, apply, carry_out, freed, serve};
pub use check::check;
pub use days::DayRoom;
pub use file::{
    FORMAT, ItemRow, MoveRow, PlaceRow, PlanFile, ShipmentRow, Side, StockCell, Sums, TransferRow,
};
#[cfg(feature = "highs")]
pub use milp::highs_answer;
pub use optimize::{Effort, Progress, Stage, optimize};
pub use outcome::{Move, Outcome, Point, Totals};
pub use problem::{Kept, OpenOrder, Problem, Strategy, Supply, Today};
pub use programme::{Programme, Row, Variable};
pub use rules::{OpenState, Rules, Scope, Weights};
pub use scope::{Snapshot, read};
pub use transfers::{Proposal, Terms, Transfer, propose};
pub use what_if::{Column, Scenario, Surge, WhatIf, what_if};
