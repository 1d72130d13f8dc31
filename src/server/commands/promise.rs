//! `PROMISE.GET`: dates and costs for a product page, without an order.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::json;
use super::super::table::{Call, Command};
use crate::engine::PromiseAsk;
use crate::load::CHANNEL_DEFAULT;
use crate::model::{Invalid, Qty, ShipTo};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[Command {
    name: "PROMISE.GET",
    group: "Available to promise",
    usage: "sku postal [QTY n] [COUNTRY country] [CHANNEL channel]",
    summary: "When and for how much each carrier service would deliver units of one item, shipped \
        together from the one location that is best by the policy. Reserves nothing; no order is \
        needed.",
    arguments: &[
        ("sku", "item, known from the network or `ITEM.PUT`"),
        ("postal", "postal code of the customer, or the start of one"),
        ("QTY n", "units, 1 to 2000000000; 1 when absent"),
        (
            "COUNTRY country",
            "ISO 3166 code; may be absent where all places of the network are in one country",
        ),
        (
            "CHANNEL channel",
            "as that channel sees stock and values time; `default` when absent",
        ),
    ],
    reply: "JSON: `sku`, `qty`, and `services` by ascending date, then cost: `service`, `location`, \
        `ship_at`, `deliver_at`, `parcels`, `billable_grams`, `cents`; a service that cannot carry \
        all units from one location is not there",
    errors: &["NOTFOUND"],
    example: "PROMISE.GET SKU-00001 94107 QTY 2 COUNTRY US CHANNEL web",
    writes: false,
    least: 2,
    most: Some(8),
    run: get,
}];

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let sku = args.text("sku")?;
    let postal = args.text("postal")?;
    let (mut qty, mut channel) = (Qty(1), CHANNEL_DEFAULT);
    let mut country = None;
    while !args.is_empty() {
        if args.take("QTY") {
            qty = args.some_qty("QTY")?;
        } else if args.take("COUNTRY") {
            country = Some(args.text("COUNTRY")?);
        } else if args.take("CHANNEL") {
            channel = args.text("CHANNEL")?;
        } else {
            args.end("QTY, COUNTRY or CHANNEL")?;
        }
    }
    let lanes = call.engine.lanes();
    let Some(country) = country.or_else(|| lanes.only_country()) else {
        let expected = "a country: the network has places in several, or none";
        return Err(Invalid::new("COUNTRY", "absent", expected).into());
    };
    let to = ShipTo {
        country: country.into(),
        postal: postal.into(),
        ..ShipTo::default()
    };
    let ask = PromiseAsk {
        sku,
        qty,
        to: &to,
        channel,
    };
    let found = call.engine.promise(&ask, call.now)?;
    Ok(json::promise(call.engine, &ask, &found).into())
}
