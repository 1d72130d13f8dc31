//! The loop: what is due goes out, what has arrived is recorded, and then it waits.

use super::record::Record;
use super::schedule::{Arrivals, Nanos};
use super::sockets::Gauge;
use super::wire::{Received, Wants, Wire};
use crate::bench::dialect::{Answer, Dialect};
use crate::bench::profile::{Kind, Load, Operation};
use std::collections::VecDeque;
use std::io;
use xxhash_rust::xxh3::xxh3_64;

/// How long a command waits before it is sent again to a server that could not answer it.
const AGAIN_AFTER: Nanos = 2_000_000;
/// How long between two tries to open a lost connection.
const RECONNECT_AFTER: Nanos = 10_000_000;
/// Longest wait, so that the progress bar moves.
const WAIT_MOST: Nanos = 100_000_000;
/// Bytes of a connection that are gathered before they are sent.
const SEND_AT: usize = 64 << 10;

/// What decides when a command is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// The schedule; latency counts from the moment when a command was due.
    Open,
    /// The last reply: as many commands as there are places in the pipelines, and the next one as soon as
    /// one is free, for as long as the schedule lasts. Latency counts from the sending. It finds the
    /// most that a server does, and says nothing about what customers wait.
    Closed,
}

/// How the load is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// When a command is sent.
    pub pacing: Pacing,
    /// Most commands of a connection without a reply.
    pub depth: usize,
    /// No command is due after this.
    pub until: Nanos,
    /// How much longer replies are waited for.
    pub patience: Nanos,
    /// Whether a lost connection is opened again and what it had no reply to is sent again, under the
    /// same identities.
    pub reconnect: bool,
}

/// The connections of this driver among those of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number of its first connection.
    pub first: usize,
    /// How many are its own.
    pub own: usize,
    /// How many there are altogether.
    pub all: usize,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// A connection failed, and is not to be opened again.
    #[error("connection {link} is lost: {source}; is the server still running?")]
    Lost {
        /// Its number.
        link: usize,
        /// What the system says.
        source: io::Error,
    },
    /// The server said what its protocol does not know.
    #[error("connection {link}: {reason}")]
    Protocol {
        /// Its number.
        link: usize,
        /// What it said.
        reason: String,
    },
    /// The system does not wait.
    #[error("cannot wait for the sockets: {0}")]
    Wait(io::Error),
}

/// A command that is due and has no reply yet.
#[derive(Debug)]
struct Pending {
    due: Nanos,
    what: What,
}

#[derive(Debug)]
enum What {
    /// By its number; it is made when it is sent.
    Scheduled(u64),
    /// What a reply asked for.
    Follow(Box<Operation>),
}

/// A command on its way.
#[derive(Debug)]
struct Flying {
    pending: Pending,
    kind: Kind,
    units: u64,
}

/// One connection.
#[derive(Debug, Default)]
struct Link {
    waiting: VecDeque<Pending>,
    flying: VecDeque<Flying>,
    outgoing: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    taken: usize,
    /// Nothing is sent before this.
    not_before: Nanos,
    down: bool,
}

impl Link {
    fn idle(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }
}

struct Driver<'a, W> {
    wire: &'a mut W,
    dialect: &'a dyn Dialect,
    load: &'a dyn Load,
    plan: Plan,
    links: Vec<Link>,
    record: &'a mut Record,
    follow: Vec<Operation>,
    /// The number of the next command that is sent, in a closed loop.
    next: u64,
}

/// Offers `load` by `arrivals` on the connections of `wire` and records what comes of it.
///
/// # Errors
/// When a connection fails, or speaks another protocol.
#[allow(
    clippy::too_many_arguments,
    reason = "each is one part of a run, and all callers have all of them"
)]
pub fn drive<W: Wire>(
    wire: &mut W,
    dialect: &dyn Dialect,
    load: &dyn Load,
    arrivals: Arrivals,
    share: Share,
    plan: Plan,
    record: &mut Record,
    gauge: &Gauge,
) -> Result<(), DriveError> {
    let mut links = Vec::new();
    links.resize_with(share.own, Link::default);
    let mut driver = Driver {
        wire,
        dialect,
        load,
        plan,
        links,
        record,
        follow: Vec::new(),
        next: share.first as u64,
    };
    match plan.pacing {
        Pacing::Open => driver.open(arrivals, share, gauge),
        Pacing::Closed => driver.closed(share, gauge),
    }
}

