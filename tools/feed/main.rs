//! The event feed, the life of an order, and deadlines, measured.
//!
//! ```text
//! cargo run --release --example feed-bench                 all of it; some minutes
//! cargo run --release --example feed-bench -- fan-out      events to 1, 10 and 100 groups, beside Redis Streams
//! cargo run --release --example feed-bench -- idle         what parked readers cost
//! cargo run --release --example feed-bench -- life         orders from placed to delivered over TCP, in `sync`
//! cargo run --release --example feed-bench -- deadlines    a million open orders that each have one
//! cargo run --release --example feed-bench -- --tiny       the smallest, to see that it still works
//! ```
//!
//! `tools/feed/run` builds what it needs. Allot serves a copy of the sample network in which no location is
//! full and no item runs out; Redis (Debian: redis-server) is left out where it is not installed. Both run
//! on loopback, one after the other, on the cores that the client has too: read ratios.

#![allow(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]
#![allow(clippy::float_arithmetic, reason = "rates and ratios for people")]
#![allow(clippy::cast_precision_loss, reason = "rates and ratios for people")]

mod deadlines;
mod fan_out;
mod life;
mod network;
mod scan;
mod servers;

use anyhow::{Context as _, bail, ensure};
use deadlines::Kept;
use fan_out::{BATCH, DEPTH, Fanned, fan_out, idle};
use servers::{Programs, Safety, Server, find};
use std::process::Command;
use std::time::Duration;

const PARTS: [&str; 4] = ["fan-out", "idle", "life", "deadlines"];

fn main() -> anyhow::Result<()> {
    let (mut parts, mut tiny) = (Vec::new(), false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--tiny" => tiny = true,
            "--keep" => return keep_here(&words.collect::<Vec<_>>()),
            part if PARTS.contains(&part) => parts.push(part.to_owned()),
            other => bail!("unknown argument '{other}'; expected --tiny or {PARTS:?}"),
        }
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let folder = tempfile::tempdir()?;
    network::write(folder.path())?;
    let allot = std::env::current_exe()?.with_file_name("").join("../allot");
    ensure!(
        allot.is_file(),
        "{} is not there: run tools/feed/run",
        allot.display()
    );
    let programs = Programs {
        allot,
        redis: find("redis-server"),
        network: folder.path().to_owned(),
    };
    if programs.redis.is_none() {
        println!("redis-server is not installed: left out (Debian: redis-server)");
    }
    if wanted("fan-out") {
        for safety in [Safety::Memory, Safety::Sync] {
            fan_out_table(&programs, safety, tiny)?;
        }
    }
    if wanted("idle") {
        idle_table(&programs, tiny)?;
    }
    if wanted("life") {
        life_table(&programs, tiny)?;
    }
    if wanted("deadlines") {
        deadlines_table(tiny)?;
    }
    Ok(())
}

fn servers(programs: &Programs, safety: Safety) -> anyhow::Result<Vec<Server>> {
    let allot = programs.allot(safety)?;
    Ok(std::iter::once(allot)
        .chain(programs.redis(safety)?)
        .collect())
}

fn fan_out_table(programs: &Programs, safety: Safety, tiny: bool) -> anyhow::Result<()> {
    // Events for each group, so that every row takes about as long; 0 groups is the writer alone.
    let rows: &[(usize, usize)] = match tiny {
        true => &[(0, 500), (1, 500), (5, 500)],
        false => &[(0, 100_000), (1, 100_000), (10, 50_000), (100, 10_000)],
    };
    let rounds = if tiny { 1 } else { 3 };
    let (appends, sync) = match safety {
        Safety::Memory => ("without a file", "no answer waits for a disk"),
        Safety::Sync => (
            "appendfsync always",
            "every answer to a write waits for the disk",
        ),
    };
    println!(
        "\nEvents to consumer groups; {sync} (Allot {}, Redis {appends}).\nXREADGROUP COUNT {BATCH} and \
         XACK of all of it, a connection a group; {DEPTH} writes at once; the servers in turns, the best \
         of {rounds}\n",
        safety.name()
    );
    println!("         groups   events   behind/s     live/s   writes/s   of alone   write p99");
    let servers = servers(programs, safety)?;
    for server in &servers {
        // What is made on first use is not measured.
        fan_out::write(server, rows[0].1, "warm")?;
    }
    let mut alone = vec![0.0; servers.len()];
    for &(groups, events) in rows {
        let mut best = vec![Fanned::default(); servers.len()];
        for round in 0..rounds {
            for (server, best) in servers.iter().zip(&mut best) {
                let name = format!("{groups}-{round}");
                *best = best.better(fan_out(server, groups, events, &name)?);
            }
        }
        for ((server, row), alone) in servers.iter().zip(&best).zip(&mut alone) {
            if groups == 0 {
                *alone = row.writes;
            }
            println!(
                "{:<8} {groups:>6}   {events:>6} {:>10.0} {:>10.0} {:>10.0}   {:>6.0} %   {:>9.1?}",
                server.name,
                row.behind,
                row.live,
                row.writes,
                100.0 * row.writes / *alone,
                row.write_p99
            );
        }
        if let [allot, redis] = &best[..] {
            let [behind, live] = [allot.behind / redis.behind, allot.live / redis.live];
            let writes = allot.writes / redis.writes;
            let of = |ratio: f64| match ratio.is_finite() {
                true => format!("{ratio:.2}x"),
                false => String::new(),
            };
            let [behind, live, writes] = [behind, live, writes].map(of);
            println!("ratio    {groups:>6}          {behind:>10} {live:>10} {writes:>10}");
        }
    }
    Ok(())
}

