//! Redis: a hash of places for each item, and atomic scripts of the same meaning as Allot's commands.
//!
//! An order is a reservation of its lines at places that the load names, since there is nobody to route it.
//! A hash for each item takes a fifth of the memory of a key for each position, at 95 % of its speed.

use super::allot::{answer_of, excerpt};
use super::reply::{Scan, scan};
use super::resp::Command;
use super::{Dialect, Read};
use crate::bench::profile::{Catalogue, Kind, Operation, TakenLine};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

const RESERVE: &str = include_str!("reserve.lua");
const ATP: &str = include_str!("atp.lua");
const LOAD: &str = include_str!("load.lua");

/// Speaks to a Redis server.
#[derive(Debug, Clone)]
pub struct Redis {
    catalogue: Arc<Catalogue>,
    /// How the server calls the scripts.
    reserve: String,
    atp: String,
    load: String,
    prefix: Arc<str>,
}

impl Redis {
    /// Gives the server at `stream` its scripts.
    ///
    /// # Errors
    /// When it does not take them.
    pub fn new(catalogue: Arc<Catalogue>, stream: &mut TcpStream) -> io::Result<Self> {
        Ok(Self {
            catalogue,
            reserve: script(stream, RESERVE)?,
            atp: script(stream, ATP)?,
            load: script(stream, LOAD)?,
            prefix: "".into(),
        })
    }

    fn take(&self, name: &str, lines: &[TakenLine], out: &mut Vec<u8>) {
        let mut command = Command::new(out, 4 + lines.len() * 3)
            .arg(b"EVALSHA")
            .arg(self.reserve.as_bytes())
            .number(lines.len() as u64 + 1)
            .arg(name.as_bytes());
        for line in lines {
            command = command.numbered(b"SKU-", line.sku.into());
        }
        for line in lines {
            command = command
                .arg(self.catalogue.location(line.location).as_bytes())
                .number(line.units.into());
        }
    }

    fn put(&self, lines: &[TakenLine], out: &mut Vec<u8>) {
        let mut command = Command::new(out, 3 + lines.len() * 3)
            .arg(b"EVALSHA")
            .arg(self.load.as_bytes())
            .number(lines.len() as u64);
        for line in lines {
            command = command.numbered(b"SKU-", line.sku.into());
        }
        for line in lines {
            command = command
                .arg(self.catalogue.location(line.location).as_bytes())
                .number(line.units.into());
        }
    }
}

fn script(stream: &mut TcpStream, text: &str) -> io::Result<String> {
    let mut out = Vec::new();
    Command::new(&mut out, 3)
        .arg(b"SCRIPT")
        .arg(b"LOAD")
        .arg(text.as_bytes());
    stream.write_all(&out)?;
    let (mut reply, mut chunk) = (Vec::new(), [0; 512]);
    loop {
        if let Scan::Whole(_) = scan(&reply) {
            break;
        }
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reply.extend_from_slice(&chunk[..count]);
    }
    let text = String::from_utf8_lossy(&reply).into_owned();
    match text.split("\r\n").nth(1) {
        Some(digest) if text.starts_with('$') => Ok(digest.to_owned()),
        _ => Err(io::Error::other(format!(
            "SCRIPT LOAD was answered {}",
            text.trim()
        ))),
    }
}

impl Dialect for Redis {
    fn with_prefix(&self, prefix: &str) -> Arc<dyn Dialect> {
        Arc::new(Self {
            prefix: prefix.into(),
            ..self.clone()
        })
    }

    fn encode(&self, operation: &Operation, out: &mut Vec<u8>) {
        match operation {
            Operation::Atp { skus, .. } if skus.len() == 1 => {
                Command::new(out, 2)
                    .arg(b"HVALS")
                    .numbered(b"SKU-", skus[0].into());
            }
            Operation::Atp { skus, .. } => {
                let mut command = Command::new(out, 3 + skus.len())
                    .arg(b"EVALSHA")
                    .arg(self.atp.as_bytes())
                    .number(skus.len() as u64);
                for sku in skus {
                    command = command.numbered(b"SKU-", u64::from(*sku));
                }
            }
            Operation::Reserve { id, lines } | Operation::Submit { id, lines, .. } => {
                self.take(&format!("order-{}{id}", self.prefix), lines, out);
            }
            Operation::StockSet { line, .. } => self.put(std::slice::from_ref(line), out),
            Operation::StockLoad { lines, .. } => self.put(lines, out),
            Operation::StockAdjust { line, .. } => {
                Command::new(out, 4)
                    .arg(b"HINCRBY")
                    .numbered(b"SKU-", line.sku.into())
                    .arg(self.catalogue.location(line.location).as_bytes())
                    .number(line.units.into());
            }
            // The mix is cut down to what can be asked; this keeps one reply for each command.
            _ => {
                Command::new(out, 1).arg(b"PING");
            }
        }
    }

    fn read(
        &self,
        _kind: Kind,
        bytes: &[u8],
        _follow: &mut Vec<Operation>,
    ) -> Result<Option<Read>, String> {
        match scan(bytes) {
            Scan::Whole(consumed) => Ok(Some(Read {
                consumed,
                answer: answer_of(&bytes[..consumed]),
            })),
            Scan::Partial => Ok(None),
            Scan::Wrong => Err(format!("no reply: {}", excerpt(bytes))),
        }
    }
}

/// What `HSET` needs to give an item its stock.
pub fn stock(sku: u32, places: &[(&str, u32)], out: &mut Vec<u8>) {
    let mut command = Command::new(out, 2 + places.len() * 2)
        .arg(b"HSET")
        .numbered(b"SKU-", sku.into());
    for (place, units) in places {
        command = command.arg(place.as_bytes()).number((*units).into());
    }
}
