//! When a fulfilment order reached which state, and where its time went before it was sent.

use super::states::State;
use crate::model::{EpochMillis, Millis};
use bincode::{Decode, Encode};

/// The moments of a fulfilment order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Times {
    /// When the customer placed the order.
    pub placed: EpochMillis,
    /// The last time each state was entered, in the order of first entry. One entry per state, so
    /// that going round (hold, resume) does not grow it.
    entered: Vec<(State, EpochMillis)>,
}

/// Where the time between placed and sent went; the parts add up to all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayBudget {
    /// Placed to received: on its way from the shop to here.
    pub transmission: Millis,
    /// Received to validated.
    pub validation: Millis,
    /// Validated to routed; waiting for supply and holds are in it.
    pub routing: Millis,
    /// Routed to sent: nobody asked for it.
    pub waiting: Millis,
}

impl DelayBudget {
    /// Placed to sent.
    #[must_use]
    pub const fn total(&self) -> Millis {
        Millis(self.transmission.0 + self.validation.0 + self.routing.0 + self.waiting.0)
    }
}

impl Times {
    /// Placed, and received here later.
    #[must_use]
    pub fn new(placed: EpochMillis, received: EpochMillis) -> Self {
        Self {
            placed,
            entered: vec![(State::Received, received)],
        }
    }

    /// When `state` was entered last; `None` when it never was, or when no message told of it.
    #[must_use]
    pub fn at(&self, state: State) -> Option<EpochMillis> {
        let found = self.entered.iter().find(|(known, _)| *known == state);
        found.map(|&(_, at)| at)
    }

    pub(super) fn enter(&mut self, state: State, at: EpochMillis) {
        match self.entered.iter_mut().find(|(known, _)| *known == state) {
            Some((_, last)) => *last = at,
            None => self.entered.push((state, at)),
        }
    }

    /// Where the time went; `None` before it is sent.
    ///
    /// A shop's clock that runs ahead counts as no transmission.
    #[must_use]
    pub fn delay(&self) -> Option<DelayBudget> {
        let received = self.at(State::Received)?;
        let validated = self.at(State::Validated)?;
        let routed = self.at(State::Routed)?;
        let sent = self.at(State::Sent)?;
        // Taken back since, it is not sent.
        (sent >= routed).then(|| DelayBudget {
            transmission: received - self.placed,
            validation: validated - received,
            routing: routed - validated,
            waiting: sent - routed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_delay_add_up_to_it() {
        let mut times = Times::new(EpochMillis(1_000), EpochMillis(1_200));
        times.enter(State::Validated, EpochMillis(1_230));
        times.enter(State::Routed, EpochMillis(1_234));
        assert_eq!(times.delay(), None);
        times.enter(State::Sent, EpochMillis(9_000));
        let delay = times.delay().unwrap();
        assert_eq!(delay.waiting, Millis(7_766));
        assert_eq!(delay.total(), Millis(8_000));
        times.enter(State::Routed, EpochMillis(9_500));
        assert_eq!(times.delay(), None, "taken back");
    }
}
