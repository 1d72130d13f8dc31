//! The driver: sends ready-made orders on several connections and counts what is granted.
//!
//! Orders are encoded before the clock starts and replies are told apart by their first byte, so
//! that both servers have the machine to themselves as far as one that is measured on it can.

use allot::bench::workload::Orders;
use anyhow::{Context as _, bail, ensure};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Orders sent a second time after a measurement, on each connection.
const REPEATED: usize = 100;
/// Longest wait for a reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a measurement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) granted: u64,
    pub(crate) refused: u64,
    /// Units of the granted orders.
    pub(crate) units: u64,
    pub(crate) took: Duration,
}

impl Outcome {
    /// Orders answered per second.
    pub(crate) fn per_second(&self) -> u64 {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        (self.granted + self.refused) * 1_000_000 / micros.max(1)
    }

    /// Share of the orders that were refused, in percent to one decimal.
    pub(crate) fn refused_percent(&self) -> String {
        let per_mille = self.refused * 1000 / (self.granted + self.refused).max(1);
        format!("{}.{}%", per_mille / 10, per_mille % 10)
    }
}

/// The orders of one connection, encoded one after the other.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    ends: Vec<usize>,
    /// Units that each takes.
    units: Vec<u64>,
}

impl Queue {
    fn bytes_of(&self, from: usize, to: usize) -> &[u8] {
        let start = from.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = to.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[start..end]
    }
}

/// All orders, dealt out to the connections.
pub(crate) struct Load {
    queues: Vec<Queue>,
}

impl Load {
    pub(crate) fn new(
        orders: &Orders,
        connections: usize,
        encode: impl Fn(usize, &mut Vec<u8>),
    ) -> Self {
        let mut queues: Vec<Queue> = Vec::new();
        queues.resize_with(connections.max(1), Queue::default);
        for index in 0..orders.len() {
            let queue = &mut queues[index % connections.max(1)];
            encode(index, &mut queue.bytes);
            queue.ends.push(queue.bytes.len());
            let units = orders.lines(index).iter().map(|l| u64::from(l.qty.0));
            queue.units.push(units.sum());
        }
        Self { queues }
    }

    /// Sends `depth` orders at a time on each connection, until they or the time run out.
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        depth: usize,
        within: Duration,
    ) -> anyhow::Result<Outcome> {
        let barrier = Barrier::new(self.queues.len() + 1);
        let (outcomes, took) = std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .queues
                .iter()
                .map(|queue| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        let connected = Conversation::connect(address);
                        barrier.wait();
                        connected?.send(queue, queue.ends.len(), depth, within)
                    })
                })
                .collect();
            barrier.wait();
            let since = Instant::now();
            let outcomes: Vec<_> = workers.into_iter().map(|w| w.join()).collect();
            (outcomes, since.elapsed())
        });
        let mut sum = Outcome {
            took,
            ..Outcome::default()
        };
        for outcome in outcomes {
            let Ok(outcome) = outcome else {
                bail!("a connection's thread panicked");
            };
            let outcome = outcome?;
            sum.granted += outcome.granted;
            sum.refused += outcome.refused;
            sum.units += outcome.units;
        }
        Ok(sum)
    }

    /// Sends the first orders of each connection again: those that were granted are granted again.
    pub(crate) fn repeat(&self, address: SocketAddr, depth: usize) -> anyhow::Result<()> {
        for queue in &self.queues {
            let count = REPEATED.min(queue.ends.len());
            let mut again = Conversation::connect(address)?;
            let second = again.send(queue, count, depth, PATIENCE)?;
            let third = again.send(queue, count, depth, PATIENCE)?;
            ensure!(
                second.granted == third.granted && second.granted > 0,
                "repeated orders were granted {} times, then {}",
                second.granted,
                third.granted
            );
        }
        Ok(())
    }
}

/// One connection, and how far into a reply it has read.
struct Conversation {
    stream: TcpStream,
    replies: Replies,
}

impl Conversation {
    fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("the server is gone")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            replies: Replies::default(),
        })
    }

    fn send(
        &mut self,
        queue: &Queue,
        count: usize,
        depth: usize,
        within: Duration,
    ) -> anyhow::Result<Outcome> {
        let since = Instant::now();
        let mut outcome = Outcome::default();
        let mut from = 0;
        let mut chunk = vec![0; 64 << 10];
        while from < count && since.elapsed() < within {
            let to = (from + depth).min(count);
            self.stream.write_all(queue.bytes_of(from, to))?;
            let mut answered = from;
            while answered < to {
                let read = self.stream.read(&mut chunk).context("no reply in time")?;
                ensure!(read > 0, "the server closed the connection");
                self.replies.take(&chunk[..read], |granted| {
                    if granted {
                        outcome.granted += 1;
                        outcome.units += queue.units[answered];
                    } else {
                        outcome.refused += 1;
                    }
                    answered += 1;
                })?;
            }
            from = to;
        }
        Ok(outcome)
    }
}

/// Counts RESP2 replies in a stream of bytes without building them.
#[derive(Default)]
struct Replies {
    /// Values that the reply under way still lacks; 0 between two replies.
    lacking: u64,
    /// The line under way.
    line: Vec<u8>,
    /// Bytes of a bulk string still to come, its line end included.
    bulk: usize,
    refused: bool,
}

impl Replies {
    fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(bool)) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            if self.bulk > 0 {
                let skipped = self.bulk.min(bytes.len());
                (self.bulk, bytes) = (self.bulk - skipped, &bytes[skipped..]);
                if self.bulk == 0 {
                    self.end_value(&mut each);
                }
                continue;
            }
            let end = memchr::memchr(b'\n', bytes);
            let Some(end) = end else {
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            let (head, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                self.end_line(head, &mut each)?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                self.end_line(&line, &mut each)?;
                line.clear();
                self.line = line;
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &[u8], each: &mut impl FnMut(bool)) -> anyhow::Result<()> {
        let Some((kind, rest)) = line.split_first() else {
            return Ok(());
        };
        if self.lacking == 0 {
            (self.lacking, self.refused) = (1, *kind == b'-');
            ensure!(
                !self.refused || rest.starts_with(b"NOSTOCK"),
                "an order was answered {}",
                String::from_utf8_lossy(line)
            );
        }
        match kind {
            b'$' | b'*' => {
                let length = std::str::from_utf8(rest).unwrap_or_default().trim_end();
                let length: i64 = length.parse().context("a reply is not RESP2")?;
                match (kind, u64::try_from(length)) {
                    (b'*', Ok(length)) => self.lacking += length,
                    (_, Ok(length)) => {
                        self.bulk = usize::try_from(length)? + 2;
                        return Ok(());
                    }
                    (_, Err(_)) => {}
                }
                self.end_value(each);
            }
            b'+' | b'-' | b':' => self.end_value(each),
            other => bail!("a reply begins with byte {other}"),
        }
        Ok(())
    }

    fn end_value(&mut self, each: &mut impl FnMut(bool)) {
        self.lacking -= 1;
        if self.lacking == 0 {
            each(!self.refused);
        }
    }
}
