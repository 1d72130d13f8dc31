//! `TRANSFER.*` and `SUPPLY.*`: units on their way.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use super::broken;
use crate::engine::{Broken, SupplyPut};
use crate::model::{IncomingKind, Invalid};
use crate::wire::Reply;

const REF: (&str, &str) = ("ref", "identity of this write");
const ARRIVES: (&str, &str) = ("arrives_at", "when they are expected, RFC 3339");
const CLOSE: (&str, &str) = (
    "CLOSE",
    "nothing more will come, whatever is left; `qty` may then be 0",
);

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "TRANSFER.DISPATCH",
        group: "Transfers and purchases",
        usage: "transfer sku from to qty arrives_at [FORCE]",
        summary: "Sends units from one location to another: they leave the origin's on-hand now and \
            are in transit until received.",
        arguments: &[
            (
                "transfer",
                "id of the transfer, chosen by you; the same again changes nothing",
            ),
            ("sku", "item"),
            ("from", "origin"),
            ("to", "destination"),
            (
                "qty",
                "units, at most those neither promised nor held at the origin",
            ),
            ARRIVES,
            (
                "FORCE",
                "they have left although they were promised or held",
            ),
        ],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "TRANSFER.DISPATCH t-1 SKU-00001 DC-ORD DC-EWR 10 2026-12-01T08:00:00Z",
        writes: true,
        least: 6,
        most: Some(7),
        run: dispatch,
    },
    Command {
        name: "TRANSFER.RECEIVE",
        group: "Transfers and purchases",
        usage: "ref transfer qty [CLOSE]",
        summary: "Takes units of a transfer in at its destination. What arrives counts, not what \
            was sent.",
        arguments: &[
            REF,
            ("transfer", "id of the transfer"),
            ("qty", "units that arrived"),
            CLOSE,
        ],
        reply: "map: `before`, `after` (units on hand), `written_off` (units that are not coming), \
            `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "TRANSFER.RECEIVE rcv-1 t-1 9",
        writes: true,
        least: 3,
        most: Some(4),
        run: |call, args| receive(call, args, IncomingKind::Transfer),
    },
    Command {
        name: "TRANSFER.DELAY",
        group: "Transfers and purchases",
        usage: "ref transfer arrives_at",
        summary: "Expects a transfer at another time, later or earlier.",
        arguments: &[REF, ("transfer", "id of the transfer"), ARRIVES],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "TRANSFER.DELAY delay-1 t-1 2026-12-03T08:00:00Z",
        writes: true,
        least: 3,
        most: Some(3),
        run: |call, args| delay(call, args, IncomingKind::Transfer),
    },
    Command {
        name: "TRANSFER.CANCEL",
        group: "Transfers and purchases",
        usage: "ref transfer RETURNED|LOST",
        summary: "Nothing more will come of a transfer. Cancelling again in the same way changes \
            nothing; one that was received can no longer be cancelled.",
        arguments: &[
            REF,
            ("transfer", "id of the transfer"),
            (
                "RETURNED|LOST",
                "the units in transit are back on hand at the origin, or gone",
            ),
        ],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "TRANSFER.CANCEL cancel-1 t-1 RETURNED",
        writes: true,
        least: 3,
        most: Some(3),
        run: cancel_transfer,
    },
    Command {
        name: "SUPPLY.EXPECT",
        group: "Transfers and purchases",
        usage: "supply sku to qty arrives_at",
        summary: "Expects units from outside: an inbound purchase.",
        arguments: &[
            (
                "supply",
                "id of the purchase, chosen by you; the same again changes nothing",
            ),
            ("sku", "item"),
            ("to", "destination"),
            ("qty", "units"),
            ARRIVES,
        ],
        reply: "`OK`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "SUPPLY.EXPECT po-1 SKU-00001 DC-EWR 500 2026-12-10T08:00:00Z",
        writes: true,
        least: 5,
        most: Some(5),
        run: expect,
    },
    Command {
        name: "SUPPLY.RECEIVE",
        group: "Transfers and purchases",
        usage: "ref supply qty [CLOSE]",
        summary: "Takes units of a purchase in.",
        arguments: &[
            REF,
            ("supply", "id of the purchase"),
            ("qty", "units that arrived"),
            CLOSE,
        ],
        reply: "map: `before`, `after` (units on hand), `written_off` (units that are not coming), \
            `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "SUPPLY.RECEIVE rcv-2 po-1 480",
        writes: true,
        least: 3,
        most: Some(4),
        run: |call, args| receive(call, args, IncomingKind::Purchase),
    },
    Command {
        name: "SUPPLY.DELAY",
        group: "Transfers and purchases",
        usage: "ref supply arrives_at",
        summary: "Expects a purchase at another time, later or earlier.",
        arguments: &[REF, ("supply", "id of the purchase"), ARRIVES],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "SUPPLY.DELAY delay-2 po-1 2026-12-12T08:00:00Z",
        writes: true,
        least: 3,
        most: Some(3),
        run: |call, args| delay(call, args, IncomingKind::Purchase),
    },
    Command {
        name: "SUPPLY.CANCEL",
        group: "Transfers and purchases",
        usage: "ref supply",
        summary: "Nothing more will come of a purchase. Cancelling again changes nothing; one that \
            was received can no longer be cancelled.",
        arguments: &[REF, ("supply", "id of the purchase")],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "SUPPLY.CANCEL cancel-2 po-1",
        writes: true,
        least: 2,
        most: Some(2),
        run: cancel_supply,
    },
];

