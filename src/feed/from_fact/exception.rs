//! The events of what needs a decision.

use super::{Events, order_key};
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::Field;
use crate::model::{ExceptionChange, ExceptionFact, Topic};

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn exception(&mut self, fact: &ExceptionFact) {
        let names = self.names;
        let (topic, cause) = (&fact.subject.topic, fact.subject.cause);
        // Its sender has it; what is done with it is told when it is done.
        if matches!(
            fact.change,
            ExceptionChange::Kept { .. } | ExceptionChange::Dropped
        ) {
            return;
        }
        let streams = match topic {
            Topic::Order { .. } => StreamSet::ORDER_EXCEPTIONS,
            Topic::Position(..) => StreamSet::STOCK_EXCEPTIONS,
            Topic::Location(_) => StreamSet::EXCEPTIONS,
        };
        let kind = match fact.change {
            ExceptionChange::Opened { .. } => "exception.opened",
            ExceptionChange::Assigned { .. } => "exception.assigned",
            ExceptionChange::Resolved { .. } => "exception.resolved",
            ExceptionChange::Tried { .. }
            | ExceptionChange::Kept { .. }
            | ExceptionChange::Dropped => "exception.tried",
        };
        self.push(streams, kind, |f| {
            f.number(Field::Exception, fact.id)
                .text(Field::Kind, cause.kind().name())
                .text(Field::Cause, cause.name());
            match topic {
                Topic::Order { key, fulfillment } => {
                    order_key(f, key);
                    if let Some(number) = fulfillment {
                        f.number(Field::Fulfillment, *number);
                    }
                }
                Topic::Position(sku, location) => {
                    f.text(Field::Sku, names.sku_name(*sku))
                        .text(Field::Location, names.location_name(*location));
                }
                Topic::Location(location) => {
                    f.text(Field::Location, names.location_name(*location));
                }
            }
            match &fact.change {
                ExceptionChange::Opened {
                    channel, detail, ..
                } => {
                    let channel = channel.map_or("", |c| names.channel_name(c));
                    f.text(Field::Channel, channel)
                        .text(Field::Owner, cause.owner())
                        .text(Field::Detail, detail)
                        .text(Field::Action, cause.resolution());
                }
                ExceptionChange::Assigned { to } => {
                    f.text(Field::AssignedTo, to.as_deref().unwrap_or_default());
                }
                ExceptionChange::Resolved { by, how, rule } => {
                    f.text(Field::By, by.as_deref().unwrap_or_default())
                        .text(Field::How, how);
                    if let Some(by) = rule {
                        f.text(Field::Rule, &by.rule);
                    }
                }
                ExceptionChange::Tried { rule, .. } => {
                    f.text(Field::Rule, &rule.rule)
                        .text(Field::How, rule.action.name());
                }
                ExceptionChange::Kept { .. } | ExceptionChange::Dropped => {}
            }
        });
    }
}
