//! `ORDER.*`: orders routed, reserved and remembered in one step.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::json;
use super::super::table::{Call, Command};
use crate::load::order_json;
use crate::model::Order;
use crate::wire::Reply;
use std::sync::Arc;

const ORDER: (&str, &str) = ("json", "the order; see \"Orders\" below for its fields");
const KEY: [(&str, &str); 2] = [
    ("source", "system that took the order"),
    ("order", "its id there"),
];
const PLAN: &str = "JSON: identity, `state`, `shipments`, `backordered`, `objective`, `proof`, \
    `runner_up`, `rejected`; see \"Plans\" below";

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "ORDER.SUBMIT",
        group: "Orders",
        usage: "json",
        summary: "Routes an order to its cheapest plan, reserves every unit of it and remembers the \
            answer, in one step. `(source, order)` is the identity: the same order again gets the \
            first answer (`repeated` is true then).",
        arguments: &[ORDER],
        reply: PLAN,
        errors: &["NOSTOCK", "NOTFOUND", "CONFLICT", "TOOLARGE", "BUSY"],
        example: r#"ORDER.SUBMIT '{"source":"web","order":"1001","placed_at":"2026-11-23T10:00:00Z","ship_to":{"country":"US","postal":"94107"},"lines":[{"sku":"SKU-00001","qty":1}]}'"#,
        writes: true,
        least: 1,
        most: Some(1),
        run: submit,
    },
    Command {
        name: "ORDER.QUOTE",
        group: "Orders",
        usage: "json",
        summary: "The cheapest, the fastest and the balanced plan for an order, and all plans that no \
            other beats in cost, date and number of shipments at once, without reserving or \
            remembering anything.",
        arguments: &[ORDER],
        reply: "JSON: `cheapest`, `fastest`, `balanced`, each with `shipments`, `backordered`, \
            `objective`, `proof`, `runner_up`, `rejected`; `frontier` with `complete` and `plans`; \
            `binding`; see \"Plans\" below",
        errors: &["NOSTOCK", "NOTFOUND", "TOOLARGE"],
        example: r#"ORDER.QUOTE '{"source":"web","order":"1002","placed_at":"2026-11-23T10:00:00Z","ship_to":{"country":"US","postal":"94107"},"lines":[{"sku":"SKU-00001","qty":1}]}'"#,
        writes: false,
        least: 1,
        most: Some(1),
        run: quote,
    },
    Command {
        name: "ORDER.GET",
        group: "Orders",
        usage: "source order",
        summary: "An order as it stands, with the plan it was accepted with.",
        arguments: &KEY,
        reply: PLAN,
        errors: &["NOTFOUND"],
        example: "ORDER.GET web 1001",
        writes: false,
        least: 2,
        most: Some(2),
        run: get,
    },
    Command {
        name: "ORDER.CANCEL",
        group: "Orders",
        usage: "source order",
        summary: "Cancels an order that nobody has a part of; what it held is free. Cancelling again \
            changes nothing.",
        arguments: &KEY,
        reply: PLAN,
        errors: &["NOTFOUND", "HELD", "STATE"],
        example: "ORDER.CANCEL web 1001",
        writes: true,
        least: 2,
        most: Some(2),
        run: cancel,
    },
];

fn read(call: &Call<'_>, args: &mut Arguments<'_>) -> Result<Order, CommandError> {
    let bytes = args.bytes("json")?;
    Ok(order_json(bytes, call.engine.limits().lines)?)
}

fn submit(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let order = Arc::new(read(call, &mut args)?);
    let view = call.engine.submit(order, call.now)?;
    Ok(json::order(call.engine, &view).into())
}

fn quote(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let order = read(call, &mut args)?;
    let quote = call.engine.quote(&order, call.now)?;
    Ok(json::quote(call.engine, &order, &quote).into())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let view = call.engine.order(source, order)?;
    Ok(json::order(call.engine, &view).into())
}

fn cancel(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let view = call.engine.cancel_order(source, order, call.now)?;
    Ok(json::order(call.engine, &view).into())
}
