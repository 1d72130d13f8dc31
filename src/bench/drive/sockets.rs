//! The real wire: TCP connections that never block, and the machine's clock.

use super::schedule::Nanos;
use super::wire::{Received, Wants, Wire};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes asked of a socket at a time.
const READ_BYTES: usize = 256 << 10;
/// How long a server may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How far a run is, for whoever draws a bar of it.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Nanoseconds since the run began.
    pub now: AtomicU64,
}

/// What is said on a connection before its first command.
pub type Hello = Arc<dyn Fn(&mut TcpStream) -> io::Result<()> + Send + Sync>;

/// Some connections to one server, of one thread.
pub struct Sockets {
    streams: Vec<TcpStream>,
    address: SocketAddr,
    hello: Hello,
    began: Instant,
    scratch: Box<[u8]>,
}

impl Sockets {
    /// Opens `count` connections; the run begins at `began`.
    ///
    /// # Errors
    /// When one of them is not accepted.
    pub fn connect(
        address: SocketAddr,
        count: usize,
        hello: Hello,
        began: Instant,
    ) -> io::Result<Self> {
        // Linux wakes a thread up to 50 µs late unless it is asked not to; where it is not asked, the
        // driver's lag shows it.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let streams = (0..count).map(|_| open(address, &hello));
        Ok(Self {
            streams: streams.collect::<io::Result<_>>()?,
            address,
            hello,
            began,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
        })
    }
}

fn open(address: SocketAddr, hello: &Hello) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    stream.set_nodelay(true)?;
    hello(&mut stream)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

impl Wire for Sockets {
    fn now(&mut self) -> Nanos {
        // Before the beginning it is the beginning.
        let since = Instant::now().saturating_duration_since(self.began);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn send(&mut self, link: usize, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.streams[link].write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn receive(&mut self, link: usize, into: &mut Vec<u8>) -> io::Result<Received> {
        loop {
            match self.streams[link].read(&mut self.scratch) {
                Ok(0) => return Ok(Received::Closed),
                Ok(count) => {
                    into.extend_from_slice(&self.scratch[..count]);
                    return Ok(Received::Bytes(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Received::Nothing);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&mut self, until: Nanos, wants: &[Wants]) -> io::Result<()> {
        let left = until.saturating_sub(self.now());
        if left == 0 {
            return Ok(());
        }
        let mut ready: Vec<PollFd<'_>> = self
            .streams
            .iter()
            .zip(wants)
            .filter_map(|(stream, wants)| {
                let flags = match wants {
                    Wants::Replies => PollFlags::IN,
                    Wants::Room => PollFlags::IN | PollFlags::OUT,
                    // A closed socket is always ready: nobody could wait beside it.
                    Wants::Nothing => return None,
                };
                Some(PollFd::new(stream, flags))
            })
            .collect();
        let timeout = Timespec {
            tv_sec: i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or(0),
        };
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn reconnect(&mut self, link: usize) -> bool {
        match open(self.address, &self.hello) {
            Ok(stream) => {
                self.streams[link] = stream;
                true
            }
            Err(_) => false,
        }
    }
}

impl Gauge {
    /// The run is at `now`.
    pub fn set(&self, now: Nanos) {
        self.now.store(now, Ordering::Relaxed);
    }
}
