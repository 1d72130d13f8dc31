//! Events to consumer groups, one server after the other: the same events (fields and sizes), the same
//! client, the same batches, a connection for each group.
//!
//! *Behind*: the events are there, and every group reads and acknowledges all of them. *Live*: the groups
//! are parked in a blocking read while one writer writes; what it gets done without any group is the
//! measure of what they cost it.

use crate::scan::Line;
use crate::servers::Server;
use anyhow::{bail, ensure};
use std::time::{Duration, Instant};

const STREAM: &str = "stock";
/// Events asked for, and acknowledged, at once.
pub(crate) const BATCH: usize = 250;
/// Writes sent before their replies are read.
pub(crate) const DEPTH: usize = 64;

/// What one group count came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fanned {
    /// Events read and acknowledged a second, over all groups, of those that were there.
    pub(crate) behind: f64,
    /// The same while they are written.
    pub(crate) live: f64,
    /// Writes answered a second meanwhile.
    pub(crate) writes: f64,
    /// From a write until its answer, 99 of 100, with those before it in its batch.
    pub(crate) write_p99: Duration,
}

impl Fanned {
    /// The better of each: what disturbs a run only ever makes it slower.
    pub(crate) fn better(self, other: Self) -> Self {
        let waits = [self.write_p99, other.write_p99].into_iter();
        Self {
            behind: self.behind.max(other.behind),
            live: self.live.max(other.live),
            writes: self.writes.max(other.writes),
            write_p99: waits.filter(|p99| !p99.is_zero()).min().unwrap_or_default(),
        }
    }
}

/// Writes so many events; writes answered a second, and 99 of 100 latencies.
pub(crate) fn write(server: &Server, events: usize, name: &str) -> anyhow::Result<(f64, Duration)> {
    let mut line = server.connect()?;
    let since = Instant::now();
    let mut waits = Vec::with_capacity(events);
    for start in (0..events).step_by(DEPTH) {
        let end = events.min(start + DEPTH);
        for n in start..end {
            put(&mut line, server, name, n);
        }
        let sent = Instant::now();
        line.flush()?;
        for _ in start..end {
            line.skip()?;
            waits.push(sent.elapsed());
        }
    }
    let rate = events as f64 / since.elapsed().as_secs_f64();
    waits.sort_unstable();
    let p99 = waits.get(waits.len() * 99 / 100).copied();
    Ok((rate, p99.unwrap_or_default()))
}

/// A movement of one unit, as Allot makes an event of it and as the same event for Redis.
fn put(line: &mut Line, server: &Server, name: &str, n: usize) {
    let reference = format!("{name}-{n}");
    if server.name == "Allot" {
        line.send(&[
            "STOCK.ADJUST",
            &reference,
            "SKU-00001",
            "DC-ORD",
            "1",
            "filled",
        ]);
        return;
    }
    let (before, after) = ((1000 + n).to_string(), (1001 + n).to_string());
    let moment = "2026-11-28T05:00:00.123Z";
    line.send(&[
        "XADD",
        STREAM,
        "*",
        "type",
        "stock.moved",
        "at",
        moment,
        "sku",
        "SKU-00001",
        "location",
        "DC-ORD",
        "before",
        &before,
        "after",
        &after,
        "change",
        "1",
        "reason",
        "filled",
        "as_of",
        moment,
        "ref",
        &reference,
    ]);
}

