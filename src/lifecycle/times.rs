//! When a fulfilment order reached which state, and where its time went until a holder had it.

use super::states::State;
use crate::model::{EpochMillis, Millis};
use bincode::{Decode, Encode};

/// What a fulfilment order's time was spent on. Every moment between placing and the holder's
/// confirmation is in exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Phase {
    /// From when the customer placed it until it was accepted and nothing in it was unknown: on its way
    /// from the shop included.
    Validation,
    /// From then on until it had a place, or was known to have none.
    Routing,
    /// It waited for supply.
    Supply,
    /// Somebody held it.
    Hold,
    /// It had a place, and nobody asked for it.
    Claim,
    /// Handed out, until its holder confirmed; and all of the time that one had it who gave it back.
    Transmission,
}

impl Phase {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("validation", Self::Validation),
        ("routing", Self::Routing),
        ("supply", Self::Supply),
        ("hold", Self::Hold),
        ("claim", Self::Claim),
        ("transmission", Self::Transmission),
    ];

    /// What time counts as while it stands in a state; `None` once a holder has confirmed it, or
    /// nothing more happens to it.
    const fn of(state: State) -> Option<Self> {
        match state {
            State::Received => Some(Self::Validation),
            State::Validated => Some(Self::Routing),
            State::Backordered => Some(Self::Supply),
            State::OnHold => Some(Self::Hold),
            State::Routed => Some(Self::Claim),
            State::Sent => Some(Self::Transmission),
            _ => None,
        }
    }
}

/// The moments of a fulfilment order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Times {
    /// When the customer placed the order.
    pub placed: EpochMillis,
    /// The last time each state was entered, in the order of first entry. One entry per state, so
    /// that going round (hold, resume) does not grow it.
    entered: Vec<(State, EpochMillis)>,
    /// Where the time went up to `spent_until`.
    spent: DelayBudget,
    spent_until: EpochMillis,
    /// When its holder confirmed it; not if he gave it back since.
    sent: Option<EpochMillis>,
}

/// Where the time between placed and sent went; the parts add up to all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct DelayBudget {
    /// By [`Phase`].
    spent: [Millis; Phase::ALL.len()],
}

impl DelayBudget {
    /// What was spent on one thing.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> Millis {
        self.spent[phase as usize]
    }

    /// For supply, on hold, and for somebody to ask for it.
    #[must_use]
    pub const fn waiting(&self) -> Millis {
        let (supply, hold) = (self.of(Phase::Supply), self.of(Phase::Hold));
        Millis(supply.0 + hold.0 + self.of(Phase::Claim).0)
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Millis {
        Millis(self.spent.iter().map(|span| span.0).sum())
    }

    fn add(&mut self, phase: Phase, span: Millis) {
        let spent = &mut self.spent[phase as usize];
        spent.0 = spent.0.saturating_add(span.0);
    }
}

impl Times {
    /// Placed, and received here later. A shop's clock that runs ahead counts as no delay.
    #[must_use]
    pub fn new(placed: EpochMillis, received: EpochMillis) -> Self {
        let mut spent = DelayBudget::default();
        spent.add(Phase::Validation, received - placed);
        Self {
            placed,
            entered: vec![(State::Received, received)],
            spent,
            spent_until: received,
            sent: None,
        }
    }

    /// Those of a new fulfilment order that takes over units at `at` from this one, which stands in
    /// `state`: what was spent on them stays spent.
    #[must_use]
    pub fn taken_over(&self, state: State, at: EpochMillis) -> Self {
        let received = self.at(State::Received).unwrap_or(at);
        let mut times = Self::new(self.placed, received);
        times.spent = self.spent;
        times.spent_until = self.spent_until;
        // He who has it, or had it, does not ship these.
        times.spend(Phase::of(state).unwrap_or(Phase::Transmission), at);
        times
    }

    /// When `state` was entered last; `None` when it never was, or when no message told of it.
    #[must_use]
    pub fn at(&self, state: State) -> Option<EpochMillis> {
        let found = self.entered.iter().find(|(known, _)| *known == state);
        found.map(|&(_, at)| at)
    }

