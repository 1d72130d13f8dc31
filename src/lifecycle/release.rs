//! Handing a fulfilment order out once, and listening only to whoever has it.
//!
//! | asked by | while | answer |
//! | --- | --- | --- |
//! | anybody | routed | a new release, its number one higher than the last |
//! | the holder of the live release | it is open | the same release with the same token |
//! | anybody else | it is open | refused, naming who has it |
//!
//! A release that was never acknowledged goes back only if its holder promised to acknowledge before
//! he starts. Once a claim was answered, any other holder may be working on it, whether or not the
//! answer ever reached him: nobody here can know, so the order stays his and a person decides.

use super::change::{Applied, Refusal};
use super::fulfillment::FulfillmentOrder;
use super::states::{self, State, Step};
use super::token::{ReleaseKey, Token};
use crate::model::{Change, ClaimMode};
use crate::model::{EpochMillis, Invalid};

/// A release as it is answered to its holder.
#[derive(Debug, Clone)]
pub struct Release {
    /// The proof of having it.
    pub token: Token,
    /// Its number.
    pub number: u32,
    /// Until when to acknowledge; `None` is no limit.
    pub lease_end: Option<EpochMillis>,
    /// Whether the holder had it already.
    pub repeat: bool,
    /// Whether an earlier release ended for it: a `TakeBack` that nobody vouched for was applied
    /// before the claim.
    pub taken_back: bool,
}

/// What the end of a lease means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseVerdict {
    /// It has not ended, or there is none.
    Running,
    /// It has ended and the holder cannot have started: take it back.
    MayGoBack,
    /// It has ended and the holder may have started: open an exception.
    MayHaveBegun,
}

impl FulfillmentOrder {
    /// What the lease means at `now`.
    #[must_use]
    pub fn lease(&self, now: EpochMillis) -> LeaseVerdict {
        let holder = self.holder.as_ref().filter(|_| self.state == State::Sent);
        let Some((holder, end)) = holder.and_then(|h| h.lease_end.map(|end| (h, end))) else {
            return LeaseVerdict::Running;
        };
        match holder.mode {
            _ if end > now => LeaseVerdict::Running,
            ClaimMode::AcknowledgeFirst => LeaseVerdict::MayGoBack,
            ClaimMode::WorkAtOnce => LeaseVerdict::MayHaveBegun,
        }
    }

    /// Hands it out to `holder`, or answers the release that he has.
    ///
    /// # Errors
    /// Somebody else has it; it cannot be handed out in this state; the lease ends before it
    /// starts; the name is not an id.
    pub fn claim(
        &mut self,
        key: &ReleaseKey,
        holder: &str,
        mode: ClaimMode,
        lease_end: EpochMillis,
        now: EpochMillis,
    ) -> Result<Release, Refusal> {
        crate::model::check_id("holder", holder)?;
        if lease_end <= now {
            let expected = format!("a moment after {now}");
            return Err(Invalid::new("lease_end", lease_end, expected).into());
        }
        let taken_back = self.lease(now) == LeaseVerdict::MayGoBack;
        if taken_back {
            self.apply(&Change::TakeBack { vouched_by: None }, now)?;
        }
        let change = Change::Claim {
            holder: holder.into(),
            mode,
            lease_end,
        };
        let release = self.handed_out(key, holder, &change, now)?;
        Ok(Release {
            taken_back,
            ..release
        })
    }

    /// Notes that `holder` got it by another way: the same release as if he had claimed it, so that
    /// no second one is handed out.
    ///
    /// # Errors
    /// Somebody else has it (then two may be working on it); it cannot be handed out in this state;
    /// the name is not an id.
    pub fn register(
        &mut self,
        key: &ReleaseKey,
        holder: &str,
        now: EpochMillis,
    ) -> Result<Release, Refusal> {
        crate::model::check_id("holder", holder)?;
        let change = Change::Register {
            holder: holder.into(),
        };
        self.handed_out(key, holder, &change, now)
    }

    fn handed_out(
        &mut self,
        key: &ReleaseKey,
        holder: &str,
        change: &Change,
        now: EpochMillis,
    ) -> Result<Release, Refusal> {
        let repeat = self.holder.is_some();
        if !repeat {
            self.apply(change, now)?;
        } else {
            self.check_same_holder(holder)?;
            if matches!(self.state, State::Rejected | State::Cancelled) {
                return Err(self.not_allowed(Step::Claim));
            }
        }
        Ok(Release {
            token: key.token(&self.id, self.release),
            number: self.release,
            lease_end: self.holder.as_ref().and_then(|h| h.lease_end),
            repeat,
            taken_back: false,
        })
    }

    /// Makes a change that came from outside, if whoever asks may speak for it: what a holder
    /// reports needs the token of the live release, and so does cancelling what a holder has.
    ///
    /// # Errors
    /// The token is missing or of another release; the change is not possible now.
    pub fn tell(
        &mut self,
        key: &ReleaseKey,
        token: Option<&Token>,
        change: &Change,
        at: EpochMillis,
    ) -> Result<Applied, Refusal> {
        if self.needs_token(change) {
            self.authorise(key, token)?;
        }
        self.apply(change, at)
    }

    /// Whether only the holder may ask for it now.
    #[must_use]
    pub fn needs_token(&self, change: &Change) -> bool {
        match change {
            Change::Acknowledge
            | Change::Short { .. }
            | Change::Pick
            | Change::Pack
            | Change::Ship { .. }
            | Change::Deliver { .. }
            | Change::Reject { .. } => true,
            Change::Cancel { .. } => self.state.with_holder(),
            _ => false,
        }
    }

    /// Whether `token` is that of the live release.
    ///
    /// # Errors
    /// It is missing, or of another release; names who has it.
    pub fn authorise(&self, key: &ReleaseKey, token: Option<&Token>) -> Result<(), Refusal> {
        let live = key.token(&self.id, self.release);
        match (&self.holder, token) {
            (Some(_), Some(token)) if live.same(token) => Ok(()),
            (Some(_), None) => Err(self.held()),
            (holder, _) => Err(Refusal::Stale {
                holder: holder.as_ref().map(|h| h.name.clone()),
                release: self.release,
                state: self.state,
            }),
        }
    }

    pub(super) fn check_same_holder(&self, holder: &str) -> Result<(), Refusal> {
        match &self.holder {
            Some(known) if &*known.name == holder => Ok(()),
            _ => Err(self.held()),
        }
    }

    pub(super) fn check_take_back(&self, vouched: bool, at: EpochMillis) -> Result<(), Refusal> {
        if vouched || self.lease(at) == LeaseVerdict::MayGoBack {
            return Ok(());
        }
        let holder = self.holder.as_ref();
        Err(Refusal::MayHaveBegun {
            holder: holder.map_or_else(|| "nobody".into(), |h| h.name.clone()),
        })
    }

    /// That somebody has it, and who.
    #[must_use]
    pub fn held(&self) -> Refusal {
        let holder = self.holder.as_ref();
        Refusal::Held {
            holder: holder.map_or_else(|| "nobody".into(), |h| h.name.clone()),
            release: self.release,
            state: self.state,
        }
    }

    /// That it has left, so nothing else can be made of it.
    #[must_use]
    pub fn left(&self) -> Refusal {
        self.not_allowed(Step::Route)
    }

    pub(super) fn not_allowed(&self, step: Step) -> Refusal {
        Refusal::NotAllowed {
            step,
            state: self.state,
            allowed: states::allowed(self.state),
        }
    }
}
