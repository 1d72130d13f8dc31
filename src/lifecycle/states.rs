//! The states of a fulfilment order and the one table of moves between them.
//!
//! Everything else that knows which step is allowed when (the drawing in the README, the list in a
//! refusal, the answer to a late message) is read from [`MOVES`]. Quantities, tokens and times are
//! not here: this file knows only words.
//!
//! A message can come late: repeated, or overtaken by a later one (`pick` after `ship`). It is told
//! apart from a step that must not happen, and neither ever moves a state.

pub use crate::model::State;
use bincode::{Decode, Encode};

impl State {
    /// Whether a holder has it and it has not left the building.
    #[must_use]
    pub const fn with_holder(self) -> bool {
        matches!(
            self,
            Self::Sent | Self::Acknowledged | Self::ShortPicked | Self::Picked | Self::Packed
        )
    }

    /// Whether it was never handed out, so that its units may still be split, merged or changed.
    #[must_use]
    pub const fn unreleased(self) -> bool {
        matches!(
            self,
            Self::Received | Self::Validated | Self::Backordered | Self::OnHold | Self::Routed
        )
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Returned | Self::Rejected | Self::Cancelled)
    }

    /// The last of a holder's messages that may lie behind this state: it and all before it are
    /// late when they arrive now. A rejected or cancelled one can have been packed, not shipped.
    const fn behind(self) -> Option<Step> {
        match self {
            Self::Acknowledged => Some(Step::Acknowledge),
            Self::ShortPicked => Some(Step::Short),
            Self::Picked => Some(Step::Pick),
            Self::Packed | Self::Rejected | Self::Cancelled => Some(Step::Pack),
            Self::Shipped => Some(Step::Ship),
            Self::Delivered | Self::Returned => Some(Step::Deliver),
            _ => None,
        }
    }
}

/// What can happen to a fulfilment order.
///
/// `Acknowledge` to `Deliver` are a holder's messages, in the order in which he does them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Step {
    /// Nothing in it is unknown any more.
    Validate,
    /// A place was chosen, or another one.
    Route,
    /// It has to wait for supply.
    Backorder,
    /// It must not be released until somebody resumes it.
    Hold,
    /// It may go on.
    Resume,
    /// A holder asked for work and got it.
    Claim,
    /// A holder got it by another way, and says so.
    Register,
    /// The release ended without work; the next one has another number.
    TakeBack,
    /// The holder confirms.
    Acknowledge,
    /// The holder misses units.
    Short,
    /// Everything that is not missing is off the shelf.
    Pick,
    /// It is in parcels.
    Pack,
    /// The carrier has it.
    Ship,
    /// One more parcel of what has shipped.
    AddParcel,
    /// One parcel of several is with the customer.
    DeliverParcel,
    /// All of it is with the customer.
    Deliver,
    /// Some delivered units came back.
    ReturnPart,
    /// The last delivered units came back.
    Return,
    /// The holder will not do it.
    Reject,
    /// It will not be fulfilled.
    Cancel,
}