    pub(super) fn enter(&mut self, from: State, to: State, at: EpochMillis) {
        match self.entered.iter_mut().find(|(known, _)| *known == to) {
            Some((_, last)) => *last = at,
            None => self.entered.push((to, at)),
        }
        match (Phase::of(from), Phase::of(to)) {
            (Some(phase), _) => {
                self.spend(phase, at);
                let confirmed = to >= State::Acknowledged && !to.is_closed();
                if from == State::Sent && confirmed {
                    self.sent = Some(self.spent_until);
                }
            }
            // It was given back: he has had it for nothing.
            (None, Some(_)) => {
                self.spend(Phase::Transmission, at);
                self.sent = None;
            }
            (None, None) => {}
        }
    }

    /// Counts the time up to `at` for something. Clocks of two threads may differ a little: what was
    /// counted is not taken back.
    fn spend(&mut self, phase: Phase, at: EpochMillis) {
        self.spent.add(phase, at - self.spent_until);
        self.spent_until = self.spent_until.max(at);
    }

    /// When its holder confirmed it, and where the time went until then; `None` before he did, and
    /// when it was given back since.
    #[must_use]
    pub fn sent(&self) -> Option<(EpochMillis, DelayBudget)> {
        self.sent.map(|at| (at, self.spent))
    }

    /// Where the time went until it was sent; until `now` of one that stands in `state` and is not.
    #[must_use]
    pub fn delay(&self, state: State, now: EpochMillis) -> DelayBudget {
        let mut until = self.clone();
        if let Some(phase) = Phase::of(state) {
            until.spend(phase, now);
        }
        until.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(times: &mut Times, state: &mut State, to: State, at: i64) {
        times.enter(*state, to, EpochMillis(at));
        *state = to;
    }

    #[test]
    fn the_parts_of_the_delay_add_up_to_it() {
        let (mut times, mut state) = (
            Times::new(EpochMillis(1_000), EpochMillis(1_200)),
            State::Received,
        );
        for (to, at) in [
            (State::Validated, 1_230),
            (State::Backordered, 1_234),
            (State::Routed, 5_000),
            (State::OnHold, 5_100),
            (State::Validated, 6_000),
            (State::Routed, 6_000),
            (State::Sent, 7_000),
        ] {
            enter(&mut times, &mut state, to, at);
        }
        assert_eq!(times.sent(), None);
        assert_eq!(
            times.delay(state, EpochMillis(7_500)).total(),
            Millis(6_500)
        );
        enter(&mut times, &mut state, State::Acknowledged, 9_000);
        let (at, delay) = times.sent().unwrap();
        let parts = Phase::ALL.map(|(_, phase)| delay.of(phase).0);
        assert_eq!(parts, [230, 4, 3_766, 900, 1_100, 2_000]);
        assert_eq!(delay.waiting(), Millis(5_766));
        assert_eq!((at, delay.total()), (EpochMillis(9_000), Millis(8_000)));
        enter(&mut times, &mut state, State::Picked, 9_300);
        assert_eq!(times.sent(), Some((at, delay)), "that is over");
    }

    #[test]
    fn what_is_given_back_is_not_sent_and_its_time_is_lost() {
        let (mut times, mut state) = (Times::new(EpochMillis(0), EpochMillis(0)), State::Received);
        for (to, at) in [
            (State::Validated, 0),
            (State::Routed, 0),
            (State::Sent, 100),
            (State::Acknowledged, 150),
            (State::Routed, 400),
        ] {
            enter(&mut times, &mut state, to, at);
        }
        assert_eq!(times.sent(), None, "taken back");
        enter(&mut times, &mut state, State::Sent, 1_000);
        enter(&mut times, &mut state, State::Rejected, 1_100);
        assert_eq!(times.sent(), None, "and refused");
        let next = times.taken_over(state, EpochMillis(1_200));
        let delay = next.delay(State::Received, EpochMillis(1_200));
        assert_eq!(delay.of(Phase::Claim), Millis(700));
        assert_eq!(delay.of(Phase::Transmission), Millis(500));
        assert_eq!(delay.total(), Millis(1_200));
    }
}
