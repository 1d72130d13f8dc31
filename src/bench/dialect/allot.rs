//! Allot's own commands.

use super::reply::{Scan, scan};
use super::resp::Command;
use super::{Answer, Dialect, Read};
use crate::bench::profile::{Catalogue, Kind, Operation, OrderId, TakenLine, Workload};
use std::fmt::Write as _;
use std::sync::Arc;

/// The moment at which all orders of a load were placed. It only travels along.
const PLACED_AT: &str = "2026-11-27T12:00:00Z";

/// Codes of replies that a shop gets on an ordinary day.
const REFUSALS: [&str; 7] = [
    "NOSTOCK", "EXPIRED", "HELD", "STALE", "STATE", "NOTFOUND", "CONFLICT",
];

/// Speaks to an Allot server.
#[derive(Debug, Clone)]
pub struct Allot {
    catalogue: Arc<Catalogue>,
    workload: Arc<Workload>,
    allow_backorder: Option<bool>,
    /// Before every identity, so that a second run on a server that was there is no repeat of the first.
    prefix: Arc<str>,
}

impl Allot {
    /// Names are those of `catalogue`, destinations those of `workload`.
    #[must_use]
    pub fn new(
        catalogue: Arc<Catalogue>,
        workload: Arc<Workload>,
        allow_backorder: Option<bool>,
    ) -> Self {
        Self {
            catalogue,
            workload,
            allow_backorder,
            prefix: "".into(),
        }
    }

    fn id(&self, id: OrderId) -> String {
        format!("{}{id}", self.prefix)
    }