fn lost(call: &Call<'_>, lost: &[Broken]) -> Reply {
    Reply::map([("broken", broken(call.engine, lost))])
}

fn dispatch(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (id, sku) = (args.text("transfer")?, args.text("sku")?);
    let (from, to) = (args.text("from")?, args.text("to")?);
    let qty = args.some_qty("qty")?;
    let arrives_at = args.moment("arrives_at")?;
    let force = args.take("FORCE");
    args.end("FORCE or the end of the command")?;
    let put = SupplyPut {
        id,
        sku,
        from: Some(from),
        to,
        qty,
        arrives_at,
        force,
    };
    Ok(lost(call, &call.engine.announce_supply(&put, call.now)?))
}

fn expect(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (id, sku, to) = (args.text("supply")?, args.text("sku")?, args.text("to")?);
    let qty = args.some_qty("qty")?;
    let arrives_at = args.moment("arrives_at")?;
    let put = SupplyPut {
        id,
        sku,
        from: None,
        to,
        qty,
        arrives_at,
        force: false,
    };
    call.engine.announce_supply(&put, call.now)?;
    Ok(Reply::ok())
}

fn receive(
    call: &Call<'_>,
    mut args: Arguments<'_>,
    kind: IncomingKind,
) -> Result<Reply, CommandError> {
    let (reference, id) = (args.text("ref")?, args.text("id")?);
    let qty = args.qty("qty")?;
    let close = args.take("CLOSE");
    args.end("CLOSE or the end of the command")?;
    let done = call
        .engine
        .receive_supply(reference, kind, id, qty, close, call.now)?;
    Ok(Reply::map([
        ("before", Reply::Int(done.moved.before.0.into())),
        ("after", Reply::Int(done.moved.after.0.into())),
        ("written_off", Reply::Int(done.written_off.0.into())),
        ("broken", broken(call.engine, &done.moved.broken)),
    ]))
}

fn delay(
    call: &Call<'_>,
    mut args: Arguments<'_>,
    kind: IncomingKind,
) -> Result<Reply, CommandError> {
    let (reference, id) = (args.text("ref")?, args.text("id")?);
    let arrives_at = args.moment("arrives_at")?;
    Ok(lost(
        call,
        &call
            .engine
            .delay_supply(reference, kind, id, arrives_at, call.now)?,
    ))
}

fn cancel_transfer(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (reference, id) = (args.text("ref")?, args.text("transfer")?);
    let returned = args.take("RETURNED");
    if !returned && !args.take("LOST") {
        let word = args.text("RETURNED|LOST")?;
        return Err(Invalid::new("RETURNED|LOST", word, "RETURNED or LOST").into());
    }
    let kind = IncomingKind::Transfer;
    Ok(lost(
        call,
        &call
            .engine
            .cancel_supply(reference, kind, id, returned, call.now)?,
    ))
}

fn cancel_supply(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (reference, id) = (args.text("ref")?, args.text("supply")?);
    let kind = IncomingKind::Purchase;
    Ok(lost(
        call,
        &call
            .engine
            .cancel_supply(reference, kind, id, false, call.now)?,
    ))
}
