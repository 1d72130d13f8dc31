//! When commands are due: a constant rate, chance, a day, a sale, or what a trace recorded.
//!
//! A schedule is made before anything is sent and knows nothing of replies: that is what makes the load
//! *open*. A server that stalls finds everything waiting that fell due meanwhile, as it would in a shop.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times of arrivals: nanoseconds up to some days are exact in a double"
)]

use crate::bench::random::Random;
use std::sync::Arc;

/// Nanoseconds since the run began.
pub type Nanos = u64;

/// Nanoseconds of a second.
pub const SECOND: Nanos = 1_000_000_000;

/// How arrivals lie around their rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly: 1/rate from one to the next.
    Even,
    /// By chance, each independent of all others: a Poisson process.
    Chance,
}

/// A rate that holds until a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// The end of it.
    pub until: Nanos,
    /// Commands a second.
    pub per_second: f64,
}

/// When commands are due.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Rates that follow each other.
    Rates(Spacing, Vec<Piece>),
    /// Moments that were recorded, ascending.
    Recorded(Arc<[Nanos]>),
}

impl Schedule {
    /// One rate for `length`.
    #[must_use]
    pub fn constant(spacing: Spacing, per_second: f64, length: Nanos) -> Self {
        let until = length;
        Self::Rates(spacing, vec![Piece { until, per_second }])
    }

    /// `length` cut into as many equal parts as there are `weights`, each with its share of what
    /// `per_second` comes to on average.
    #[must_use]
    pub fn curve(spacing: Spacing, per_second: f64, length: Nanos, weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let part = length as f64 / weights.len().max(1) as f64;
        let piece = |(number, weight): (usize, &f64)| Piece {
            until: (part * (number + 1) as f64) as Nanos,
            per_second: per_second * weight / mean,
        };
        Self::Rates(spacing, weights.iter().enumerate().map(piece).collect())
    }

    /// `per_second`, and `times` as much between two moments: a sale that opens and is sold out.
    #[must_use]
    pub fn step(
        spacing: Spacing,
        per_second: f64,
        length: Nanos,
        times: f64,
        (from, to): (Nanos, Nanos),
    ) -> Self {
        let piece = |until, times| Piece {
            until,
            per_second: per_second * times,
        };
        let pieces = vec![piece(from, 1.0), piece(to, times), piece(length, 1.0)];
        Self::Rates(spacing, pieces)
    }

    /// The end of it.
    #[must_use]
    pub fn length(&self) -> Nanos {
        match self {
            Self::Rates(_, pieces) => pieces.last().map_or(0, |p| p.until),
            Self::Recorded(moments) => moments.last().copied().unwrap_or(0),
        }
    }

    /// How many a second, on average and where it is most.
    #[must_use]
    pub fn rates(&self) -> (f64, f64) {
        let seconds = |nanos: Nanos| nanos as f64 / SECOND as f64;
        match self {
            Self::Rates(_, pieces) => {
                let (mut from, mut count, mut most) = (0, 0.0, 0.0f64);
                for piece in pieces {
                    count += seconds(piece.until - from) * piece.per_second;
                    most = most.max(piece.per_second);
                    from = piece.until;
                }
                (count / seconds(from).max(1e-9), most)
            }
            Self::Recorded(moments) => {
                let mean = moments.len() as f64 / seconds(self.length()).max(1e-9);
                let (mut most, mut from) = (0, 0);
                for (at, &moment) in moments.iter().enumerate() {
                    while moments[from] + SECOND <= moment {
                        from += 1;
                    }
                    most = most.max(at + 1 - from);
                }
                // A recording of less than a second had its most within it.
                (mean, (most as f64).max(mean))
            }
        }
    }

    /// The moments, ascending, the same for the same seed.
    #[must_use]
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        Arrivals {
            schedule: self.clone(),
            random: Random::new(seed ^ 0x5eed_0a11_0c8e_d01e),
            piece: 0,
            at: 0.0,
        }
    }
}

/// The moments of a [`Schedule`].
#[derive(Debug, Clone)]
pub struct Arrivals {
    schedule: Schedule,
    random: Random,
    /// The piece, or the recorded moment, that is next.
    piece: usize,
    at: f64,
}

