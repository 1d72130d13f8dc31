//! `network.toml`: name, currency, holidays, default policy and promise policy. Every key may be
//! absent; a key that is not known is refused, so that a misspelt one is not a silent default.

use super::LoadError;
use super::field::{Field, Raw};
use super::node::{Node, inside, shown_key};
use super::remedies::{remedies, thresholds};
use super::rows::{ORDER_POLICY, POLICY, policy};
use super::supply::Known;
use super::text::{line_after, read_text};
use crate::model::{
    Day, DeadlineRow, DuplicateRules, Invalid, Limit, Millis, Policy, PolicyOverrides,
    PricingRules, PromiseFrom, PromiseRules, Qty, RemedyRow, ReplanRules, SkuId, State,
    ThresholdRow,
};
use std::borrow::Cow;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Longest time by which an arrival is distrusted: a year of hours.
const BUFFER_HOURS_MAX: u64 = 8_784;

/// Longest time for which a location that refused an order gets none of it: a year of hours.
const EXCLUDE_HOURS_MAX: u64 = 8_784;

/// Longest time within which an order is suspected to be another one again: 31 days.
const WINDOW_MINUTES_MAX: u64 = 44_640;

/// Bounds of `[scarcity]`: a year, a day, and what fits into memory and a minute.
const HOURS_MAX: u64 = 8_784;
const SECONDS_MAX: u64 = 86_400;
const UNITS_MAX: u64 = 1_000_000_000_000;
const ORDERS_MAX: u64 = 1_000_000;
const STEPS_MAX: u64 = 1_000;

/// What `network.toml` says.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) currency: String,
    pub(super) policy: Policy,
    pub(super) presets: Vec<(Box<str>, PolicyOverrides)>,
    pub(super) channels: Vec<(Box<str>, PolicyOverrides)>,
    pub(super) promise: PromiseRules,
    pub(super) replan: ReplanRules,
    pub(super) duplicates: DuplicateRules,
    pub(super) deadlines: Vec<DeadlineRow>,
    pub(super) remedies: Vec<RemedyRow>,
    pub(super) thresholds: Vec<ThresholdRow>,
    pub(super) holidays: Vec<Day>,
    pub(super) pricing: PricingRules,
}

/// Reads `network.toml` of a folder; all defaults where it is absent. The default name is the
/// folder's, the default currency USD.
pub(super) fn settings(dir: &Path, known: &Known<'_>) -> Result<Settings, LoadError> {
    let file = dir.join("network.toml");
    let text = match read_text(&file, String::new) {
        Err(LoadError::MissingFile { .. }) => String::new(),
        read => read?,
    };
    let at = |offset: usize| line_after(&text.as_bytes()[..offset.min(text.len())]);
    let tree = DeTable::parse(&text).map_err(|fault| LoadError::NotToml {
        file: file.clone(),
        line: at(fault.span().map_or(0, |span| span.start)),
        message: fault.message().replace('\n', " "),
    })?;
    let node = Node::Object(members(tree.get_ref()));
    let folder = dir.file_name().unwrap_or_default().to_string_lossy();
    read(&node, &folder, known).map_err(|invalid| LoadError::Key {
        line: at(offset_of(tree.get_ref(), &invalid.field)),
        file,
        invalid: Box::new(invalid),
    })
}

fn read(node: &Node<'_>, folder: &str, known: &Known<'_>) -> Result<Settings, Invalid> {
    let fields = node.fields(&[
        "name",
        "currency",
        "holidays",
        "policy",
        "presets",
        "channels",
        "promise",
        "reroute",
        "backorder",
        "scarcity",
        "deadlines",
        "remedies",
        "thresholds",
        "duplicates",
    ])?;
    let [
        name,
        currency,
        days,
        policy_field,
        presets,
        channels,
        promise_field,
        reroute,
        backorder,
        scarcity,
        deadline_rows,
        remedy_rows,
        threshold_rows,
        duplicate_rules,
    ] = fields;
    Ok(Settings {
        name: name.optional(Field::text)?.unwrap_or(folder).to_owned(),
        currency: currency
            .optional(currency_code)?
            .unwrap_or("USD")
            .to_owned(),
        holidays: days.optional(holidays)?.unwrap_or_default(),
        policy: policy_field
            .optional(policy_of)?
            .unwrap_or_default()
            .over(&Policy::default()),
        presets: policies(presets)?,
        channels: policies(channels)?,
        promise: promise_field
            .optional(|field| promise(field, known))?
            .unwrap_or_default(),
        replan: replan(reroute, backorder, known)?,
        deadlines: listed(deadline_rows, |row| deadline(row, known))?,
        remedies: remedies(remedy_rows)?,
        thresholds: thresholds(threshold_rows, known)?,
        duplicates: duplicates(duplicate_rules)?,
        pricing: scarcity.optional(pricing)?.unwrap_or_default(),
    })
}

