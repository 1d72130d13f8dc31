//! How long a fulfilment order may stay in each state, and what a breach most likely means.
//!
//! Rules are data. For one state the most special rule counts: channel and location, then location,
//! then channel, then neither; a state without any rule has no deadline.

use super::states::State;
use crate::model::{Cause, ChannelId, EpochMillis, Invalid, Limit, LocationId, Millis};
use std::collections::BTreeMap;

/// A limit and where it applies; `None` is everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRule {
    /// In which state.
    pub state: State,
    /// For orders of which channel.
    pub channel: Option<ChannelId>,
    /// At which location.
    pub location: Option<LocationId>,
    /// How long; `None` is for as long as it takes.
    pub limit: Option<Limit>,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    rules: BTreeMap<(State, Option<ChannelId>, Option<LocationId>), Option<Limit>>,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// State, span in milliseconds, working time.
const DEFAULTS: [(State, u64, bool); 11] = [
    (State::Received, 5 * MINUTE, false),
    (State::Validated, 5 * MINUTE, false),
    (State::Backordered, 14 * DAY, false),
    (State::OnHold, DAY, false),
    (State::Routed, 4 * HOUR, true),
    (State::Sent, HOUR, false),
    (State::Acknowledged, 8 * HOUR, true),
    (State::ShortPicked, 2 * HOUR, true),
    (State::Picked, 4 * HOUR, true),
    (State::Packed, 8 * HOUR, true),
    (State::Shipped, 10 * DAY, false),
];

impl Default for Limits {
    /// What fits most operations; every number is there to be replaced.
    fn default() -> Self {
        let rule = |(state, span, working)| {
            let limit = Limit {
                span: Millis(span),
                working,
            };
            ((state, None, None), Some(limit))
        };
        Self {
            rules: DEFAULTS.into_iter().map(rule).collect(),
        }
    }
}

impl Limits {
    /// The defaults, with these rules in front of them or in place of them.
    ///
    /// # Errors
    /// A limit of nothing, or two rules for the same place.
    pub fn with(rules: &[LimitRule]) -> Result<Self, Invalid> {
        let mut own = BTreeMap::new();
        for rule in rules {
            let field = || format!("limits.{}", rule.state.name());
            if rule.limit.is_some_and(|limit| limit.span == Millis(0)) {
                return Err(Invalid::new(field(), 0, "at least 1 millisecond"));
            }
            let place = (rule.state, rule.channel, rule.location);
            if own.insert(place, rule.limit).is_some() {
                let twice = "one rule for each channel and location";
                return Err(Invalid::new(field(), "given twice", twice));
            }
        }
        let mut limits = Self::default();
        limits.rules.append(&mut own);
        Ok(limits)
    }

    /// The limit that counts, if any does.
    #[must_use]
    pub fn limit(
        &self,
        state: State,
        channel: ChannelId,
        location: Option<LocationId>,
    ) -> Option<Limit> {
        let here = location.is_some();
        let places = [
            here.then_some((Some(channel), location)),
            here.then_some((None, location)),
            Some((Some(channel), None)),
            Some((None, None)),
        ];
        let mut places = places.into_iter().flatten();
        let rules = &self.rules;
        let found = places.find_map(|(channel, location)| rules.get(&(state, channel, location)));
        found.copied().flatten()
    }

    /// When something that has stood in `state` since `since` is due.
    ///
    /// `add_working` adds working time of a location to a moment. What is not routed has no location
    /// and so no working time: the span counts as it is.
    #[must_use]
    pub fn due(
        &self,
        state: State,
        channel: ChannelId,
        location: Option<LocationId>,
        since: EpochMillis,
        add_working: impl FnOnce(LocationId, EpochMillis, Millis) -> EpochMillis,
    ) -> Option<EpochMillis> {
        let limit = self.limit(state, channel, location)?;
        Some(match location {
            Some(location) if limit.working => add_working(location, since, limit.span),
            _ => since + limit.span,
        })
    }
}

/// What it most likely means that something stands in this state for too long: the cause, which says
/// whose turn it is and what to do; `None` where nothing is to happen any more.
#[must_use]
pub const fn stuck(state: State) -> Option<Cause> {
    Some(match state {
        State::Received => Cause::NotValidated,
        State::Validated => Cause::NotRouted,
        State::Backordered => Cause::NoSupply,
        State::OnHold => Cause::Held,
        State::Routed => Cause::NotClaimed,
        State::Sent => Cause::NotAcknowledged,
        State::Acknowledged => Cause::NotPicked,
        State::ShortPicked => Cause::PickUnfinished,
        State::Picked => Cause::NotPacked,
        State::Packed => Cause::NotCollected,
        State::Shipped => Cause::NotDelivered,
        State::Delivered | State::Returned | State::Rejected | State::Cancelled => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(channel: Option<u16>, location: Option<u16>, span: u64, working: bool) -> LimitRule {
        LimitRule {
            state: State::Sent,
            channel: channel.map(ChannelId),
            location: location.map(LocationId),
            limit: Some(Limit {
                span: Millis(span),
                working,
            }),
        }
    }

    fn due(limits: &Limits, channel: u16, location: Option<u16>) -> i64 {
        let twice = |_, at, span: Millis| at + Millis(2 * span.0);
        let location = location.map(LocationId);
        let due = limits.due(
            State::Sent,
            ChannelId(channel),
            location,
            EpochMillis(0),
            twice,
        );
        due.unwrap().0
    }

    #[test]
    fn the_most_special_rule_counts() {
        let rules = [
            rule(None, None, 1, true),
            rule(Some(1), None, 10, false),
            rule(None, Some(1), 100, true),
            rule(Some(1), Some(1), 1_000, false),
        ];
        let limits = Limits::with(&rules).unwrap();
        assert_eq!(due(&limits, 1, Some(1)), 1_000);
        assert_eq!(due(&limits, 2, Some(1)), 200, "in working time");
        assert_eq!(due(&limits, 1, Some(2)), 10);
        assert_eq!(due(&limits, 2, Some(2)), 2);
        assert_eq!(due(&limits, 2, None), 1, "no place, no working time");
        assert!(Limits::with(&[rules[0], rules[0]]).is_err());
        assert!(Limits::with(&[rule(None, None, 0, false)]).is_err());
        let never = LimitRule {
            limit: None,
            ..rules[1]
        };
        let limits = Limits::with(&[rules[0], never]).unwrap();
        assert_eq!(due(&limits, 2, None), 1);
        assert_eq!(limits.limit(State::Sent, ChannelId(1), None), None, "never");
    }

    #[test]
    fn every_open_state_has_a_deadline_and_advice() {
        let limits = Limits::default();
        for (name, state) in State::ALL {
            let open = super::super::states::allowed(state);
            let open = !open.is_empty() && state != State::Delivered;
            let limit = limits.limit(state, ChannelId(0), None);
            assert_eq!(limit.is_some(), open, "{name}");
            assert_eq!(stuck(state).is_some(), open, "{name}");
        }
    }
}
