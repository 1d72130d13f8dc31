//! PostgreSQL: a row a position, and one transaction an order that locks its rows (`schema.sql`).
//!
//! The extended protocol, written out: statements are prepared once a connection, and each command is bind,
//! execute, sync, so that it is a transaction of its own and can be pipelined as on the other servers.
//! A server may let us in without a password or ask for one in clear text; on loopback that is enough.

use super::{Answer, Dialect, Read};
use crate::bench::profile::{Catalogue, Kind, Operation, TakenLine};
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

const SCHEMA: &str = include_str!("schema.sql");
/// Version 3.0 of the protocol.
const VERSION: i32 = 3 << 16;
/// Rows of one message of a copy.
const COPY_AT: usize = 1 << 20;

/// Statements by name.
const STATEMENTS: [(&str, &str); 4] = [
    ("r", "SELECT allot_bench_reserve($1, $2, $3, $4)"),
    ("c", "SELECT allot_bench_count($1, $2, $3)"),
    ("j", "SELECT allot_bench_adjust($1, $2, $3)"),
    ("a", "SELECT allot_bench_atp($1)"),
];

/// Speaks to a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Postgres {
    user: String,
    password: Option<String>,
    database: String,
    /// Whether a commit waits for the disk.
    synchronous: bool,
    prefix: Arc<str>,
}

/// Why a server's bytes are of no use.
fn wrong(reason: impl Into<String>) -> io::Error {
    io::Error::other(reason.into())
}

impl Postgres {
    /// Who asks for what; `synchronous` is whether a commit waits for the disk.
    #[must_use]
    pub fn new(user: &str, password: Option<&str>, database: &str, synchronous: bool) -> Self {
        Self {
            user: user.to_owned(),
            password: password.map(str::to_owned),
            database: database.to_owned(),
            synchronous,
            prefix: "".into(),
        }
    }

    /// Opens a session.
    fn enter(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut body = VERSION.to_be_bytes().to_vec();
        let commit = if self.synchronous { "on" } else { "off" };
        for text in [
            "user",
            &self.user,
            "database",
            &self.database,
            "options",
            &format!("-c synchronous_commit={commit}"),
            "",
        ] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        let mut out = Vec::new();
        out.extend_from_slice(&size(body.len() + 4).to_be_bytes());
        out.extend_from_slice(&body);
        stream.write_all(&out)?;
        loop {
            let (kind, body) = message(stream)?;
            match kind {
                b'R' => self.authenticate(stream, &body)?,
                b'E' => return Err(wrong(error_text(&body))),
                b'Z' => return Ok(()),
                _ => {}
            }
        }
    }

    fn authenticate(&self, stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
        match body.get(..4) {
            Some([0, 0, 0, 0]) => Ok(()),
            Some([0, 0, 0, 3]) => {
                let password = self.password.as_deref().unwrap_or_default();
                let mut out = Vec::new();
                frame(&mut out, b'p', |out| {
                    out.extend_from_slice(password.as_bytes());
                    out.push(0);
                });
                stream.write_all(&out)
            }
            _ => Err(wrong(
                "the server wants a password in a form that is not spoken here; let this user in by \
                 'trust' or 'password' in pg_hba.conf",
            )),
        }
    }

    /// Makes the tables and gives them the catalogue's stock, on a connection of its own.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn prepare(&self, stream: &mut TcpStream, catalogue: &Catalogue) -> io::Result<()> {
        self.enter(stream)?;
        query(stream, SCHEMA)?;
        let mut out = Vec::new();
        let copy = "COPY allot_bench_position (sku, location, on_hand) FROM STDIN";
        frame(&mut out, b'Q', |out| text(out, copy));
        stream.write_all(&out)?;
        loop {
            match message(stream)? {
                (b'G', _) => break,
                (b'E', body) => return Err(wrong(error_text(&body))),
                _ => {}
            }
        }
        let mut rows = String::new();
        for at in catalogue.stock() {
            let _ = writeln!(rows, "{}\t{}\t{}", at.sku, at.location, at.units);
            if rows.len() > COPY_AT {
                data(stream, &rows)?;
                rows.clear();
            }
        }
        data(stream, &rows)?;
        let mut out = Vec::new();
        frame(&mut out, b'c', |_| {});
        stream.write_all(&out)?;
        finish(stream)?;
        // What a shop's own maintenance has done long ago.
        query(stream, "VACUUM ANALYZE allot_bench_position")?;
        query(stream, "CHECKPOINT").map(drop)
    }

    /// Positions that promise more than they have, units promised, units on hand, positions.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn books(&self, stream: &mut TcpStream) -> io::Result<[u64; 4]> {
        self.enter(stream)?;
        let rows = query(
            stream,
            "SELECT count(*) FILTER (WHERE reserved > on_hand), sum(reserved), sum(on_hand), count(*) \
             FROM allot_bench_position",
        )?;
        let row = rows.first().ok_or_else(|| wrong("no row"))?;
        let mut books = [0; 4];
        for (place, cell) in books.iter_mut().zip(row) {
            *place = cell
                .parse()
                .map_err(|_| wrong(format!("'{cell}' is no number")))?;
        }
        Ok(books)
    }
}

impl Dialect for Postgres {
    fn with_prefix(&self, prefix: &str) -> Arc<dyn Dialect> {
        Arc::new(Self {
            prefix: prefix.into(),
            ..self.clone()
        })
    }

