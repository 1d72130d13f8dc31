//! The driver against a server and a clock that are simulated: what it records is what must be recorded.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_arithmetic
)]

use super::*;
use crate::bench::dialect::{Allot, Dialect};
use crate::bench::profile::{Catalogue, Profile, Workload, named};
use crate::wire::{Decoded, Limits, RequestDecoder};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

const MICRO: Nanos = 1_000;
const MILLI: Nanos = 1_000_000;

/// A server that answers one command after the other, each after `service`, and none of them while it
/// stalls. Every reply then travels for `delay`.
struct Simulated {
    now: Nanos,
    service: Nanos,
    delay: Nanos,
    stall: Option<(Nanos, Nanos)>,
    /// When the server is free again.
    free: Nanos,
    links: Vec<SimulatedLink>,
    /// Connections are refused until then, and all are lost at its beginning.
    down: Option<(Nanos, Nanos)>,
    lost: bool,
    commands: u64,
}

#[derive(Default)]
struct SimulatedLink {
    requests: Vec<u8>,
    decoder: RequestDecoder,
    /// When each reply arrives.
    replies: VecDeque<Nanos>,
    open: bool,
}

impl Simulated {
    fn new(links: usize, service: Nanos, delay: Nanos) -> Self {
        let link = || SimulatedLink {
            open: true,
            ..SimulatedLink::default()
        };
        Self {
            now: 0,
            service,
            delay,
            stall: None,
            free: 0,
            links: (0..links).map(|_| link()).collect(),
            down: None,
            lost: false,
            commands: 0,
        }
    }

    /// When the server has done one more command that arrives now.
    fn serve(&mut self) -> Nanos {
        let mut start = self.free.max(self.now);
        if let Some((from, to)) = self.stall
            && (from..to).contains(&start)
        {
            start = to;
        }
        self.free = start + self.service;
        self.commands += 1;
        self.free + self.delay
    }

    fn crash_if_due(&mut self) {
        if let Some((from, to)) = self.down
            && self.now >= from
            && !self.lost
        {
            self.lost = true;
            self.free = to;
            for link in &mut self.links {
                *link = SimulatedLink::default();
            }
        }
    }
}

impl Wire for Simulated {
    fn now(&mut self) -> Nanos {
        self.now
    }