/// `[scarcity]`: how prices of scarce units are made while orders come.
fn pricing(field: Field<'_>) -> Result<PricingRules, Invalid> {
    let Raw::Node(node) = field.raw else {
        return Err(field.refuse("the scarcity fields"));
    };
    let read = || {
        let [live, every, moved, window, horizon, orders, steps, demand] = node.fields(&[
            "live",
            "every_seconds",
            "moved_units",
            "window_hours",
            "horizon_hours",
            "orders_max",
            "steps",
            "demand",
        ])?;
        let default = PricingRules::default();
        let hours = |field: Field<'_>, or| {
            let hours = field.optional(|f| f.whole(1..=HOURS_MAX))?;
            Ok(hours.map_or(or, Millis::from_hours))
        };
        let every = every.optional(|f| f.whole::<u64>(1..=SECONDS_MAX))?;
        let (moved, orders) = (
            moved.optional(|f| f.whole(1..=UNITS_MAX))?,
            orders.optional(|f| f.whole(1..=ORDERS_MAX))?,
        );
        let steps = steps.optional(|f| f.whole(1..=STEPS_MAX))?;
        Ok(PricingRules {
            live: live.optional(Field::flag)?.unwrap_or(default.live),
            every: every.map_or(default.every, |s| Millis(s * 1_000)),
            moved_units: moved.unwrap_or(default.moved_units),
            window: hours(window, default.window)?,
            horizon: hours(horizon, default.horizon)?,
            orders_max: orders.unwrap_or(default.orders_max),
            steps: steps.unwrap_or(default.steps),
            demand: demand.optional(Field::text)?.map(str::to_owned),
        })
    };
    read().map_err(|invalid| inside(field.name, invalid))
}

fn currency_code(field: Field<'_>) -> Result<&str, Invalid> {
    let expected = "three capital letters (ISO 4217)";
    let code = field.words(expected)?;
    let good = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if good {
        Ok(code)
    } else {
        Err(field.refuse(expected))
    }
}

