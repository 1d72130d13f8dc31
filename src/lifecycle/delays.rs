//! Where the time of many fulfilment orders went before they were sent: counts by place, so that nobody
//! looks at all of them to see where orders lose time.
//!
//! Spans are counted in buckets of which each is a sixteenth of a power of two, so a percentile is at
//! most 6.25 % above the span that it stands for; sums are exact. Nothing is lost when one is taken
//! out again: a fulfilment order that is given back was not sent.

use super::times::{DelayBudget, Phase};
use crate::model::{ChannelId, Day, EpochMillis, LocationId, Millis};
use std::collections::BTreeMap;

/// Days that are kept, the newest; what was sent before is forgotten.
pub const DELAY_DAYS_MAX: i32 = 31;

/// What is counted of each, by name: the parts of the delay, the three of waiting also by themselves.
pub const MEASURES: [&str; 8] = [
    "validation",
    "routing",
    "waiting",
    "waiting_supply",
    "waiting_hold",
    "waiting_claim",
    "transmission",
    "total",
];

/// Where a fulfilment order was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelayPlace {
    /// The date, in UTC.
    pub day: Day,
    /// The selling channel.
    pub channel: ChannelId,
    /// To which location.
    pub location: LocationId,
}

/// How to group, and what to leave out.
#[derive(Debug, Clone, Copy, Default)]
pub struct DelayQuery {
    /// One row per day.
    pub by_day: bool,
    /// One row per channel.
    pub by_channel: bool,
    /// One row per location.
    pub by_location: bool,
    /// First and last day; everything when absent.
    pub days: Option<(Day, Day)>,
}

/// What a row is about; `None` is all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelayGroup {
    /// The date, in UTC.
    pub day: Option<Day>,
    /// The selling channel.
    pub channel: Option<ChannelId>,
    /// The location.
    pub location: Option<LocationId>,
}

/// Spans of one measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans {
    buckets: BTreeMap<u16, u64>,
    sum: u128,
}

/// Everything about the fulfilment orders of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DelaySums {
    /// How many.
    pub sent: u64,
    /// By measure, as in [`MEASURES`].
    pub spans: [Spans; MEASURES.len()],
}

/// The delays of everything that was sent lately, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DelayBook {
    sums: BTreeMap<DelayPlace, DelaySums>,
}

impl DelayPlace {
    /// Of something that was sent at a moment.
    #[must_use]
    pub fn new(at: EpochMillis, channel: ChannelId, location: LocationId) -> Self {
        let day = at.0.div_euclid(86_400_000);
        Self {
            day: Day(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })),
            channel,
            location,
        }
    }
}

impl Spans {
    fn change(&mut self, bucket: u16, count: u64, sum: u128, add: bool) {
        let known = self.buckets.entry(bucket).or_default();
        match add {
            true => (*known, self.sum) = (*known + count, self.sum + sum),
            false => {
                *known = known.saturating_sub(count);
                self.sum = self.sum.saturating_sub(sum);
            }
        }
        if *known == 0 {
            self.buckets.remove(&bucket);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.values().sum()
    }

    /// All of them together, in milliseconds.
    #[must_use]
    pub const fn sum(&self) -> u128 {
        self.sum
    }

    /// The span that so many of a thousand do not exceed; 0 where there are none.
    #[must_use]
    pub fn at_most(&self, of_thousand: u64) -> Millis {
        let rank = (self.count() * of_thousand).div_ceil(1_000).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map_or(Millis(0), |(bucket, _)| Millis(most_of(*bucket)))
    }
}

impl DelaySums {
    fn of(budget: &DelayBudget) -> [u64; MEASURES.len()] {
        let of = |phase| budget.of(phase).0;
        [
            of(Phase::Validation),
            of(Phase::Routing),
            budget.waiting().0,
            of(Phase::Supply),
            of(Phase::Hold),
            of(Phase::Claim),
            of(Phase::Transmission),
            budget.total().0,
        ]
    }

