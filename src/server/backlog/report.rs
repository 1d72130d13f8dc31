//! What is known of one re-optimisation: for whoever asks, and in a file, so that a restart can say
//! what became of it.

use crate::backlog::{Applied, Column, PlanFile, Progress, WhatIf};
use crate::model::RunTold;
use crate::wire::Reply;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The stage in which moves are made.
const APPLY: &str = "apply";

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum RunState {
    /// The open orders and the stock are being copied.
    #[default]
    Reading,
    /// The plan is being made.
    Optimizing,
    /// There is a plan.
    Done,
    /// Its moves are being made.
    Applying,
    /// They were made, as far as that was possible.
    Applied,
    /// Somebody ended it.
    Cancelled,
    /// It came to nothing.
    Failed,
    /// The server ended while it ran.
    Lost,
}

impl RunState {
    const fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Optimizing => "optimizing",
            Self::Done => "done",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Report {
    /// Which: the moment at which it began, in milliseconds.
    pub(super) run: u64,
    /// What it was asked.
    pub(super) asked: String,
    pub(super) state: RunState,
    /// What it is working at, steps done of that, of so many.
    pub(super) stage: String,
    pub(super) done: u32,
    pub(super) of: u32,
    pub(super) orders: u64,
    pub(super) moves: u64,
    /// What is minimised: of today, and of the best plan so far.
    pub(super) cents_before: Option<i64>,
    pub(super) cents: Option<i64>,
    pub(super) bound_cents: Option<i64>,
    /// Milliseconds that it took so far, the making of moves left out.
    pub(super) millis: u64,
    /// Moves by what became of them.
    pub(super) results: BTreeMap<String, u64>,
    pub(super) why: Option<String>,
    /// Of a run that compares scenarios: what today, the plan and each of them come to.
    #[serde(default)]
    pub(super) scenarios: Vec<Column>,
}

impl Report {
    /// Takes over how far the work is, that on a scenario where it has a name.
    pub(super) fn go_on(&mut self, scenario: &str, at: &Progress) {
        self.state = RunState::Optimizing;
        self.stage = match scenario {
            "" => at.stage.name().to_owned(),
            _ => format!("{} of {scenario}", at.stage.name()),
        };
        (self.done, self.of) = (at.done, at.of);
        self.cents = at.at.cents.map(|c| c.0);
        self.bound_cents = Some(at.at.bound.0);
    }

    /// The same as a fact tells it.
    pub(super) fn progress(&self) -> RunTold {
        RunTold::Progress {
            stage: self.stage.as_str().into(),
            done: self.done,
            of: self.of,
            cents: self.cents,
            bound: self.bound_cents.unwrap_or_default(),
        }
    }

    /// Takes over what the plan says.
    pub(super) fn planned(&mut self, plan: &PlanFile) -> RunTold {
        self.state = RunState::Done;
        self.orders = plan.orders as u64;
        self.moves = plan.moves.len() as u64;
        self.cents_before = Some(plan.cents_before);
        self.cents = Some(plan.cents);
        self.bound_cents = Some(plan.bound_cents);
        RunTold::Done {
            orders: self.orders,
            moves: self.moves,
            before: plan.cents_before,
            cents: plan.cents,
            bound: plan.bound_cents,
        }
    }

    /// Takes over what scenarios come to.
    pub(super) fn compared(&mut self, compared: &WhatIf) -> RunTold {
        self.state = RunState::Done;
        self.orders = compared.orders as u64;
        self.scenarios.clone_from(&compared.columns);
        // Those of the plan without any assumption.
        let plan = compared.columns.get(1);
        self.cents_before = compared.columns.first().and_then(|c| c.cents);
        self.cents = plan.and_then(|c| c.cents);
        self.bound_cents = plan.and_then(|c| c.bound_cents);
        RunTold::Done {
            orders: self.orders,
            moves: 0,
            before: self.cents_before.unwrap_or_default(),
            cents: self.cents.unwrap_or_default(),
            bound: self.bound_cents.unwrap_or_default(),
        }
    }

    /// Its moves are to be made.
    pub(super) fn begin_apply(&mut self) {
        self.state = RunState::Applying;
        APPLY.clone_into(&mut self.stage);
        self.done = 0;
        self.why = None;
    }

    /// Takes over what became of the moves, and that of so many items what they freed was given to nobody
    /// yet.
    pub(super) fn applied(&mut self, results: &[Applied], unserved: usize) -> RunTold {
        self.results.clear();
        for result in results {
            *self.results.entry(result.name().to_owned()).or_default() += 1;
        }
        let count = |name: &str| self.results.get(name).copied().unwrap_or(0);
        let (moved, already) = (count("moved"), count("already"));
        let ended = match (count("stopped"), unserved) {
            (0, 0) => None,
            (0, _) => Some("what its moves freed was given to those who wait"),
            _ => Some("its moves were made"),
        };
        self.state = if ended.is_some() {
            RunState::Done
        } else {
            RunState::Applied
        };
        self.why = ended.map(|what| {
            format!(
                "ended while {what}; apply it again: what was made stays made, the rest follows"
            )
        });
        RunTold::Applied {
            moved,
            already,
            skipped: results.len() as u64 - moved - already,
        }
    }

