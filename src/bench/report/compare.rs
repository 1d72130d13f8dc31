//! Two sets of runs beside each other: better, worse, or within the noise.
//!
//! Figures are compared as ratios B / A of means of logarithms, with Welch's 95 % interval over the repeats of
//! each side. A change counts when the whole interval lies beyond a threshold, so noise does not fail a
//! build and a real loss is not called noise. Single runs have no interval: for them a wide one is assumed.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics"
)]

use super::Results;
use crate::bench::run::Report;
use serde::Serialize;
use std::collections::BTreeMap;

/// Spread of the logarithm of a figure between single runs, where it is not known: what runs on a shared
/// machine showed for rates, and three times that for tails.
const ASSUMED_RATE: f64 = 0.05;
const ASSUMED_TAIL: f64 = 0.15;
/// The same of the answers of searches, which end between a rate that holds and one that does not.
const ASSUMED_SEARCH: f64 = 0.1;

/// What a comparison of a figure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// B is better beyond noise and threshold.
    Better,
    /// B is worse beyond noise and threshold.
    Worse,
    /// No difference that can be told from noise.
    Same,
}

/// One figure on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Profile, durability, command and figure.
    pub what: String,
    /// Its mean on side A, and number of runs.
    pub a: (f64, usize),
    /// On side B.
    pub b: (f64, usize),
    /// B / A.
    pub ratio: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// What that means.
    pub verdict: Verdict,
}

struct Values {
    values: Vec<f64>,
    more_is_better: bool,
    assumed: f64,
}

/// Compares everything that both sides have; also what makes the comparison doubtful.
#[must_use]
pub fn compare(a: &Results, b: &Results, threshold: f64) -> (Vec<Comparison>, Vec<String>) {
    let (figures_a, figures_b) = (figures(a), figures(b));
    let mut doubts = doubts(a, b);
    let mut out = Vec::new();
    for (what, one) in &figures_a {
        let Some(two) = figures_b.get(what) else {
            doubts.push(format!("{what} is only on side A"));
            continue;
        };
        out.push(judge(what, one, two, threshold));
    }
    let only = figures_b
        .keys()
        .filter(|what| !figures_a.contains_key(*what));
    doubts.extend(only.map(|what| format!("{what} is only on side B")));
    (out, doubts)
}

fn figures(results: &Results) -> BTreeMap<String, Values> {
    let mut out: BTreeMap<String, Values> = BTreeMap::new();
    let mut add = |what: String, value: f64, more_is_better: bool, assumed: f64| {
        if value > 0.0 {
            let entry = out.entry(what).or_insert(Values {
                values: Vec::new(),
                more_is_better,
                assumed,
            });
            entry.values.push(value);
        }
    };
    for run in &results.runs {
        let (profile, durability) = (&run.profile, &run.conditions.durability);
        let name = |figure: &str| format!("{profile}, {durability}: {figure}");
        if run.pacing == "closed" {
            add(
                name("commands a second"),
                run.per_second,
                true,
                ASSUMED_RATE,
            );
            continue;
        }
        for row in &run.commands {
            let (p50, p99) = (row.latency.p50 as f64, row.latency.p99 as f64);
            add(
                name(&format!("{} p50", row.command)),
                p50,
                false,
                ASSUMED_TAIL,
            );
            // A hundredth of few commands is nobody.
            if row.done + row.refused >= 1_000 {
                add(
                    name(&format!("{} p99", row.command)),
                    p99,
                    false,
                    ASSUMED_TAIL,
                );
            }
        }
        if let Some(server) = &run.server {
            let of_command = server.cores * 1e6 / run.per_second.max(1e-9);
            add(
                name("server µs of a core a command"),
                of_command,
                false,
                ASSUMED_RATE,
            );
        }
    }
    for search in &results.searches {
        let what = format!(
            "{}, {}, {} x {}: rate that holds {}",
            search.profile, search.durability, search.skus, search.locations, search.objective
        );
        // Where nothing holds, it is known that the answer lies below everything that was tried.
        let lowest = search.found.points.iter().map(|p| p.rate);
        let lowest = lowest.fold(f64::INFINITY, f64::min) / 2.0;
        let rate = search.found.holds.unwrap_or(lowest);
        // What is not told apart within a search is not told apart between two of them.
        let between = search.found.fails.map_or(0.0, |fails| (fails / rate).ln());
        add(what, rate, true, ASSUMED_SEARCH.max(between));
    }
    out
}

/// Mean and variance of the mean, of logarithms.
fn moments(values: &[f64], assumed: f64) -> (f64, f64) {
    let count = values.len() as f64;
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    let mean = logs.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, assumed.powi(2));
    }
    let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance / count)
}

