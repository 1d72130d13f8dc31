//! `INFO`: what the server is and how it is doing, in Redis's form of sections.

use super::protocol::REDIS_VERSION;
use super::session::Session;
use crate::feed::StreamName;
use crate::wire::{Args, Reply};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

type Section = fn(&Session, &mut String);

const SECTIONS: [(&str, Section); 11] = [
    ("Server", server),
    ("Clients", clients),
    ("Persistence", persistence),
    ("Stats", stats),
    ("Replication", replication),
    ("Orders", orders),
    ("Scarcity", scarcity),
    ("Exceptions", exceptions),
    ("Feed", feed),
    ("Ledger", ledger),
    ("State", state),
];

pub(super) fn reply(session: &Session, args: Args<'_>) -> Reply {
    let asked = |name: &str| {
        // These sections walk all positions, or all groups; clients that ask for INFO on connect must not.
        (args.len() == 1 && !["Ledger", "State", "Feed"].contains(&name))
            || args.iter().skip(1).any(|a| {
                [name, "all", "everything"]
                    .iter()
                    .any(|n| a.eq_ignore_ascii_case(n.as_bytes()))
            })
    };
    let mut out = String::new();
    for (name, write) in SECTIONS.iter().filter(|(name, _)| asked(name)) {
        let _ = write!(out, "# {name}\r\n");
        write(session, &mut out);
        out.push_str("\r\n");
    }
    out.into()
}

fn line(out: &mut String, key: &str, value: impl std::fmt::Display) {
    let _ = write!(out, "{key}:{value}\r\n");
}

fn server(session: &Session, out: &mut String) {
    line(out, "redis_version", REDIS_VERSION);
    line(out, "redis_mode", "standalone");
    line(out, "allot_version", env!("CARGO_PKG_VERSION"));
    line(out, "process_id", std::process::id());
    line(out, "tcp_port", session.shared.config.listen.port());
    line(
        out,
        "uptime_in_seconds",
        session.shared.clock.uptime_millis() / 1000,
    );
    if let Some(ready) = session.shared.ready() {
        line(
            out,
            "network",
            ready.engine.with_network(|n| n.name.clone()),
        );
    }
}

fn clients(session: &Session, out: &mut String) {
    line(out, "connected_clients", session.shared.clients.len());
    line(out, "maxclients", session.shared.config.connections_max);
}

fn persistence(session: &Session, out: &mut String) {
    let Some(ready) = session.shared.ready() else {
        line(out, "loading", 1);
        return;
    };
    line(out, "loading", 0);
    line(out, "latest_fact", ready.engine.latest_fact().0);
    let Some(journal) = &ready.journal else {
        line(out, "durability", "none: no data directory");
        return;
    };
    let stats = journal.stats();
    line(out, "durability", journal.durability());
    line(out, "durable_fact", journal.durable().0);
    line(out, "journal_facts", stats.facts);
    line(out, "journal_batches", stats.batches);
    line(out, "journal_syncs", stats.syncs);
    line(out, "journal_bytes", stats.bytes);
    line(out, "journal_segment", stats.segment);
    let failure = journal.failure();
    line(
        out,
        "journal_status",
        if failure.is_some() { "failed" } else { "ok" },
    );
    if let Some(reason) = failure {
        line(out, "journal_failure", reason);
    }
    if let Some(snapshots) = &ready.snapshots {
        let (taken, last) = snapshots.last();
        let running = u8::from(snapshots.is_running());
        line(out, "snapshot_in_progress", running);
        line(out, "snapshots_taken", taken);
        line(out, "snapshot_last_fact", last.fact);
        line(out, "snapshot_last_bytes", last.bytes);
        line(out, "snapshot_last_millis", last.took.as_millis());
        let failed = last.failure.is_some();
        line(out, "snapshot_status", if failed { "failed" } else { "ok" });
        if let Some(reason) = last.failure {
            line(out, "snapshot_failure", reason);
        }
    }
}

/// Reads all state: for comparing before a stop and after the restart.
fn state(session: &Session, out: &mut String) {
    let Some(ready) = session.shared.ready() else {
        return;
    };
    let hash = ready.engine.state_hash(ready.clock.now());
    line(out, "state_hash", format_args!("{hash:016x}"));
}

fn stats(session: &Session, out: &mut String) {
    let stats = &session.shared.stats;
    line(
        out,
        "total_connections_received",
        stats.connections.load(Ordering::Relaxed),
    );
    line(
        out,
        "rejected_connections",
        stats.refused_connections.load(Ordering::Relaxed),
    );
    line(
        out,
        "total_commands_processed",
        stats.commands.load(Ordering::Relaxed),
    );
    line(
        out,
        "total_error_replies",
        stats.errors.load(Ordering::Relaxed),
    );
}

fn replication(_: &Session, out: &mut String) {
    line(out, "role", "master");
    line(out, "connected_slaves", 0);
}

