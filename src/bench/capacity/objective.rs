//! A service level objective: `p99<5ms`, or several of them.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times typed by people"
)]

use crate::bench::drive::Summary;
use std::fmt;
use std::str::FromStr;

/// One percentile and what it must stay below.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `p50`, `p90`, `p99`, `p99.9` or `max`.
    pub name: &'static str,
    /// Nanoseconds.
    pub below: u64,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective(pub Vec<Limit>);

const NAMES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];

impl Objective {
    /// The first limit that is not kept, with what was found.
    #[must_use]
    pub fn broken_by(&self, latency: &Summary) -> Option<(&Limit, u64)> {
        let broken = self
            .0
            .iter()
            .map(|limit| (limit, value(latency, limit.name)));
        broken
            .into_iter()
            .find(|(limit, found)| *found >= limit.below)
    }
}

fn value(latency: &Summary, name: &str) -> u64 {
    match name {
        "p50" => latency.p50,
        "p90" => latency.p90,
        "p99" => latency.p99,
        "p99.9" => latency.p999,
        _ => latency.max,
    }
}

impl FromStr for Objective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let limit = |part: &str| -> Result<Limit, String> {
            let refused = || {
                format!(
                    "objective is '{part}'; expected a percentile, '<' and a time, such as p99<5ms \
                     (p50, p90, p99, p99.9, max; us, ms, s)"
                )
            };
            let (name, time) = part.split_once('<').ok_or_else(refused)?;
            let name = NAMES
                .into_iter()
                .find(|n| *n == name.trim())
                .ok_or_else(refused)?;
            let time = time.trim();
            let unit = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let number: f64 = time[..time.len() - unit.len()]
                .parse()
                .map_err(|_| refused())?;
            let nanos = match unit.trim() {
                "us" | "µs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                _ => return Err(refused()),
            };
            let below = (number * nanos) as u64;
            if below == 0 {
                return Err(refused());
            }
            Ok(Limit { name, below })
        };
        text.split(',')
            .map(|part| limit(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, limit) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let millis = limit.below as f64 / 1e6;
            write!(f, "{comma}{} < {millis} ms", limit.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_as_they_are_typed() {
        let objective: Objective = "p99<5ms, p99.9 < 0.02s".parse().unwrap();
        assert_eq!(objective.to_string(), "p99 < 5 ms, p99.9 < 20 ms");
        let fast = Summary {
            p99: 4_999_999,
            p999: 19_000_000,
            ..Summary::default()
        };
        assert_eq!(objective.broken_by(&fast), None);
        let slow = Summary {
            p999: 20_000_000,
            ..fast
        };
        assert_eq!(objective.broken_by(&slow).unwrap().0.name, "p99.9");
        for wrong in [
            "", "p98<1ms", "p99", "p99<5", "p99<0ms", "p99<ms", "p99>5ms",
        ] {
            let refused = wrong.parse::<Objective>().unwrap_err();
            assert!(refused.contains(&format!("'{wrong}'")), "{refused}");
        }
    }
}