fn judge(what: &str, a: &Values, b: &Values, threshold: f64) -> Comparison {
    let ((mean_a, var_a), (mean_b, var_b)) =
        (moments(&a.values, a.assumed), moments(&b.values, b.assumed));
    let (count_a, count_b) = (a.values.len(), b.values.len());
    let single = count_a < 2 || count_b < 2;
    let factor = match single {
        true => 1.96,
        false => {
            let (da, db) = (count_a as f64 - 1.0, count_b as f64 - 1.0);
            let both = var_a + var_b;
            let freedom = both.powi(2) / (var_a.powi(2) / da + var_b.powi(2) / db).max(1e-300);
            student(freedom)
        }
    };
    let (middle, half) = (mean_b - mean_a, factor * (var_a + var_b).sqrt());
    let interval = ((middle - half).exp(), (middle + half).exp());
    let (above, below) = (
        interval.0 > 1.0 + threshold,
        interval.1 < 1.0 / (1.0 + threshold),
    );
    let verdict = match (above, below, a.more_is_better) {
        (true, _, true) | (_, true, false) => Verdict::Better,
        (true, _, false) | (_, true, true) => Verdict::Worse,
        (false, false, _) => Verdict::Same,
    };
    Comparison {
        what: what.to_owned(),
        a: (mean_a.exp(), count_a),
        b: (mean_b.exp(), count_b),
        ratio: middle.exp(),
        interval,
        verdict,
    }
}

/// Student's t for a two-sided 95 %, by degrees of freedom; between the rows of the table the wider one.
fn student(freedom: f64) -> f64 {
    const TABLE: [(f64, f64); 10] = [
        (30.0, 2.042),
        (20.0, 2.086),
        (15.0, 2.131),
        (10.0, 2.228),
        (8.0, 2.306),
        (6.0, 2.447),
        (4.0, 2.776),
        (3.0, 3.182),
        (2.0, 4.303),
        (1.0, 12.706),
    ];
    let row = TABLE.iter().find(|(degrees, _)| freedom >= *degrees);
    row.map_or(12.706, |(_, t)| *t)
}

/// Something that runs should have in common.
type Of = fn(&Report) -> String;

/// Why two sides cannot be compared as they should.
fn doubts(a: &Results, b: &Results) -> Vec<String> {
    let mut out = Vec::new();
    let told = |of: Of, results: &Results, searched: bool| {
        let confirmed = results.searches.iter().filter(|_| searched);
        let confirmed = confirmed.filter_map(|search| search.run.as_ref());
        let mut all: Vec<String> = results.runs.iter().chain(confirmed).map(of).collect();
        all.sort();
        all.dedup();
        all
    };
    // What a search offers in the end is what it finds, and no condition.
    let questions: [(&str, bool, Of); 4] = [
        ("processors", true, |r| {
            format!("{} x {}", r.conditions.cores, r.conditions.cpu)
        }),
        ("sizes", true, |r| {
            format!("{}: {} positions", r.profile, r.conditions.positions)
        }),
        ("offered rates", false, |r| {
            format!("{}: {:.0}/s", r.profile, r.offered_per_second)
        }),
        ("commands", false, |r| match r.pacing.as_str() {
            "open" => format!("{} {}", r.profile, r.commands_hash),
            _ => String::new(),
        }),
    ];
    for (what, searched, of) in questions {
        let (one, two) = (told(of, a, searched), told(of, b, searched));
        if one != two && !one.is_empty() && !two.is_empty() {
            out.push(format!(
                "{what} differ: {} / {}",
                one.join(", "),
                two.join(", ")
            ));
        }
    }
    let runs = a.runs.iter().chain(&b.runs);
    for run in runs {
        if let Some(limit) = &run.driver.limit {
            out.push(format!("{}: {limit}", run.profile));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[f64], more_is_better: bool) -> Values {
        Values {
            values: values.to_vec(),
            more_is_better,
            assumed: ASSUMED_RATE,
        }
    }

    fn verdict(a: &[f64], b: &[f64], more_is_better: bool) -> Verdict {
        judge(
            "x",
            &values(a, more_is_better),
            &values(b, more_is_better),
            0.05,
        )
        .verdict
    }

    #[test]
    fn noise_is_no_change_and_a_change_is_no_noise() {
        let a = [100.0, 103.0, 98.0, 101.0, 99.0];
        let noisy = [70.0, 140.0, 95.0, 120.0, 88.0];
        assert_eq!(
            verdict(&a, &[101.0, 99.0, 102.0, 98.0, 100.0], true),
            Verdict::Same
        );
        assert_eq!(verdict(&a, &noisy, true), Verdict::Same);
        assert_eq!(
            verdict(&a, &[80.0, 82.0, 79.0, 81.0, 80.0], true),
            Verdict::Worse
        );
        assert_eq!(
            verdict(&a, &[80.0, 82.0, 79.0, 81.0, 80.0], false),
            Verdict::Better
        );
        // Three percent are real and below the threshold.
        assert_eq!(
            verdict(&[100.0, 100.1, 99.9], &[97.0, 97.1, 96.9], true),
            Verdict::Same
        );
    }

    #[test]
    fn single_runs_are_trusted_little() {
        assert_eq!(verdict(&[100.0], &[90.0], true), Verdict::Same);
        assert_eq!(verdict(&[100.0], &[50.0], true), Verdict::Worse);
    }

    #[test]
    fn the_interval_holds_the_ratio() {
        let found = judge(
            "x",
            &values(&[10.0, 11.0], true),
            &values(&[20.0, 21.0], true),
            0.05,
        );
        assert!(found.interval.0 < found.ratio && found.ratio < found.interval.1);
        assert!((found.ratio - 1.95).abs() < 0.01, "{found:?}");
    }
}
