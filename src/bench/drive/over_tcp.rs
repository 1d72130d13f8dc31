//! The driver over real sockets: against a server that withholds its replies, and against one that keeps what it
//! was sent. What is expected follows from the schedule alone, so that no busy machine can break it.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

use super::*;
use crate::bench::dialect::{Allot, Dialect};
use crate::bench::profile::{Catalogue, Workload, named};
use crate::wire::{Decoded, Limits, RequestDecoder};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// Commands of a connection that have no reply before the last of them has arrived.
type Withheld = Range<usize>;

/// Serves `links` connections; what each of them was sent, in the order in which they were opened.
fn serve(links: usize, withheld: Withheld) -> (SocketAddr, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let accept = |_| {
            let (stream, _) = listener.accept().unwrap();
            let withheld = withheld.clone();
            std::thread::spawn(move || answer(stream, &withheld))
        };
        let threads: Vec<_> = (0..links).map(accept).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    (address, server)
}

/// Answers one connection until it is closed; what it was sent.
fn answer(mut stream: TcpStream, withheld: &Withheld) -> Vec<u8> {
    let (mut all, mut pending, mut chunk) = (Vec::new(), Vec::new(), vec![0; 64 << 10]);
    let mut decoder = RequestDecoder::default();
    let (mut arrived, mut answered) = (0, 0);
    loop {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return all,
            Ok(count) => {
                all.extend_from_slice(&chunk[..count]);
                pending.extend_from_slice(&chunk[..count]);
            }
        }
        while let Ok(Decoded::Command { consumed, .. }) =
            decoder.decode(&pending, &Limits::authenticated())
        {
            pending.drain(..consumed);
            arrived += 1;
        }
        let may = match withheld.contains(&arrived) {
            true => withheld.start,
            false => arrived,
        };
        while answered < may {
            // The driver may be gone already.
            if stream.write_all(b"*1\r\n*2\r\n:7\r\n$-1\r\n").is_err() {
                return all;
            }
            answered += 1;
        }
    }
}

fn driven(address: SocketAddr, links: usize, schedule: &Schedule, seed: u64) -> Record {
    let profile = named("reserve").unwrap().tiny();
    let workload = Arc::new(Workload::new(&profile, seed));
    let catalogue = Arc::new(Catalogue::new(&profile));
    let dialect = Allot::new(catalogue, workload.clone(), None);
    let mut wire = Sockets::connect(address, links, Arc::new(|_| Ok(())), Instant::now()).unwrap();
    let plan = Plan {
        pacing: Pacing::Open,
        depth: 100_000,
        until: schedule.length(),
        patience: 120 * SECOND,
        reconnect: false,
    };
    let share = Share {
        first: 0,
        own: links,
        all: links,
    };
    let mut record = Record::new(0, SECOND / 10);
    drive(
        &mut wire,
        &dialect as &dyn Dialect,
        &*workload,
        schedule.arrivals(seed),
        share,
        plan,
        &mut record,
        &Gauge::default(),
    )
    .unwrap();
    record
}

/// Two thousand commands a second, and a server that stalls from the 200th on until it has the 600th. So each of
/// these has waited at least until the 600th was due, 0.2 s for the first of them and less and less for the others;
/// a driver that waited for its replies would have sent one of them.
#[test]
fn a_stall_is_recorded_for_every_command_that_fell_due_meanwhile() {
    let (address, server) = serve(1, 200..600);
    let schedule = Schedule::constant(Spacing::Even, 2_000.0, SECOND / 2);
    let record = driven(address, 1, &schedule, 1);
    drop(server.join().unwrap());
    let due: Vec<Nanos> = schedule.arrivals(1).collect();
    let all = record.all();
    assert_eq!((all.done, all.unanswered), (due.len() as u64, 0));
    for millis in [1u64, 20, 50, 100, 150, 190] {
        let least = millis * 1_000_000;
        let waited = due[200..599].iter().filter(|at| due[599] - **at >= least);
        let expected = waited.count() as u64;
        // The histogram keeps three digits.
        let found = all.latency.count_between(least - least / 500, u64::MAX);
        assert!(found >= expected, "{millis} ms: {found} of {expected}");
        assert!(expected > 10, "{millis} ms: {expected}");
    }
    assert!(all.latency.max() >= (due[599] - due[200]) / 1_000 * 999);
}

#[test]
fn the_same_seed_sends_the_same_bytes_on_every_connection() {
    let schedule = Schedule::constant(Spacing::Chance, 4_000.0, SECOND / 4);
    let sent = |seed| {
        let (address, server) = serve(3, 0..0);
        let record = driven(address, 3, &schedule, seed);
        (server.join().unwrap(), record.commands_hash, record.sent)
    };
    let (one, two, other) = (sent(7), sent(7), sent(8));
    assert!(one.0.iter().all(|bytes| bytes.len() > 10_000));
    assert!(one == two, "{} and {} commands", one.2, two.2);
    assert!(one.0 != other.0 && one.1 != other.1);
}