    fn encode(&self, operation: &Operation, out: &mut Vec<u8>) {
        match operation {
            Operation::Atp { skus, .. } => execute(out, "a", &[&array(skus.iter().copied())]),
            Operation::Reserve { id, lines } | Operation::Submit { id, lines, .. } => {
                let [skus, locations, units] = columns(lines);
                execute(
                    out,
                    "r",
                    &[&format!("{}{id}", self.prefix), &skus, &locations, &units],
                );
            }
            Operation::StockSet { line, .. } => {
                let [skus, locations, units] = columns(std::slice::from_ref(line));
                execute(out, "c", &[&skus, &locations, &units]);
            }
            Operation::StockLoad { lines, .. } => {
                let [skus, locations, units] = columns(lines);
                execute(out, "c", &[&skus, &locations, &units]);
            }
            Operation::StockAdjust { line, .. } => {
                let [sku, location, units] = [line.sku, line.location, line.units];
                let arguments = [sku, location, units].map(|n| n.to_string());
                execute(out, "j", &[&arguments[0], &arguments[1], &arguments[2]]);
            }
            // The mix is cut down to what can be asked; this keeps one reply for each command.
            _ => frame(out, b'S', |_| {}),
        }
    }

    fn read(
        &self,
        _kind: Kind,
        bytes: &[u8],
        _follow: &mut Vec<Operation>,
    ) -> Result<Option<Read>, String> {
        let (mut at, mut answer) = (0, Answer::Done);
        // A command's reply ends with "ready for query".
        while let Some(head) = bytes.get(at..at + 5) {
            let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let length = usize::try_from(length).map_err(|_| "a length below 0".to_owned())?;
            let Some(body) = bytes.get(at + 5..at + 1 + length) else {
                return Ok(None);
            };
            at += 1 + length;
            match head[0] {
                b'E' => answer = refusal(&error_text(body)),
                b'Z' => {
                    return Ok(Some(Read {
                        consumed: at,
                        answer,
                    }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn hello(&self, stream: &mut TcpStream) -> io::Result<()> {
        self.enter(stream)?;
        let mut out = Vec::new();
        for (name, statement) in STATEMENTS {
            frame(&mut out, b'P', |out| {
                text(out, name);
                text(out, statement);
                out.extend_from_slice(&[0, 0]);
            });
        }
        frame(&mut out, b'S', |_| {});
        stream.write_all(&out)?;
        finish(stream).map(drop)
    }
}

fn refusal(text: &str) -> Answer {
    match text.starts_with("NOSTOCK") {
        true => Answer::Refused("NOSTOCK".into()),
        false => Answer::Failed(text.into()),
    }
}

fn columns(lines: &[TakenLine]) -> [String; 3] {
    [
        array(lines.iter().map(|l| l.sku)),
        array(lines.iter().map(|l| l.location)),
        array(lines.iter().map(|l| l.units)),
    ]
}

/// `{1,2,3}`
fn array(numbers: impl Iterator<Item = u32>) -> String {
    let mut out = String::from("{");
    for (at, number) in numbers.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{number}");
    }
    out.push('}');
    out
}

/// Binds a prepared statement, runs it, and ends its transaction.
fn execute(out: &mut Vec<u8>, statement: &str, arguments: &[&str]) {
    frame(out, b'B', |out| {
        text(out, "");
        text(out, statement);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&u16::try_from(arguments.len()).unwrap_or(0).to_be_bytes());
        for argument in arguments {
            out.extend_from_slice(&size(argument.len()).to_be_bytes());
            out.extend_from_slice(argument.as_bytes());
        }
        out.extend_from_slice(&[0, 0]);
    });
    frame(out, b'E', |out| out.extend_from_slice(&[0, 0, 0, 0, 0]));
    frame(out, b'S', |_| {});
}

/// A message: its kind, its length with the length itself, its body.
fn frame(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = size(out.len() - at);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn size(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn data(stream: &mut TcpStream, rows: &str) -> io::Result<()> {
    let mut out = Vec::with_capacity(rows.len() + 5);
    frame(&mut out, b'd', |out| out.extend_from_slice(rows.as_bytes()));
    stream.write_all(&out)
}

fn message(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let length = usize::try_from(length - 4).map_err(|_| wrong("a length below 4"))?;
    if length > 1 << 24 {
        return Err(wrong("a message of more than 16 MiB"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head[0], body))
}

/// Runs a simple query; the rows of its answer, as text.
fn query(stream: &mut TcpStream, statement: &str) -> io::Result<Vec<Vec<String>>> {
    let mut out = Vec::new();
    frame(&mut out, b'Q', |out| text(out, statement));
    stream.write_all(&out)?;
    finish(stream)
}

/// Reads up to "ready for query".
fn finish(stream: &mut TcpStream) -> io::Result<Vec<Vec<String>>> {
    let (mut rows, mut refused) = (Vec::new(), None);
    loop {
        let (kind, body) = message(stream)?;
        match kind {
            b'D' => rows.push(cells(&body)),
            b'E' => refused = Some(error_text(&body)),
            b'Z' => return refused.map_or(Ok(rows), |text| Err(wrong(text))),
            _ => {}
        }
    }
}

fn cells(body: &[u8]) -> Vec<String> {
    let (mut at, mut cells) = (2, Vec::new());
    while let Some(head) = body.get(at..at + 4) {
        at += 4;
        let length = i32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = usize::try_from(length).unwrap_or(0);
        let cell = body.get(at..at + length).unwrap_or_default();
        cells.push(String::from_utf8_lossy(cell).into_owned());
        at += length;
    }
    cells
}

/// The words of an error: its field `M`.
fn error_text(body: &[u8]) -> String {
    let fields = body.split(|byte| *byte == 0);
    let words = fields.filter_map(|field| field.strip_prefix(b"M"));
    let text = words.map(|w| String::from_utf8_lossy(w).into_owned());
    text.reduce(|_, last| last)
        .unwrap_or_else(|| "an error without words".to_owned())
}
