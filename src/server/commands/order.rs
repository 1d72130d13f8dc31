//! `ORDER.*`: orders routed, reserved and remembered in one step.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::json;
use super::super::table::{Call, Command};
use crate::engine::{Engine, EngineError};
use crate::load::{Faulty, order_json, orders_json};
use crate::model::{EpochMillis, Invalid, Order};
use crate::wire::Reply;
use rayon::prelude::*;
use std::sync::Arc;

/// Most orders of one batch: their answers are gathered before they are sent.
const BATCH_MAX: usize = 4_096;

const ORDER: (&str, &str) = ("json", "the order; see \"Orders\" below for its fields");
const KEY: [(&str, &str); 2] = [
    ("source", "system that took the order"),
    ("order", "its id there"),
];
const PLAN: &str = "JSON: identity, `state`, `shipments`, `backordered`, `objective`, `proof`, \
    `runner_up`, `rejected`, `waiting`, `fulfillments`; see \"Plans\" below";

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
        name: "ORDER.ROUTEBATCH",
        group: "Orders",
        usage: "json [json]...",
        summary: "Submits many orders: solves them side by side against one view of the stock, then \
            commits them in the order given; one that lost its stock meanwhile is solved again. Each is \
            an order like any other, as if sent by `ORDER.SUBMIT`; this connection's next command waits, \
            other connections do not.",
        arguments: &[(
            "json",
            "an order, or a list of orders; 4096 orders in all at most",
        )],
        reply: "array of JSON, one for each order in the order given: what `ORDER.SUBMIT` answers, or \
            `source`, `order`, `error` with `code`, `message` and `findings`",
        errors: &["TOOLARGE", "BUSY"],
        example: r#"ORDER.ROUTEBATCH '[{"source":"web","order":"1101","placed_at":"2026-11-23T10:00:00Z","ship_to":{"country":"US","postal":"94107"},"lines":[{"sku":"SKU-00001","qty":1}]},{"source":"web","order":"1102","placed_at":"2026-11-23T10:00:00Z","ship_to":{"country":"US","postal":"10001"},"lines":[{"sku":"SKU-00002","qty":1}]}]'"#,
        writes: true,
        least: 1,
        most: None,
        run: route_batch,
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
        summary: "An order as it stands, with the plan it was accepted with, and where its time went until all of it was \
            sent, or until now.",
        arguments: &KEY,
        reply: "JSON: as `ORDER.SUBMIT`, with `delay`: `validation_ms`, `routing_ms`, `waiting_ms` (of which `waiting_supply_ms`, \
            `waiting_hold_ms`, `waiting_claim_ms`), `transmission_ms`, `total_ms`; `fulfillment` (whose they are), `sent_at`; see \
            \"Where time goes\" above",
        errors: &["NOTFOUND"],
        example: "ORDER.GET web 1001",
        writes: false,
        least: 2,
        most: Some(2),
        run: get,
    },
    Command {
        name: "ORDER.AMEND",
        group: "Orders",
        usage: "ref json",
        summary: "Changes an order that nobody has a part of: lines, address, dates, policy. What it \
            holds is released and what it needs now is taken in one step: either the new plan is \
            reserved, or everything stays as it was. The same change under the same reference again \
            changes nothing and answers the order as it stands (`repeated` is true then).",
        arguments: &[
            (
                "ref",
                "identity of this change, of one order; send the changes of one order one after another",
            ),
            (
                "json",
                "the whole order as it is wanted now; `channel`, `placed_at` and `priority` as they were",
            ),
        ],
        reply: PLAN,
        errors: &[
            "NOTFOUND", "HELD", "STATE", "NOSTOCK", "CONFLICT", "TOOLARGE", "BUSY",
        ],
        example: r#"ORDER.AMEND edit-1 '{"source":"web","order":"1001","placed_at":"2026-11-23T10:00:00Z","ship_to":{"country":"US","postal":"94107"},"lines":[{"sku":"SKU-00001","qty":2}]}'"#,
        writes: true,
        least: 2,
        most: Some(2),
        run: amend,
    },
    Command {
        name: "ORDER.EXPLAIN",
        group: "Orders",
        usage: "source order",
        summary: "Why an order is fulfilled as it is, by what was known when it was accepted: its plan \
            and the next best one with their costs by part, what bound the plan and by how many cents, \
            and for every location one reason.",
        arguments: &KEY,
        reply: "JSON: as `ORDER.GET`, with `binding` (`constraint`, `saves_cents`, `proven`), \
            `binding_unknown` (why `binding` is null) and `locations` (`location`, `reason`); see \
            \"Plans\" below",
        errors: &["NOTFOUND"],
        example: "ORDER.EXPLAIN web 1001",
        writes: false,
        least: 2,
        most: Some(2),
        run: explain,
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

fn read(call: &Call<'_>, args: &mut Arguments<'_>) -> Result<Result<Order, Faulty>, CommandError> {
    let bytes = args.bytes("json")?;
    Ok(order_json(bytes, call.engine.limits().lines))
}

fn submit(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let view = match read(call, &mut args)? {
        Ok(order) => call.engine.submit(Arc::new(order), call.now)?,
        Err(Faulty {
            faults,
            beyond,
            draft,
        }) => {
            let faults = (faults, beyond);
            return Err(call.engine.refuse(&draft, faults, call.now).into());
        }
    };
    Ok(json::order(call.engine, &view, call.now).into())
}

/// An order that is only asked about, or changed.
fn readable(call: &Call<'_>, args: &mut Arguments<'_>) -> Result<Order, CommandError> {
    let order = read(call, args)?;
    Ok(order.map_err(|f| call.engine.unreadable(&f.draft, (f.faults, f.beyond)))?)
}

fn amend(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let order = Arc::new(readable(call, &mut args)?);
    let view = call.engine.amend(reference, &order, call.now)?;
    Ok(json::order(call.engine, &view, call.now).into())
}

/// Reading, solving and writing the answers all are for other threads: this one only copies.
fn route_batch(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let mut texts: Vec<Box<[u8]>> = Vec::with_capacity(args.left());
    while !args.is_empty() {
        texts.push(args.bytes("json")?.into());
    }
    let (engine, now) = (call.engine.clone(), call.now);
    call.later(move || {
        batch(&engine, &texts, now).unwrap_or_else(|error| CommandError::into_reply(error.into()))
    })
}

fn batch(engine: &Engine, texts: &[Box<[u8]>], now: EpochMillis) -> Result<Reply, EngineError> {
    let lines = engine.limits().lines;
    let read = texts.par_iter().map(|text| match text.trim_ascii_start() {
        // How many orders a broken list was to hold, nobody knows: so none is taken.
        [b'[', ..] => orders_json(text, lines),
        _ => Ok(orders_json(text, lines).unwrap_or_else(|invalid| vec![Err(invalid.into())])),
    });
    let read: Vec<Vec<Result<Order, Faulty>>> = read.collect::<Result<_, Invalid>>()?;
    let read: Vec<Result<Arc<Order>, Faulty>> = read
        .into_iter()
        .flatten()
        .map(|order| order.map(Arc::new))
        .collect();
    if read.len() > BATCH_MAX {
        let most = format!("at most {BATCH_MAX} orders");
        return Err(EngineError::TooLarge(Invalid::new(
            "json",
            read.len(),
            most,
        )));
    }
    let good: Vec<Arc<Order>> = read.iter().flatten().cloned().collect();
    let mut answers = engine.submit_batch(&good, now).into_iter();
    let answered: Vec<_> = read
        .into_iter()
        .map(|order| match order {
            Ok(order) => (order, answers.next()),
            Err(Faulty {
                faults,
                beyond,
                draft,
            }) => {
                let error = engine.refuse(&draft, (faults, beyond), now);
                (draft.into(), Some(Err(error)))
            }
        })
        .collect();
    let written = answered.par_iter().map(|(order, answer)| match answer {
        Some(Ok(view)) => json::order(engine, view, now),
        Some(Err(error)) => json::refused(&order.key, error),
        None => String::new(),
    });
    let written: Vec<String> = written.collect();
    Ok(Reply::Array(written.into_iter().map(Reply::from).collect()))
}

fn quote(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let order = readable(call, &mut args)?;
    let quote = call.engine.quote(&order, call.now)?;
    Ok(json::quote(call.engine, &order, &quote).into())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let view = call.engine.order_in_parts(source, order)?;
    Ok(json::order_with_delay(call.engine, &view, call.now).into())
}

fn explain(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let explained = call.engine.explain(source, order)?;
    Ok(json::explanation(call.engine, &explained, call.now).into())
}

fn cancel(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let view = call.engine.cancel_order(source, order, call.now)?;
    Ok(json::order(call.engine, &view, call.now).into())
}
