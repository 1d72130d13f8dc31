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
    /// Whether something may have arrived, by the last wait: to ask every connection costs a call of the
    /// system for each, which the server beside the driver has to pay for too.
    arrived: Vec<bool>,
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
            arrived: vec![true; count],
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
        if !std::mem::take(&mut self.arrived[link]) {
            return Ok(Received::Nothing);
        }
        loop {
            match self.streams[link].read(&mut self.scratch) {
                Ok(0) => return Ok(Received::Closed),
                Ok(count) => {
                    // A buffer that is not full has taken all there was.
                    self.arrived[link] = count == self.scratch.len();
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
        // What is due already still asks what has arrived.
        let left = until.saturating_sub(self.now());
        let mut polled = Vec::with_capacity(self.streams.len());
        let mut links = Vec::with_capacity(self.streams.len());
        for (link, (stream, wants)) in self.streams.iter().zip(wants).enumerate() {
            let flags = match wants {
                Wants::Replies => PollFlags::IN,
                Wants::Room => PollFlags::IN | PollFlags::OUT,
                // A closed socket is always ready: nobody could wait beside it.
                Wants::Nothing => continue,
            };
            polled.push(PollFd::new(stream, flags));
            links.push(link);
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or(0),
        };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for (link, polled) in links.into_iter().zip(polled) {
            // An error or an end shows when one reads.
            let told = polled.revents().difference(PollFlags::OUT);
            self.arrived[link] |= !told.is_empty();
        }
        Ok(())
    }

    fn reconnect(&mut self, link: usize) -> bool {
        match open(self.address, &self.hello) {
            Ok(stream) => {
                self.streams[link] = stream;
                self.arrived[link] = true;
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
