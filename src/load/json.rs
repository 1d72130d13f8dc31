//! Orders, items and locations as JSON, the way the wire takes them.
//!
//! Every fault is told by the path of its field, such as `lines[2].qty`. A field that is not known
//! is refused, because a misspelt option would otherwise be a silent default.

use super::field::{Field, Raw, coordinate};
use super::node::{Node, inside};
use super::rows::{ITEM, LOCATION, item, location};
use super::settings::order_policy;
use crate::model::{
    FINDINGS_KEPT_MAX, Invalid, Item, Location, Order, OrderKey, OrderLine, PolicyOverrides,
    ShipTo, numbered,
};
use std::collections::HashSet;

/// The channel of an order that names none.
pub const CHANNEL_DEFAULT: &str = "default";

/// Most locations that one order excludes.
const EXCLUDE_MAX: usize = 1_000;

/// An order that cannot be taken: everything that is wrong with it, and the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faulty {
    /// At least one, in the order of [`Order::FIELDS`]; the first that were found, where there are many.
    pub faults: Vec<Invalid>,
    /// How many there are beside them.
    pub beyond: usize,
    /// The order without what could not be read, so that the names in it can be looked up.
    pub draft: Box<Order>,
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&numbered(&self.faults, self.beyond))
    }
}

impl std::error::Error for Faulty {}

impl From<Invalid> for Faulty {
    fn from(fault: Invalid) -> Self {
        Self {
            faults: vec![fault],
            beyond: 0,
            draft: Box::default(),
        }
    }
}

/// What was found wrong so far.
#[derive(Default)]
struct Faults {
    /// The first that were found.
    kept: Vec<Invalid>,
    /// How many were found beside them.
    beyond: usize,
}

impl Faults {
    /// Another one, which is made only where it is kept.
    fn tell(&mut self, fault: impl FnOnce() -> Invalid) {
        match self.kept.len() < FINDINGS_KEPT_MAX {
            true => self.kept.push(fault()),
            false => self.beyond += 1,
        }
    }

    fn push(&mut self, fault: Invalid) {
        self.tell(|| fault);
    }

    /// What was read, or nothing.
    fn keep<T: Default>(&mut self, read: Result<T, Invalid>) -> T {
        read.unwrap_or_else(|fault| {
            self.push(fault);
            T::default()
        })
    }

    /// What is inside `parent`, with its faults.
    fn inside<T>(&mut self, parent: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = Self::default();
        let read = read(&mut inner);
        for fault in inner.kept {
            self.push(inside(parent, fault));
        }
        self.beyond += inner.beyond;
        read
    }

    /// The fields of an object; absent ones where it is none.
    fn fields<'a, const N: usize>(
        &mut self,
        node: &'a Node<'a>,
        names: &[&'static str; N],
    ) -> Option<[Field<'a>; N]> {
        node.every_field(names, &mut |fault| self.tell(fault))
    }
}

/// Reads an order as `ORDER.SUBMIT` takes it, with at most `lines_max` lines.
///
/// `source`, `order`, `placed_at`, `ship_to` (with `country`, and `postal` unless `lat` and `lon`
/// are there; not where `pickup_at` is) and `lines` (each with `sku` and `qty`) must be there. Absent or `null`: `channel` is
/// `default`, `priority` 0, `line` the line's number counted from 1, `may_split` true,
/// `deliver_by_is_hard` false, and policy fields are the network's.
///
/// # Errors
/// Every fault: each names the field by its path (`json` when the text is not JSON), its value and
/// what was expected.
pub fn order_json(bytes: &[u8], lines_max: usize) -> Result<Order, Faulty> {
    order_of(&Node::from_json(bytes)?, lines_max)
}

/// Reads one order, or a list of orders, each for itself: a fault in one is its answer only.
///
/// # Errors
/// The text is not JSON: names `json`.
pub fn orders_json(bytes: &[u8], lines_max: usize) -> Result<Vec<Result<Order, Faulty>>, Invalid> {
    Ok(match Node::from_json(bytes)? {
        Node::List(nodes) => {
            let orders = nodes.iter().map(|node| order_of(node, lines_max));
            orders.collect()
        }
        node => vec![order_of(&node, lines_max)],
    })
}

fn order_of(node: &Node<'_>, lines_max: usize) -> Result<Order, Faulty> {
    let mut faults = Faults::default();
    let Some(fields) = faults.fields(node, &Order::FIELDS) else {
        let fault = faults.kept.pop().expect("what is no object is a fault");
        return Err(root("order", fault).into());
    };
    let order = order_of_fields(fields, lines_max, &mut faults);
    let Faults {
        kept: mut faults,
        beyond,
    } = faults;
    if faults.is_empty() {
        return Ok(order);
    }
    faults.sort_by_key(|fault| Order::field_rank(&fault.field));
    Err(Faulty {
        faults,
        beyond,
        draft: Box::new(order),
    })
}