    fn change(&mut self, budget: &DelayBudget, add: bool) {
        self.sent = match add {
            true => self.sent + 1,
            false => self.sent.saturating_sub(1),
        };
        for (spans, span) in self.spans.iter_mut().zip(Self::of(budget)) {
            spans.change(bucket_of(span), 1, u128::from(span), add);
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        for (spans, more) in self.spans.iter_mut().zip(&other.spans) {
            for (bucket, count) in &more.buckets {
                spans.change(*bucket, *count, 0, true);
            }
            spans.sum += more.sum;
        }
    }
}

impl DelayBook {
    /// One was sent.
    pub fn add(&mut self, place: DelayPlace, budget: &DelayBudget) {
        self.sums.entry(place).or_default().change(budget, true);
        let newest = self.sums.keys().next_back().map_or(0, |place| place.day.0);
        while let Some(oldest) = self.sums.first_entry() {
            if oldest.key().day.0 > newest.saturating_sub(DELAY_DAYS_MAX) {
                break;
            }
            oldest.remove();
        }
    }

    /// One was given back.
    pub fn remove(&mut self, place: DelayPlace, budget: &DelayBudget) {
        if let Some(known) = self.sums.get_mut(&place) {
            known.change(budget, false);
            if known.sent == 0 {
                self.sums.remove(&place);
            }
        }
    }

    /// The counts, by group in ascending order.
    #[must_use]
    pub fn report(&self, query: &DelayQuery) -> Vec<(DelayGroup, DelaySums)> {
        let mut rows: BTreeMap<DelayGroup, DelaySums> = BTreeMap::new();
        for (place, sums) in &self.sums {
            if query
                .days
                .is_some_and(|(from, to)| !(from..=to).contains(&place.day))
            {
                continue;
            }
            let group = DelayGroup {
                day: query.by_day.then_some(place.day),
                channel: query.by_channel.then_some(place.channel),
                location: query.by_location.then_some(place.location),
            };
            rows.entry(group).or_default().add(sums);
        }
        rows.into_iter().collect()
    }

    /// Everything that is counted: place, measure, bucket and number.
    pub fn counts(&self) -> impl Iterator<Item = (DelayPlace, usize, u16, u64)> {
        self.sums.iter().flat_map(|(place, sums)| {
            let spans = sums.spans.iter().enumerate();
            spans.flat_map(move |(measure, spans)| {
                let counts = spans.buckets.iter();
                counts.map(move |(bucket, count)| (*place, measure, *bucket, *count))
            })
        })
    }
}

/// Steps of a power of two, as a power of two.
const STEPS: u32 = 4;

fn bucket_of(span: u64) -> u16 {
    let power = span.checked_ilog2().unwrap_or(0);
    let bucket = match power.checked_sub(STEPS) {
        None => span,
        // The leading one is counted in with the power.
        Some(shift) => (u64::from(shift) << STEPS) + (span >> shift),
    };
    u16::try_from(bucket).unwrap_or(u16::MAX)
}

/// The longest span of a bucket.
fn most_of(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    match (bucket >> STEPS).checked_sub(1) {
        None | Some(0) => bucket,
        Some(shift) => {
            let lead = (bucket & ((1 << STEPS) - 1)) + (1 << STEPS);
            // The last bucket ends with the last number.
            ((lead + 1) << shift).wrapping_sub(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_in_its_bucket() {
        let mut spans: Vec<u64> = (0..2_000).collect();
        spans.extend((0..64).flat_map(|power| {
            let at = 1u64 << power;
            [at.saturating_sub(1), at, at + at / 3]
        }));
        spans.push(u64::MAX);
        for &span in &spans {
            let most = most_of(bucket_of(span));
            assert!(most >= span, "{span} is at most {most}");
            assert!(most - span <= span / 16, "{span} is at most {most}");
            assert_eq!(bucket_of(most), bucket_of(span), "{span}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_spans() {
        let mut spans = Spans::default();
        let all: Vec<u64> = (0..1_000u64).map(|n| n * n).collect();
        for &span in &all {
            spans.change(bucket_of(span), 1, u128::from(span), true);
        }
        assert_eq!(spans.sum(), all.iter().map(|&s| u128::from(s)).sum());
        for of_thousand in [1, 500, 900, 990, 1_000] {
            let exact = all[usize::try_from(of_thousand).unwrap() - 1];
            let told = spans.at_most(of_thousand).0;
            assert!(
                told >= exact && told <= exact + exact / 16,
                "{told} for {exact}"
            );
        }
    }
}
