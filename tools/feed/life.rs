//! The life of orders over TCP: placed, routed, claimed, acknowledged, picked, packed, shipped, delivered.
//!
//! Each connection has its own orders and sends some of one step at once before it reads their answers.
//! An answer is waited for from when its batch was sent, so what is measured is what a client waits.

use crate::scan::Line;
use crate::servers::Server;
use anyhow::{Context as _, bail};
use serde_json::Value as Json;
use std::time::{Duration, Instant};

/// Commands of one step sent together.
pub(crate) const TOGETHER: usize = 32;
/// Received, validated, routed, sent, acknowledged, picked, packed, shipped, delivered.
pub(crate) const STATES: usize = 9;

const STEPS: [&str; 7] = ["SUBMIT", "CLAIM", "ACK", "PICK", "PACK", "SHIP", "DELIVER"];

/// What one connection saw: latencies by step, and how many parts its orders had.
struct Lived {
    waits: [Vec<Duration>; STEPS.len()],
    parts: usize,
}

/// All of it.
pub(crate) struct Lives {
    pub(crate) orders: usize,
    pub(crate) parts: usize,
    pub(crate) took: Duration,
    /// By step its median, 99 of 100, and the longest wait.
    pub(crate) steps: Vec<(&'static str, [Duration; 3])>,
}

/// `clients` connections live `orders` orders each.
///
/// `name` keeps their orders apart from those of other calls.
pub(crate) fn live(
    server: &Server,
    clients: usize,
    orders: usize,
    name: &str,
) -> anyhow::Result<Lives> {
    let since = Instant::now();
    let all = std::thread::scope(|scope| {
        let each: Vec<_> = (0..clients)
            .map(|client| scope.spawn(move || one(server, (name, client), orders)))
            .collect();
        let joined = each.into_iter().map(|one| match one.join() {
            Ok(lived) => lived,
            Err(_) => bail!("a client ended before its time"),
        });
        joined.collect::<anyhow::Result<Vec<Lived>>>()
    })?;
    let took = since.elapsed();
    let steps = STEPS.iter().enumerate().map(|(at, name)| {
        let mut waits: Vec<Duration> = all.iter().flat_map(|l| &l.waits[at]).copied().collect();
        waits.sort_unstable();
        let quantile = |of_100: usize| waits.get((waits.len() * of_100 / 100).min(waits.len() - 1));
        let three = [50, 99, 100].map(|q| quantile(q).copied().unwrap_or_default());
        (*name, three)
    });
    Ok(Lives {
        orders: clients * orders,
        parts: all.iter().map(|l| l.parts).sum(),
        took,
        steps: steps.collect(),
    })
}

/// The part of an order that is handed on, and the token that speaks for it.
struct Part {
    order: String,
    number: String,
    token: String,
}

fn one(server: &Server, (name, client): (&str, usize), orders: usize) -> anyhow::Result<Lived> {
    let mut line = server.connect()?;
    let source = format!("{name}-{client}");
    let mut lived = Lived {
        waits: Default::default(),
        parts: 0,
    };
    for start in (0..orders).step_by(TOGETHER) {
        let numbers = start..orders.min(start + TOGETHER);
        let submits = numbers.map(|n| vec!["ORDER.SUBMIT".to_owned(), order(&source, client, n)]);
        let mut claims = Vec::new();
        for answer in step(&mut line, &submits.collect::<Vec<_>>(), &mut lived.waits[0])? {
            let id = answer["order"]
                .as_str()
                .context("an answer names its order")?;
            for shipment in answer["shipments"].as_array().into_iter().flatten() {
                let location = shipment["location"].as_str().unwrap_or_default();
                let words = [
                    "FULFILLMENT.CLAIM",
                    location,
                    "HOLDER",
                    &source,
                    "ORDER",
                    &source,
                    id,
                ];
                claims.push(words.map(str::to_owned).to_vec());
            }
        }
        let mut parts = Vec::new();
        for answer in step(&mut line, &claims, &mut lived.waits[1])? {
            for part in answer["fulfillments"].as_array().into_iter().flatten() {
                parts.push(Part {
                    order: part["order"].as_str().unwrap_or_default().to_owned(),
                    number: part["number"].to_string(),
                    token: part["token"].as_str().unwrap_or_default().to_owned(),
                });
            }
        }
        for (verb, waits) in STEPS.iter().zip(&mut lived.waits).skip(2) {
            let told = parts.iter().map(|part| told(verb, &source, part));
            step(&mut line, &told.collect::<Vec<_>>(), waits)?;
        }
        lived.parts += parts.len();
    }
    Ok(lived)
}

fn told(verb: &str, source: &str, part: &Part) -> Vec<String> {
    let command = format!("FULFILLMENT.{verb}");
    let words = [&*command, source, &part.order, &part.number, &part.token];
    let mut words = words.map(str::to_owned).to_vec();
    if verb == "SHIP" {
        let tracking = format!("{}-{}", part.order, part.number);
        words.extend(["PARCEL", "ups", &tracking, "CENTS", "845"].map(str::to_owned));
    }
    words
}

fn order(source: &str, client: usize, n: usize) -> String {
    // Two items of different orders each, scattered over the catalogue.
    let sku = |k: usize| format!("SKU-{:05}", 1 + (n * 37 + client * 1_009 + k * 613) % 4_000);
    let postal = ["94107", "10001", "60601", "75201"][n % 4];
    let order = serde_json::json!({
        "source": source, "order": n.to_string(), "placed_at": "2026-11-23T10:00:00Z",
        "ship_to": {"country": "US", "postal": postal},
        "lines": [{"sku": sku(0), "qty": 1}, {"sku": sku(1), "qty": 1}],
    });
    order.to_string()
}

/// Sends commands, and answers what each was answered.
fn step(
    line: &mut Line,
    commands: &[Vec<String>],
    waits: &mut Vec<Duration>,
) -> anyhow::Result<Vec<Json>> {
    let mut answers = Vec::with_capacity(commands.len());
    for some in commands.chunks(TOGETHER) {
        for command in some {
            line.send(command);
        }
        let sent = Instant::now();
        line.flush()?;
        for command in some {
            let answer = line.plain().with_context(|| command.join(" "))?;
            waits.push(sent.elapsed());
            answers.push(serde_json::from_str(&answer)?);
        }
    }
    Ok(answers)
}