fn order_of_fields(fields: [Field<'_>; 13], lines_max: usize, faults: &mut Faults) -> Order {
    let [
        source,
        order,
        customer,
        channel,
        placed_at,
        priority,
        to,
        by,
        by_is_hard,
        policy,
        exclude,
        pickup_at,
        lines,
    ] = fields;
    let (source, order) = (faults.keep(source.id()), faults.keep(order.id()));
    let (preset, policy) = policy_of(policy, faults);
    let deliver_by = faults.keep(by.optional(Field::day));
    let deliver_by_is_hard = faults.keep(by_is_hard.optional(Field::flag));
    let deliver_by_is_hard = deliver_by_is_hard.unwrap_or(false);
    if deliver_by_is_hard && by.is_absent() {
        faults.push(by.refuse("a date, because deliver_by_is_hard is true"));
    }
    Order {
        key: OrderKey::new(source, order),
        customer: faults
            .keep(customer.optional(Field::customer))
            .map(Into::into),
        channel: faults
            .keep(channel.optional(Field::id))
            .unwrap_or(CHANNEL_DEFAULT)
            .into(),
        placed_at: faults.keep(placed_at.moment()),
        priority: faults.keep(priority.optional(Field::signed)).unwrap_or(0),
        ship_to: match (to.is_absent(), pickup_at.is_absent()) {
            (true, false) => ShipTo::default(),
            _ => faults.inside(to.name, |faults| ship_to(to, faults)),
        },
        deliver_by,
        deliver_by_is_hard,
        preset,
        policy,
        exclude: excluded(exclude, faults),
        pickup_at: faults.keep(pickup_at.optional(Field::id)).map(Into::into),
        lines: order_lines(lines, lines_max, faults),
    }
}

/// Reads an item as `ITEM.PUT` takes it: the columns of `items.csv` as fields. A `sku` in the body
/// must be the one given beside it.
///
/// # Errors
/// Names the field (`json` when the text is not JSON), its value and what was expected.
pub fn item_json(sku: &str, bytes: &[u8]) -> Result<Item, Invalid> {
    let node = Node::from_json(bytes)?;
    let mut fields = node
        .fields(&ITEM.map(|column| column.name))
        .map_err(|invalid| root("item", invalid))?;
    let own = Field::new(fields[0].name, Raw::Cell(sku)).id()?;
    if fields[0]
        .optional(Field::id)?
        .is_some_and(|named| named != own)
    {
        return Err(fields[0].refuse(format!("{own}, as beside the object, or no sku in it")));
    }
    fields[0].raw = Raw::Cell(sku);
    item(fields)
}

/// Reads a location as `LOCATION.PUT` takes it: the columns of `locations.csv` as fields.
///
/// # Errors
/// Names the field (`json` when the text is not JSON), its value and what was expected.
pub fn location_json(bytes: &[u8]) -> Result<Location, Invalid> {
    let node = Node::from_json(bytes)?;
    let fields = node.fields(&LOCATION.map(|column| column.name));
    fields
        .and_then(location)
        .map_err(|invalid| root("location", invalid))
}

/// The whole text is not what it should be.
fn root(what: &str, invalid: Invalid) -> Invalid {
    if invalid.field.is_empty() {
        inside(what, invalid)
    } else {
        invalid
    }
}

/// The policy of an order. When it cannot be, each of its fields is looked at by itself.
fn policy_of(field: Field<'_>, faults: &mut Faults) -> (Option<Box<str>>, PolicyOverrides) {
    let read = field.optional(order_policy);
    let (Raw::Node(Node::Object(members)), Err(first)) = (field.raw, &read) else {
        return faults.keep(read).unwrap_or_default();
    };
    // There are so many fields only where some are unknown or there twice.
    if members.len() > FINDINGS_KEPT_MAX {
        faults.push(first.clone());
        return <_>::default();
    }
    let mut found = false;
    for member in members {
        let alone = Node::Object(vec![member.clone()]);
        let alone = order_policy(Field::new(field.name, Raw::Node(&alone)));
        if let Err(fault) = alone {
            faults.push(fault);
            found = true;
        }
    }
    // A field that is there twice is good when it is alone.
    if !found {
        faults.push(first.clone());
    }
    <_>::default()
}

fn ship_to(field: Field<'_>, faults: &mut Faults) -> ShipTo {
    let names = ["country", "postal", "lat", "lon", "residential"];
    let Raw::Node(node) = field.raw else {
        let expected = format!("an object with the fields {}", names.join(", "));
        faults.push(Invalid::new("", "missing", expected));
        return ShipTo::default();
    };
    let Some([country, postal, lat, lon, residential]) = faults.fields(node, &names) else {
        return ShipTo::default();
    };
    let country = faults.keep(country.country());
    let at = match (lat.is_absent(), lon.is_absent()) {
        (true, true) => Ok(None),
        (false, true) => Err(lon.refuse("degrees, because lat is there")),
        (true, false) => Err(lat.refuse("degrees, because lon is there")),
        (false, false) => coordinate(lat, lon).map(Some),
    };
    let located = !(lat.is_absent() && lon.is_absent());
    let postal = match postal.is_absent() && located {
        true => "",
        false => faults.keep(postal.postal()),
    };
    ShipTo {
        country: country.into(),
        postal: postal.into(),
        coordinate: faults.keep(at),
        residential: faults
            .keep(residential.optional(Field::flag))
            .unwrap_or(false),
    }
}

/// Ids of locations, each once.
fn excluded(field: Field<'_>, faults: &mut Faults) -> Vec<Box<str>> {
    if field.is_absent() {
        return Vec::new();
    }
    let expected = format!("a list of at most {EXCLUDE_MAX} locations");
    let Raw::Node(Node::List(nodes)) = field.raw else {
        faults.push(field.refuse(expected));
        return Vec::new();
    };
    if nodes.len() > EXCLUDE_MAX {
        let found = format!("a list of {}", nodes.len());
        faults.push(Invalid::new(field.name, found, expected));
        return Vec::new();
    }
    let mut ids: Vec<Box<str>> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let name = format!("{}[{at}]", field.name);
        match Field::new(&name, Raw::Node(node)).id() {
            Ok(id) if ids.iter().any(|known| **known == *id) => {}
            Ok(id) => ids.push(id.into()),
            Err(fault) => faults.push(fault),
        }
    }
    ids
}

