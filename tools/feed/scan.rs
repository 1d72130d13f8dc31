//! A client that reads as little of a reply as it must: so that what is measured is the server.
//!
//! One for both servers. Replies are RESP2; of events only their ids are taken.

use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
    taken: usize,
}

/// The beginning of a reply.
pub(crate) enum Head {
    /// A status or a number, as text.
    Plain(String),
    /// Text of so many bytes begins here; `None` is none.
    Bulk(Option<usize>),
    /// So many values follow; `None` is none.
    Array(Option<usize>),
}

impl Line {
    pub(crate) fn new(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (out, input, taken) = (Vec::new(), Vec::new(), 0);
        Ok(Self {
            stream,
            out,
            input,
            taken,
        })
    }

    /// Queues a command.
    pub(crate) fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        allot::wire::encode_command(words, &mut self.out);
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// One command and its reply's text or number.
    pub(crate) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> anyhow::Result<String> {
        self.send(words);
        self.flush()?;
        self.plain()
    }

    /// A reply that is text or a number.
    pub(crate) fn plain(&mut self) -> anyhow::Result<String> {
        Ok(match self.head()? {
            Head::Plain(text) => text,
            Head::Bulk(Some(length)) => String::from_utf8_lossy(self.bytes(length)?).into_owned(),
            Head::Bulk(None) | Head::Array(_) => bail!("the reply is no text"),
        })
    }

    /// Ids of the events of a reply about one stream.
    pub(crate) fn ids(&mut self) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        if let Head::Array(Some(streams)) = self.head()? {
            for _ in 0..streams {
                self.array()?;
                self.plain()?;
                for _ in 0..self.array()? {
                    self.array()?;
                    ids.push(self.plain()?);
                    self.skip()?;
                }
            }
        }
        Ok(ids)
    }

    /// Events of a reply about one stream: ids and fields.
    pub(crate) fn events(&mut self) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        let mut events = Vec::new();
        if let Head::Array(Some(streams)) = self.head()? {
            for _ in 0..streams {
                self.array()?;
                self.plain()?;
                for _ in 0..self.array()? {
                    self.array()?;
                    let id = self.plain()?;
                    let count = self.array()?;
                    let fields = (0..count).map(|_| self.plain());
                    let fields: anyhow::Result<Vec<String>> = fields.collect();
                    events.push((id, fields?));
                }
            }
        }
        Ok(events)
    }

    /// Reads over one reply.
    pub(crate) fn skip(&mut self) -> anyhow::Result<()> {
        match self.head()? {
            Head::Bulk(Some(length)) => drop(self.bytes(length)?),
            Head::Array(Some(length)) => (0..length).try_for_each(|_| self.skip())?,
            Head::Plain(_) | Head::Bulk(None) | Head::Array(None) => {}
        }
        Ok(())
    }

    fn array(&mut self) -> anyhow::Result<usize> {
        match self.head()? {
            Head::Array(Some(length)) => Ok(length),
            _ => bail!("an array was expected"),
        }
    }

    fn head(&mut self) -> anyhow::Result<Head> {
        let end = loop {
            match memchr::memchr(b'\n', &self.input[self.taken..]) {
                Some(end) => break self.taken + end,
                None => self.more()?,
            }
        };
        let start = std::mem::replace(&mut self.taken, end + 1);
        let line = &self.input[start..end - 1];
        let text = || std::str::from_utf8(&line[1..]).context("the reply is no text");
        let length = || anyhow::Ok(text()?.parse::<i64>()?);
        Ok(match line[0] {
            b'$' => Head::Bulk(usize::try_from(length()?).ok()),
            b'*' => Head::Array(usize::try_from(length()?).ok()),
            b'-' => bail!("refused: {}", text()?),
            _ => Head::Plain(text()?.to_owned()),
        })
    }

    fn bytes(&mut self, length: usize) -> anyhow::Result<&[u8]> {
        while self.input.len() < self.taken + length + 2 {
            self.more()?;
        }
        let start = self.taken;
        self.taken += length + 2;
        Ok(&self.input[start..start + length])
    }

    fn more(&mut self) -> anyhow::Result<()> {
        self.input.drain(..self.taken);
        self.taken = 0;
        let before = self.input.len();
        self.input.resize(before + (64 << 10), 0);
        let count = self.stream.read(&mut self.input[before..])?;
        self.input.truncate(before + count);
        if count == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}