    /// `sku location units`, for each line.
    fn rows<'a>(&self, mut command: Command<'a>, lines: &[TakenLine]) -> Command<'a> {
        for line in lines {
            command = self.row(command, line);
        }
        command
    }

    fn row<'a>(&self, command: Command<'a>, line: &TakenLine) -> Command<'a> {
        command
            .numbered(b"SKU-", line.sku.into())
            .arg(self.catalogue.location(line.location).as_bytes())
            .number(line.units.into())
    }

    fn order(&self, id: OrderId, place: u32, lines: &[TakenLine]) -> String {
        let mut json = String::with_capacity(200 + lines.len() * 32);
        let (id, postal) = (self.id(id), self.workload.postal(place));
        let _ = write!(
            json,
            r#"{{"source":"bench","order":"{id}","channel":"web","placed_at":"{PLACED_AT}","ship_to":{{"country":"US","postal":"{postal}"}},"#
        );
        if let Some(allowed) = self.allow_backorder {
            let _ = write!(json, r#""policy":{{"allow_backorder":{allowed}}},"#);
        }
        json.push_str(r#""lines":["#);
        for (number, line) in lines.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let (sku, units) = (line.sku, line.units);
            let _ = write!(json, r#"{comma}{{"sku":"SKU-{sku}","qty":{units}}}"#);
        }
        json.push_str("]}");
        json
    }
}

impl Dialect for Allot {
    fn with_prefix(&self, prefix: &str) -> Arc<dyn Dialect> {
        Arc::new(Self {
            prefix: prefix.into(),
            ..self.clone()
        })
    }

    fn encode(&self, operation: &Operation, out: &mut Vec<u8>) {
        match operation {
            Operation::Atp { skus, units } => {
                let mut command = Command::new(out, skus.len() + 3).arg(b"ATP.GET");
                for sku in skus {
                    command = command.numbered(b"SKU-", u64::from(*sku));
                }
                command.arg(b"FOR").number((*units).into());
            }
            Operation::Promise { sku, place } => {
                Command::new(out, 3)
                    .arg(b"PROMISE.GET")
                    .numbered(b"SKU-", u64::from(*sku))
                    .arg(self.workload.postal(*place).as_bytes());
            }
            Operation::Cart { id, lines, millis } => {
                let command = Command::new(out, 5 + lines.len() * 3)
                    .arg(b"RESERVATION.PUT")
                    .arg(self.id(*id).as_bytes())
                    .arg(b"TTL")
                    .number(*millis)
                    .arg(b"LINES");
                self.rows(command, lines);
            }
            Operation::Reserve { id, lines } => {
                let command = Command::new(out, 4 + lines.len() * 3)
                    .arg(b"RESERVATION.PUT")
                    .arg(self.id(*id).as_bytes())
                    .arg(b"FIRM")
                    .arg(b"LINES");
                self.rows(command, lines);
            }
            Operation::Confirm { id } => {
                let command = Command::new(out, 2).arg(b"RESERVATION.CONFIRM");
                command.arg(self.id(*id).as_bytes());
            }
            Operation::Drop { id } => {
                let command = Command::new(out, 2).arg(b"RESERVATION.CANCEL");
                command.arg(self.id(*id).as_bytes());
            }
            Operation::Submit { id, place, lines } => {
                let json = self.order(*id, *place, lines);
                let command = Command::new(out, 2).arg(b"ORDER.SUBMIT");
                command.arg(json.as_bytes());
            }
            Operation::OrderGet { id } => {
                let command = Command::new(out, 3).arg(b"ORDER.GET").arg(b"bench");
                command.arg(self.id(*id).as_bytes());
            }
            Operation::OrderCancel { id } => {
                let command = Command::new(out, 3).arg(b"ORDER.CANCEL").arg(b"bench");
                command.arg(self.id(*id).as_bytes());
            }
            Operation::StockSet { id, line } => {
                let command = Command::new(out, 5).arg(b"STOCK.SET");
                self.row(command.arg(self.id(*id).as_bytes()), line);
            }
            Operation::StockLoad { id, lines } => {
                let command = Command::new(out, 2 + lines.len() * 3).arg(b"STOCK.LOAD");
                self.rows(command.arg(self.id(*id).as_bytes()), lines);
            }
            Operation::StockAdjust { id, line } => {
                let command = Command::new(out, 6).arg(b"STOCK.ADJUST");
                self.row(command.arg(self.id(*id).as_bytes()), line)
                    .arg(b"received");
            }
            Operation::Claim {
                id,
                location,
                count,
            } => {
                // A holder of its own for each claim: one who asks twice gets the same parts twice.
                Command::new(out, 6)
                    .arg(b"FULFILLMENT.CLAIM")
                    .arg(self.catalogue.location(*location).as_bytes())
                    .arg(b"COUNT")
                    .number((*count).into())
                    .arg(b"HOLDER")
                    .arg(self.id(*id).as_bytes());
            }
            Operation::Ship {
                order,
                number,
                token,
            } => {
                Command::new(out, 8)
                    .arg(b"FULFILLMENT.SHIP")
                    .arg(b"bench")
                    .arg(order.as_bytes())
                    .number(*number)
                    .arg(token.as_bytes())
                    .arg(b"PARCEL")
                    .arg(b"bench")
                    .arg(format!("{order}-{number}").as_bytes());
            }
            Operation::Deliver {
                order,
                number,
                token,
            } => {
                Command::new(out, 5)
                    .arg(b"FULFILLMENT.DELIVER")
                    .arg(b"bench")
                    .arg(order.as_bytes())
                    .number(*number)
                    .arg(token.as_bytes());
            }
            Operation::Return { id } => {
                let command = Command::new(out, 3).arg(b"FULFILLMENT.GET").arg(b"bench");
                command.arg(self.id(*id).as_bytes());
            }
            Operation::Authorise {
                order,
                number,
                lines,
            } => {
                let command = Command::new(out, 5 + lines.len() * 2)
                    .arg(b"RETURN.AUTHORIZE")
                    .arg(format!("rt-{order}-{number}").as_bytes())
                    .arg(b"bench")
                    .arg(order.as_bytes())
                    .number(*number);
                pairs(command, lines);
            }
            Operation::Receive { id, lines } => {
                let command = Command::new(out, 2 + lines.len() * 2);
                pairs(command.arg(b"RETURN.RECEIVE").arg(id.as_bytes()), lines);
            }
            Operation::Grade { id, sku, units } => {
                Command::new(out, 5)
                    .arg(b"RETURN.GRADE")
                    .arg(id.as_bytes())
                    .arg(sku.as_bytes())
                    .number(*units)
                    .arg(b"SELLABLE");
            }
            Operation::Recorded { arguments, .. } => {
                let mut command = Command::new(out, arguments.len());
                for argument in arguments {
                    command = command.arg(argument);
                }
            }
        }
    }

    fn read(
        &self,
        kind: Kind,
        bytes: &[u8],
        follow: &mut Vec<Operation>,
    ) -> Result<Option<Read>, String> {
        let consumed = match scan(bytes) {
            Scan::Whole(consumed) => consumed,
            Scan::Partial => return Ok(None),
            Scan::Wrong => return Err(format!("no reply: {}", excerpt(bytes))),
        };
        let reply = &bytes[..consumed];
        let answer = answer_of(reply);
        if answer == Answer::Done {
            match kind {
                Kind::Claim => follow.extend(shipments(reply)),
                Kind::Return => follow.extend(authorisations(reply)),
                Kind::Authorise | Kind::Receive => follow.extend(next_of_return(kind, reply)),
                _ => {}
            }
        }
        Ok(Some(Read { consumed, answer }))
    }
}

/// What a reply of the Redis protocol says.
pub(super) fn answer_of(reply: &[u8]) -> Answer {
    if reply.first() != Some(&b'-') {
        return Answer::Done;
    }
    let text = String::from_utf8_lossy(&reply[1..]);
    let text = text.trim_end();
    let code = text.split(' ').next().unwrap_or_default();
    if REFUSALS.contains(&code) {
        return Answer::Refused(code.into());
    }
    if ["LOADING", "BUSY"].contains(&code) {
        return Answer::Again;
    }
    Answer::Failed(text.into())
}

/// The first bytes of what was no reply.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(60)].escape_ascii().to_string()
}

