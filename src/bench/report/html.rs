//! Results as one HTML file: tables, charts, conditions. It loads nothing from anywhere.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]

use super::{Results, Searched};
use crate::bench::capacity::Answered;
use crate::bench::run::{Report, Row};
use crate::chart::{self, Bars, Chart, Group, Scale, Series, escape, plain, rate_of, time_of};
use std::fmt::Write as _;

/// The page.
#[must_use]
pub fn page(results: &Results) -> String {
    let mut out = String::new();
    out.push_str(&results.plan.as_ref().map_or_else(String::new, plan));
    for search in &results.searches {
        out.push_str(&searched(search));
        out.push_str(&search.run.as_ref().map_or_else(String::new, section));
    }
    let sizes = memory(results);
    for run in &results.runs {
        out.push_str(&section(run));
    }
    out.push_str(&sizes);
    chart::page("Allot: measured", &out)
}

/// What a load to come needs.
fn plan(answer: &Answered) -> String {
    let mut out = String::from(
        "<section><h2>What the load to come needs</h2><table><thead><tr><th>need</th><th>how much</th>\
         <th>because</th><th>beyond what was measured</th></tr></thead><tbody>",
    );
    for need in &answer.needs {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1} times</td></tr>",
            escape(&need.what),
            escape(&need.amount),
            escape(&need.because),
            need.beyond
        );
    }
    out.push_str("</tbody></table></section>");
    out
}

fn searched(search: &Searched) -> String {
    let mut out = format!(
        "<section><h2>{}, durability {}: what holds {}</h2>",
        escape(&search.title),
        escape(&search.durability),
        escape(&search.objective)
    );
    let answer = match search.found.holds {
        Some(rate) => format!(
            "<b>{}</b> commands a second, <b>{}</b> orders among them, hold it; {} do not. Waiting begins at \
             about {}.",
            rate_of(rate),
            rate_of(search.orders_per_second),
            search.found.fails.map_or("more".into(), rate_of),
            search.knee.map_or("no rate that was tried".into(), rate_of)
        ),
        None => "No rate that was tried holds it.".to_owned(),
    };
    let _ = write!(
        out,
        "<p>{answer}</p><p class=\"small\">{} SKUs × {} locations; {} runs.</p>",
        search.skus,
        search.locations,
        search.found.points.len()
    );
    let mut points = search.found.points.clone();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let series = |name: &str, of: &dyn Fn(&crate::bench::drive::Summary) -> u64| Series {
        name: name.to_owned(),
        points: points
            .iter()
            .map(|p| (p.rate, of(&p.latency) as f64))
            .collect(),
        dots: false,
    };
    let chart = Chart {
        title: "Latency by rate".into(),
        x: ("commands offered a second".into(), Scale::Log),
        y: ("latency".into(), Scale::Log),
        series: vec![
            series("p50", &|l| l.p50),
            series("p99", &|l| l.p99),
            series("p99.9", &|l| l.p999),
        ],
        bands: Vec::new(),
        lines: Vec::new(),
        words: (rate_of, time_of),
    };
    out.push_str(&chart.figure());
    out.push_str("</section>");
    out
}