    fn send(&mut self, link: usize, bytes: &[u8]) -> io::Result<usize> {
        self.crash_if_due();
        if !self.links[link].open {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.links[link].requests.extend_from_slice(bytes);
        loop {
            let one = &mut self.links[link];
            let limits = Limits::authenticated();
            let decoded = one.decoder.decode(&one.requests, &limits);
            let Ok(Decoded::Command { consumed, .. }) = decoded else {
                break;
            };
            one.requests.drain(..consumed);
            let at = self.serve();
            self.links[link].replies.push_back(at);
        }
        Ok(bytes.len())
    }

    fn receive(&mut self, link: usize, into: &mut Vec<u8>) -> io::Result<Received> {
        self.crash_if_due();
        let now = self.now;
        let one = &mut self.links[link];
        if !one.open {
            return Ok(Received::Closed);
        }
        let mut count = 0;
        while one.replies.front().is_some_and(|at| *at <= now) {
            one.replies.pop_front();
            into.extend_from_slice(b"*1\r\n*2\r\n:7\r\n$-1\r\n");
            count += 1;
        }
        Ok(match count {
            0 => Received::Nothing,
            count => Received::Bytes(count),
        })
    }

    fn wait(&mut self, until: Nanos, wants: &[Wants]) -> io::Result<()> {
        let links = self.links.iter().zip(wants);
        let open = links.filter(|(_, wants)| **wants != Wants::Nothing);
        let next = open
            .filter_map(|(link, _)| link.replies.front().copied())
            .min();
        let crash = self.down.map_or(Nanos::MAX, |(from, _)| match self.lost {
            true => Nanos::MAX,
            false => from,
        });
        self.now = self
            .now
            .max(until.min(next.unwrap_or(Nanos::MAX)).min(crash));
        Ok(())
    }

    fn reconnect(&mut self, link: usize) -> bool {
        let back = self.down.is_none_or(|(_, to)| self.now >= to);
        self.links[link].open = back;
        back
    }
}

fn load() -> (Arc<dyn Dialect>, Arc<Workload>) {
    let profile: Profile = named("reserve").unwrap().tiny();
    let workload = Arc::new(Workload::new(&profile, 1));
    let catalogue = Arc::new(Catalogue::new(&profile));
    (
        Arc::new(Allot::new(catalogue, workload.clone(), None)),
        workload,
    )
}

fn plan(pacing: Pacing, depth: usize, until: Nanos) -> Plan {
    Plan {
        pacing,
        depth,
        until,
        patience: 10 * SECOND,
        reconnect: false,
    }
}

/// Two connections; what was recorded.
fn run(server: &mut Simulated, schedule: &Schedule, plan: Plan, warm_up: Nanos) -> Record {
    let (dialect, workload) = load();
    let mut record = Record::new(warm_up, SECOND / 10);
    let all = server.links.len();
    let share = Share {
        first: 0,
        own: all,
        all,
    };
    drive(
        server,
        &*dialect,
        &*workload,
        schedule.arrivals(9),
        share,
        plan,
        &mut record,
        &Gauge::default(),
    )
    .unwrap();
    record
}

fn near(found: u64, expected: u64) {
    // The histogram keeps three digits.
    let off = found.abs_diff(expected) as f64 / expected as f64;
    assert!(off < 0.002, "{found} beside {expected}");
}

#[test]
fn a_known_delay_is_what_is_recorded() {
    let mut server = Simulated::new(2, 10 * MICRO, 3 * MILLI);
    let schedule = Schedule::constant(Spacing::Even, 1_000.0, 2 * SECOND);
    let record = run(
        &mut server,
        &schedule,
        plan(Pacing::Open, 64, 2 * SECOND),
        0,
    );
    let all = Summary::of(&record.all().latency);
    for value in [all.p50, all.p90, all.p99, all.p999, all.max] {
        near(value, 3_010 * MICRO);
    }
    assert_eq!(record.all().done, server.commands);
    assert_eq!(record.all().unanswered, 0);
    assert_eq!(
        Summary::of(&record.lag).max,
        1,
        "the simulated driver is never late"
    );
}

/// A thousand commands a second, and a server that stalls for one second of ten: a tenth of all commands fall
/// due meanwhile, and wait for what is left of it. So a command in ten waits evenly between nothing and a
/// second, and the percentiles are known.
#[test]
fn a_stall_is_recorded_for_everybody_who_met_it() {
    let stalled = || {
        let mut server = Simulated::new(2, 10 * MICRO, MILLI);
        server.stall = Some((4 * SECOND, 5 * SECOND));
        server
    };
    let length = 10 * SECOND;
    let schedule = Schedule::constant(Spacing::Even, 1_000.0, length);
    let mut server = stalled();
    let open = run(
        &mut server,
        &schedule,
        plan(Pacing::Open, 10_000, length),
        0,
    );
    let all = open.all().latency;
    assert_eq!(all.len(), server.commands);
    let stalled_share = |quantile: f64| (quantile - 0.9) * 10.0;
    for quantile in [0.95, 0.99, 0.999] {
        let expected = stalled_share(quantile) * SECOND as f64;
        let found = all.value_at_quantile(quantile) as f64;
        // What waited is served at 10 µs each, which adds at most a thousand times that.
        assert!(
            (found - expected).abs() < 0.02 * SECOND as f64,
            "{quantile}: {found}"
        );
    }
    near(all.value_at_quantile(0.5), MILLI + 10 * MICRO);

    // The closed loop, with a pipeline of one, meets the stall once on each connection.
    let mut server = stalled();
    let closed = run(&mut server, &schedule, plan(Pacing::Closed, 1, length), 0);
    let all = closed.all().latency;
    assert!(all.len() > 5_000, "{}", all.len());
    let p999 = all.value_at_quantile(0.999);
    assert!(
        p999 < 2 * MILLI,
        "a closed loop does not see the stall: p99.9 is {p999}"
    );
    let slow = all.len() - all.count_between(0, 10 * MILLI);
    assert_eq!(slow, 2, "one command of each connection met it");
}

#[test]
fn a_command_counts_from_when_it_was_due_also_where_the_pipeline_is_full() {
    // 2,000 a second are offered to a server that does 1,000: the last one waits half of the run.
    let mut server = Simulated::new(2, MILLI, 0);
    let schedule = Schedule::constant(Spacing::Even, 2_000.0, 2 * SECOND);
    let record = run(&mut server, &schedule, plan(Pacing::Open, 4, 2 * SECOND), 0);
    let all = record.all();
    assert!(all.done.abs_diff(4_000) <= 2, "{}", all.done);
    let last = Summary::of(&all.latency).max;
    assert!(last.abs_diff(2 * SECOND) < SECOND / 100, "{last}");
    assert_eq!(
        Summary::of(&record.lag).max,
        1,
        "waiting for the server is not the driver's lag"
    );
}

#[test]
fn what_has_no_answer_counts_as_long_as_it_has_waited() {
    let mut server = Simulated::new(2, 10 * MICRO, 0);
    server.stall = Some((SECOND, Nanos::MAX / 2));
    let schedule = Schedule::constant(Spacing::Even, 100.0, 2 * SECOND);
    let plan = Plan {
        patience: SECOND,
        ..plan(Pacing::Open, 64, 2 * SECOND)
    };
    let record = run(&mut server, &schedule, plan, 0);
    let all = record.all();
    assert!(all.unanswered.abs_diff(100) <= 2, "{}", all.unanswered);
    assert_eq!(all.latency.len(), all.done + all.unanswered);
    assert!(all.latency.max() >= 2 * SECOND - SECOND / 10);
}

#[test]
fn the_warm_up_is_not_counted() {
    let mut server = Simulated::new(2, 10 * MICRO, 0);
    // Slow at the beginning, as a cold server is.
    server.stall = Some((0, SECOND / 2));
    let schedule = Schedule::constant(Spacing::Even, 1_000.0, 2 * SECOND);
    let record = run(
        &mut server,
        &schedule,
        plan(Pacing::Open, 64, 2 * SECOND),
        SECOND,
    );
    let all = record.all();
    assert!(all.done.abs_diff(1_000) <= 2, "{}", all.done);
    assert!(all.latency.max() < 20 * MICRO, "{}", all.latency.max());
    assert!((record.seconds() - 1.0).abs() < 0.01);
}

#[test]
fn a_lost_connection_costs_time_and_nothing_else() {
    let mut server = Simulated::new(2, 10 * MICRO, MILLI);
    server.down = Some((SECOND, 2 * SECOND));
    let length = 3 * SECOND;
    let schedule = Schedule::constant(Spacing::Even, 1_000.0, length);
    let plan = Plan {
        reconnect: true,
        ..plan(Pacing::Open, 64, length)
    };
    let record = run(&mut server, &schedule, plan, 0);
    let all = record.all();
    assert!(all.done.abs_diff(3_000) <= 1, "{}", all.done);
    assert_eq!((all.unanswered, record.reconnects), (0, 2));
    let longest = all.latency.max();
    assert!(
        longest > SECOND - 10 * MILLI && longest < SECOND + 200 * MILLI,
        "{longest}"
    );
}

#[test]
fn the_same_seed_sends_the_same_commands_however_fast_the_server_is() {
    let length = SECOND;
    let schedule = Schedule::constant(Spacing::Chance, 2_000.0, length);
    let hash = |service, links| {
        let mut server = Simulated::new(links, service, 0);
        let record = run(&mut server, &schedule, plan(Pacing::Open, 8, length), 0);
        (record.commands_hash, record.sent)
    };
    assert_eq!(hash(MICRO, 2), hash(400 * MICRO, 3));
    assert!(hash(MICRO, 2).1 > 1_800);
}

#[test]
fn two_threads_share_a_schedule() {
    let (dialect, workload) = load();
    let schedule = Schedule::constant(Spacing::Chance, 3_000.0, SECOND);
    let part = |first, own, pacing| {
        let mut record = Record::new(0, SECOND / 10);
        let share = Share { first, own, all: 5 };
        drive(
            &mut Simulated::new(own, 50 * MICRO, 0),
            &*dialect,
            &*workload,
            schedule.arrivals(9),
            share,
            plan(pacing, 8, SECOND),
            &mut record,
            &Gauge::default(),
        )
        .unwrap();
        record
    };
    let mut both = part(0, 2, Pacing::Open);
    both.add(part(2, 3, Pacing::Open));
    let alone = part(0, 5, Pacing::Open);
    assert_eq!(both.commands_hash, alone.commands_hash);
    assert_eq!(both.all().done, alone.all().done);
    // In a closed loop each takes numbers of its own.
    let (one, two) = (part(0, 2, Pacing::Closed), part(2, 3, Pacing::Closed));
    assert!(one.sent > 1_000 && two.sent > 1_000);
    assert_ne!(one.commands_hash, two.commands_hash);
}