/// An item and its units, for each line.
fn pairs(mut command: Command<'_>, lines: &[(String, u64)]) {
    for (sku, units) in lines {
        command = command.arg(sku.as_bytes()).number(*units);
    }
}

#[derive(serde::Deserialize)]
struct Handed {
    fulfillments: Vec<Part>,
}

#[derive(serde::Deserialize)]
struct Part {
    order: String,
    number: u64,
    #[serde(default)]
    token: String,
    #[serde(default)]
    lines: Vec<PartLine>,
}

#[derive(serde::Deserialize)]
struct PartLine {
    sku: String,
    delivered: u64,
    returned: u64,
}

#[derive(serde::Deserialize)]
struct Returned {
    #[serde(rename = "return")]
    id: String,
    lines: Vec<ReturnedLine>,
}

#[derive(serde::Deserialize)]
struct ReturnedLine {
    sku: String,
    authorised: u64,
}

/// A reply that is JSON; `None` when it is another.
fn json<T: serde::de::DeserializeOwned>(reply: &[u8]) -> Option<T> {
    let body = memchr::memchr(b'\n', reply).map_or(reply, |end| &reply[end + 1..]);
    serde_json::from_slice(body.trim_ascii()).ok()
}

fn parts(reply: &[u8]) -> Vec<Part> {
    json::<Handed>(reply)
        .map(|handed| handed.fulfillments)
        .unwrap_or_default()
}

/// A shipment of every part that a claim handed out.
fn shipments(reply: &[u8]) -> Vec<Operation> {
    let ship = |part: Part| Operation::Ship {
        order: part.order,
        number: part.number,
        token: part.token,
    };
    parts(reply).into_iter().map(ship).collect()
}

/// Everything of an order that was delivered may come back.
fn authorisations(reply: &[u8]) -> Vec<Operation> {
    let authorise = |part: Part| {
        let lines = part
            .lines
            .into_iter()
            .map(|l| (l.sku, l.delivered.saturating_sub(l.returned)));
        let lines: Vec<(String, u64)> = lines.filter(|(_, units)| *units > 0).collect();
        (!lines.is_empty()).then_some(Operation::Authorise {
            order: part.order,
            number: part.number,
            lines,
        })
    };
    parts(reply).into_iter().filter_map(authorise).collect()
}

/// What was authorised is received; what was received may be sold again.
fn next_of_return(kind: Kind, reply: &[u8]) -> Vec<Operation> {
    let Some(Returned { id, lines }) = json::<Returned>(reply) else {
        return Vec::new();
    };
    let lines = lines.into_iter().map(|line| (line.sku, line.authorised));
    match kind {
        Kind::Authorise => vec![Operation::Receive {
            id,
            lines: lines.collect(),
        }],
        _ => lines
            .map(|(sku, units)| Operation::Grade {
                id: id.clone(),
                sku,
                units,
            })
            .collect(),
    }
}
