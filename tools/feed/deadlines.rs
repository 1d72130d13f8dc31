//! Open orders that each have a deadline: what it takes in memory and in time, and how soon a breach is
//! told.
//!
//! Each engine has a process of its own, so that what the system says of its memory is about it alone; the
//! one without deadlines has `never = true` for every state. Breaches are read over TCP by a client parked
//! in `XREAD`, while all the other orders have their deadlines too.

use crate::scan::Line;
use allot::bench::synthetic::{self, Popularity};
use allot::engine::{ClaimAsk, Engine, Limits, PartName, Token};
use allot::lifecycle::State;
use allot::model::{
    Change, ClaimMode, DeadlineRow, EpochMillis, Limit, Millis, Network, Order, OrderKey,
};
use allot::server::{Clock, Server, ServerConfig};
use anyhow::{Context as _, ensure};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const LOCATIONS: u16 = 20;
const SKUS: u32 = 20_000;
/// How long an order of the channel `late` may stay unclaimed.
const SPAN: Millis = Millis(2_000);

/// What an engine of one kind came to.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Kept {
    /// Bytes of memory for an order.
    pub(crate) bytes: f64,
    /// Nanoseconds to place an order.
    pub(crate) placed: f64,
    /// Nanoseconds for one of claim, acknowledge, pick, pack, ship, deliver.
    pub(crate) moved: f64,
    /// From due to read by a client: median, 99 of 100, longest, in milliseconds; and of how many.
    pub(crate) told: Option<([i64; 3], usize)>,
}

fn network(deadlines: bool) -> Network {
    let rule = |state, channel: Option<&str>, limit| DeadlineRow {
        state,
        channel: channel.map(Into::into),
        location: None,
        limit,
    };
    let short = Limit {
        span: SPAN,
        working: false,
    };
    let rules = match deadlines {
        true => vec![rule(State::Routed, Some("late"), Some(short))],
        false => State::ALL
            .map(|(_, state)| rule(state, None, None))
            .to_vec(),
    };
    Network {
        deadlines: rules,
        ..synthetic::network(LOCATIONS, 1)
    }
}

/// Bytes of memory that this process has.
fn memory() -> anyhow::Result<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').nth(1).context("statm has two numbers")?;
    Ok(pages.parse::<f64>()? * 4096.0)
}

fn per(since: Instant, count: usize) -> f64 {
    since.elapsed().as_nanos() as f64 / count as f64
}

/// In a process of its own: so many open orders, so many of them moved on, so many breaches.
pub(crate) fn keep(
    deadlines: bool,
    orders: usize,
    moved: usize,
    breaches: usize,
) -> anyhow::Result<Kept> {
    let clock = Clock::start();
    let opening = synthetic::opening(SKUS, LOCATIONS, 1_000_000);
    let engine = Engine::new(
        network(deadlines),
        opening,
        Limits::default(),
        None,
        clock.now(),
    )?;
    let before = memory()?;
    let mut spent = Duration::ZERO;
    for start in (0..orders).step_by(10_000) {
        let count = (orders - start).min(10_000);
        let baskets = synthetic::baskets(SKUS, count, Popularity::Zipf, start as u64);
        let placed: Vec<Arc<Order>> = (start..)
            .zip(&baskets)
            .map(|(n, basket)| Arc::new(synthetic::order(n, basket, clock.now())))
            .collect();
        let since = Instant::now();
        for order in placed {
            engine.submit(order, clock.now())?;
        }
        spent += since.elapsed();
    }
    let bytes = (memory()? - before) / orders as f64;
    let placed = spent.as_nanos() as f64 / orders as f64;
    let moved = move_on(&engine, &clock, orders, moved)?;
    let told = match (deadlines, breaches) {
        (true, 1..) => Some(told(engine, clock, breaches)?),
        _ => None,
    };
    Ok(Kept {
        bytes,
        placed,
        moved,
        told,
    })
}

