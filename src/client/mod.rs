//! A blocking client of the wire protocol, over one TCP connection.
//!
//! Requests may be pipelined: [`Client::send`] as many as wanted, [`Client::flush`], then
//! [`Client::receive`] one reply for each, in the order sent. [`Client::command`] does the three
//! for one command.
//!
//! A reply that is an error is a reply: it comes back as [`Value::Error`], and the connection goes
//! on. A [`ClientError`] means the connection is of no more use. Nothing is sent twice by itself:
//! a caller who retries gives the command the same identity.
//!
//! This room knows the protocol, not the commands.
//!
//! ```no_run
//! use std::time::Duration;
//! use allot::client::Client;
//!
//! let mut client = Client::connect("127.0.0.1:7411")?.timeout(Duration::from_secs(5))?;
//! client.auth(None, b"the password")?;
//! let atp = client.command(&["ATP.GET", "SKU-1"])?;
//! println!("{atp:?}");
//!
//! // Three questions, one round trip.
//! for sku in ["SKU-1", "SKU-2", "SKU-3"] {
//!     client.send(&["ATP.GET", sku]);
//! }
//! client.flush()?;
//! for _ in 0..3 {
//!     println!("{:?}", client.receive()?);
//! }
//! # Ok::<(), allot::client::ClientError>(())
//! ```

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::wire::{ReplyDecoder, ReplyLimits, Value, WireError, encode_command};

/// Time to wait for a connection to be accepted, for each address tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes asked of the socket at a time.
const READ_BYTES: usize = 64 << 10;

/// Why a connection is of no more use, or never was.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection: the name does not resolve, or nobody listens there.
    #[error("cannot connect to {address}: {source}; is `allot serve` running there?")]
    Connect {
        /// The address asked for.
        address: String,
        /// The error of the last address tried.
        source: io::Error,
    },
    /// The server closed the connection before a reply was whole.
    #[error("the server closed the connection (commands not answered: {owed})")]
    Closed {
        /// Commands sent and not answered.
        owed: usize,
    },
    /// No reply within the time given with [`Client::timeout`].
    #[error("no reply within the timeout (commands not answered: {owed})")]
    TimedOut {
        /// Commands sent and not answered.
        owed: usize,
    },
    /// A reply was asked for that no command sent can have.
    #[error("every command sent has been answered: send one before receiving")]
    NothingOwed,
    /// The server refused the password.
    #[error("the server refused the password: {0}")]
    Denied(String),
    /// The server does not speak the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The socket failed.
    #[error("connection lost: {0}")]
    Io(#[from] io::Error),
}

/// One connection to a server. In RESP2 until `HELLO 3` is sent; replies decode in either.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    decoder: ReplyDecoder,
    /// Bytes received; those before `taken` are decoded.
    received: Vec<u8>,
    taken: usize,
    /// Requests not yet flushed.
    outgoing: Vec<u8>,
    /// Commands sent and not answered.
    owed: usize,
    scratch: Box<[u8]>,
}

impl Client {
    /// Connects, trying every address that `address` (`host:port`) resolves to.
    ///
    /// # Errors
    /// [`ClientError::Connect`] if none answers within 5 s.
    pub fn connect(address: &str) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Connect {
            address: address.to_owned(),
            source,
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in address.to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(Self::over(stream)?),
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// A client over a stream that is already connected.
    fn over(stream: TcpStream) -> io::Result<Self> {
        // Requests are gathered here, so the kernel need not wait for more.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            decoder: ReplyDecoder::new(ReplyLimits::default()),
            received: Vec::new(),
            taken: 0,
            outgoing: Vec::new(),
            owed: 0,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
        })
    }

    /// Limits each wait for the server. Without it a wait has no end.
    ///
    /// # Errors
    /// If `timeout` is zero.
    pub fn timeout(self, timeout: Duration) -> Result<Self, ClientError> {
        self.stream.set_read_timeout(Some(timeout))?;
        self.stream.set_write_timeout(Some(timeout))?;
        Ok(self)
    }

    /// Proves who is calling, with a password and, if the server has users, a user's name.
    ///
    /// # Errors
    /// [`ClientError::Denied`] with the server's words, or a failed connection.
    pub fn auth(&mut self, user: Option<&[u8]>, password: &[u8]) -> Result<(), ClientError> {
        let reply = match user {
            Some(user) => self.command(&[b"AUTH", user, password])?,
            None => self.command(&[b"AUTH", password])?,
        };
        match reply {
            Value::Error(text) => Err(ClientError::Denied(text)),
            _ => Ok(()),
        }
    }

    /// Sends one command, whose name is the first argument, and waits for its reply. Replies owed
    /// to commands sent before are received first and dropped.
    ///
    /// # Errors
    /// A failed connection, or bytes that are no reply. A refusal is `Ok(Value::Error(..))`.
    pub fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Value, ClientError> {
        self.send(arguments);
        self.flush()?;
        while self.owed > 1 {
            self.receive()?;
        }
        self.receive()
    }

    /// Queues a command. Nothing leaves before [`Client::flush`] or [`Client::command`].
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) {
        encode_command(arguments, &mut self.outgoing);
        self.owed += 1;
    }

    /// Sends what is queued. Receive replies now and then in a long pipeline: a server stops
    /// reading from a client that does not read.
    ///
    /// # Errors
    /// A failed connection.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        let sent = self.stream.write_all(&self.outgoing);
        self.outgoing.clear();
        sent.map_err(|error| self.failed(error))
    }

    /// Waits for the reply to the oldest command not answered.
    ///
    /// # Errors
    /// A failed connection, bytes that are no reply, or no command owed a reply.
    pub fn receive(&mut self) -> Result<Value, ClientError> {
        if self.owed == 0 {
            return Err(ClientError::NothingOwed);
        }
        if !self.outgoing.is_empty() {
            self.flush()?;
        }
        let reply = self.next_value()?;
        self.owed -= 1;
        Ok(reply)
    }

    /// Commands sent and not answered.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// The server's address.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn peer(&self) -> Result<SocketAddr, ClientError> {
        Ok(self.stream.peer_addr()?)
    }

    /// The next value that answers a command; pushes answer none and are dropped.
    fn next_value(&mut self) -> Result<Value, ClientError> {
        loop {
            match self.decoder.decode(&self.received[self.taken..])? {
                Some((Value::Push(_), consumed)) => self.taken += consumed,
                Some((value, consumed)) => {
                    self.taken += consumed;
                    return Ok(value);
                }
                None => self.read_more()?,
            }
        }
    }

    fn read_more(&mut self) -> Result<(), ClientError> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let count = loop {
            match self.stream.read(&mut self.scratch) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        match count {
            Ok(0) => Err(ClientError::Closed { owed: self.owed }),
            Ok(count) => {
                self.received.extend_from_slice(&self.scratch[..count]);
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: io::Error) -> ClientError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ClientError::TimedOut { owed: self.owed }
            }
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => ClientError::Closed { owed: self.owed },
            _ => ClientError::Io(error),
        }
    }
}
