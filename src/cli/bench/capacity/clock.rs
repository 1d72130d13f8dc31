//! How long searches may take, and about how long they still will.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "seconds for people"
)]

use std::time::Instant;

/// The time of all searches.
pub(super) struct Clock {
    began: Instant,
    /// Seconds for all of them.
    within: Option<f64>,
    /// Searches that have not begun.
    to_come: usize,
    /// Searches that have ended.
    ended: usize,
    /// When the search that runs began, and the seconds it may take.
    one: Instant,
    share: Option<f64>,
}

impl Clock {
    pub(super) fn new(minutes: Option<f64>, searches: usize) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            within: minutes.map(|m| m * 60.0),
            to_come: searches,
            ended: 0,
            one: now,
            share: None,
        }
    }

    /// A search begins: it has an equal share of what is left.
    pub(super) fn begin(&mut self) {
        let left = self.to_come.max(1) as f64;
        let gone = self.began.elapsed().as_secs_f64();
        self.share = self.within.map(|within| (within - gone).max(0.0) / left);
        self.to_come = self.to_come.saturating_sub(1);
        self.one = Instant::now();
    }

    pub(super) fn end(&mut self) {
        self.ended += 1;
    }

    /// Whether time is short.
    pub(super) fn is_bounded(&self) -> bool {
        self.within.is_some()
    }

    /// Whether the search's share does not last for `seconds` more.
    pub(super) fn is_late(&self, seconds: f64) -> bool {
        let gone = self.one.elapsed().as_secs_f64();
        self.share.is_some_and(|share| gone + seconds > share)
    }

    /// In words, where the search that runs expects to need `seconds` more.
    pub(super) fn left(&self, seconds: f64) -> String {
        let gone = self.one.elapsed().as_secs_f64();
        let seconds = self
            .share
            .map_or(seconds, |share| seconds.min((share - gone).max(0.0)));
        let mut all = seconds;
        if self.to_come > 0 {
            let known = (self.began.elapsed().as_secs_f64() - gone) / self.ended.max(1) as f64;
            let each = if self.ended == 0 {
                gone + seconds
            } else {
                known
            };
            all += each * self.to_come as f64;
            if let Some(within) = self.within {
                all = all.min((within - self.began.elapsed().as_secs_f64()).max(0.0));
            }
            return format!("about {} left, {} for all", span(seconds), span(all));
        }
        format!("about {} left", span(seconds))
    }
}

/// Seconds, or minutes where there are many.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 99.5 => format!("{s:.0} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_search_has_its_share_of_what_is_left() {
        let mut clock = Clock::new(Some(12.0), 4);
        clock.begin();
        assert!(!clock.is_late(140.0) && clock.is_late(181.0));
        assert_eq!(clock.left(1_000.0), "about 3 min left, 12 min for all");
        clock.end();
        // The first one took no time, so that the others have more.
        clock.begin();
        assert!(!clock.is_late(190.0) && clock.is_late(241.0));
        let mut free = Clock::new(None, 1);
        free.begin();
        assert!(!free.is_late(1e9));
        assert_eq!(free.left(40.2), "about 40 s left");
    }
}