    /// What a restart makes of it; `None` where it had come to an end.
    pub(super) fn after_restart(&mut self) -> Option<RunTold> {
        match self.state {
            RunState::Reading | RunState::Optimizing => {
                self.state = RunState::Lost;
                let why = "the server ended while it ran; begin it again";
                self.why = Some(why.to_owned());
                Some(RunTold::Lost)
            }
            RunState::Applying => {
                self.state = RunState::Done;
                let why = "the server ended while its moves were made; apply it again: those that \
                    were made stay made";
                self.why = Some(why.to_owned());
                Some(RunTold::Lost)
            }
            RunState::Done
            | RunState::Applied
            | RunState::Cancelled
            | RunState::Failed
            | RunState::Lost => None,
        }
    }

    /// Whether there is a plan.
    pub(super) fn has_plan(&self) -> bool {
        let done = matches!(
            self.state,
            RunState::Done | RunState::Applying | RunState::Applied
        );
        done && !self.compares()
    }

    /// Whether its moves are being made.
    pub(super) fn is_applying(&self) -> bool {
        self.state == RunState::Applying
    }

    /// Whether it compared scenarios, which are no plan to apply.
    pub(super) fn compares(&self) -> bool {
        !self.scenarios.is_empty()
    }

    /// As it is shown until it has let go: a run that says it is over is, and the next may begin.
    pub(super) fn not_over(&mut self) {
        self.state = match self.state {
            RunState::Reading => RunState::Reading,
            _ if self.stage == APPLY => RunState::Applying,
            _ => RunState::Optimizing,
        };
    }

    /// How it is named to whoever finds it running.
    pub(super) fn running(&self) -> String {
        format!("run {} ({}) is {}", self.run, self.asked, self.state.name())
    }

    /// The answer to whoever asks.
    pub(in crate::server) fn reply(&self) -> Reply {
        let number = |n: u64| Reply::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let cents = |c: Option<i64>| c.map_or(Reply::Null, Reply::Int);
        let text = |t: &Option<String>| t.clone().map_or(Reply::Null, Into::into);
        // A bound of 0 says that nothing is proven yet.
        let bound = self.bound_cents.filter(|bound| *bound > 0);
        let gap = self.cents.zip(bound).map(|(cents, bound)| {
            let over = i128::from(cents) - i128::from(bound);
            let gap = over.max(0) * 1_000_000 / i128::from(bound.max(1));
            i64::try_from(gap).unwrap_or(i64::MAX)
        });
        let results = self.results.iter();
        let results = results.map(|(name, count)| {
            let row: [(&'static str, Reply); 2] =
                [("result", name.clone().into()), ("count", number(*count))];
            Reply::map(row)
        });
        Reply::map([
            ("run", number(self.run)),
            ("asked", self.asked.clone().into()),
            ("state", self.state.name().into()),
            ("stage", self.stage.clone().into()),
            ("done", number(u64::from(self.done))),
            ("of", number(u64::from(self.of))),
            ("orders", number(self.orders)),
            ("moves", number(self.moves)),
            ("cents_before", cents(self.cents_before)),
            ("cents", cents(self.cents)),
            ("bound_cents", cents(self.bound_cents)),
            ("gap_millionths", gap.map_or(Reply::Null, Reply::Int)),
            ("millis", number(self.millis)),
            ("results", Reply::Array(results.collect())),
            ("why", text(&self.why)),
            (
                "what_if",
                Reply::Array(self.scenarios.iter().map(column).collect()),
            ),
        ])
    }
}

/// A scenario in the answer.
fn column(column: &Column) -> Reply {
    let Column { name, sums, .. } = column;
    let count = |n: u64| Reply::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let orders = |n: usize| count(n as u64);
    Reply::map([
        ("scenario", name.clone().into()),
        ("total_cents", Reply::Int(sums.total)),
        ("freight_cents", Reply::Int(sums.freight)),
        ("short_cents", Reply::Int(sums.short)),
        ("late_cents", Reply::Int(sums.late)),
        ("shipments", count(sums.shipments)),
        ("units_short", count(sums.short_units)),
        ("late_orders", count(sums.late_orders)),
        ("days", count(sums.days)),
        ("moves", orders(column.moves)),
        ("broken", orders(column.broken)),
        ("broken_elsewhere", orders(column.broken_elsewhere)),
        ("surge_orders", orders(column.surge_orders)),
        ("surge_short", orders(column.surge_short)),
    ])
}
