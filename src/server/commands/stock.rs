//! `STOCK.*`: what is physically there.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use super::broken;
use crate::engine::{CountReport, LoadRow, Moved, PositionReport};
use crate::model::Qty;
use crate::wire::Reply;

const REF: (&str, &str) = (
    "ref",
    "identity of this write: the same again gets the first answer, other content a conflict",
);
const SKU: (&str, &str) = ("sku", "item, known from the network or `ITEM.PUT`");
const LOCATION: (&str, &str) = (
    "location",
    "place, known from the network or `LOCATION.PUT`",
);

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "STOCK.SET",
        group: "Stock",
        usage: "ref sku location on_hand [ASOF time] [DEDUCTED source order]...",
        summary: "Takes a count. It is accepted even below what is promised; the promises that no \
            longer hold are named.",
        arguments: &[
            REF,
            SKU,
            LOCATION,
            ("on_hand", "units counted, 0 to 2000000000"),
            (
                "ASOF time",
                "when it was counted (RFC 3339); refused if units moved there since",
            ),
            (
                "DEDUCTED source order",
                "an order whose units the counter has already subtracted although they have not \
                 left; they are added back, so that they are not deducted twice",
            ),
        ],
        reply: "map: `before`, `after` (units on hand), `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "STOCK.SET count-1 SKU-00001 DC-ORD 120",
        writes: true,
        least: 4,
        most: None,
        run: set,
    },
    Command {
        name: "STOCK.ADJUST",
        group: "Stock",
        usage: "ref sku location change reason",
        summary: "Adds units to a position, or takes away when negative.",
        arguments: &[
            REF,
            SKU,
            LOCATION,
            ("change", "units, signed"),
            (
                "reason",
                "your word for it, without spaces, kept with the movement",
            ),
        ],
        reply: "map: `before`, `after` (units on hand), `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "STOCK.ADJUST adj-1 SKU-00001 DC-ORD -3 damaged-in-aisle",
        writes: true,
        least: 5,
        most: Some(5),
        run: adjust,
    },
    Command {
        name: "STOCK.LOAD",
        group: "Stock",
        usage: "ref sku location on_hand [sku location on_hand]...",
        summary: "Takes many counts at once: all rows are checked before the first is taken.",
        arguments: &[
            REF,
            SKU,
            LOCATION,
            ("on_hand", "units counted, 0 to 2000000000"),
        ],
        reply: "map: `rows` (how many were taken), `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "STOCK.LOAD feed-1 SKU-00001 DC-ORD 120 SKU-00002 DC-ORD 64",
        writes: true,
        least: 4,
        most: None,
        run: load,
    },
    Command {
        name: "STOCK.SAFETY",
        group: "Stock",
        usage: "ref sku location qty",
        summary: "Keeps units at a position back from promising.",
        arguments: &[REF, SKU, LOCATION, ("qty", "units kept back")],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "STOCK.SAFETY safety-1 SKU-00001 DC-ORD 5",
        writes: true,
        least: 4,
        most: Some(4),
        run: safety,
    },
    Command {
        name: "STOCK.THRESHOLD",
        group: "Stock",
        usage: "ref sku low|NONE [CHANNEL channel]",
        summary: "Watches an item: within a second (later where more than 16,384 are watched) after what may be promised \
            falls to the threshold or to none, or is more again, an event `availability.low`, `.out` or `.plenty` tells it on the stream `stock`, once \
            per crossing.",
        arguments: &[
            REF,
            SKU,
            (
                "low",
                "units at which it is low; 0 tells only of none and of some",
            ),
            (
                "NONE",
                "it is no longer watched, whatever the network says at a start",
            ),
            (
                "CHANNEL channel",
                "as that channel sees it; all together when absent",
            ),
        ],
        reply: "`OK`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "STOCK.THRESHOLD low-1 SKU-00001 10 CHANNEL web",
        writes: true,
        least: 3,
        most: Some(5),
        run: threshold,
    },
    Command {
        name: "STOCK.GET",
        group: "Stock",
        usage: "sku [location]",
        summary: "What is known of one position, or of all positions of a SKU.",
        arguments: &[SKU, LOCATION],
        reply: "map, or array of maps without `location`: `location`, `on_hand`, `held`, `holds` \
            (map of reason to units), `safety_stock`, `reserved`, `incoming` (units on their way), \
            `atp` (units promisable now); null when the SKU never had stock there",
        errors: &["NOTFOUND"],
        example: "STOCK.GET SKU-00001 DC-ORD",
        writes: false,
        least: 1,
        most: Some(2),
        run: get,
    },
];

