//! Orders, items and locations as JSON, the way the wire takes them.
//!
//! Every fault is told by the path of its field, such as `lines[2].qty`. A field that is not known
//! is refused, because a misspelt option would otherwise be a silent default.

use super::field::{Field, Raw, coordinate};
use super::node::{Node, inside};
use super::rows::{ITEM, LOCATION, POLICY, item, location};
use super::settings::order_policy;
use crate::model::{
    Coordinate, Invalid, Item, Location, Order, OrderKey, OrderLine, PolicyOverrides, ShipTo,
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The channel of an order that names none.
pub const CHANNEL_DEFAULT: &str = "default";

/// Most locations that one order excludes.
const EXCLUDE_MAX: usize = 1_000;

const ORDER: [&str; 12] = [
    "source",
    "order",
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

/// Reads an order as `ORDER.SUBMIT` takes it, with at most `lines_max` lines.
///
/// `source`, `order`, `placed_at`, `ship_to` (with `country`, and `postal` unless `lat` and `lon`
/// are there; not where `pickup_at` is) and `lines` (each with `sku` and `qty`) must be there. Absent or `null`: `channel` is
/// `default`, `priority` 0, `line` the line's number counted from 1, `may_split` true,
/// `deliver_by_is_hard` false, and policy fields are the network's.
///
/// # Errors
/// Names the field by its path (`json` when the text is not JSON), its value and what was
/// expected.
pub fn order_json(bytes: &[u8], lines_max: usize) -> Result<Order, Invalid> {
    order_of(&Node::from_json(bytes)?, lines_max)
}

/// Reads one order, or a list of orders, each for itself: a fault in one is its answer only.
///
/// # Errors
/// The text is not JSON: names `json`.
pub fn orders_json(bytes: &[u8], lines_max: usize) -> Result<Vec<Result<Order, Invalid>>, Invalid> {
    Ok(match Node::from_json(bytes)? {
        Node::List(nodes) => {
            let orders = nodes.iter().map(|node| order_of(node, lines_max));
            orders.collect()
        }
        node => vec![order_of(&node, lines_max)],
    })
}

fn order_of(node: &Node<'_>, lines_max: usize) -> Result<Order, Invalid> {
    let fields = node
        .fields(&ORDER)
        .map_err(|invalid| root("order", invalid))?;
    let [
        source,
        order,
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
    let (preset, policy) = policy.optional(order_policy)?.unwrap_or_default();
    let deliver_by = by.optional(Field::day)?;
    let deliver_by_is_hard = by_is_hard.optional(Field::flag)?.unwrap_or(false);
    if deliver_by_is_hard && deliver_by.is_none() {
        return Err(by.refuse("a date, because deliver_by_is_hard is true"));
    }
    Ok(Order {
        key: OrderKey::new(source.id()?, order.id()?),
        channel: channel
            .optional(Field::id)?
            .unwrap_or(CHANNEL_DEFAULT)
            .into(),
        placed_at: placed_at.moment()?,
        priority: priority.optional(Field::signed)?.unwrap_or(0),
        ship_to: match (to.is_absent(), pickup_at.is_absent()) {
            (true, false) => ShipTo::default(),
            _ => object(to, "country, postal, lat, lon, residential")
                .and_then(ship_to)
                .map_err(|invalid| inside(to.name, invalid))?,
        },
        deliver_by,
        deliver_by_is_hard,
        preset,
        policy,
        exclude: exclude.optional(excluded)?.unwrap_or_default(),
        pickup_at: pickup_at.optional(Field::id)?.map(Into::into),
        lines: order_lines(lines, lines_max)?,
    })
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

/// The order as [`order_json`] reads it back.
#[must_use]
pub fn order_to_json(order: &Order) -> Value {
    let lines: Vec<Value> = order.lines.iter().map(line_to_json).collect();
    let mut json = json!({
        "source": order.key.source(),
        "order": order.key.order(),
        "channel": order.channel,
        "placed_at": order.placed_at.to_string(),
        "priority": order.priority,
        "deliver_by_is_hard": order.deliver_by_is_hard,
        "lines": lines,
    });
    if order.pickup_at.is_none() || order.ship_to != ShipTo::default() {
        json["ship_to"] = ship_to_json(&order.ship_to);
    }
    if let Some(store) = &order.pickup_at {
        json["pickup_at"] = json!(store);
    }
    if let Some(day) = order.deliver_by {
        json["deliver_by"] = json!(day.to_string());
    }
    if order.policy != PolicyOverrides::default() || order.preset.is_some() {
        json["policy"] = policy_to_json(&order.policy);
    }
    if let Some(preset) = &order.preset {
        json["policy"]["preset"] = json!(preset);
    }
    if !order.exclude.is_empty() {
        json["exclude"] = json!(order.exclude);
    }
    json
}

/// The whole text is not what it should be.
fn root(what: &str, invalid: Invalid) -> Invalid {
    if invalid.field.is_empty() {
        inside(what, invalid)
    } else {
        invalid
    }
}

/// The object in a field that must be there; a finding names no field yet.
fn object<'a>(field: Field<'a>, fields: &str) -> Result<&'a Node<'a>, Invalid> {
    match field.raw {
        Raw::Node(node) => Ok(node),
        Raw::Missing | Raw::Cell(_) => Err(Invalid::new(
            "",
            "missing",
            format!("an object with the fields {fields}"),
        )),
    }
}

fn ship_to(node: &Node<'_>) -> Result<ShipTo, Invalid> {
    let fields = node.fields(&["country", "postal", "lat", "lon", "residential"])?;
    let [country, postal, lat, lon, residential] = fields;
    let coordinate = match (lat.is_absent(), lon.is_absent()) {
        (true, true) => None,
        (false, true) => return Err(lon.refuse("degrees, because lat is there")),
        (true, false) => return Err(lat.refuse("degrees, because lon is there")),
        (false, false) => Some(coordinate(lat, lon)?),
    };
    let postal = if postal.is_absent() && coordinate.is_some() {
        ""
    } else {
        postal.postal()?
    };
    Ok(ShipTo {
        country: country.country()?.into(),
        postal: postal.into(),
        coordinate,
        residential: residential.optional(Field::flag)?.unwrap_or(false),
    })
}

/// Ids of locations, each once.
fn excluded(field: Field<'_>) -> Result<Vec<Box<str>>, Invalid> {
    let expected = format!("a list of at most {EXCLUDE_MAX} locations");
    let Raw::Node(Node::List(nodes)) = field.raw else {
        return Err(field.refuse(expected));
    };
    if nodes.len() > EXCLUDE_MAX {
        let found = format!("a list of {}", nodes.len());
        return Err(Invalid::new(field.name, found, expected));
    }
    let mut ids: Vec<Box<str>> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let name = format!("{}[{at}]", field.name);
        let id = Field::new(&name, Raw::Node(node)).id()?;
        if !ids.iter().any(|known| **known == *id) {
            ids.push(id.into());
        }
    }
    Ok(ids)
}

fn order_lines(field: Field<'_>, lines_max: usize) -> Result<Vec<OrderLine>, Invalid> {
    let expected = || format!("a list of 1 to {lines_max} lines");
    let Raw::Node(Node::List(nodes)) = field.raw else {
        return Err(field.refuse(expected()));
    };
    if nodes.is_empty() || nodes.len() > lines_max {
        let found = format!("a list of {}", nodes.len());
        return Err(Invalid::new(field.name, found, expected()));
    }
    let mut lines = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let line = order_line(node, at);
        lines.push(line.map_err(|invalid| inside(&format!("{}[{at}]", field.name), invalid))?);
    }
    repeated_line(&lines).map_or(Ok(()), |at| {
        let name = format!("{}[{at}].line", field.name);
        let expected = "a line id that no other line has";
        Err(Invalid::new(name, &lines[at].line, expected))
    })?;
    Ok(lines)
}

/// The first line whose id an earlier line has.
fn repeated_line(lines: &[OrderLine]) -> Option<usize> {
    // Most orders have a few lines, and comparing those is cheaper than hashing them.
    const FEW: usize = 12;
    if lines.len() <= FEW {
        let earlier = |at: usize| lines[..at].iter().any(|line| line.line == lines[at].line);
        return (1..lines.len()).find(|&at| earlier(at));
    }
    let mut seen = HashSet::with_capacity(lines.len());
    lines.iter().position(|line| !seen.insert(&*line.line))
}

fn order_line(node: &Node<'_>, at: usize) -> Result<OrderLine, Invalid> {
    let names = &["line", "sku", "qty", "may_split", "together"];
    let [line, sku, qty, may_split, together] = node.fields(names)?;
    Ok(OrderLine {
        line: line
            .optional(Field::id)?
            .map_or_else(|| (at + 1).to_string().into(), Into::into),
        sku: sku.id()?.into(),
        qty: qty.qty(1)?,
        may_split: may_split.optional(Field::flag)?.unwrap_or(true),
        together: together.optional(Field::id)?.map(Into::into),
    })
}

fn line_to_json(line: &OrderLine) -> Value {
    let mut json = json!({
        "line": line.line,
        "sku": line.sku,
        "qty": line.qty.0,
        "may_split": line.may_split,
    });
    if let Some(set) = &line.together {
        json["together"] = json!(set);
    }
    json
}

fn ship_to_json(to: &ShipTo) -> Value {
    let mut json = json!({"country": to.country, "postal": to.postal});
    if let Some(Coordinate { lat_e6, lon_e6 }) = to.coordinate {
        json["lat"] = json!(degrees(lat_e6));
        json["lon"] = json!(degrees(lon_e6));
    }
    if to.residential {
        json["residential"] = json!(true);
    }
    json
}

/// Degrees of millionths. The nearest double of a number with six decimals gives back the same
/// millionths when it is read.
#[allow(clippy::float_arithmetic)]
fn degrees(millionths: i32) -> f64 {
    f64::from(millionths) / 1e6
}

fn policy_to_json(policy: &PolicyOverrides) -> Value {
    let [
        split,
        speed,
        late,
        short,
        max_shipments,
        ship_complete,
        allow_backorder,
        min_value,
    ] = POLICY;
    let cents = [
        (split, policy.split_penalty),
        (speed, policy.speed_value_per_day),
        (late, policy.late_per_day),
        (short, policy.short_per_unit),
        (min_value, policy.min_value_to_split),
    ];
    let flags = [
        (ship_complete, policy.ship_complete),
        (allow_backorder, policy.allow_backorder),
    ];
    let mut json = Map::new();
    json.extend(
        cents
            .iter()
            .filter_map(|(name, c)| Some(((*name).to_owned(), json!((*c)?.0)))),
    );
    json.extend(
        policy
            .max_shipments
            .map(|most| (max_shipments.to_owned(), json!(most))),
    );
    json.extend(
        flags
            .iter()
            .filter_map(|(name, f)| Some(((*name).to_owned(), json!((*f)?)))),
    );
    Value::Object(json)
}
