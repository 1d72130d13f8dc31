//! Order files: one row per line, plain or gzip. Rows of one order need not be adjacent, but must
//! agree on everything that belongs to the order.

use super::LoadError;
use super::field::Field;
use super::json::CHANNEL_DEFAULT;
use super::table::{Column, ROWS_MAX, Table, may, must};
use crate::model::{Invalid, Order, OrderKey, OrderLine, PolicyOverrides, ShipTo};
use std::collections::{HashMap, HashSet};
use std::path::Path;

const ORDERS: [Column; 14] = [
    must("source"),
    must("order"),
    may("line"),
    may("channel"),
    must("placed_at"),
    must("country"),
    must("postal"),
    must("sku"),
    must("qty"),
    may("deliver_by"),
    may("customer"),
    may("residential"),
    may("pickup_at"),
    may("together"),
];
const DESTINATIONS: [Column; 3] = [must("order"), must("country"), must("postal")];

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The orders of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFile {
    /// By the time they were placed; of the same time in file order.
    pub orders: Vec<Order>,
}

/// Tells whether a SKU is one of the network's.
type KnownSku<'a> = &'a dyn Fn(&str) -> bool;

/// Reads an order file with the columns of `orders.csv`.
///
/// The columns `line`, `channel`, `deliver_by`, `customer`, `residential`, `pickup_at` and `together` may be
/// absent, and their cells and those of `postal` empty: lines are then numbered from 1, the channel is
/// `default`, nobody collects, and no line waits for another. Columns that are not known are ignored. A second file with
/// the columns `order`, `country` and `postal` replaces the destinations of the orders it names.
/// Where `known` is given, every SKU must pass it.
///
/// # Errors
/// The first fault found, with its file, line, column, value and what was expected; two rows of
/// one order that disagree, with both lines.
pub fn orders_file(
    path: &Path,
    destinations: Option<&Path>,
    known: Option<&dyn Fn(&str) -> bool>,
) -> Result<OrderFile, LoadError> {
    let table = Table::open(path, &ORDERS, ROWS_MAX)?;
    let drafts = drafts(&table, known)?;
    check_line_ids(&table, &drafts)?;
    let mut orders: Vec<Order> = drafts.into_iter().map(|draft| draft.order).collect();
    if let Some(file) = destinations {
        let destinations = read_destinations(file)?;
        for order in &mut orders {
            if let Some(ship_to) = destinations.get(order.key.order()) {
                order.ship_to = ship_to.clone();
            }
        }
    }
    orders.sort_by_key(|order| order.placed_at);
    Ok(OrderFile { orders })
}

/// An order whose rows are still coming.
struct Draft {
    order: Order,
    /// The file's row of each line.
    rows: Vec<usize>,
}

fn drafts(table: &Table<14>, known: Option<KnownSku<'_>>) -> Result<Vec<Draft>, LoadError> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut index: Map<OrderKey, usize> = Map::default();
    let mut row = 0;
    table.each(|fields| {
        let [
            source,
            order,
            line,
            channel,
            placed_at,
            country,
            postal,
            sku,
            qty,
            deliver_by,
            customer,
            residential,
            pickup_at,
            together,
        ] = fields;
        let header = Header {
            channel,
            placed_at,
            country,
            postal,
            deliver_by,
            customer,
            residential,
            pickup_at,
        };
        let key = OrderKey::new(source.id()?, order.id()?);
        let at = match index.get(&key) {
            Some(&at) => {
                agree(table, &drafts[at], header)?;
                at
            }
            None => {
                index.insert(key.clone(), drafts.len());
                drafts.push(Draft {
                    order: header.order(key)?,
                    rows: Vec::new(),
                });
                drafts.len() - 1
            }
        };
        let Draft { order, rows } = &mut drafts[at];
        order.lines.push(order_line(
            [line, sku, qty, together],
            order.lines.len(),
            known,
        )?);
        rows.push(row);
        row += 1;
        Ok(())
    })?;
    Ok(drafts)
}

/// The fields of a row that say something of its order.
#[derive(Clone, Copy)]
struct Header<'a> {
    channel: Field<'a>,
    placed_at: Field<'a>,
    country: Field<'a>,
    postal: Field<'a>,
    deliver_by: Field<'a>,
    customer: Field<'a>,
    residential: Field<'a>,
    pickup_at: Field<'a>,
}