fn section(run: &Report) -> String {
    let loop_of = if run.pacing == "closed" {
        ", closed loop"
    } else {
        ""
    };
    let (title, durability) = (escape(&run.title), escape(&run.conditions.durability));
    let mut out = format!(
        "<section><h2>{title}, durability {durability}{loop_of}</h2><ul class=\"conditions\">"
    );
    for line in run.conditions.lines() {
        let _ = write!(out, "<li>{}</li>", escape(&line));
    }
    let offered = match run.pacing.as_str() {
        "open" => format!(
            "{} commands a second offered on average, {} at most; latency counts from when a command was due",
            rate_of(run.offered_per_second),
            rate_of(run.offered_most)
        ),
        _ => "a closed loop: as many as are answered; latency counts from the sending".to_owned(),
    };
    let _ = write!(out, "<li>{offered}</li></ul>");
    for warning in [&run.driver.behind, &run.driver.limit]
        .into_iter()
        .flatten()
    {
        let _ = write!(out, "<p class=\"warning\">{}</p>", escape(warning));
    }
    let _ = write!(
        out,
        "<p><b>{}</b> commands a second answered, <b>{}</b> orders among them. Oversold: <b>{}</b> of all \
         positions, {} of {} read one by one.</p>",
        rate_of(run.per_second),
        rate_of(run.orders_per_second),
        run.check.oversold,
        run.check.read_oversold,
        run.check.read
    );
    out.push_str(&table(run));
    out.push_str("<div class=\"charts\">");
    out.push_str(&timeline(run).figure());
    out.push_str(&rate(run).figure());
    out.push_str(&histogram(run).figure());
    out.push_str(&percentiles(run).figure());
    out.push_str(&disk(run).figure());
    out.push_str("</div>");
    if let Some(server) = &run.server {
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        let _ = write!(
            out,
            "<p class=\"small\">Server: {:.2} cores, {:.0} MiB before and {:.0} MiB after, {:.0} syncs and {:.0} \
             facts a second of {:.0} bytes, {} snapshots, event feed at most {} facts behind. Driver: late by {} \
             at p99, busy {:.0} %. Hash of the commands {}, of the result {}.</p>",
            server.cores,
            mib(server.memory_before),
            mib(server.memory_after),
            server.syncs_per_second,
            server.facts_per_second,
            server.bytes_per_fact,
            server.snapshots,
            server.feed_lag_most,
            time_of(run.driver.lag.p99 as f64),
            run.driver.busy * 100.0,
            run.commands_hash,
            run.result_hash
        );
    }
    out.push_str("</section>");
    out
}

fn table(run: &Report) -> String {
    let mut out = String::from(
        "<table><thead><tr><th>command</th><th>answered/s</th><th>p50</th><th>p90</th><th>p99</th>\
         <th>p99.9</th><th>max</th><th>refused</th><th>unanswered</th></tr></thead><tbody>",
    );
    let mut add = |row: &Row, class: &str| {
        let latency = &row.latency;
        let answered = (row.done + row.refused).max(1) as f64;
        let _ = write!(
            out,
            "<tr class=\"{class}\"><td>{}</td>",
            escape(&row.command)
        );
        let _ = write!(out, "<td>{}</td>", rate_of(row.per_second));
        for value in [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
        ] {
            let _ = write!(out, "<td>{}</td>", time_of(value as f64));
        }
        let _ = write!(
            out,
            "<td>{:.1} %</td><td>{}</td></tr>",
            row.refused as f64 * 100.0 / answered,
            row.unanswered + row.failed
        );
    };
    run.commands.iter().for_each(|row| add(row, ""));
    add(&run.all, "all");
    out.push_str("</tbody></table>");
    out
}

/// Spans of the run in which something happened, in seconds.
fn bands(run: &Report) -> Vec<(f64, f64, String)> {
    let second = |ms: u64| ms as f64 / 1e3;
    let mut bands: Vec<(f64, f64, String)> = run
        .marks
        .iter()
        .map(|mark| (second(mark.at_ms), second(mark.to_ms), mark.what.clone()))
        .collect();
    let warm_up = run.conditions.warm_up_seconds;
    if warm_up > 0 {
        bands.push((0.0, warm_up as f64, "warm-up".into()));
    }
    bands
}

fn timeline(run: &Report) -> Chart {
    let counted = |m: &&crate::bench::run::Moment| m.per_second > 0.0;
    let series = |name: &str, of: &dyn Fn(&crate::bench::drive::Summary) -> u64| Series {
        name: name.to_owned(),
        points: run
            .timeline
            .iter()
            .filter(counted)
            .map(|m| (m.at_ms as f64 / 1e3, of(&m.latency) as f64))
            .collect(),
        dots: false,
    };
    let mut all = vec![
        series("p50", &|l| l.p50),
        series("p99", &|l| l.p99),
        series("max", &|l| l.max),
    ];
    let lowest = all[0].points.iter().map(|point| point.1);
    all.extend(syncs(run, lowest.fold(f64::INFINITY, f64::min) / 2.0));
    Chart {
        title: "Latency over the run".into(),
        x: ("seconds".into(), Scale::Linear),
        y: ("latency".into(), Scale::Log),
        series: all,
        bands: bands(run),
        lines: Vec::new(),
        words: (plain, time_of),
    }
}

/// A dot below the latencies for each look at the server that found the journal synced since the last;
/// none where it never was.
fn syncs(run: &Report, height: f64) -> Option<Series> {
    let synced = run
        .samples
        .windows(2)
        .filter(|pair| pair[1].syncs > pair[0].syncs);
    let points: Vec<(f64, f64)> = synced
        .map(|pair| (pair[1].at_ms as f64 / 1e3, height))
        .collect();
    (!points.is_empty() && height.is_finite()).then(|| Series {
        name: "journal synced".into(),
        points,
        dots: true,
    })
}

