//! `RESERVATION.*`: units promised to a cart, or firmly, without an order.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::engine::{ReservationPut, ReservationView, WantedLine};
use crate::model::{EpochMillis, Invalid};
use crate::wire::Reply;

const ID: (&str, &str) = ("reservation", "id, chosen by you");
const VIEW: &str = "map: `expires_at` (RFC 3339, null when firm), `claims` (array of `sku`, \
    `location`, units)";

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "RESERVATION.PUT",
        group: "Reservations",
        usage: "reservation TTL ms|FIRM [CHANNEL channel] [PRIORITY n] [NEED time] \
            LINES sku location qty [sku location qty]...",
        summary: "Gets or creates a reservation, all lines or none. The same again answers with what \
            it holds; other lines under the same id change it in one step, or not at all.",
        arguments: &[
            ID,
            (
                "TTL ms",
                "soft: its units are free again after so many milliseconds",
            ),
            ("FIRM", "it lasts until cancelled"),
            ("CHANNEL channel", "selling channel; `default` when absent"),
            (
                "PRIORITY n",
                "higher keeps its promise longer when supply is cut; 0 when absent",
            ),
            (
                "NEED time",
                "when the units must be there, RFC 3339; now when absent",
            ),
            (
                "LINES sku location qty",
                "item, place (`*` for any, from as few as possible) and units; the same position may \
                 be named twice",
            ),
        ],
        reply: VIEW,
        errors: &["NOSTOCK", "NOTFOUND", "CONFLICT", "TOOLARGE"],
        example: "RESERVATION.PUT cart-1 TTL 900000 LINES SKU-00001 DC-ORD 2 SKU-00002 * 1",
        writes: true,
        least: 5,
        most: None,
        run: put,
    },
    Command {
        name: "RESERVATION.CONFIRM",
        group: "Reservations",
        usage: "reservation",
        summary: "Makes a soft reservation firm. Confirming again changes nothing.",
        arguments: &[ID],
        reply: VIEW,
        errors: &["NOTFOUND", "EXPIRED", "CONFLICT"],
        example: "RESERVATION.CONFIRM cart-1",
        writes: true,
        least: 1,
        most: Some(1),
        run: confirm,
    },
    Command {
        name: "RESERVATION.EXTEND",
        group: "Reservations",
        usage: "reservation ms",
        summary: "Lets a soft reservation live at least so long from now. It never ends earlier than \
            before.",
        arguments: &[ID, ("ms", "milliseconds from now")],
        reply: VIEW,
        errors: &["NOTFOUND", "EXPIRED", "CONFLICT"],
        example: "RESERVATION.EXTEND cart-1 900000",
        writes: true,
        least: 2,
        most: Some(2),
        run: extend,
    },
    Command {
        name: "RESERVATION.GET",
        group: "Reservations",
        usage: "reservation",
        summary: "What a live reservation holds.",
        arguments: &[ID],
        reply: VIEW,
        errors: &["NOTFOUND", "EXPIRED", "CONFLICT"],
        example: "RESERVATION.GET cart-1",
        writes: false,
        least: 1,
        most: Some(1),
        run: get,
    },
    Command {
        name: "RESERVATION.CANCEL",
        group: "Reservations",
        usage: "reservation",
        summary: "Ends a reservation; its units are free. The id stays used, so that a late repeat of \
            its creation does not bring it back.",
        arguments: &[ID],
        reply: "integer: 1 if it still held its units, 0 if it had ended before",
        errors: &["NOTFOUND"],
        example: "RESERVATION.CANCEL cart-1",
        writes: true,
        least: 1,
        most: Some(1),
        run: cancel,
    },
];

fn put(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("reservation")?;
    let ttl = match args.take("FIRM") {
        true => None,
        false if args.take("TTL") => Some(args.millis("TTL")?),
        false => {
            let word = args.text("TTL|FIRM")?;
            return Err(Invalid::new("TTL|FIRM", word, "TTL milliseconds, or FIRM").into());
        }
    };
    let mut put = ReservationPut {
        id,
        ttl,
        channel: "default",
        priority: 0,
        need_at: None,
        lines: &[],
    };
    while !args.take("LINES") {
        if args.take("CHANNEL") {
            put.channel = args.text("CHANNEL")?;
        } else if args.take("PRIORITY") {
            let priority = args.signed("PRIORITY", i32::MAX.into())?;
            put.priority = i32::try_from(priority).unwrap_or_default();
        } else if args.take("NEED") {
            put.need_at = Some(args.moment("NEED")?);
        } else {
            let word = args.text("LINES")?;
            return Err(Invalid::new("LINES", word, "CHANNEL, PRIORITY, NEED or LINES").into());
        }
    }
    let mut lines = Vec::with_capacity(args.left() / 3);
    while !args.is_empty() {
        let (sku, location) = (args.text("sku")?, args.text("location")?);
        lines.push(WantedLine {
            sku,
            location,
            qty: args.some_qty("qty")?,
        });
    }
    put.lines = &lines;
    Ok(view(call, &call.engine.put_reservation(&put, call.now)?))
}

fn confirm(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("reservation")?;
    Ok(view(call, &call.engine.confirm_reservation(id, call.now)?))
}

fn extend(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("reservation")?;
    let ttl = args.millis("ms")?;
    Ok(view(
        call,
        &call.engine.extend_reservation(id, ttl, call.now)?,
    ))
}

fn cancel(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let held = call
        .engine
        .cancel_reservation(args.text("reservation")?, call.now)?;
    Ok(Reply::Int(held.into()))
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("reservation")?;
    Ok(view(call, &call.engine.reservation(id, call.now)?))
}

fn view(call: &Call<'_>, view: &ReservationView) -> Reply {
    let registry = call.engine.registry();
    let claims = view.claims.iter().map(|&(sku, location, qty)| {
        Reply::Array(vec![
            registry.sku_name(sku).into(),
            registry.location_name(location).into(),
            Reply::Int(qty.0.into()),
        ])
    });
    let soft = view.expires_at < EpochMillis::DISTANT_FUTURE;
    Reply::map([
        (
            "expires_at",
            soft.then(|| view.expires_at.to_string()).into(),
        ),
        ("claims", Reply::Array(claims.collect())),
    ])
}