impl Header<'_> {
    /// The order that a row begins, without lines.
    fn order(self, key: OrderKey) -> Result<Order, Invalid> {
        Ok(Order {
            key,
            customer: self.customer.optional(Field::customer)?.map(Into::into),
            channel: self
                .channel
                .optional(Field::id)?
                .unwrap_or(CHANNEL_DEFAULT)
                .into(),
            placed_at: self.placed_at.moment()?,
            priority: 0,
            ship_to: ShipTo {
                country: self.country.country()?.into(),
                postal: self.postal.postal()?.into(),
                coordinate: None,
                residential: self.residential.optional(Field::flag)?.unwrap_or(false),
            },
            pickup_at: self.pickup_at.optional(Field::id)?.map(Into::into),
            deliver_by: self.deliver_by.optional(Field::day)?,
            deliver_by_is_hard: false,
            policy: PolicyOverrides::default(),
            lines: Vec::new(),
            ..Order::default()
        })
    }
}

/// Checks that a further row says the same of its order as the first one.
fn agree(table: &Table<14>, draft: &Draft, row: Header<'_>) -> Result<(), Invalid> {
    let first = &draft.order;
    let again = row.order(first.key.clone())?;
    let differs = |field: Field<'_>, said: &dyn std::fmt::Display| {
        let line = draft.rows.first().map_or(1, |&row| table.line_of_row(row));
        Err(field.refuse(format!("'{said}', as on line {line} of the same order")))
    };
    if again.channel != first.channel {
        return differs(row.channel, &first.channel);
    }
    if again.placed_at != first.placed_at {
        return differs(row.placed_at, &first.placed_at);
    }
    if again.ship_to.residential != first.ship_to.residential {
        return differs(row.residential, &first.ship_to.residential);
    }
    if again.pickup_at != first.pickup_at {
        let said = first.pickup_at.as_deref().unwrap_or_default();
        return differs(row.pickup_at, &said);
    }
    if again.ship_to.country != first.ship_to.country {
        return differs(row.country, &first.ship_to.country);
    }
    if again.ship_to.postal != first.ship_to.postal {
        return differs(row.postal, &first.ship_to.postal);
    }
    if again.deliver_by != first.deliver_by {
        let said = first
            .deliver_by
            .map_or_else(String::new, |day| day.to_string());
        return differs(row.deliver_by, &said);
    }
    if again.customer != first.customer {
        return differs(row.customer, &first.customer.as_deref().unwrap_or_default());
    }
    Ok(())
}

fn order_line(
    [line, sku, qty, together]: [Field<'_>; 4],
    lines_before: usize,
    known: Option<KnownSku<'_>>,
) -> Result<OrderLine, Invalid> {
    let id = sku.id()?;
    if known.is_some_and(|known| !known(id)) {
        return Err(sku.refuse("a sku of the network's items"));
    }
    let number = || (lines_before + 1).to_string().into();
    Ok(OrderLine {
        line: line.optional(Field::id)?.map_or_else(number, Into::into),
        sku: id.into(),
        qty: qty.qty(1)?,
        may_split: true,
        together: together.optional(Field::id)?.map(Into::into),
    })
}

/// Line ids are unique within an order.
fn check_line_ids(table: &Table<14>, drafts: &[Draft]) -> Result<(), LoadError> {
    let mut seen: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
    for Draft { order, rows } in drafts {
        seen.clear();
        let Some(second) = order.lines.iter().position(|line| !seen.insert(&line.line)) else {
            continue;
        };
        let id = &order.lines[second].line;
        let first = order
            .lines
            .iter()
            .position(|line| line.line == *id)
            .unwrap_or(second);
        let value = format!("{}, {}, {id}", order.key.source(), order.key.order());
        return Err(table.duplicate("source, order, line", value, rows[first], rows[second]));
    }
    Ok(())
}

fn read_destinations(file: &Path) -> Result<Map<Box<str>, ShipTo>, LoadError> {
    let table = Table::open(file, &DESTINATIONS, ROWS_MAX)?;
    let rows: Vec<(Box<str>, ShipTo)> = table.rows(|[order, country, postal]| {
        let ship_to = ShipTo {
            country: country.country()?.into(),
            postal: postal.postal()?.into(),
            coordinate: None,
            ..ShipTo::default()
        };
        Ok((order.id()?.into(), ship_to))
    })?;
    table.check_unique("order", rows.iter().map(|(order, _)| order), |row| {
        rows[row].0.to_string()
    })?;
    Ok(rows.into_iter().collect())
}