fn orders(session: &Session, out: &mut String) {
    let Some(ready) = session.shared.ready() else {
        return;
    };
    let engine = &ready.engine;
    let counts = engine.order_counts();
    let (known, reservations, references) = engine.identity_counts();
    line(out, "orders_known", known);
    line(out, "orders_accepted", counts.accepted);
    line(out, "orders_split", counts.split);
    line(out, "orders_backordered", counts.backordered);
    line(out, "orders_refused", counts.refused);
    line(out, "orders_cancelled", counts.cancelled);
    line(out, "orders_rerouted", counts.rerouted);
    line(out, "orders_placed_anew", counts.replanned);
    line(out, "orders_compared", engine.orders_compared());
    line(out, "reservations_known", reservations);
    line(out, "references_known", references);
}

/// How scarce units are priced.
fn scarcity(session: &Session, out: &mut String) {
    let Some(pricer) = session.shared.ready().and_then(|r| r.pricer.as_ref()) else {
        return;
    };
    let (rules, last) = (pricer.rules(), pricer.last());
    line(out, "scarcity_live", u8::from(rules.live));
    line(out, "scarcity_solved", last.count);
    line(out, "scarcity_moved_units", pricer.moved());
    line(out, "scarcity_orders", last.priced.orders);
    line(out, "scarcity_positions", last.priced.positions);
    line(out, "scarcity_last_millis", last.took.as_millis());
    let age = last.at.map_or(-1, |at| {
        i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX)
    });
    line(out, "scarcity_age_seconds", age);
    let failed = last.failure.is_some();
    line(out, "scarcity_status", if failed { "failed" } else { "ok" });
    if let Some(reason) = last.failure {
        line(out, "scarcity_failure", reason);
    }
}

/// By type: how many are open, and what became of all there were; and what the network's rules did.
fn exceptions(session: &Session, out: &mut String) {
    let Some(ready) = session.shared.ready() else {
        return;
    };
    let counts = ready.engine.exception_counts();
    let open: u64 = counts.iter().map(|(_, c)| c.open()).sum();
    line(out, "exceptions_open", open);
    let (deadlines, breaches) = ready.engine.watched();
    line(out, "deadlines", deadlines);
    line(out, "deadlines_missed", breaches);
    for (kind, c) in counts {
        let (opened, resolved, automatic) = (c.opened, c.resolved, c.automatic);
        line(
            out,
            &format!("exceptions_{}", kind.name()),
            format_args!(
                "open={},opened={opened},resolved={resolved},automatic={automatic}",
                c.open()
            ),
        );
    }
    for (by, did) in ready.engine.rule_counts() {
        let (action, resolved, in_vain) = (by.action.name(), did.resolved, did.in_vain);
        line(
            out,
            &format!("rule_{}", by.rule),
            format_args!("action={action},resolved={resolved},in_vain={in_vain}"),
        );
    }
}

/// The streams and, group by group, how far behind each is.
fn feed(session: &Session, out: &mut String) {
    let Some((ready, feeder)) = session
        .shared
        .ready()
        .and_then(|r| Some((r, r.feeder.as_ref()?)))
    else {
        return;
    };
    let feed = ready.engine.feed();
    let (fed, safe) = (feed.fed().0, feeder.safe().0);
    line(out, "feed_loading", u8::from(!feeder.is_caught_up()));
    line(out, "feed_fact", fed);
    line(out, "feed_lag_facts", safe.saturating_sub(fed));
    line(out, "feed_blocked_clients", feed.parked());
    for stream in StreamName::ALL {
        let (name, stats) = (stream.name(), feed.stats(stream));
        let (len, added, first, last) = (stats.len, stats.added, stats.first, stats.last);
        line(
            out,
            &format!("stream_{name}"),
            format_args!(
                "length={len},added={added},first={first},last={last},bytes={}",
                stats.bytes
            ),
        );
        for (group, state) in feed.groups_image(stream).iter() {
            // Names are any bytes, and a line is a line.
            let key = format!("group_{name}/{}", group.escape_ascii());
            let lag = state
                .lag(&stats)
                .map_or("unknown".to_owned(), |lag| lag.to_string());
            let (pending, consumers) = (state.pending().len(), state.consumers().len());
            line(
                out,
                &key,
                format_args!("lag={lag},pending={pending},consumers={consumers}"),
            );
        }
    }
}

fn ledger(session: &Session, out: &mut String) {
    let Some(ready) = session.shared.ready() else {
        return;
    };
    let engine = &ready.engine;
    let totals = engine.ledger().totals(ready.clock.now());
    line(out, "skus", engine.registry().sku_count());
    line(out, "locations", engine.registry().location_count());
    line(out, "channels", engine.registry().channel_count());
    line(out, "positions", totals.positions);
    line(out, "units_on_hand", totals.on_hand);
    line(out, "units_held", totals.held);
    line(out, "units_reserved", totals.reserved);
    line(out, "claims", totals.claims);
    line(out, "claims_expired", totals.expired);
    line(out, "positions_oversold", totals.oversold);
    line(out, "ledger_bytes", totals.memory_bytes);
}
