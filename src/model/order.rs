//! What a customer bought, as the selling system says it: text ids, nothing resolved yet.

use super::{Coordinate, Day, EpochMillis, PolicyOverrides, Qty};
use bincode::{Decode, Encode};
use std::fmt;
use std::sync::Arc;

/// The identity of an order: `(source, order id)`. One text, which all that name the order share.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct OrderKey(Arc<str>);

/// Joins the two parts; text ids are printable, so it can be in neither.
const KEY_JOINT: char = '\u{1f}';

impl OrderKey {
    /// The identity of `order` as `source` names it. Both must have passed
    /// [`check_id`](super::check_id).
    #[must_use]
    pub fn new(source: &str, order: &str) -> Self {
        let mut key = String::with_capacity(source.len() + 1 + order.len());
        key.push_str(source);
        key.push(KEY_JOINT);
        key.push_str(order);
        Self(key.into())
    }

    /// The system that took the order.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0
            .split_once(KEY_JOINT)
            .map_or(&self.0, |(source, _)| source)
    }

    /// The id that system gave it.
    #[must_use]
    pub fn order(&self) -> &str {
        self.0.split_once(KEY_JOINT).map_or("", |(_, order)| order)
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source(), self.order())
    }
}

impl fmt::Debug for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderKey({self})")
    }
}

/// Where an order goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShipTo {
    /// ISO 3166 two-letter country code.
    pub country: Box<str>,
    /// Postal code as the country writes it; may be empty where the country has none.
    pub postal: Box<str>,
    /// Wins over the table of places when present.
    pub coordinate: Option<Coordinate>,
    /// Whether it is a home: carriers charge more for those.
    pub residential: bool,
}

/// One line of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct OrderLine {
    /// The line's id in the selling system.
    pub line: Box<str>,
    /// What was bought. The same SKU may stand on several lines.
    pub sku: Box<str>,
    /// How many, at least 1.
    pub qty: Qty,
    /// Whether its units may come from several locations.
    pub may_split: bool,
    /// Lines of the same name ship in one shipment, or none of them does.
    pub together: Option<Box<str>>,
}

/// An order as it was placed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// `(source, order id)`.
    pub key: OrderKey,
    /// Who bought, by the id that the host has of him; `None` when it says none.
    pub customer: Option<Box<str>>,
    /// The selling channel.
    pub channel: Box<str>,
    /// When the customer placed it.
    pub placed_at: EpochMillis,
    /// Higher keeps its promise longer when supply is cut.
    pub priority: i32,
    /// Where it goes.
    pub ship_to: ShipTo,
    /// The promise date, a civil date at the destination.
    pub deliver_by: Option<Day>,
    /// Whether a plan that misses `deliver_by` is no plan (else lateness costs).
    pub deliver_by_is_hard: bool,
    /// Name of the preset that its policy starts from.
    pub preset: Option<Box<str>>,
    /// Policy fields that this order sets itself.
    pub policy: PolicyOverrides,
    /// Locations that may not ship it.
    pub exclude: Vec<Box<str>>,
    /// The location at which the customer collects it: nothing of it is carried anywhere.
    pub pickup_at: Option<Box<str>>,
    /// At least one.
    pub lines: Vec<OrderLine>,
}

/// Most bytes of a customer's id.
pub const CUSTOMER_BYTES_MAX: usize = 128;

/// The fields of a line, in their order.
const LINE_FIELDS: [&str; 5] = ["line", "sku", "qty", "may_split", "together"];

impl Order {
    /// The fields of the wire format, in the order in which what is wrong with them is told.
    pub const FIELDS: [&str; 13] = [
        "source",
        "order",
        "customer",
        "channel",
        "placed_at",
        "priority",
        "ship_to",
        "deliver_by",
        "deliver_by_is_hard",
        "policy",
        "exclude",
        "pickup_at",
        "lines",
    ];

    /// Where a field such as `lines[2].qty` stands in the order of [`Order::FIELDS`]; one that is not
    /// known comes last in what it is in.
    #[must_use]
    pub fn field_rank(field: &str) -> (usize, usize, usize) {
        let end = field.find(['.', '[']).unwrap_or(field.len());
        let (top, rest) = field.split_at(end);
        let place = |names: &[&str], name: &str| {
            let found = names.iter().position(|known| *known == name);
            found.unwrap_or(names.len())
        };
        let inside = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
        let (number, rest) = inside.unwrap_or(("0", ""));
        let part = rest.strip_prefix('.').unwrap_or("");
        let part = match part.is_empty() {
            true => 0,
            false => place(&LINE_FIELDS, part),
        };
        let number = number.parse().unwrap_or(usize::MAX);
        (place(&Self::FIELDS, top), number, part)
    }

    /// The fields in which two orders of one identity differ, by the names of the wire format;
    /// empty when the content is the same.
    #[must_use]
    pub fn differing_fields(&self, other: &Self) -> Vec<&'static str> {
        let pairs = [
            ("customer", self.customer == other.customer),
            ("channel", self.channel == other.channel),
            ("placed_at", self.placed_at == other.placed_at),
            ("priority", self.priority == other.priority),
            ("ship_to", self.ship_to == other.ship_to),
            ("deliver_by", self.deliver_by == other.deliver_by),
            (
                "deliver_by_is_hard",
                self.deliver_by_is_hard == other.deliver_by_is_hard,
            ),
            (
                "policy",
                self.policy == other.policy && self.preset == other.preset,
            ),
            ("exclude", self.exclude == other.exclude),
            ("pickup_at", self.pickup_at == other.pickup_at),
            ("lines", self.lines == other.lines),
        ];
        pairs
            .iter()
            .filter(|(_, same)| !same)
            .map(|&(name, _)| name)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_parts_apart() {
        let key = OrderKey::new("shopify", "1001");
        assert_eq!((key.source(), key.order()), ("shopify", "1001"));
        assert_ne!(OrderKey::new("a", "bc"), OrderKey::new("ab", "c"));
        assert_eq!(key.to_string(), "shopify/1001");
    }

    #[test]
    fn fields_stand_in_one_order() {
        let ordered = [
            "source",
            "ship_to.postal",
            "exclude[2]",
            "exclude[10]",
            "lines",
            "lines[1].sku",
            "lines[1].qty",
            "lines[1].colour",
            "lines[10].line",
            "colour",
        ];
        let ranks: Vec<_> = ordered.iter().map(|f| Order::field_rank(f)).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
    }
}