fn idle_table(programs: &Programs, tiny: bool) -> anyhow::Result<()> {
    let (readers, seconds) = if tiny { (10, 1) } else { (100, 10) };
    println!("\nProcessor time a second of an idle server, over {seconds} s\n");
    for server in servers(programs, Safety::Sync)? {
        let none = idle(&server, 0, seconds)?;
        let some = idle(&server, readers, seconds)?;
        println!(
            "{:<8} no reader {none:>8.1?}   {readers} readers parked in XREAD BLOCK 0 {some:>8.1?}",
            server.name
        );
    }
    Ok(())
}

fn life_table(programs: &Programs, tiny: bool) -> anyhow::Result<()> {
    let (clients, orders) = if tiny { (2, 40) } else { (16, 2_000) };
    let server = programs.allot(Safety::Sync)?;
    if !tiny {
        life::live(&server, 1, 200, "warm")?;
    }
    let all = life::live(&server, clients, orders, "life")?;
    let seconds = all.took.as_secs_f64();
    println!(
        "\nPlaced to delivered over TCP, journal in sync: {clients} connections, {} commands at once\n\n{} \
         orders of {} parts in {seconds:.1} s: {:.0} orders/s, {:.0} transitions/s ({} of each part)\n",
        life::TOGETHER,
        all.orders,
        all.parts,
        all.orders as f64 / seconds,
        (all.parts * life::STATES) as f64 / seconds,
        life::STATES
    );
    println!("command        p50        p99    longest");
    for (step, [p50, p99, most]) in all.steps {
        println!("{step:<8} {p50:>9.2?} {p99:>10.2?} {most:>10.2?}");
    }
    Ok(())
}

/// What [`keep_here`] is told: whether with deadlines, orders, how many move on, breaches.
fn keep_there(deadlines: bool, sizes: [usize; 3]) -> anyhow::Result<Kept> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--keep", &deadlines.to_string()]);
    command.args(sizes.map(|n| n.to_string()));
    let done = command.output()?;
    let errors = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{errors}");
    Ok(serde_json::from_slice(&done.stdout)?)
}

fn keep_here(words: &[String]) -> anyhow::Result<()> {
    let [deadlines, orders, moved, breaches] = words else {
        bail!("--keep is for this program itself");
    };
    let (orders, moved) = (orders.parse()?, moved.parse()?);
    let kept = deadlines::keep(deadlines.parse()?, orders, moved, breaches.parse()?)?;
    println!("{}", serde_json::to_string(&kept)?);
    Ok(())
}

fn deadlines_table(tiny: bool) -> anyhow::Result<()> {
    let (orders, moved, breaches) = match tiny {
        true => (3_000, 300, 50),
        false => (1_000_000, 100_000, 4_000),
    };
    println!(
        "\n{orders} open orders of two lines on average; {moved} of them claimed, acknowledged, picked, \
         packed, shipped, delivered; in process, one thread\n"
    );
    println!("                     bytes an order   ns to place   ns a transition");
    let rounds = if tiny { 1 } else { 3 };
    let (mut with, mut without): (Vec<Kept>, Vec<Kept>) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        // In turns, so that what the machine does beside it falls on both.
        without.push(keep_there(false, [orders, moved, 0])?);
        with.push(keep_there(true, [orders, moved, breaches])?);
    }
    let least = |all: &[Kept], of: fn(&Kept) -> f64| all.iter().map(of).fold(f64::MAX, f64::min);
    let columns: [fn(&Kept) -> f64; 3] = [|k| k.bytes, |k| k.placed, |k| k.moved];
    let [without, with_all] = [&without, &with].map(|all| columns.map(|of| least(all, of)));
    for (name, row) in [("without deadlines", without), ("with", with_all)] {
        let [bytes, placed, moved] = row;
        println!("{name:<18} {bytes:>16.0}   {placed:>11.0}   {moved:>15.0}");
    }
    let more: Vec<f64> = with_all.iter().zip(without).map(|(a, b)| a - b).collect();
    println!(
        "{:<18} {:>16.0}   {:>11.0}   {:>15.0}",
        "a deadline costs", more[0], more[1], more[2]
    );
    println!("(the least of {rounds})\n");
    let told = with.iter().filter_map(|kept| kept.told);
    let worst = told
        .max_by_key(|(late, _)| late[2])
        .context("breaches were asked for")?;
    let ([p50, p99, most], count) = worst;
    println!(
        "breach to alert, read over TCP beside all these: {count} breaches, p50 {p50} ms, p99 {p99} ms, \
         longest {most} ms"
    );
    let limit = i64::try_from(Duration::from_secs(1).as_millis())?;
    ensure!(most < limit, "an alert came after {most} ms");
    Ok(())
}
