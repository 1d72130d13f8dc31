//! Every command: its name, what it takes, what it answers, and the function that carries it out.
//!
//! The README's reference, `COMMAND DOCS` and the console's help are all made from this table, so
//! none of them can say anything else than what the server does.

use super::arguments::Arguments;
use super::backlog::Runs;
use super::commands::{
    admin, allocation, atp, backlog, cost, delay, exception, feed, fulfillment, hold, order,
    promise, reservation, returns, scarcity, snapshot, stock, supply,
};
use super::error::CommandError;
use super::feeder::Feeder;
use super::later::{Later, Workers};
use super::pricer::Pricer;
use super::snapshots::Snapshots;
use crate::engine::Engine;
use crate::feed::Wait;
use crate::model::EpochMillis;
use crate::wire::{Protocol, Reply};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// What a command works with.
pub(super) struct Call<'a> {
    /// Which connection of this run of the server asks.
    pub(super) connection: u64,
    /// When this run of the server began.
    pub(super) started: EpochMillis,
    pub(super) engine: &'a Arc<Engine>,
    pub(super) now: EpochMillis,
    pub(super) snapshots: Option<&'a Arc<Snapshots>>,
    pub(super) feed: FeedCall<'a>,
    /// Who does what takes long.
    pub(super) workers: Option<&'a Arc<Workers>>,
    /// Who prices scarce units.
    pub(super) pricer: Option<&'a Arc<Pricer>>,
    /// Re-optimisations of the backlog.
    pub(super) runs: &'a Arc<Runs>,
    /// Set by a command whose reply comes later; what it returns itself counts for nothing then.
    pub(super) later: &'a Cell<Option<Later>>,
}

impl Call<'_> {
    /// Has `work` done by others; the command is answered with what it returns.
    pub(super) fn later(
        &self,
        work: impl FnOnce() -> Reply + Send + 'static,
    ) -> Result<Reply, CommandError> {
        let Some(workers) = self.workers else {
            let text = "there are no threads for it; start the server again";
            return Err(CommandError::new("BUSY", text));
        };
        self.later.set(Some(workers.run(work)));
        Ok(Reply::Null)
    }
}

/// What a command of the event feed works with.
pub(super) struct FeedCall<'a> {
    pub(super) feeder: Option<&'a Feeder>,
    /// In which its reply is written.
    pub(super) protocol: Protocol,
    /// Set by a command that is answered later.
    pub(super) waiting: &'a Cell<Option<Wait>>,
}

impl FeedCall<'_> {
    /// Whether the feed can be asked.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        match self.feeder {
            Some(feeder) if feeder.is_caught_up() => Ok(()),
            Some(_) => {
                let text = "the event feed is being read from the journal after a start; send the \
                    command again in a moment";
                Err(CommandError::new("LOADING", text))
            }
            None => {
                let text = "the server was started without an event feed; give --feed-keep";
                Err(CommandError::new("DENIED", text))
            }
        }
    }
}

pub(super) type Run = fn(&Call<'_>, Arguments<'_>) -> Result<Reply, CommandError>;

/// One command.
pub struct Command {
    /// `NOUN.VERB`.
    pub name: &'static str,
    /// What it is about; the README's chapters.
    pub group: &'static str,
    /// Its arguments, as one types them; `[ ]` optional, `...` repeated.
    pub usage: &'static str,
    /// What it does, in one or two sentences.
    pub summary: &'static str,
    /// Each argument: its name and its meaning with unit.
    pub arguments: &'static [(&'static str, &'static str)],
    /// What it answers.
    pub reply: &'static str,
    /// Codes it may refuse with, besides `INVALID`.
    pub errors: &'static [&'static str],
    /// A line to try.
    pub example: &'static str,
    /// Whether it may change state.
    pub writes: bool,
    /// Fewest arguments after the name.
    pub least: usize,
    /// Most arguments after the name; `None` is any number.
    pub most: Option<usize>,
    pub(super) run: Run,
}

impl Command {
    /// How it is typed.
    #[must_use]
    pub fn form(&self) -> String {
        format!("{} {}", self.name, self.usage)
            .trim_end()
            .to_owned()
    }
}

/// All commands of Allot, by group and name. Those of the Redis protocol itself (`HELLO`, `PING`, …)
/// are listed in the README.
#[must_use]
pub fn commands() -> &'static [&'static Command] {
    static ALL: OnceLock<Vec<&'static Command>> = OnceLock::new();
    ALL.get_or_init(|| {
        let groups: [&'static [Command]; 18] = [
            stock::COMMANDS,
            hold::COMMANDS,
            supply::COMMANDS,
            allocation::COMMANDS,
            atp::COMMANDS,
            promise::COMMANDS,
            reservation::COMMANDS,
            order::COMMANDS,
            delay::COMMANDS,
            backlog::COMMANDS,
            fulfillment::COMMANDS,
            returns::COMMANDS,
            scarcity::COMMANDS,
            exception::COMMANDS,
            cost::COMMANDS,
            feed::COMMANDS,
            admin::COMMANDS,
            snapshot::COMMANDS,
        ];
        groups.into_iter().flatten().collect()
    })
}

/// A command by its name, in any case.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    const LONGEST: usize = 32;
    static BY_NAME: OnceLock<
        HashMap<&'static [u8], &'static Command, foldhash::fast::RandomState>,
    > = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        commands()
            .iter()
            .map(|command| (command.name.as_bytes(), *command))
            .collect()
    });
    if let Some(found) = by_name.get(name) {
        return Some(found);
    }
    let mut upper = [0u8; LONGEST];
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    by_name.get(&*upper).copied()
}

/// The reference for the README, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = format!("In replies, {}.\n\n", super::commands::BROKEN);
    let mut group = "";
    for command in commands() {
        if command.group != group {
            group = command.group;
            out.push_str(&format!("### {group}\n\n"));
        }
        out.push_str(&format!(
            "#### `{}`\n\n{}\n\n",
            command.form(),
            command.summary
        ));
        for (name, meaning) in command.arguments {
            out.push_str(&format!("- `{name}`: {meaning}\n"));
        }
        let errors: Vec<String> = command.errors.iter().map(|e| format!("`{e}`")).collect();
        out.push_str(&format!("- reply: {}\n- errors: `INVALID`", command.reply));
        for error in errors {
            out.push_str(&format!(", {error}"));
        }
        out.push_str(&format!("\n- example: `{}`\n\n", command.example));
    }
    out
}
