//! Rules that resolve exceptions without anybody: configuration as data.
//!
//! The first rule that fits counts, so special ones stand before general ones.

use super::exceptions::Exception;
use crate::model::{Cause, ChannelId, EpochMillis, Invalid, Millis};

/// When a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// As soon as the exception is open.
    AtOnce,
    /// When units of a SKU that it waits for arrive.
    StockArrived,
    /// When it has been open for this long.
    After(Millis),
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Looks for a plan again.
    RetryRouting,
    /// Promises it against supply to come.
    Backorder,
    /// Cancels it.
    Cancel,
}

impl Action {
    /// The name in files and in what a resolution says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RetryRouting => "retry_routing",
            Self::Backorder => "backorder",
            Self::Cancel => "cancel",
        }
    }
}

/// One rule; `None` is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// For this cause.
    pub cause: Option<Cause>,
    /// For orders of this channel.
    pub channel: Option<ChannelId>,
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action,
}

/// All rules, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedies(Vec<Remedy>);

impl Remedies {
    /// These rules, in this order.
    ///
    /// # Errors
    /// A rule that acts after no time, or that cancels whatever is found, at once.
    pub fn new(rules: Vec<Remedy>) -> Result<Self, Invalid> {
        for (number, rule) in rules.iter().enumerate() {
            let field = || format!("remedies[{number}]");
            if rule.trigger == Trigger::After(Millis(0)) {
                return Err(Invalid::new(field(), "after 0", "a time, or at once"));
            }
            let hasty = rule.trigger == Trigger::AtOnce && rule.cause.is_none();
            if hasty && rule.action == Action::Cancel {
                let expected = "a cause, or a time to wait";
                return Err(Invalid::new(field(), "cancel anything at once", expected));
            }
        }
        Ok(Self(rules))
    }

    /// What the rules do about an exception when this happens.
    #[must_use]
    pub fn action(&self, exception: &Exception, now: Trigger) -> Option<Action> {
        let rule = self.fitting(exception).find(|rule| rule.trigger == now);
        rule.map(|rule| rule.action)
    }

    /// When the next rule that waits for time acts on an exception, later than `after`, and how. The
    /// first time `after` is the moment of opening; then it is the moment of the last action.
    #[must_use]
    pub fn due(&self, exception: &Exception, after: EpochMillis) -> Option<(EpochMillis, Action)> {
        let waiting = self
            .fitting(exception)
            .filter_map(|rule| match rule.trigger {
                Trigger::After(span) => Some((exception.opened + span, rule.action)),
                Trigger::AtOnce | Trigger::StockArrived => None,
            });
        waiting
            .filter(|&(at, _)| at > after)
            .min_by_key(|&(at, _)| at)
    }

    /// Rules for its cause and channel.
    fn fitting<'a>(&'a self, exception: &'a Exception) -> impl Iterator<Item = &'a Remedy> {
        let channel = exception.finding.channel;
        self.0.iter().filter(move |rule| {
            rule.cause.is_none_or(|cause| cause == exception.cause())
                && rule.channel.is_none_or(|wanted| channel == Some(wanted))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::exceptions::Exceptions;
    use super::*;
    use crate::model::{Finding, OrderKey, Subject, Topic};

    fn rule(
        cause: Option<Cause>,
        channel: Option<u16>,
        trigger: Trigger,
        action: Action,
    ) -> Remedy {
        Remedy {
            cause,
            channel: channel.map(ChannelId),
            trigger,
            action,
        }
    }

    fn exception(cause: Cause, channel: u16) -> Exception {
        let finding = Finding {
            subject: Subject {
                topic: Topic::order(&OrderKey::new("shop", "1")),
                cause,
            },
            channel: Some(ChannelId(channel)),
            detail: "".into(),
            waits_for: vec![],
        };
        Exceptions::default()
            .open(finding, EpochMillis(100))
            .0
            .clone()
    }

    #[test]
    fn the_first_rule_for_cause_and_channel_counts() {
        let rules = vec![
            rule(
                Some(Cause::NoStock),
                Some(1),
                Trigger::AtOnce,
                Action::Backorder,
            ),
            rule(
                Some(Cause::NoStock),
                None,
                Trigger::AtOnce,
                Action::RetryRouting,
            ),
            rule(None, None, Trigger::After(Millis(50)), Action::Cancel),
            rule(
                Some(Cause::TooLate),
                None,
                Trigger::After(Millis(20)),
                Action::RetryRouting,
            ),
        ];
        let remedies = Remedies::new(rules).unwrap();
        let at_once = |cause, channel| remedies.action(&exception(cause, channel), Trigger::AtOnce);
        assert_eq!(at_once(Cause::NoStock, 1), Some(Action::Backorder));
        assert_eq!(at_once(Cause::NoStock, 2), Some(Action::RetryRouting));
        assert_eq!(at_once(Cause::TooLate, 1), None);
        let due = |cause, after| remedies.due(&exception(cause, 1), EpochMillis(after));
        let (retry, cancel) = (Action::RetryRouting, Action::Cancel);
        assert_eq!(due(Cause::NoStock, 100), Some((EpochMillis(150), cancel)));
        assert_eq!(due(Cause::TooLate, 100), Some((EpochMillis(120), retry)));
        assert_eq!(due(Cause::TooLate, 120), Some((EpochMillis(150), cancel)));
        assert_eq!(due(Cause::TooLate, 150), None);
        let hasty = rule(None, None, Trigger::AtOnce, Action::Cancel);
        assert!(Remedies::new(vec![hasty]).is_err());
        let never = rule(None, None, Trigger::After(Millis(0)), Action::Backorder);
        assert!(Remedies::new(vec![never]).is_err());
    }
}
