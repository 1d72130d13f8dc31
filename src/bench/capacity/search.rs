//! The highest rate that holds: doubled until it does not, halved in between, and then confirmed.
//!
//! Single runs lie: a machine has quiet and busy seconds. So the rate that is found must hold again,
//! several times and for longer; where it does not, the next lower one is tried.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates of commands"
)]

use crate::bench::drive::Summary;
use serde::{Deserialize, Serialize};

/// What a run at a rate gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Commands a second that were offered.
    pub rate: f64,
    /// Commands a second that were answered.
    pub answered: f64,
    /// Latencies.
    pub latency: Summary,
    /// Cores that the server used.
    pub cores: f64,
    /// Whether the objective was kept, by a server that kept up.
    pub holds: bool,
    /// Why not.
    pub why: Option<String>,
    /// Whether it is one of the longer runs.
    pub confirms: bool,
}

/// When a search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The first rate.
    pub start: f64,
    /// No rate above this is tried.
    pub most: f64,
    /// It ends when what holds and what does not are so close: 1.1 is ten percent.
    pub precision: f64,
    /// Longer runs that must all hold.
    pub confirmations: usize,
    /// Rates that may fail their confirmation.
    pub tries: usize,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The highest rate that held and was confirmed; `None` when none did.
    pub holds: Option<f64>,
    /// The lowest rate that did not hold; `None` when all did.
    pub fails: Option<f64>,
    /// Every run.
    pub points: Vec<Point>,
}

/// Searches with `run`, which is given a rate and whether it confirms.
///
/// # Errors
/// When a run fails.
pub fn search<E>(
    limits: Limits,
    mut run: impl FnMut(f64, bool) -> Result<Point, E>,
) -> Result<Found, E> {
    let mut found = Found {
        holds: None,
        fails: None,
        points: Vec::new(),
    };
    let mut tried = |rate: f64, confirms: bool, found: &mut Found| -> Result<bool, E> {
        let point = run(rate, confirms)?;
        let holds = point.holds;
        found.points.push(point);
        Ok(holds)
    };
    let (mut low, mut high) = (None::<f64>, None::<f64>);
    let mut rate = limits.start.min(limits.most);
    // Up while it holds, down while it does not, until both are known.
    while low.is_none() || high.is_none() {
        if tried(rate, false, &mut found)? {
            low = Some(low.map_or(rate, |l| l.max(rate)));
            if rate >= limits.most {
                break;
            }
            rate = (rate * 2.0).min(limits.most);
        } else {
            high = Some(high.map_or(rate, |h| h.min(rate)));
            rate /= 2.0;
            if rate < 1.0 {
                break;
            }
        }
        // A rate between the two is for the next loop.
        if let (Some(l), Some(h)) = (low, high)
            && l < h
        {
            break;
        }
    }
    for _ in 0..limits.tries.max(1) {
        narrow(&mut low, &mut high, limits.precision, |rate| {
            tried(rate, false, &mut found)
        })?;
        let Some(candidate) = low else {
            break;
        };
        let mut holds = true;
        for _ in 0..limits.confirmations {
            holds = holds && tried(candidate, true, &mut found)?;
        }
        if holds {
            found.holds = Some(candidate);
            break;
        }
        // It held once and not again: what is sure lies below.
        high = Some(candidate);
        low = Some(candidate / limits.precision);
        if candidate < 1.0 {
            break;
        }
    }
    found.fails = high;
    Ok(found)
}

/// Halves the ratio between what holds and what does not until it is small enough.
fn narrow<E>(
    low: &mut Option<f64>,
    high: &mut Option<f64>,
    precision: f64,
    mut holds: impl FnMut(f64) -> Result<bool, E>,
) -> Result<(), E> {
    while let (Some(l), Some(h)) = (*low, *high)
        && h / l > precision.max(1.001) * 1.000_001
    {
        let middle = (l * h).sqrt();
        match holds(middle)? {
            true => *low = Some(middle),
            false => *high = Some(middle),
        }
    }
    Ok(())
}