/// Every so manieth order is claimed and goes on to its end; nanoseconds for each step of each part.
fn move_on(engine: &Engine, clock: &Clock, orders: usize, count: usize) -> anyhow::Result<f64> {
    let changes = [
        Change::Acknowledge,
        Change::Pick,
        Change::Pack,
        Change::Ship {
            parcels: Vec::new(),
        },
        Change::Deliver { parcel: None },
    ];
    let ids = (0..orders).step_by((orders / count).max(1));
    let ids: Vec<String> = ids.map(|n| n.to_string()).collect();
    let (since, mut steps) = (Instant::now(), 0);
    for id in &ids {
        let mut parts: Vec<(u32, Token)> = Vec::new();
        for view in engine.fulfillments("bench", id)? {
            let Some(route) = view.part.route else {
                continue;
            };
            let ask = ClaimAsk {
                location: engine.registry().location_name(route.location),
                holder: "wms",
                count: 1,
                lease: Millis(3_600_000),
                mode: ClaimMode::WorkAtOnce,
                order: Some(("bench", id)),
            };
            let handed = engine.claim(&ask, clock.now())?.into_iter();
            parts.extend(handed.map(|(view, release)| (view.part.id.number, release.token)));
        }
        parts.sort_by_key(|(number, _)| *number);
        parts.dedup_by_key(|(number, _)| *number);
        for (number, token) in &parts {
            let name = PartName {
                source: "bench",
                order: id,
                number: *number,
            };
            for change in &changes {
                engine.tell_fulfillment(name, Some(token), change, clock.now())?;
            }
        }
        steps += parts.len() * (changes.len() + 1);
    }
    ensure!(steps > 0, "nothing was claimed");
    Ok(per(since, steps))
}

/// Serves the engine, places orders whose time runs out, and reads over TCP that it has.
fn told(engine: Engine, clock: Clock, breaches: usize) -> anyhow::Result<([i64; 3], usize)> {
    let engine = Arc::new(engine);
    let (tell, address) = mpsc::channel();
    let served = engine.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("threads are to be had");
        runtime.block_on(async {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let config = ServerConfig {
                listen,
                ..ServerConfig::default()
            };
            let server = Server::listen(config).await.expect("a port is free");
            server.opener().open(served, None, None, clock);
            // Nobody listens any more only when the measurement has failed.
            let _ = tell.send(server.address().to_string());
            server.serve().await;
        });
    });
    let mut line = Line::new(&address.recv()?)?;
    while line.ask(&["XLEN", "exceptions"]).is_err() {
        // The feed is being read.
        std::thread::sleep(Duration::from_millis(20));
    }
    let reader = std::thread::spawn(move || read(&mut line, &clock, breaches));
    // Over twice the span, so that they run out while others come.
    let apart = Duration::from_millis(2 * SPAN.0) / u32::try_from(breaches)?;
    let since = Instant::now();
    for n in 0..breaches {
        let due = since + apart * u32::try_from(n)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let basket = synthetic::baskets(SKUS, 1, Popularity::Zipf, n as u64);
        let mut order = synthetic::order(n, &basket[0], clock.now());
        order.key = OrderKey::new("late", &n.to_string());
        order.channel = "late".into();
        engine.submit(Arc::new(order), clock.now())?;
    }
    let mut late = match reader.join() {
        Ok(late) => late?,
        Err(_) => anyhow::bail!("the reader ended before its time"),
    };
    late.sort_unstable();
    let quantile = |of_100: usize| late[(late.len() * of_100 / 100).min(late.len() - 1)];
    Ok(([50, 99, 100].map(quantile), late.len()))
}

/// Milliseconds from due to here, of so many breaches.
fn read(line: &mut Line, clock: &Clock, breaches: usize) -> anyhow::Result<Vec<i64>> {
    let (mut late, mut after) = (Vec::new(), "0".to_owned());
    while late.len() < breaches {
        line.send(&["XREAD", "BLOCK", "60000", "STREAMS", "exceptions", &after]);
        line.flush()?;
        let events = line.events()?;
        let now = clock.now();
        ensure!(
            !events.is_empty(),
            "{} breaches of {breaches} in time",
            late.len()
        );
        for (id, fields) in events {
            let field = |name: &str| {
                let mut pairs = fields.chunks(2).filter(|pair| pair.len() == 2);
                pairs.find(|pair| pair[0] == name).map(|pair| &*pair[1])
            };
            if field("source") == Some("late") && field("cause") == Some("not_claimed") {
                let detail = field("detail").unwrap_or_default();
                let (_, due) = detail.rsplit_once("due ").context("a detail says when")?;
                late.push(now.0 - EpochMillis::parse(due).context("a moment")?.0);
            }
            after = id;
        }
    }
    Ok(late)
}