fn rate(run: &Report) -> Chart {
    let points = run
        .timeline
        .iter()
        .map(|m| (m.at_ms as f64 / 1e3, m.per_second));
    Chart {
        title: "Commands answered a second".into(),
        x: ("seconds".into(), Scale::Linear),
        y: ("commands a second".into(), Scale::Linear),
        series: vec![Series {
            name: "answered".into(),
            points: points.collect(),
            dots: false,
        }],
        bands: bands(run),
        lines: Vec::new(),
        words: (plain, rate_of),
    }
}

/// How many commands took how long.
fn histogram(run: &Report) -> Bars {
    let answered = run.histogram.iter().map(|span| span.1).sum::<u64>().max(1) as f64;
    let groups = run.histogram.iter().map(|(end, count)| Group {
        name: time_of(*end as f64),
        values: vec![*count as f64 * 100.0 / answered],
    });
    Bars {
        title: "Commands by latency".into(),
        x: "at most so long, and longer than the one before".into(),
        y: "% of commands".into(),
        series: vec!["all commands".into()],
        groups: groups.collect(),
        words: plain,
    }
}

/// The whole distribution: each step to the right is ten times rarer.
fn percentiles(run: &Report) -> Chart {
    let rarity = |share: u32| 1e6 / f64::from(1_000_000 - share);
    // A share that not one command can be is no measurement.
    let answered = (run.all.done + run.all.refused) as f64;
    let points = run
        .quantiles
        .iter()
        .filter(|(share, _)| *share < 1_000_000 && rarity(*share) <= answered);
    Chart {
        title: "Latency by how rare it is".into(),
        x: ("one command in so many is slower".into(), Scale::Log),
        y: ("latency".into(), Scale::Log),
        series: vec![Series {
            name: "all commands".into(),
            points: points
                .map(|(share, nanos)| (rarity(*share), *nanos as f64))
                .collect(),
            dots: false,
        }],
        bands: Vec::new(),
        lines: Vec::new(),
        words: (rate_of, time_of),
    }
}

/// Syncs and facts between two looks at the server.
fn disk(run: &Report) -> Chart {
    let pairs = || {
        run.samples
            .windows(2)
            .filter(|pair| pair[1].at_ms > pair[0].at_ms)
    };
    let series = |name: &str, of: &dyn Fn(&crate::bench::run::Sample) -> u64| Series {
        name: name.to_owned(),
        points: pairs()
            .map(|pair| {
                let seconds = (pair[1].at_ms - pair[0].at_ms) as f64 / 1e3;
                let count = of(&pair[1]).saturating_sub(of(&pair[0])) as f64;
                (pair[1].at_ms as f64 / 1e3, count / seconds)
            })
            .collect(),
        dots: false,
    };
    Chart {
        title: "Syncs and facts a second".into(),
        x: ("seconds".into(), Scale::Linear),
        y: ("a second".into(), Scale::Linear),
        series: vec![series("syncs", &|s| s.syncs), series("facts", &|s| s.facts)],
        bands: bands(run),
        lines: Vec::new(),
        words: (plain, rate_of),
    }
}

/// Memory by positions, where runs of several sizes are there.
fn memory(results: &Results) -> String {
    let confirmed = results.searches.iter().filter_map(|s| s.run.as_ref());
    let mut points: Vec<(f64, f64)> = results
        .runs
        .iter()
        .chain(confirmed)
        .filter_map(|run| {
            let before = run.server.as_ref()?.memory_before;
            (before > 0).then_some((run.conditions.positions as f64, before as f64 / 1_048_576.0))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.dedup_by(|a, b| (a.0 - b.0).abs() < 0.5);
    if points.len() < 2 {
        return String::new();
    }
    let chart = Chart {
        title: "Memory by positions, before the first order".into(),
        x: ("positions".into(), Scale::Linear),
        y: ("MiB".into(), Scale::Linear),
        series: vec![Series {
            name: "server".into(),
            points,
            dots: true,
        }],
        bands: Vec::new(),
        lines: Vec::new(),
        words: (rate_of, plain),
    };
    format!("<section><h2>Memory</h2>{}</section>", chart.figure())
}
