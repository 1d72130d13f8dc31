//! One client's conversation: who it is, what it may say, what it gets back.

use super::arguments::Arguments;
use super::commands::feed;
use super::early;
use super::error::CommandError;
use super::later::Later;
use super::protocol;
use super::shared::Shared;
use super::table::{self, Call, FeedCall};
use crate::feed::{Outcome, Wait};
use crate::journal::Journal;
use crate::model::EpochMillis;
use crate::wire::{Args, Limits, Protocol, Reply, ReplyWriter};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a client wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replies {
    On,
    Off,
    /// Not the next one.
    Skip,
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) protocol: Protocol,
    pub(super) authenticated: bool,
    pub(super) failures: u32,
    pub(super) replies: Replies,
    pub(super) closing: bool,
    /// Whether a reply that has not left yet may tell of facts.
    pub(super) wrote: bool,
    /// The last command, when it waits for events before it is answered.
    pub(super) waiting: Option<Waiting>,
    /// The last command, when others work on it.
    pub(super) working: Option<Working>,
}

/// A command that found no events and waits for some.
pub(super) struct Waiting {
    pub(super) wait: Wait,
    /// The client does not want to hear its reply.
    silent: bool,
}

/// A command that others work on.
pub(super) struct Working {
    pub(super) reply: Later,
    /// The client does not want to hear its reply.
    pub(super) silent: bool,
}

/// Wrong passwords after which a connection is closed.
const FAILURES_MAX: u32 = 5;

impl Session {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        let authenticated = shared.config.password.is_none();
        if !authenticated {
            shared.unauthenticated.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            shared,
            id,
            protocol: Protocol::Resp2,
            authenticated,
            failures: 0,
            replies: Replies::On,
            closing: false,
            wrote: false,
            waiting: None,
            working: None,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        match self.authenticated {
            true => Limits::authenticated(),
            false => Limits::unauthenticated(),
        }
    }

    pub(super) fn set_authenticated(&mut self, authenticated: bool) {
        let pending = &self.shared.unauthenticated;
        match (self.authenticated, authenticated) {
            (false, true) => pending.fetch_sub(1, Ordering::Relaxed),
            (true, false) => pending.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        self.authenticated = authenticated;
    }

    pub(super) fn failed_to_authenticate(&mut self) {
        self.failures += 1;
        self.closing |= self.failures >= FAILURES_MAX;
    }

    /// Carries out one command and appends its reply to `out`.
    pub(super) fn execute(&mut self, args: Args<'_>, now: EpochMillis, out: &mut Vec<u8>) {
        Shared::count(&self.shared.stats.commands);
        let before = out.len();
        let spoken = self.replies;
        let reply = self.answer(args, now);
        if let Some(waiting) = &mut self.waiting {
            waiting.silent = spoken != Replies::On;
        }
        if let Some(working) = &mut self.working {
            working.silent = spoken != Replies::On;
        }
        if self.is_busy() {
            if spoken == Replies::Skip {
                self.replies = Replies::On;
            }
            return;
        }
        if matches!(reply, Reply::Error(..)) {
            Shared::count(&self.shared.stats.errors);
        }
        reply.write(&mut ReplyWriter::new(out, self.protocol));
        match spoken {
            Replies::On if self.replies == Replies::On => {}
            // What turns replies off is itself not answered.
            Replies::On | Replies::Off if self.replies != Replies::On => out.truncate(before),
            Replies::Skip => {
                out.truncate(before);
                if self.replies == Replies::Skip {
                    self.replies = Replies::On;
                }
            }
            Replies::On | Replies::Off => {}
        }
    }

    /// Whether the last command is still to be answered.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting.is_some() || self.working.is_some()
    }

    /// Answers a command that others have done.
    pub(super) fn done(&mut self, reply: &Reply, silent: bool, out: &mut Vec<u8>) {
        // What it wrote may not be safe yet.
        self.wrote = true;
        if matches!(reply, Reply::Error(..)) {
            Shared::count(&self.shared.stats.errors);
        }
        if !silent {
            reply.write(&mut ReplyWriter::new(out, self.protocol));
        }
    }

    /// Goes on with a command that waited: `woken` for events, or its time is up. It may have to
    /// wait once more.
    pub(super) fn resume(&mut self, waiting: Waiting, woken: bool, out: &mut Vec<u8>) {
        let Waiting { wait, silent } = waiting;
        let shared = self.shared.clone();
        let outcome = match shared.ready() {
            Some(ready) if woken => ready.engine.feed_resume(wait, ready.clock.now()),
            _ => Outcome::Reply(Wait::timed_out()),
        };
        match outcome {
            Outcome::Wait(wait) => self.waiting = Some(Waiting { wait, silent }),
            Outcome::Reply(reply) => {
                if reply.is_error() {
                    Shared::count(&self.shared.stats.errors);
                }
                if !silent {
                    let reply = feed::written(&reply, self.protocol);
                    reply.write(&mut ReplyWriter::new(out, self.protocol));
                }
            }
        }
    }

    fn answer(&mut self, args: Args<'_>, now: EpochMillis) -> Reply {
        let Some(command) = table::find(args.name()) else {
            return protocol::answer(self, args);
        };
        if !self.authenticated {
            return Reply::error("NOAUTH", "Authentication required.");
        }
        let given = args.len() - 1;
        if given < command.least || command.most.is_some_and(|most| given > most) {
            let form = command.form();
            let text = format!(
                "wrong number of arguments for '{}' command: got {given}; expected {form}",
                command.name.to_ascii_lowercase()
            );
            return Reply::error("ERR", text);
        }
        let Some(ready) = self.shared.ready() else {
            let early = self.shared.early.load();
            let said = early.as_ref().and_then(|e| e.answer(command, args));
            return said.unwrap_or_else(early::loading);
        };
        if command.writes {
            if let Some(reason) = ready.journal.as_ref().and_then(Journal::failure) {
                return Reply::error("IOERR", no_writes(&reason));
            }
            self.wrote |= !feed::delivers(command);
        }
        let waiting = Cell::new(None);
        let later = Cell::new(None);
        let call = Call {
            connection: self.id,
            started: ready.clock.started_at(),
            engine: &ready.engine,
            now,
            snapshots: ready.snapshots.as_ref(),
            feed: FeedCall {
                feeder: ready.feeder.as_ref(),
                protocol: self.protocol,
                waiting: &waiting,
            },
            workers: ready.workers.as_ref(),
            pricer: ready.pricer.as_ref(),
            runs: &ready.runs,
            later: &later,
        };
        let answer = (command.run)(&call, Arguments::of(args));
        self.waiting = waiting.take().map(|wait| Waiting {
            wait,
            silent: false,
        });
        self.working = later.take().map(|reply| Working {
            reply,
            silent: false,
        });
        answer.unwrap_or_else(CommandError::into_reply)
    }
}

/// Why nothing is written any more.
pub(super) fn no_writes(reason: &str) -> String {
    format!(
        "the journal failed and nothing can be written until the server is started again; reads go \
         on: {reason}"
    )
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.authenticated {
            self.shared.unauthenticated.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
