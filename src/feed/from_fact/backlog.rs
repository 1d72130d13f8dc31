//! The events of re-optimisations.

use super::Events;
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::{Field, FieldsWriter};
use crate::model::{BacklogFact, RunTold};

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn backlog(&mut self, fact: &BacklogFact) {
        let kind = match &fact.told {
            RunTold::Began { .. } => "backlog.began",
            RunTold::Progress { .. } => "backlog.progress",
            RunTold::Done { .. } => "backlog.done",
            RunTold::Applied { .. } => "backlog.applied",
            RunTold::Cancelled => "backlog.cancelled",
            RunTold::Failed { .. } => "backlog.failed",
            RunTold::Lost => "backlog.lost",
        };
        self.push(StreamSet::EVENTS, kind, |f| {
            f.number(Field::Run, fact.run);
            told(f, &fact.told);
        });
    }
}

fn told(f: &mut FieldsWriter<'_>, told: &RunTold) {
    match told {
        RunTold::Began { asked } => {
            f.text(Field::Asked, asked);
        }
        RunTold::Progress {
            stage,
            done,
            of,
            cents,
            bound,
        } => {
            f.text(Field::Stage, stage)
                .number(Field::Done, *done)
                .number(Field::Of, *of);
            if let Some(cents) = cents {
                f.number(Field::Cents, *cents);
            }
            f.number(Field::Bound, *bound);
        }
        RunTold::Done {
            orders,
            moves,
            before,
            cents,
            bound,
        } => {
            f.number(Field::Orders, *orders)
                .number(Field::Moves, *moves)
                .number(Field::Before, *before)
                .number(Field::Cents, *cents)
                .number(Field::Bound, *bound);
        }
        RunTold::Applied {
            moved,
            already,
            skipped,
        } => {
            f.number(Field::Moved, *moved)
                .number(Field::Already, *already)
                .number(Field::Skipped, *skipped);
        }
        RunTold::Failed { why } => {
            f.text(Field::Reason, why);
        }
        RunTold::Cancelled | RunTold::Lost => {}
    }
}