fn set(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let (sku, location) = (args.text("sku")?, args.text("location")?);
    let on_hand = args.qty("on_hand")?;
    let as_of = if args.take("ASOF") {
        Some(args.moment("ASOF")?)
    } else {
        None
    };
    let mut deducted = Vec::new();
    while args.take("DEDUCTED") {
        deducted.push((args.text("DEDUCTED source")?, args.text("DEDUCTED order")?));
    }
    args.end("ASOF time, DEDUCTED source order, or the end of the command")?;
    let count = CountReport {
        sku,
        location,
        on_hand,
        as_of,
        deducted: &deducted,
    };
    Ok(moved(
        call,
        &call.engine.set_stock(reference, &count, call.now)?,
    ))
}

fn adjust(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let (sku, location) = (args.text("sku")?, args.text("location")?);
    let change = args.signed("change", Qty::MAX.0.into())?;
    let reason = args.text("reason")?;
    let done = call
        .engine
        .adjust_stock(reference, sku, location, change, reason, call.now)?;
    Ok(moved(call, &done))
}

fn load(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let mut rows = Vec::with_capacity(args.left() / 3);
    while !args.is_empty() {
        let (sku, location) = (args.text("sku")?, args.text("location")?);
        rows.push(LoadRow {
            sku,
            location,
            on_hand: args.qty("on_hand")?,
        });
    }
    let (rows, lost) = call.engine.load_stock(reference, &rows, call.now)?;
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    Ok(Reply::map([
        ("rows", Reply::Int(rows)),
        ("broken", broken(call.engine, &lost)),
    ]))
}

fn safety(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let (sku, location) = (args.text("sku")?, args.text("location")?);
    let qty = args.qty("qty")?;
    let lost = call
        .engine
        .set_safety_stock(reference, sku, location, qty, call.now)?;
    Ok(Reply::map([("broken", broken(call.engine, &lost))]))
}

fn threshold(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (reference, sku) = (args.text("ref")?, args.text("sku")?);
    let low = match args.take("NONE") {
        true => None,
        false => Some(args.qty("low")?),
    };
    let channel = match args.take("CHANNEL") {
        true => Some(args.text("CHANNEL")?),
        false => None,
    };
    args.end("CHANNEL channel")?;
    call.engine
        .set_threshold(reference, sku, channel, low, call.now)?;
    Ok(Reply::Simple("OK".into()))
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let sku = args.text("sku")?;
    if args.is_empty() {
        let all = call.engine.stock_of(sku, call.now)?;
        return Ok(Reply::Array(
            all.iter().map(|report| position(call, report)).collect(),
        ));
    }
    let location = args.text("location")?;
    let report = call.engine.stock(sku, location, call.now)?;
    Ok(report.map_or(Reply::Null, |report| position(call, &report)))
}

fn moved(call: &Call<'_>, moved: &Moved) -> Reply {
    Reply::map([
        ("before", Reply::Int(moved.before.0.into())),
        ("after", Reply::Int(moved.after.0.into())),
        ("broken", broken(call.engine, &moved.broken)),
    ])
}

fn position(call: &Call<'_>, report: &PositionReport) -> Reply {
    let p = &report.position;
    let holds = report
        .held
        .iter()
        .map(|(r, q)| (Reply::text(r.name()), Reply::Int(q.0.into())));
    let count = |units: u64| Reply::Int(i64::try_from(units).unwrap_or(i64::MAX));
    Reply::map([
        (
            "location",
            call.engine.registry().location_name(p.location()).into(),
        ),
        ("on_hand", Reply::Int(p.on_hand.into())),
        ("held", Reply::Int(p.held.into())),
        ("holds", Reply::Map(holds.collect())),
        ("safety_stock", Reply::Int(p.safety.into())),
        ("reserved", Reply::Int(p.reserved.into())),
        ("incoming", count(report.incoming)),
        ("atp", count(report.atp)),
    ])
}