/// The knee: the highest rate up to which p99 stays within twice of what it is when little is asked.
#[must_use]
pub fn knee(points: &[Point]) -> Option<f64> {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let least = sorted.iter().map(|p| p.latency.p99).min()?;
    let flat = sorted
        .iter()
        .take_while(|p| p.latency.p99 <= least * 2 || p.holds);
    flat.filter(|p| p.latency.p99 <= least * 2)
        .map(|p| p.rate)
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::random::Random;
    use std::convert::Infallible;

    const LIMITS: Limits = Limits {
        start: 1_000.0,
        most: 1e9,
        precision: 1.05,
        confirmations: 2,
        tries: 6,
    };

    /// A server of a known capacity, by the waiting time of a queue: service time / (1 - load).
    fn point(rate: f64, capacity: f64, p99_limit: u64, confirms: bool) -> Point {
        let load = rate / capacity;
        let wait = if load < 1.0 {
            1e9 / capacity / (1.0 - load)
        } else {
            1e12
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let p99 = wait as u64;
        Point {
            rate,
            answered: rate.min(capacity),
            latency: Summary {
                p99,
                ..Summary::default()
            },
            cores: load,
            holds: p99 < p99_limit,
            why: None,
            confirms,
        }
    }

    #[test]
    fn it_converges_on_a_server_of_known_capacity() {
        for capacity in [300.0f64, 5_000.0, 1_234_567.0] {
            // p99 < 10 service times holds up to nine tenths of the capacity.
            let limit = (1e10 / capacity).round();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let limit = limit as u64;
            let run = |rate, confirms| Ok::<_, Infallible>(point(rate, capacity, limit, confirms));
            let found = search(LIMITS, run).unwrap();
            let holds = found.holds.unwrap();
            let ratio = holds / (capacity * 0.9);
            assert!((0.95..=1.001).contains(&ratio), "{capacity}: {holds}");
            let fails = found.fails.unwrap();
            assert!(fails / holds < 1.051, "{fails} / {holds}");
            assert!(found.points.len() < 32, "{} runs", found.points.len());
            assert_eq!(found.points.iter().filter(|p| p.confirms).count(), 2);
        }
    }

    #[test]
    fn a_lucky_run_is_not_believed() {
        // Above 8,000 a run holds by luck, one time in three; above 12,000 never.
        let mut random = Random::new(4);
        let run = |rate: f64, confirms| {
            let lucky = rate < 12_000.0 && random.below(3) == 0;
            let mut point = point(rate, 1e9, u64::MAX, confirms);
            point.holds = rate < 8_000.0 || lucky;
            Ok::<_, Infallible>(point)
        };
        let found = search(
            Limits {
                tries: 20,
                confirmations: 5,
                ..LIMITS
            },
            run,
        )
        .unwrap();
        let holds = found.holds.unwrap();
        assert!((7_000.0..8_500.0).contains(&holds), "{holds}");
    }

    #[test]
    fn it_ends_where_everything_holds_or_nothing_does() {
        let all = |rate, confirms| Ok::<_, Infallible>(point(rate, 1e12, u64::MAX, confirms));
        let found = search(
            Limits {
                most: 50_000.0,
                ..LIMITS
            },
            all,
        )
        .unwrap();
        assert_eq!((found.holds, found.fails), (Some(50_000.0), None));
        let none = |rate, confirms| Ok::<_, Infallible>(point(rate, 1e12, 0, confirms));
        let found = search(LIMITS, none).unwrap();
        assert_eq!(found.holds, None);
        let broken = |_, _| Err::<Point, &str>("no server");
        assert_eq!(search(LIMITS, broken), Err("no server"));
    }

    #[test]
    fn the_knee_is_where_waiting_begins() {
        let rates = [100.0, 200.0, 400.0, 600.0, 800.0, 900.0, 950.0];
        let points: Vec<Point> = rates.map(|r| point(r, 1_000.0, u64::MAX, false)).into();
        // At half of the capacity waiting is twice the service time; 100 has 1.11 of it.
        let knee = knee(&points).unwrap();
        assert!((400.0..=600.0).contains(&knee), "{knee}");
    }
}