fn order_lines(field: Field<'_>, lines_max: usize, faults: &mut Faults) -> Vec<OrderLine> {
    let expected = || format!("a list of 1 to {lines_max} lines");
    let Raw::Node(Node::List(nodes)) = field.raw else {
        faults.push(field.refuse(expected()));
        return Vec::new();
    };
    if nodes.is_empty() || nodes.len() > lines_max {
        let found = format!("a list of {}", nodes.len());
        faults.push(Invalid::new(field.name, found, expected()));
        return Vec::new();
    }
    let mut lines = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let before = faults.kept.len();
        lines.push(order_line(node, at, faults));
        for fault in &mut faults.kept[before..] {
            let named = std::mem::replace(fault, Invalid::new("", "", ""));
            *fault = inside(&format!("{}[{at}]", field.name), named);
        }
    }
    for at in repeated_lines(&lines) {
        let name = format!("{}[{at}].line", field.name);
        let expected = "a line id that no other line has";
        faults.push(Invalid::new(name, &lines[at].line, expected));
    }
    lines
}

/// The lines whose ids earlier lines have.
fn repeated_lines(lines: &[OrderLine]) -> Vec<usize> {
    // Most orders have a few lines, and comparing those is cheaper than hashing them.
    const FEW: usize = 12;
    if lines.len() <= FEW {
        let earlier = |at: usize| lines[..at].iter().any(|line| line.line == lines[at].line);
        return (1..lines.len())
            .filter(|&at| !lines[at].line.is_empty() && earlier(at))
            .collect();
    }
    let mut seen = HashSet::with_capacity(lines.len());
    let ids = lines.iter().map(|line| &*line.line).enumerate();
    ids.filter(|(_, id)| !id.is_empty() && !seen.insert(*id))
        .map(|(at, _)| at)
        .collect()
}

fn order_line(node: &Node<'_>, at: usize, faults: &mut Faults) -> OrderLine {
    let names = &["line", "sku", "qty", "may_split", "together"];
    let Some([line, sku, qty, may_split, together]) = faults.fields(node, names) else {
        return OrderLine::default();
    };
    OrderLine {
        line: match line.optional(Field::id) {
            Ok(given) => given.map_or_else(|| (at + 1).to_string().into(), Into::into),
            Err(fault) => faults.keep(Err(fault)),
        },
        sku: faults.keep(sku.id()).into(),
        qty: faults.keep(qty.qty(1)),
        may_split: faults.keep(may_split.optional(Field::flag)).unwrap_or(true),
        together: faults.keep(together.optional(Field::id)).map(Into::into),
    }
}
