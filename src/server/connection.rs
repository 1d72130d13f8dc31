//! One connection: reads, decodes, executes, writes; bounded in memory and in time.

use super::feeder::Feeder;
use super::session::{Session, Working};
use super::shared::{Ready, Shared};
use crate::journal::{Durability, Journal, Progress};
use crate::model::Lsn;
use crate::wire::{Decoded, Protocol, ReplyWriter, RequestDecoder};
use bytes::{Buf, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// Replies are sent once this much has gathered, before more commands are carried out.
const OUTPUT_BYTES: usize = 1 << 20;
/// Commands carried out before other connections get their turn.
const COMMANDS_A_TURN: u32 = 1_000;
/// Room made for reading; grows with what arrives, within the session's limits.
const READ_BYTES: usize = 16 << 10;

/// Most that a client may send while it waits for events.
const OVERHEARD_BYTES: usize = 1 << 20;

/// Facts that may wait for the disk before clients have to wait with them.
const GATHERED_BYTES_MAX: usize = 64 << 20;

/// How long a client may go on sending after its last reply.
const LINGER: Duration = Duration::from_millis(500);

/// Why a conversation ends.
enum End {
    /// The client left, or does not read: nobody is there to part from.
    Gone,
    /// The client was told to leave, or said what is not the protocol.
    Done,
    /// It took too long.
    TooSlow(&'static str),
    /// The server stops. What was carried out has been answered.
    Stopping,
}

/// Replies that must not leave before the disk has a fact.
struct Held {
    /// Where they begin in the output; they end where the next ones begin.
    from: usize,
    /// The last fact that they may tell of.
    told: Lsn,
}

pub(super) struct Connection {
    stream: TcpStream,
    session: Session,
    decoder: RequestDecoder,
    input: BytesMut,
    output: Vec<u8>,
    /// Which replies wait for the disk, in their order. What arrives meanwhile is carried out: it is on the
    /// disk with the next sync, not with the one after that.
    held: VecDeque<Held>,
    /// Where in the output the first reply of this turn begins that tells of something written.
    wrote_from: Option<usize>,
    /// When the first byte of a command came that is not whole yet.
    begun: Option<Instant>,
    /// How far the journal is, once there was something to wait for.
    progress: Option<watch::Receiver<Progress>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, session: Session) -> Self {
        Self {
            stream,
            progress: None,
            session,
            decoder: RequestDecoder::new(),
            input: BytesMut::new(),
            output: Vec::new(),
            held: VecDeque::new(),
            wrote_from: None,
            begun: None,
        }
    }

    /// Serves the client until it leaves, is killed, or the server stops.
    pub(super) async fn serve(mut self, kill: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let end = tokio::select! {
            end = self.converse(&mut stop) => end.unwrap_or(End::Gone),
            () = kill.notified() => End::Gone,
        };
        match end {
            End::Gone => return,
            End::Done => {}
            End::TooSlow(why) => {
                self.say_last(&format!("{why}; the connection is closed"))
                    .await
            }
            End::Stopping => self.say_last("the server is shutting down").await,
        }
        self.part().await;
    }

    /// Ends the conversation so that the client can read to its end: to close a socket on which
    /// something unread lies resets it, and a reset takes replies back that are on their way.
    async fn part(&mut self) {
        let unheard = async {
            self.stream.shutdown().await?;
            let mut sink = [0; 8 << 10];
            while self.stream.read(&mut sink).await? > 0 {}
            std::io::Result::Ok(())
        };
        let _ = timeout(LINGER, unheard).await;
    }

    async fn say_last(&mut self, text: &str) {
        let mut out = Vec::new();
        ReplyWriter::new(&mut out, Protocol::Resp2).error("ERR", text);
        // The client may be gone already; nothing depends on its hearing this.
        let _ = timeout(Duration::from_secs(1), self.stream.write_all(&out)).await;
    }

    async fn converse(&mut self, stop: &mut watch::Receiver<bool>) -> std::io::Result<End> {
        let connected = Instant::now();
        loop {
            let patience = self.patience(connected);
            let patient = async {
                match patience {
                    Some((within, _)) => tokio::time::sleep(within).await,
                    None => std::future::pending().await,
                }
            };
            let received = tokio::select! {
                received = self.stream.read_buf(&mut self.input) => received?,
                () = further(&mut self.progress), if !self.held.is_empty() => {
                    self.release().await?;
                    if self.session.closing {
                        return Ok(End::Done);
                    }
                    continue;
                }
                () = patient => {
                    self.send().await?;
                    return Ok(End::TooSlow(patience.map_or("", |(_, why)| why)));
                }
                () = async { let _ = stop.wait_for(|stopping| *stopping).await; } => {
                    self.send().await?;
                    return Ok(End::Stopping);
                }
            };
            if received == 0 {
                // It may still read what it has asked for.
                self.send().await?;
                return Ok(End::Gone);
            }
            loop {
                let more = self.carry_out();
                self.answer().await?;
                if self.session.closing {
                    // Everything that may be said is; a command that waits has nothing to wait for.
                    break;
                }
                if self.session.waiting.is_some() {
                    if let Some(end) = self.wait_for_events(stop).await? {
                        return Ok(end);
                    }
                } else if let Some(Working { reply, silent }) = self.session.working.take() {
                    let reply = reply.await;
                    self.session.done(&reply, silent, &mut self.output);
                    // All that was before it has left.
                    self.wrote_from = Some(0);
                } else if more {
                    tokio::task::yield_now().await;
                } else {
                    break;
                }
            }
            if self.session.closing {
                return Ok(End::Done);
            }
            if self.input.is_empty() {
                self.begun = None;
            } else {
                self.begun.get_or_insert_with(Instant::now);
            }
            self.give_back_memory();
        }
    }

    /// Parks the client until there are events for its last command, and answers that. What it
    /// sends meanwhile waits. `Some` when the conversation ends.
    async fn wait_for_events(
        &mut self,
        stop: &mut watch::Receiver<bool>,
    ) -> std::io::Result<Option<End>> {
        let shared = self.session.shared.clone();
        while let (Some(waiting), Some(ready)) = (self.session.waiting.take(), shared.ready()) {
            let parked = ready.engine.feed().park(&waiting.wait);
            let left = waiting.wait.until().map(|until| {
                let left = until.0.saturating_sub(ready.clock.now().0);
                Duration::from_millis(u64::try_from(left).unwrap_or(0))
            });
            let time_is_up = async {
                match left {
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            };
            let woken = tokio::select! {
                () = parked => true,
                () = time_is_up => false,
                gone = self.overhear() => return gone.map(Some),
                () = async { let _ = stop.wait_for(|stopping| *stopping).await; } => {
                    return Ok(Some(End::Stopping));
                }
            };
            self.session.resume(waiting, woken, &mut self.output);
        }
        Ok(None)
    }

    /// Keeps what a waiting client sends, and ends when it leaves. Who sends more than a command
    /// may have waits with that.
    async fn overhear(&mut self) -> std::io::Result<End> {
        while self.input.len() < OVERHEARD_BYTES {
            self.input.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Ok(End::Gone);
            }
        }
        std::future::pending().await
    }

    /// How long the next bytes may take: for ever between two commands, not within one however it
    /// trickles in, and not before the client has said who it is.
    fn patience(&self, connected: Instant) -> Option<(Duration, &'static str)> {
        let config = &self.session.shared.config;
        if !self.session.authenticated {
            let left = config
                .authenticate_within
                .saturating_sub(connected.elapsed());
            return Some((left, "authentication took too long"));
        }
        self.begun.map(|begun| {
            let left = config.command_within.saturating_sub(begun.elapsed());
            (left, "a command took too long to arrive")
        })
    }

    /// Carries out what has arrived. Returns whether to come again after sending the replies.
    fn carry_out(&mut self) -> bool {
        let now = self.session.shared.now();
        for _ in 0..COMMANDS_A_TURN {
            if self.session.closing || self.session.is_busy() {
                return false;
            }
            if self.output.len() >= OUTPUT_BYTES {
                return true;
            }
            let limits = self.session.limits();
            match self.decoder.decode(&self.input, &limits) {
                Ok(Decoded::Command { args, consumed }) => {
                    let before = self.output.len();
                    self.session.execute(args, now, &mut self.output);
                    if self.session.wrote {
                        self.wrote_from.get_or_insert(before);
                    }
                    self.input.advance(consumed);
                    self.begun = None;
                }
                Ok(Decoded::Blank { consumed }) => {
                    self.input.advance(consumed);
                    self.begun = None;
                }
                Ok(Decoded::Incomplete) => {
                    self.input.reserve(READ_BYTES);
                    return false;
                }
                Err(error) => {
                    // Where the next command begins is lost.
                    Shared::count(&self.session.shared.stats.errors);
                    let mut writer = ReplyWriter::new(&mut self.output, self.session.protocol);
                    writer.error("ERR", &error.to_string());
                    self.session.closing = true;
                    return false;
                }
            }
        }
        true
    }

    /// Sends the replies of a turn: at once what the disk has or need not have. The rest leaves when
    /// the disk has it, and more is read meanwhile, unless too much waits or the next command must
    /// come after the replies.
    async fn answer(&mut self) -> std::io::Result<()> {
        let in_turn = self.session.is_busy() || self.session.closing;
        if in_turn || self.output.len() >= OUTPUT_BYTES || !self.hold() {
            return self.send().await;
        }
        self.release().await
    }

    /// Notes which replies of this turn wait for the disk. `false` when the connection has to wait
    /// for it before it reads on.
    fn hold(&mut self) -> bool {
        if !std::mem::take(&mut self.session.wrote) {
            return true;
        }
        let from = self.wrote_from.take().unwrap_or(0);
        let shared = self.session.shared.clone();
        let Some((ready, journal)) = shared.ready().and_then(|r| Some((r, written_to(r)?))) else {
            return true;
        };
        if journal.gathered_bytes() > GATHERED_BYTES_MAX {
            self.session.wrote = true;
            self.wrote_from = Some(from);
            return false;
        }
        if journal.durability() == Durability::Sync {
            self.progress.get_or_insert_with(|| journal.progress());
            let told = ready.engine.latest_fact();
            match self.held.back_mut() {
                // Nothing was said since: a client that wants no replies must not fill the memory.
                Some(last) if last.from == from => last.told = told,
                _ => self.held.push_back(Held { from, told }),
            }
        }
        true
    }

    /// Sends what need not wait for the disk any more.
    async fn release(&mut self) -> std::io::Result<()> {
        let failure = match &mut self.progress {
            None => None,
            Some(progress) => {
                let now = progress.borrow_and_update();
                while self.held.pop_front_if(|h| h.told <= now.durable).is_some() {}
                now.failure.clone().filter(|_| !self.held.is_empty())
            }
        };
        if let Some(reason) = failure {
            self.fail(&reason);
        }
        let free = self.held.front().map_or(self.output.len(), |h| h.from);
        if free == 0 {
            return Ok(());
        }
        self.write(free).await?;
        self.output.drain(..free);
        for held in &mut self.held {
            held.from -= free;
        }
        Ok(())
    }

    /// Waits until what the replies tell of is as safe as was promised: once for all commands that
    /// came together. When it never will be, the replies are kept back: their outcome is unknown.
    async fn settle(&mut self) {
        let shared = self.session.shared.clone();
        let Some((ready, journal)) = shared.ready().and_then(|r| Some((r, written_to(r)?))) else {
            return;
        };
        let wrote = std::mem::take(&mut self.session.wrote);
        let told = match wrote {
            true => Some(ready.engine.latest_fact()),
            false => self.held.back().map(|held| held.told),
        };
        // Where nobody waits for the disk, he does who would fill the memory.
        let waits = journal.durability() == Durability::Sync
            || journal.gathered_bytes() > GATHERED_BYTES_MAX;
        let (Some(told), true) = (told, waits) else {
            return;
        };
        let progress = self.progress.get_or_insert_with(|| journal.progress());
        let safe = |p: &Progress| p.durable >= told || p.failure.is_some();
        let (durable, reason) = match progress.wait_for(safe).await {
            Ok(now) => (now.durable, now.failure.clone()),
            Err(_) => (Lsn(0), None), // its writer is gone
        };
        while self.held.pop_front_if(|h| h.told <= durable).is_some() {}
        if durable >= told {
            return;
        }
        let from = self.wrote_from.take().unwrap_or(0);
        self.held.push_back(Held { from, told });
        self.fail(reason.as_deref().unwrap_or("it is closed"));
    }

    /// The journal failed: nobody knows what became of what the replies that wait tell of.
    fn fail(&mut self, reason: &str) {
        if let Some(first) = self.held.front() {
            self.output.truncate(first.from);
        }
        self.held.clear();
        ReplyWriter::new(&mut self.output, self.session.protocol).error(
            "IOERR",
            &format!(
                "the journal failed; the outcome of the commands not answered yet is unknown, send \
                 them again once the server was started again: {reason}"
            ),
        );
        self.session.closing = true;
    }

    /// Sends all replies, once they may leave.
    async fn send(&mut self) -> std::io::Result<()> {
        self.settle().await;
        self.wrote_from = None;
        self.held.clear();
        let all = self.output.len();
        self.write(all).await?;
        self.output.clear();
        Ok(())
    }

    /// Sends the first bytes of the output.
    async fn write(&mut self, count: usize) -> std::io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let within = self.session.shared.config.write_within;
        let sent = timeout(within, self.stream.write_all(&self.output[..count])).await;
        sent.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    /// One large command must not keep its memory for the life of the connection.
    fn give_back_memory(&mut self) {
        if self.input.is_empty() && self.input.capacity() > 8 * READ_BYTES {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() && self.output.capacity() > 2 * OUTPUT_BYTES {
            self.output = Vec::new();
        }
    }
}

/// Where the facts of this server's commands go.
fn written_to(ready: &Ready) -> Option<&Journal> {
    let memory = || ready.feeder.as_ref().and_then(Feeder::memory);
    ready.journal.as_ref().or_else(memory)
}

/// Until the journal is further than when somebody last looked, or at its end.
async fn further(progress: &mut Option<watch::Receiver<Progress>>) {
    if let Some(progress) = progress {
        // Its writer tells of its end before it goes.
        if progress.changed().await.is_ok() {
            return;
        }
    }
    std::future::pending().await
}