impl Iterator for Arrivals {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        let (spacing, pieces) = match &self.schedule {
            Schedule::Rates(spacing, pieces) => (*spacing, pieces),
            Schedule::Recorded(moments) => {
                self.piece += 1;
                return moments.get(self.piece - 1).copied();
            }
        };
        // The expected number of arrivals until the next one: rates only stretch it over time.
        let mut expected = match spacing {
            Spacing::Even => 1.0,
            Spacing::Chance => -(1.0 - unit(&mut self.random)).ln(),
        };
        loop {
            let piece = pieces.get(self.piece)?;
            let per_nano = piece.per_second / SECOND as f64;
            let left = (piece.until as f64 - self.at) * per_nano;
            if expected < left {
                self.at += expected / per_nano;
                return Some(self.at as Nanos);
            }
            expected -= left.max(0.0);
            self.at = piece.until as f64;
            self.piece += 1;
        }
    }
}

/// From 0 inclusive to 1 exclusive.
fn unit(random: &mut Random) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(schedule: &Schedule, from: Nanos, to: Nanos) -> usize {
        let arrivals = schedule.arrivals(7);
        arrivals.filter(|at| (from..to).contains(at)).count()
    }

    #[test]
    fn an_even_rate_is_even() {
        let schedule = Schedule::constant(Spacing::Even, 1_000.0, 2 * SECOND);
        let all: Vec<Nanos> = schedule.arrivals(1).collect();
        assert!((1_998..=2_000).contains(&all.len()), "{}", all.len());
        let apart = all.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(apart.into_iter().all(|a| a.abs_diff(1_000_000) <= 1));
    }

    #[test]
    fn chance_has_the_moments_of_a_poisson_process() {
        let schedule = Schedule::constant(Spacing::Chance, 10_000.0, 20 * SECOND);
        let all: Vec<Nanos> = schedule.arrivals(3).collect();
        let gaps: Vec<f64> = all
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64)
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // 200,000 gaps: the standard error of the mean is 0.22 %, that of the deviation 0.5 %.
        assert!((mean / 1e5 - 1.0).abs() < 0.01, "mean gap {mean}");
        let deviation = variance.sqrt() / mean;
        assert!((deviation - 1.0).abs() < 0.02, "deviation {deviation}");
        // Memoryless: a share of e^-1 is longer than the mean, e^-3 longer than three.
        for (times, share) in [(1.0, 0.3679), (3.0, 0.0498)] {
            let longer = gaps.iter().filter(|&&g| g > times * 1e5).count() as f64;
            let found = longer / gaps.len() as f64;
            assert!((found - share).abs() < 0.005, "{found} beside {share}");
        }
        // Counts of a millisecond vary as much as their mean.
        let mut counts = vec![0f64; 20_000];
        for at in &all {
            counts[(at / 1_000_000) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len() as f64;
        assert!((variance / mean - 1.0).abs() < 0.05, "{variance} of {mean}");
    }

    /// How far gaps are from those of a Poisson process of rate 1, by Kolmogorov and Smirnov: √n times the largest
    /// difference of the two distributions. By chance it exceeds 1.36 one time in twenty, 1.95 one in a thousand.
    fn distance(mut gaps: Vec<f64>) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let off = |(at, gap): (usize, &f64)| {
            let promised = 1.0 - (-gap).exp();
            let (below, above) = (at as f64 / count, (at as f64 + 1.0) / count);
            (promised - below).abs().max((above - promised).abs())
        };
        gaps.iter().enumerate().map(off).fold(0.0, f64::max) * count.sqrt()
    }

    /// Gaps in expected arrivals instead of in time: where rates change, these are what a Poisson process of
    /// rate 1 leaves (time rescaling: Papangelou 1972; Brown et al., Neural Computation 14, 2002).
    fn rescaled(schedule: &Schedule, seed: u64) -> Vec<f64> {
        let Schedule::Rates(_, pieces) = schedule else {
            panic!("a recording has no rates");
        };
        let expected = |at: Nanos| {
            let (mut from, mut sum) = (0, 0.0);
            for piece in pieces {
                let to = piece.until.min(at.max(from));
                sum += (to - from) as f64 / SECOND as f64 * piece.per_second;
                from = piece.until;
            }
            sum
        };
        let mut before = 0.0;
        let gaps = schedule.arrivals(seed).map(|at| {
            let now = expected(at);
            now - std::mem::replace(&mut before, now)
        });
        gaps.collect()
    }

    #[test]
    fn every_schedule_by_chance_is_the_poisson_process_that_it_promises() {
        let second = SECOND;
        let day = [9.0, 4.0, 30.0, 0.0, 86.0, 50.0];
        let schedules = [
            Schedule::constant(Spacing::Chance, 700.0, 8 * second),
            Schedule::curve(Spacing::Chance, 700.0, 8 * second, &day),
            Schedule::step(
                Spacing::Chance,
                300.0,
                8 * second,
                10.0,
                (3 * second, 5 * second),
            ),
        ];
        for schedule in &schedules {
            let mut often = 0;
            for seed in 0..100 {
                let gaps = rescaled(schedule, seed);
                // Gaps do not depend on those before them.
                let pairs = gaps
                    .windows(2)
                    .map(|pair| (pair[0] - 1.0) * (pair[1] - 1.0));
                let together = pairs.sum::<f64>() / (gaps.len() as f64).sqrt();
                assert!(
                    together.abs() < 4.0,
                    "seed {seed}: {together} of {schedule:?}"
                );
                let distance = distance(gaps);
                assert!(distance < 2.2, "seed {seed}: {distance} of {schedule:?}");
                often += usize::from(distance > 1.36);
            }
            // One in twenty: five of a hundred, with a deviation of 2.2.
            assert!(often <= 12, "{often} of 100 seeds: {schedule:?}");
        }
    }

    #[test]
    fn the_test_of_chance_finds_what_is_no_chance() {
        let even = Schedule::constant(Spacing::Even, 700.0, 8 * SECOND);
        assert!(distance(rescaled(&even, 1)) > 10.0);
        // A day that is offered at its average rate is found out as well.
        let day = Schedule::curve(Spacing::Chance, 700.0, 8 * SECOND, &[1.0, 2.0, 3.0]);
        let flat = day.arrivals(1).collect::<Vec<_>>();
        let gaps = flat
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64 * 700.0 / 1e9);
        assert!(distance(gaps.collect()) > 2.2);
    }

    #[test]
    fn a_curve_keeps_its_mean_and_its_shape() {
        let weights = [1.0, 3.0, 0.0, 4.0];
        let schedule = Schedule::curve(Spacing::Chance, 5_000.0, 8 * SECOND, &weights);
        let (mean, most) = schedule.rates();
        assert!((mean - 5_000.0).abs() < 1e-6 && (most - 10_000.0).abs() < 1e-6);
        let found: Vec<usize> = (0..4)
            .map(|part| count(&schedule, part * 2 * SECOND, (part + 1) * 2 * SECOND))
            .collect();
        assert_eq!(found[2], 0);
        for (part, expected) in [(0, 5_000), (1, 15_000), (3, 20_000)] {
            let off = found[part].abs_diff(expected);
            assert!(off < expected / 25, "{found:?}");
        }
    }

    #[test]
    fn a_step_is_only_between_its_moments() {
        let sale = (2 * SECOND, 3 * SECOND);
        let schedule = Schedule::step(Spacing::Even, 1_000.0, 5 * SECOND, 10.0, sale);
        let inside = count(&schedule, sale.0, sale.1);
        assert!(inside.abs_diff(10_000) <= 2, "{inside}");
        let all = count(&schedule, 0, Nanos::MAX);
        assert!((all - inside).abs_diff(4_000) <= 4, "{all}");
    }

    #[test]
    fn a_recording_is_played_as_it_was() {
        let moments: Arc<[Nanos]> = vec![5, 5, 9, SECOND + 4].into();
        let schedule = Schedule::Recorded(moments.clone());
        assert_eq!(schedule.arrivals(1).collect::<Vec<_>>(), moments.to_vec());
        assert!((schedule.rates().1 - 4.0).abs() < 1e-9, "{schedule:?}");
        assert_eq!(schedule.length(), SECOND + 4);
    }

    #[test]
    fn the_same_seed_gives_the_same_moments() {
        let schedule = Schedule::constant(Spacing::Chance, 1_000.0, SECOND);
        assert!(schedule.arrivals(4).eq(schedule.arrivals(4)));
        assert!(!schedule.arrivals(4).eq(schedule.arrivals(5)));
    }
}
