//! Rules that resolve exceptions without anybody: configuration as data.
//!
//! The first rule that fits counts, so special ones stand before general ones.

use super::exceptions::Exception;
use crate::model::{Action, ByRule, Cause, ChannelId, EpochMillis, Invalid, Millis, Trigger};

/// One rule; `None` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Its own name.
    pub name: Box<str>,
    /// For this cause.
    pub cause: Option<Cause>,
    /// For orders of this channel.
    pub channel: Option<ChannelId>,
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action,
}

impl Remedy {
    /// What is written down where it did something.
    #[must_use]
    pub fn by(&self) -> ByRule {
        ByRule {
            rule: self.name.clone(),
            action: self.action,
        }
    }
}

/// All rules, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedies(Vec<Remedy>);

impl Remedies {
    /// These rules, in this order.
    ///
    /// # Errors
    /// A name that two rules have, a rule that acts after no time, that cancels whatever is found, at
    /// once, or that can do nothing about its cause.
    pub fn new(rules: Vec<Remedy>) -> Result<Self, Invalid> {
        for (number, rule) in rules.iter().enumerate() {
            let field = |name: &str| format!("remedies[{number}].{name}");
            if rules[..number].iter().any(|other| other.name == rule.name) {
                let expected = "a name that no rule before it has";
                return Err(Invalid::new(field("name"), &rule.name, expected));
            }
            if rule.trigger == Trigger::After(Millis(0)) {
                return Err(Invalid::new(field("after"), 0, "a time, or at once"));
            }
            if let Some(cause) = rule.cause.filter(|cause| !rule.action.helps(*cause)) {
                let expected = format!("a cause that {} can end", rule.action.name());
                return Err(Invalid::new(field("cause"), cause.name(), expected));
            }
            let hasty = rule.trigger == Trigger::AtOnce && rule.cause.is_none();
            if hasty && rule.action == Action::Cancel {
                let expected = "a cause, or a time to wait";
                return Err(Invalid::new(
                    field("when"),
                    "cancel anything at once",
                    expected,
                ));
            }
        }
        Ok(Self(rules))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Remedy> {
        self.0.iter()
    }

    /// Whether any does something about an exception, at whatever time.
    #[must_use]
    pub fn fit(&self, exception: &Exception) -> bool {
        self.fitting(exception).next().is_some()
    }

    /// The rule that counts when this happens to an exception.
    #[must_use]
    pub fn action(&self, exception: &Exception, now: Trigger) -> Option<&Remedy> {
        self.fitting(exception).find(|rule| rule.trigger == now)
    }

    /// Which rule acts on an exception next without anything happening, and when: what acts at once
    /// does so once, what waits for time does so once for each time.
    #[must_use]
    pub fn next(&self, exception: &Exception) -> Option<(EpochMillis, &Remedy)> {
        if exception.tried.is_none()
            && let Some(rule) = self.action(exception, Trigger::AtOnce)
        {
            return Some((exception.opened, rule));
        }
        self.due(exception, exception.tried.unwrap_or(exception.opened))
    }

    /// When the next rule that waits for time acts on an exception, later than `after`, and which. The
    /// first time `after` is the moment of opening; then it is the one at which the last was to act.
    #[must_use]
    pub fn due(&self, exception: &Exception, after: EpochMillis) -> Option<(EpochMillis, &Remedy)> {
        let opened = exception.opened;
        let waiting = self
            .fitting(exception)
            .filter_map(move |rule| match rule.trigger {
                Trigger::After(span) => Some((opened + span, rule)),
                Trigger::AtOnce | Trigger::StockArrived => None,
            });
        waiting
            .filter(|&(at, _)| at > after)
            .min_by_key(|&(at, _)| at)
    }

    /// Rules for its cause and channel that can do something about it.
    fn fitting<'a>(&'a self, exception: &Exception) -> impl Iterator<Item = &'a Remedy> + use<'a> {
        let (channel, cause) = (exception.finding.channel, exception.cause());
        self.0.iter().filter(move |rule| {
            rule.action.helps(cause)
                && rule.cause.is_none_or(|wanted| wanted == cause)
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
            name: format!("{cause:?} {channel:?} {trigger:?}").into(),
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
        let at_once = |cause, channel| {
            let found = exception(cause, channel);
            let rule = remedies.action(&found, Trigger::AtOnce);
            rule.map(|rule| rule.action)
        };
        assert_eq!(at_once(Cause::NoStock, 1), Some(Action::Backorder));
        assert_eq!(at_once(Cause::NoStock, 2), Some(Action::RetryRouting));
        assert_eq!(at_once(Cause::TooLate, 1), None);
        let due = |cause, after| {
            let found = exception(cause, 1);
            let due = remedies.due(&found, EpochMillis(after));
            due.map(|(at, rule)| (at, rule.action))
        };
        let (retry, cancel) = (Action::RetryRouting, Action::Cancel);
        assert_eq!(due(Cause::NoStock, 100), Some((EpochMillis(150), cancel)));
        assert_eq!(due(Cause::TooLate, 100), Some((EpochMillis(120), retry)));
        assert_eq!(due(Cause::TooLate, 120), Some((EpochMillis(150), cancel)));
        assert_eq!(due(Cause::TooLate, 150), None);
        // At once comes first, and once; a try that comes late skips none that is due by then.
        let mut opened = exception(Cause::NoStock, 1);
        let next = |e: &Exception| remedies.next(e).map(|(at, rule)| (at, rule.action));
        assert_eq!(next(&opened), Some((EpochMillis(100), Action::Backorder)));
        opened.tried = Some(EpochMillis(100));
        assert_eq!(next(&opened), Some((EpochMillis(150), cancel)));
        opened.tried = Some(EpochMillis(150));
        assert_eq!(next(&opened), None);
        let twice = rule(None, None, Trigger::StockArrived, Action::Backorder);
        assert!(Remedies::new(vec![twice.clone(), twice]).is_err());
        let hasty = rule(None, None, Trigger::AtOnce, Action::Cancel);
        assert!(Remedies::new(vec![hasty]).is_err());
        let never = rule(None, None, Trigger::After(Millis(0)), Action::Backorder);
        assert!(Remedies::new(vec![never]).is_err());
    }
}