impl<W: Wire> Driver<'_, W> {
    /// What is due is queued whatever the server does.
    fn open(&mut self, arrivals: Arrivals, share: Share, gauge: &Gauge) -> Result<(), DriveError> {
        let until = self.plan.until;
        let own = share.first as u64..(share.first + share.own) as u64;
        let mut due = arrivals
            .take_while(|at| *at < until)
            .zip(0u64..)
            .filter(|(_, number)| own.contains(&(number % share.all as u64)))
            .peekable();
        let began = self.wire.now();
        loop {
            let now = self.wire.now();
            gauge.set(now);
            while let Some((at, number)) = due.next_if(|(at, _)| *at <= now) {
                if at >= self.record.warm_up {
                    self.record.lag.saturating_record((now - at).max(1));
                }
                let link = usize::try_from(number % share.all as u64).unwrap_or(0) - share.first;
                let what = What::Scheduled(number);
                self.links[link]
                    .waiting
                    .push_back(Pending { due: at, what });
            }
            self.turn()?;
            let next = due.peek().map(|(at, _)| *at);
            if next.is_none() && self.links.iter().all(Link::idle) {
                break;
            }
            if now > until + self.plan.patience {
                self.give_up(now);
                break;
            }
            self.rest(next.unwrap_or(Nanos::MAX))?;
        }
        self.end(began);
        Ok(())
    }

    /// A free place in a pipeline is what sends the next command.
    fn closed(&mut self, share: Share, gauge: &Gauge) -> Result<(), DriveError> {
        let began = self.wire.now();
        loop {
            let now = self.wire.now();
            gauge.set(now);
            if now < self.plan.until {
                for link in 0..self.links.len() {
                    self.fill(link, share, now);
                }
            } else if self.links.iter().all(Link::idle) {
                break;
            }
            self.turn()?;
            if now > self.plan.until + self.plan.patience {
                self.give_up(now);
                break;
            }
            if now >= self.plan.until || self.links.iter().all(|l| self.is_full(l)) {
                self.rest(Nanos::MAX)?;
            }
        }
        self.end(began);
        Ok(())
    }

    fn is_full(&self, link: &Link) -> bool {
        link.flying.len() + link.waiting.len() >= self.plan.depth
    }

    fn fill(&mut self, link: usize, share: Share, now: Nanos) {
        while !self.is_full(&self.links[link]) {
            let number = self.next;
            // Numbers are dealt out as in an open loop, so that two threads never send the same one.
            self.next += 1;
            if self.next % share.all as u64 == ((share.first + share.own) % share.all) as u64 {
                self.next += (share.all - share.own) as u64;
            }
            let what = What::Scheduled(number);
            self.links[link]
                .waiting
                .push_back(Pending { due: now, what });
        }
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self) -> Result<(), DriveError> {
        for link in 0..self.links.len() {
            if self.links[link].down {
                self.revive(link);
                continue;
            }
            let outcome = self.send(link).and_then(|()| self.receive(link));
            match outcome {
                Ok(()) => {}
                Err(DriveError::Lost { .. }) if self.plan.reconnect => self.lose(link),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn send(&mut self, link: usize) -> Result<(), DriveError> {
        let now = self.wire.now();
        loop {
            let one = &mut self.links[link];
            let ready = one.flying.len() < self.plan.depth
                && one.outgoing.len() < SEND_AT
                && now >= one.not_before;
            let next = if ready { one.waiting.pop_front() } else { None };
            if let Some(pending) = next {
                self.encode(link, pending);
                continue;
            }
            if one.outgoing.is_empty() {
                return Ok(());
            }
            let lost = |source| DriveError::Lost { link, source };
            let count = self
                .wire
                .send(link, &one.outgoing[one.sent..])
                .map_err(lost)?;
            one.sent += count;
            self.record.bytes += count as u64;
            if one.sent < one.outgoing.len() {
                return Ok(());
            }
            one.outgoing.clear();
            one.sent = 0;
        }
    }

    fn encode(&mut self, link: usize, mut pending: Pending) {
        let one = &mut self.links[link];
        let made;
        let operation = match &pending.what {
            What::Scheduled(number) => {
                made = self.load.operation(*number);
                &made
            }
            What::Follow(operation) => operation,
        };
        let before = one.outgoing.len();
        self.dialect.encode(operation, &mut one.outgoing);
        if matches!(pending.what, What::Scheduled(_)) {
            let hash = xxh3_64(&one.outgoing[before..]);
            self.record.commands_hash = self.record.commands_hash.wrapping_add(hash);
            self.record.sent += 1;
        }
        if self.plan.pacing == Pacing::Closed {
            pending.due = self.wire.now();
        }
        one.flying.push_back(Flying {
            kind: operation.kind(),
            units: operation.units(),
            pending,
        });
    }

    fn receive(&mut self, link: usize) -> Result<(), DriveError> {
        loop {
            let one = &mut self.links[link];
            let received = self.wire.receive(link, &mut one.received);
            match received.map_err(|source| DriveError::Lost { link, source })? {
                Received::Nothing => return Ok(()),
                Received::Bytes(count) => {
                    self.record.bytes += count as u64;
                    self.replies(link)?;
                }
                Received::Closed => {
                    let source =
                        io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the server");
                    return Err(DriveError::Lost { link, source });
                }
            }
        }
    }

    /// Every whole reply that has arrived; all of them arrived at the same moment.
    fn replies(&mut self, link: usize) -> Result<(), DriveError> {
        let now = self.wire.now();
        loop {
            let one = &mut self.links[link];
            let Some(flying) = one.flying.front() else {
                break;
            };
            let bytes = &one.received[one.taken..];
            let read = self.dialect.read(flying.kind, bytes, &mut self.follow);
            let read = read.map_err(|reason| DriveError::Protocol { link, reason })?;
            let Some(read) = read else {
                break;
            };
            one.taken += read.consumed;
            if let Some(flying) = one.flying.pop_front() {
                self.settle(link, flying, read.answer, now);
            }
            let one = &mut self.links[link];
            for operation in self.follow.drain(..) {
                let what = What::Follow(Box::new(operation));
                one.waiting.push_back(Pending { due: now, what });
            }
        }
        let one = &mut self.links[link];
        one.received.drain(..one.taken);
        one.taken = 0;
        Ok(())
    }

    fn settle(&mut self, link: usize, flying: Flying, answer: Answer, now: Nanos) {
        let Flying {
            pending,
            kind,
            units,
        } = flying;
        let due = pending.due;
        if answer == Answer::Again {
            if due >= self.record.warm_up {
                self.record.tally(kind).again += 1;
            }
            let one = &mut self.links[link];
            one.not_before = now + AGAIN_AFTER;
            one.waiting.push_front(pending);
            return;
        }
        // Units are counted from the first moment on, so that the books can be checked.
        if answer == Answer::Done {
            let tally = self.record.tally(kind);
            tally.units += units;
            tally.whole += 1;
        }
        if let Answer::Failed(text) = &answer {
            self.record.failure(text.clone());
        }
        if due < self.record.warm_up {
            return;
        }
        let tally = self.record.tally(kind);
        match answer {
            Answer::Done => tally.done += 1,
            Answer::Refused(code) => {
                tally.refused += 1;
                *self.record.codes.entry(code).or_default() += 1;
            }
            Answer::Failed(_) | Answer::Again => {
                tally.failed += 1;
                return;
            }
        }
        self.record.latency(kind, due, now);
    }

    /// A connection is gone: what had no reply waits again, first of all, in its order.
    fn lose(&mut self, link: usize) {
        let now = self.wire.now();
        let one = &mut self.links[link];
        while let Some(flying) = one.flying.pop_back() {
            one.waiting.push_front(flying.pending);
        }
        one.outgoing.clear();
        one.received.clear();
        (one.sent, one.taken, one.down) = (0, 0, true);
        one.not_before = now + RECONNECT_AFTER;
    }

    fn revive(&mut self, link: usize) {
        let now = self.wire.now();
        if now < self.links[link].not_before {
            return;
        }
        if self.wire.reconnect(link) {
            self.links[link].down = false;
            self.record.reconnects += 1;
        } else {
            self.links[link].not_before = now + RECONNECT_AFTER;
        }
    }

    /// Waits for a reply, for room, or for what is due next.
    fn rest(&mut self, next: Nanos) -> Result<(), DriveError> {
        let before = self.wire.now();
        let mut until = next.min(before + WAIT_MOST);
        let mut wants = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let held = link.down || (!link.waiting.is_empty() && before < link.not_before);
            if held {
                until = until.min(link.not_before.max(before + 1));
            }
            wants.push(match link {
                _ if link.down => Wants::Nothing,
                _ if !link.outgoing.is_empty() => Wants::Room,
                _ => Wants::Replies,
            });
        }
        self.wire.wait(until, &wants).map_err(DriveError::Wait)?;
        self.record.waited += self.wire.now().saturating_sub(before);
        Ok(())
    }

    /// What has no reply by now has waited at least so long.
    fn give_up(&mut self, now: Nanos) {
        for link in &mut self.links {
            let flying = link.flying.drain(..).map(|f| (f.pending.due, f.kind));
            let waiting = link.waiting.drain(..).map(|pending| {
                let kind = match &pending.what {
                    What::Scheduled(number) => self.load.operation(*number).kind(),
                    What::Follow(operation) => operation.kind(),
                };
                (pending.due, kind)
            });
            for (due, kind) in flying.chain(waiting) {
                if due >= self.record.warm_up {
                    self.record.tally(kind).unanswered += 1;
                    self.record.latency(kind, due, now);
                }
            }
        }
    }

    fn end(&mut self, began: Nanos) {
        self.record.ran += self.wire.now().saturating_sub(began);
    }
}