/// Waits until everything that was written is in the stream.
fn settle(server: &Server, line: &mut Line) -> anyhow::Result<()> {
    let since = Instant::now();
    // In Redis it is there when the writer is answered.
    if server.name != "Allot" {
        return Ok(());
    }
    loop {
        let info = line.ask(&["INFO", "persistence", "feed"])?;
        let told = |key: &str| info.lines().find_map(|l| l.trim().strip_prefix(key));
        if told("latest_fact:") == told("feed_fact:") {
            return Ok(());
        }
        ensure!(
            since.elapsed() < Duration::from_secs(120),
            "the feed stays behind"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One row: `groups` groups, `events` for each of them. `run` keeps its writes apart from others.
pub(crate) fn fan_out(
    server: &Server,
    groups: usize,
    events: usize,
    run: &str,
) -> anyhow::Result<Fanned> {
    let names: Vec<String> = (0..groups).map(|n| format!("g{n}")).collect();
    let mut line = server.connect()?;
    settle(server, &mut line)?;
    for name in &names {
        line.ask(&["XGROUP", "CREATE", STREAM, name, "$", "MKSTREAM"])?;
    }
    write(server, events, &format!("behind-{run}"))?;
    settle(server, &mut line)?;
    let since = Instant::now();
    read_all(server, &names, events, || Ok(()))?;
    let behind = (groups * events) as f64 / since.elapsed().as_secs_f64();

    let since = Instant::now();
    let mut written = (0.0, Duration::ZERO);
    read_all(server, &names, events, || {
        parked(server, groups)?;
        written = write(server, events, &format!("live-{run}"))?;
        Ok(())
    })?;
    let live = (groups * events) as f64 / since.elapsed().as_secs_f64();
    for name in &names {
        line.ask(&["XGROUP", "DESTROY", STREAM, name])?;
    }
    let (writes, write_p99) = written;
    Ok(Fanned {
        behind,
        live,
        writes,
        write_p99,
    })
}

/// Waits until so many readers are parked.
fn parked(server: &Server, readers: usize) -> anyhow::Result<()> {
    let (mut line, since) = (server.connect()?, Instant::now());
    let (section, key) = match server.name {
        "Allot" => ("feed", "feed_blocked_clients:"),
        _ => ("clients", "blocked_clients:"),
    };
    loop {
        let info = line.ask(&["INFO", section])?;
        let count = info.lines().find_map(|l| l.trim().strip_prefix(key));
        let Some(count) = count else {
            bail!("INFO {section} has no {key}");
        };
        if count.parse::<usize>()? >= readers {
            return Ok(());
        }
        ensure!(
            since.elapsed() < Duration::from_secs(60),
            "readers are not parked"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every group reads and acknowledges so many events, while `meanwhile` is done.
fn read_all(
    server: &Server,
    names: &[String],
    events: usize,
    meanwhile: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let readers: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(move || read(server, name, events)))
            .collect();
        meanwhile()?;
        for reader in readers {
            match reader.join() {
                Ok(done) => done?,
                Err(_) => bail!("a reader ended before its time"),
            }
        }
        Ok(())
    })
}

/// Reads a group to its end. What was read is acknowledged in the same round trip as more is asked for.
fn read(server: &Server, group: &str, events: usize) -> anyhow::Result<()> {
    let (mut line, count) = (server.connect()?, BATCH.to_string());
    let (mut ids, mut done): (Vec<String>, usize) = (Vec::new(), 0);
    while done < events {
        let acknowledged = ids.len();
        if acknowledged > 0 {
            let mut words = vec!["XACK", STREAM, group];
            words.extend(ids.iter().map(String::as_str));
            line.send(&words);
        }
        let more = done + acknowledged < events;
        if more {
            line.send(&[
                "XREADGROUP",
                "GROUP",
                group,
                "c",
                "COUNT",
                &count,
                "BLOCK",
                "60000",
                "STREAMS",
                STREAM,
                ">",
            ]);
        }
        line.flush()?;
        if acknowledged > 0 {
            let told: usize = line.plain()?.parse()?;
            ensure!(
                told == acknowledged,
                "{told} of {acknowledged} acknowledged"
            );
            done += acknowledged;
        }
        ids = if more { line.ids()? } else { Vec::new() };
        ensure!(
            !more || !ids.is_empty(),
            "{group} has read {done} of {events}"
        );
    }
    Ok(())
}

/// Processor time a second of a server with so many parked readers and nothing to do.
pub(crate) fn idle(server: &Server, readers: usize, seconds: u64) -> anyhow::Result<Duration> {
    let mut lines = Vec::with_capacity(readers);
    for _ in 0..readers {
        let mut line = server.connect()?;
        line.send(&["XREAD", "BLOCK", "0", "STREAMS", STREAM, "$"]);
        line.flush()?;
        lines.push(line);
    }
    parked(server, readers)?;
    std::thread::sleep(Duration::from_millis(500));
    let (before, since) = (server.processor_time()?, Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let spent = server.processor_time()?.saturating_sub(before);
    Ok(spent.div_f64(since.elapsed().as_secs_f64()))
}