fn holidays(field: Field<'_>) -> Result<Vec<Day>, Invalid> {
    let Raw::Node(Node::List(nodes)) = field.raw else {
        return Err(field.refuse("a list of dates such as [\"2026-11-26\"]"));
    };
    let days = nodes
        .iter()
        .map(|node| Field::new(field.name, Raw::Node(node)).day());
    let mut days = days.collect::<Result<Vec<Day>, Invalid>>()?;
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

/// A policy of an order or of the network; the caller knows what stands over it.
pub(super) fn policy_of(field: Field<'_>) -> Result<PolicyOverrides, Invalid> {
    let Raw::Node(node) = field.raw else {
        return Err(field.refuse("the policy fields"));
    };
    node.fields(&POLICY)
        .and_then(policy)
        .map_err(|invalid| inside(field.name, invalid))
}

/// The policy of an order: `preset` and the policy fields.
pub(super) fn order_policy(
    field: Field<'_>,
) -> Result<(Option<Box<str>>, PolicyOverrides), Invalid> {
    let Raw::Node(node) = field.raw else {
        return Err(field.refuse("the policy fields"));
    };
    let read = || {
        let [preset, rest @ ..] = node.fields(&ORDER_POLICY)?;
        Ok((preset.optional(Field::id)?.map(Into::into), policy(rest)?))
    };
    read().map_err(|invalid| inside(field.name, invalid))
}

/// Policies by name: `[presets.gift]`, `[channels.web]`.
fn policies(field: Field<'_>) -> Result<Vec<(Box<str>, PolicyOverrides)>, Invalid> {
    let members = match field.raw {
        Raw::Missing => return Ok(Vec::new()),
        Raw::Node(Node::Object(members)) => members,
        Raw::Cell(_) | Raw::Node(_) => {
            return Err(field.refuse("a table of names, each a table of policy fields"));
        }
    };
    let read = |(key, value): &(Cow<'_, str>, Node<'_>)| {
        let shown = shown_key(key);
        let name = Field::new(&shown, Raw::Cell(key)).id()?;
        let policy = policy_of(Field::new(&shown, Raw::Node(value)))?;
        Ok((name.into(), policy))
    };
    members
        .iter()
        .map(|member| read(member).map_err(|invalid| inside(field.name, invalid)))
        .collect()
}

fn promise(field: Field<'_>, known: &Known<'_>) -> Result<PromiseRules, Invalid> {
    let Raw::Node(node) = field.raw else {
        return Err(field.refuse("the promise fields"));
    };
    let read = || {
        let fields = node.fields(&["from_incoming", "buffer_hours", "locations", "skus"])?;
        let [from_incoming, buffer_hours, locations, skus] = fields;
        let hours = buffer_hours.optional(|f| f.whole(0..=BUFFER_HOURS_MAX))?;
        Ok(PromiseRules {
            default: from_incoming.optional(promise_from)?.unwrap_or_default(),
            buffer_hours: hours.unwrap_or(0),
            locations: rules(locations, |id| known.places.find(id))?,
            skus: rules(skus, |id| known.skus.find(id))?,
        })
    };
    read().map_err(|invalid| inside(field.name, invalid))
}

/// `[reroute]` and `[backorder]`.
fn replan(
    reroute: Field<'_>,
    backorder: Field<'_>,
    known: &Known<'_>,
) -> Result<ReplanRules, Invalid> {
    let hours = |field: Field<'_>| field.whole(0..=EXCLUDE_HOURS_MAX);
    let mut rules = ReplanRules::default();
    if let Some([exclude, hold]) = table(reroute, ["exclude_hours", "hold_on_short"])? {
        let read = || Ok((exclude.optional(hours)?, hold.optional(Field::flag)?));
        let (exclude, hold) = read().map_err(|invalid| inside(reroute.name, invalid))?;
        rules.exclude_hours = exclude.unwrap_or(rules.exclude_hours);
        rules.hold_on_short = hold.unwrap_or(rules.hold_on_short);
    }
    if let Some([beyond, skus]) = table(backorder, ["beyond_supply", "skus"])? {
        let units = |field: Field<'_>| field.qty(0);
        let read = || Ok((beyond.optional(units)?, limits(skus, known)?));
        let (beyond, skus) = read().map_err(|invalid| inside(backorder.name, invalid))?;
        (rules.beyond_supply, rules.skus) = (beyond, skus);
    }
    Ok(rules)
}

/// `[duplicates]`: which orders are suspected to be others again.
fn duplicates(field: Field<'_>) -> Result<DuplicateRules, Invalid> {
    let mut rules = DuplicateRules::default();
    if let Some([window, action]) = table(field, ["window_minutes", "action"])? {
        let read = || {
            let minutes = window.optional(|f| f.whole::<u64>(0..=WINDOW_MINUTES_MAX))?;
            let hold = action.optional(|f| f.one_of(&[("report", false), ("hold", true)]))?;
            Ok((minutes, hold))
        };
        let (minutes, hold) = read().map_err(|invalid| inside(field.name, invalid))?;
        rules.window = minutes.map_or(rules.window, |m| Millis(m * 60_000));
        rules.hold = hold.unwrap_or(rules.hold);
    }
    Ok(rules)
}

/// The rows of a list of tables such as `[[deadlines]]`; none where it is absent.
pub(super) fn listed<T>(
    field: Field<'_>,
    read: impl Fn(&Node<'_>) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let rows = match field.raw {
        Raw::Missing => return Ok(Vec::new()),
        Raw::Node(Node::List(rows)) => rows,
        Raw::Cell(_) | Raw::Node(_) => {
            return Err(field.refuse(format!("a list of [[{}]]", field.name)));
        }
    };
    let numbered = rows.iter().enumerate();
    numbered
        .map(|(number, row)| {
            let name = format!("{}[{number}]", field.name);
            read(row).map_err(|invalid| inside(&name, invalid))
        })
        .collect()
}

/// One of `[[deadlines]]`: how long something may stand in which state.
fn deadline(row: &Node<'_>, known: &Known<'_>) -> Result<DeadlineRow, Invalid> {
    let [
        state,
        channel,
        location,
        seconds,
        minutes,
        hours,
        days,
        working,
        never,
    ] = row.fields(&[
        "state", "channel", "location", "seconds", "minutes", "hours", "days", "working", "never",
    ])?;
    let never = never.optional(Field::flag)?.unwrap_or(false);
    let span = span("minutes", [seconds, minutes, hours, days])?;
    if span.is_none() != never {
        let expected = "exactly one of seconds, minutes, hours, days and never";
        let given = usize::from(span.is_some()) + usize::from(never);
        return Err(Invalid::new("minutes", given, expected));
    }
    let working = working.optional(Field::flag)?.unwrap_or(false);
    Ok(DeadlineRow {
        state: state.one_of(&State::ALL)?,
        channel: channel.optional(Field::id)?.map(Into::into),
        location: location.optional(|id| known.places.find(id))?,
        limit: span.map(|span| Limit { span, working }),
    })
}

/// A span in one of seconds, minutes, hours and days; `None` where none of them is given. What is wrong
/// is shown at the field `shown`.
pub(super) fn span(shown: &str, fields: [Field<'_>; 4]) -> Result<Option<Millis>, Invalid> {
    const SECOND: u64 = 1_000;
    const DAYS_MAX: u64 = 3_660;
    let units = [SECOND, 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND];
    let mut spans = Vec::new();
    for (field, unit) in fields.into_iter().zip(units) {
        let most = DAYS_MAX * 86_400 * SECOND / unit;
        let told = field.optional(|f| f.whole::<u64>(1..=most))?;
        spans.extend(told.map(|n| Millis(n * unit)));
    }
    match spans[..] {
        [] => Ok(None),
        [span] => Ok(Some(span)),
        _ => {
            let expected = "exactly one of seconds, minutes, hours and days";
            Err(Invalid::new(shown, spans.len(), expected))
        }
    }
}

/// The fields of a table that may be absent.
fn table<'a, const N: usize>(
    field: Field<'a>,
    names: [&'static str; N],
) -> Result<Option<[Field<'a>; N]>, Invalid> {
    match field.raw {
        Raw::Missing => Ok(None),
        Raw::Node(node) => {
            let fields = node.fields(&names);
            fields
                .map(Some)
                .map_err(|invalid| inside(field.name, invalid))
        }
        Raw::Cell(_) => Err(field.refuse("a table")),
    }
}

/// Limits of single SKUs: `id = 5`.
fn limits(field: Field<'_>, known: &Known<'_>) -> Result<Vec<(SkuId, Qty)>, Invalid> {
    let members = match field.raw {
        Raw::Missing => return Ok(Vec::new()),
        Raw::Node(Node::Object(members)) => members,
        Raw::Cell(_) | Raw::Node(_) => {
            return Err(field.refuse("a table of SKUs, each with a number of units"));
        }
    };
    let limit = |(key, value): &(Cow<'_, str>, Node<'_>)| {
        let shown = shown_key(key);
        let sku = known.skus.find(Field::new(&shown, Raw::Cell(key)))?;
        let units = Field::new(&shown, Raw::Node(value)).qty(0)?;
        Ok((sku, units))
    };
    members
        .iter()
        .map(|member| limit(member).map_err(|invalid| inside(field.name, invalid)))
        .collect()
}

fn promise_from(field: Field<'_>) -> Result<PromiseFrom, Invalid> {
    field.one_of(&PromiseFrom::ALL)
}

/// Rules of single locations or SKUs: `id = "all"`.
fn rules<Id>(
    field: Field<'_>,
    find: impl Fn(Field<'_>) -> Result<Id, Invalid>,
) -> Result<Vec<(Id, PromiseFrom)>, Invalid> {
    let members = match field.raw {
        Raw::Missing => return Ok(Vec::new()),
        Raw::Node(Node::Object(members)) => members,
        Raw::Cell(_) | Raw::Node(_) => {
            return Err(field.refuse("a table of ids, each with off, transfers or all"));
        }
    };
    let rule = |(key, value): &(Cow<'_, str>, Node<'_>)| {
        let shown = shown_key(key);
        let id = find(Field::new(&shown, Raw::Cell(key)))?;
        let from = promise_from(Field::new(&shown, Raw::Node(value)))?;
        Ok((id, from))
    };
    members
        .iter()
        .map(|member| rule(member).map_err(|invalid| inside(field.name, invalid)))
        .collect()
}

fn members<'a>(table: &'a DeTable<'_>) -> Vec<(Cow<'a, str>, Node<'a>)> {
    let member = table.iter();
    member
        .map(|(key, value)| (Cow::Borrowed(&**key.get_ref()), node(value.get_ref())))
        .collect()
}

fn node<'a>(value: &'a DeValue<'_>) -> Node<'a> {
    match value {
        DeValue::String(text) => Node::Text(Cow::Borrowed(text)),
        // Beyond every range: no field takes an infinite number.
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Node::Float(f64::INFINITY), Node::Whole),
        DeValue::Float(number) => Node::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Node::Flag(*flag),
        DeValue::Datetime(time) => Node::Text(Cow::Owned(time.to_string())),
        DeValue::Array(list) => Node::List(list.iter().map(|v| node(v.get_ref())).collect()),
        DeValue::Table(table) => Node::Object(members(table)),
    }
}

/// Where the key with this path stands; as deep as it can be followed.
fn offset_of(table: &DeTable<'_>, path: &str) -> usize {
    for (key, value) in table {
        let shown = shown_key(key.get_ref());
        let Some(rest) = path.strip_prefix(&*shown) else {
            continue;
        };
        let below = match (rest.strip_prefix('.'), value.get_ref()) {
            (Some(rest), DeValue::Table(inner)) => offset_of(inner, rest),
            (None, _) if rest.is_empty() || rest.starts_with('[') => 0,
            _ => continue,
        };
        return below.max(key.span().start);
    }
    0
}
