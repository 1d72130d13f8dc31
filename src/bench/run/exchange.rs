//! Commands sent in batches over a connection that blocks: what happens before the clock starts.

use crate::bench::dialect::{Answer, Dialect};
use crate::bench::profile::{Kind, Operation};
use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Commands sent before their replies are read.
const AT_ONCE: usize = 256;
/// Longest wait for a reply.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends all of `operations` and calls `tell` with the number of those answered so far. What follows from
/// the replies is handed back.
pub(super) fn exchange(
    address: SocketAddr,
    dialect: &dyn Dialect,
    operations: impl Iterator<Item = Operation>,
    mut tell: impl FnMut(u64),
) -> anyhow::Result<Vec<Operation>> {
    let mut stream = TcpStream::connect(address).context("the server is gone")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    dialect.hello(&mut stream)?;
    let mut operations = operations.peekable();
    let (mut outgoing, mut received, mut chunk) = (Vec::new(), Vec::new(), vec![0; 64 << 10]);
    let (mut answered, mut follow) = (0, Vec::new());
    while operations.peek().is_some() {
        let batch: Vec<Operation> = operations.by_ref().take(AT_ONCE).collect();
        outgoing.clear();
        for operation in &batch {
            dialect.encode(operation, &mut outgoing);
        }
        stream.write_all(&outgoing)?;
        for operation in &batch {
            let read = loop {
                let read = dialect.read(operation.kind(), &received, &mut follow);
                if let Some(read) = read.map_err(anyhow::Error::msg)? {
                    break read;
                }
                let count = stream.read(&mut chunk).context("no reply in time")?;
                if count == 0 {
                    bail!("the server closed the connection");
                }
                received.extend_from_slice(&chunk[..count]);
            };
            received.drain(..read.consumed);
            if let Answer::Failed(text) = read.answer {
                bail!("a command before the run was answered {text}");
            }
            answered += 1;
        }
        tell(answered);
    }
    Ok(follow)
}

/// Sends `bytes`, which are `count` commands, and waits for all of their replies.
pub(super) fn pipeline(
    stream: &mut TcpStream,
    dialect: &dyn Dialect,
    bytes: &[u8],
    count: usize,
) -> anyhow::Result<()> {
    stream.write_all(bytes)?;
    let (mut received, mut chunk, mut follow) = (Vec::new(), vec![0; 64 << 10], Vec::new());
    for _ in 0..count {
        let read = loop {
            let read = dialect.read(Kind::StockSet, &received, &mut follow);
            if let Some(read) = read.map_err(anyhow::Error::msg)? {
                break read;
            }
            let count = stream.read(&mut chunk).context("no reply in time")?;
            if count == 0 {
                bail!("the server closed the connection");
            }
            received.extend_from_slice(&chunk[..count]);
        };
        received.drain(..read.consumed);
        if let Answer::Failed(text) = read.answer {
            bail!("a command before the run was answered {text}");
        }
    }
    Ok(())
}