impl Step {
    /// All steps with their names.
    pub const ALL: [(&'static str, Self); 20] = [
        ("validate", Self::Validate),
        ("route", Self::Route),
        ("backorder", Self::Backorder),
        ("hold", Self::Hold),
        ("resume", Self::Resume),
        ("claim", Self::Claim),
        ("register", Self::Register),
        ("take_back", Self::TakeBack),
        ("acknowledge", Self::Acknowledge),
        ("short", Self::Short),
        ("pick", Self::Pick),
        ("pack", Self::Pack),
        ("ship", Self::Ship),
        ("add_parcel", Self::AddParcel),
        ("deliver_parcel", Self::DeliverParcel),
        ("deliver", Self::Deliver),
        ("return_part", Self::ReturnPart),
        ("return", Self::Return),
        ("reject", Self::Reject),
        ("cancel", Self::Cancel),
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Whether a holder reports it about his own work.
    #[must_use]
    pub const fn of_holder(self) -> bool {
        let number = self as u8;
        Step::Acknowledge as u8 <= number && number <= Step::Deliver as u8
    }

    /// The state that a decision leads to, so that the same decision again is a repeat.
    const fn decides(self) -> Option<State> {
        match self {
            Self::Validate => Some(State::Validated),
            Self::Backorder => Some(State::Backordered),
            Self::Hold => Some(State::OnHold),
            Self::Claim | Self::Register => Some(State::Sent),
            Self::Return => Some(State::Returned),
            Self::Reject => Some(State::Rejected),
            Self::Cancel => Some(State::Cancelled),
            _ => None,
        }
    }
}

/// The allowed moves: from, by, to. There is no other.
///
/// A holder's message also stands for those before it that did not arrive (`ship` of something
/// sent), since it proves them. `take_back` is the one move from a holder back to routed; it ends
/// the release, so nothing that the holder says later counts.
pub const MOVES: &[(State, Step, State)] = {
    use State::*;
    &[
        (Received, Step::Validate, Validated),
        (Received, Step::Cancel, Cancelled),
        (Validated, Step::Route, Routed),
        (Validated, Step::Backorder, Backordered),
        (Validated, Step::Hold, OnHold),
        (Validated, Step::Cancel, Cancelled),
        (Backordered, Step::Route, Routed),
        (Backordered, Step::Hold, OnHold),
        (Backordered, Step::Cancel, Cancelled),
        (OnHold, Step::Resume, Validated),
        (OnHold, Step::Cancel, Cancelled),
        (Routed, Step::Route, Routed),
        (Routed, Step::Backorder, Backordered),
        (Routed, Step::Hold, OnHold),
        (Routed, Step::Claim, Sent),
        (Routed, Step::Register, Sent),
        (Routed, Step::Cancel, Cancelled),
        (Sent, Step::TakeBack, Routed),
        (Sent, Step::Acknowledge, Acknowledged),
        (Sent, Step::Short, ShortPicked),
        (Sent, Step::Pick, Picked),
        (Sent, Step::Pack, Packed),
        (Sent, Step::Ship, Shipped),
        (Sent, Step::DeliverParcel, Shipped),
        (Sent, Step::Deliver, Delivered),
        (Sent, Step::Reject, Rejected),
        (Sent, Step::Cancel, Cancelled),
        (Acknowledged, Step::TakeBack, Routed),
        (Acknowledged, Step::Short, ShortPicked),
        (Acknowledged, Step::Pick, Picked),
        (Acknowledged, Step::Pack, Packed),
        (Acknowledged, Step::Ship, Shipped),
        (Acknowledged, Step::DeliverParcel, Shipped),
        (Acknowledged, Step::Deliver, Delivered),
        (Acknowledged, Step::Reject, Rejected),
        (Acknowledged, Step::Cancel, Cancelled),
        (ShortPicked, Step::Short, ShortPicked),
        (ShortPicked, Step::Pick, Picked),
        (ShortPicked, Step::Pack, Packed),
        (ShortPicked, Step::Ship, Shipped),
        (ShortPicked, Step::DeliverParcel, Shipped),
        (ShortPicked, Step::Deliver, Delivered),
        (ShortPicked, Step::Reject, Rejected),
        (ShortPicked, Step::Cancel, Cancelled),
        (Picked, Step::Short, Picked),
        (Picked, Step::Pack, Packed),
        (Picked, Step::Ship, Shipped),
        (Picked, Step::DeliverParcel, Shipped),
        (Picked, Step::Deliver, Delivered),
        (Picked, Step::Reject, Rejected),
        (Picked, Step::Cancel, Cancelled),
        (Packed, Step::Short, Packed),
        (Packed, Step::Ship, Shipped),
        (Packed, Step::DeliverParcel, Shipped),
        (Packed, Step::Deliver, Delivered),
        (Packed, Step::Reject, Rejected),
        (Packed, Step::Cancel, Cancelled),
        (Shipped, Step::Short, Shipped),
        (Shipped, Step::AddParcel, Shipped),
        (Shipped, Step::DeliverParcel, Shipped),
        (Shipped, Step::Deliver, Delivered),
        (Shipped, Step::ReturnPart, Shipped),
        (Delivered, Step::ReturnPart, Delivered),
        (Delivered, Step::Return, Returned),
    ]
};

/// [`MOVES`] by state and step, so that a step costs one look.
const TARGETS: [[Option<State>; Step::ALL.len()]; State::ALL.len()] = {
    let mut targets = [[None; Step::ALL.len()]; State::ALL.len()];
    let mut row = 0;
    while row < MOVES.len() {
        let (from, step, to) = MOVES[row];
        assert!(
            targets[from as usize][step as usize].is_none(),
            "a move is listed twice"
        );
        targets[from as usize][step as usize] = Some(to);
        row += 1;
    }
    targets
};

/// What a step does to a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new state; it may be the same one, when only quantities or parcels change.
    Moved(State),
    /// A repeat, or a message that a later one has overtaken: recorded, and nothing moves.
    Late,
    /// It must not happen now.
    Refused {
        /// Where the fulfilment order stands.
        state: State,
        /// What could happen instead.
        allowed: Vec<Step>,
    },
}

/// What `step` does to `state`.
#[must_use]
pub fn step(state: State, step: Step) -> Outcome {
    if let Some(to) = TARGETS[state as usize][step as usize] {
        return Outcome::Moved(to);
    }
    let overtaken = step.of_holder() && state.behind().is_some_and(|behind| step <= behind);
    if overtaken || step.decides() == Some(state) {
        return Outcome::Late;
    }
    Outcome::Refused {
        state,
        allowed: allowed(state),
    }
}

/// The steps that are allowed now, in the order of [`MOVES`].
#[must_use]
pub fn allowed(state: State) -> Vec<Step> {
    let rows = MOVES.iter().filter(|(from, ..)| *from == state);
    rows.map(|&(_, step, _)| step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_at_the_places_of_their_values() {
        for (place, (name, state)) in State::ALL.into_iter().enumerate() {
            assert_eq!((state as usize, state.name()), (place, name));
            assert_eq!(State::parse(name), Some(state));
        }
        for (place, (name, step)) in Step::ALL.into_iter().enumerate() {
            assert_eq!((step as usize, step.name()), (place, name));
        }
    }

    #[test]
    fn no_message_of_a_holder_moves_a_state_back() {
        for &(from, by, to) in MOVES {
            if by.of_holder() {
                assert!(from <= to, "{} by {}", from.name(), by.name());
            }
        }
    }

    #[test]
    fn a_picked_after_shipped_is_late_and_a_shipped_after_cancelled_is_refused() {
        assert_eq!(step(State::Shipped, Step::Pick), Outcome::Late);
        assert_eq!(step(State::Delivered, Step::Ship), Outcome::Late);
        assert_eq!(step(State::Cancelled, Step::Pick), Outcome::Late);
        assert_eq!(step(State::Cancelled, Step::Cancel), Outcome::Late);
        let refused = Outcome::Refused {
            state: State::Cancelled,
            allowed: vec![],
        };
        assert_eq!(step(State::Cancelled, Step::Ship), refused);
        let refused = Outcome::Refused {
            state: State::Delivered,
            allowed: vec![Step::ReturnPart, Step::Return],
        };
        assert_eq!(step(State::Delivered, Step::Cancel), refused);
    }

    #[test]
    fn closed_states_have_no_way_out_and_every_state_can_be_reached() {
        for (_, state) in State::ALL {
            let none = allowed(state).is_empty();
            assert_eq!(none, state.is_closed(), "{}", state.name());
            let reached = MOVES.iter().any(|(_, _, to)| *to == state);
            assert_eq!(reached, state != State::Received, "{}", state.name());
        }
    }
}
