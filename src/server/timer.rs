//! The thread that does what is due, when it is due, and looks at thresholds of availability meanwhile.

use super::clock::Clock;
use crate::engine::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// A deadline that comes nearer than the next known one is seen after at most this long. It is one
/// look at a number, so an idle server does next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Between two looks at thresholds of availability, each at some of them.
const THRESHOLDS_EVERY: Duration = Duration::from_millis(250);
/// So many orders at once, between two looks at whether to stop.
const ORDERS_MAX: usize = 1_000;

/// Does what is due until it is dropped.
pub(super) struct Timer {
    stop: Arc<AtomicBool>,
    thread: Thread,
    running: Option<JoinHandle<()>>,
}

impl Timer {
    /// Begins.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(engine: Arc<Engine>, clock: Clock) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let work = move || {
            let (mut looked, mut after) = (None::<Instant>, None);
            while !stopping.load(Ordering::Acquire) {
                if looked.is_none_or(|at| at.elapsed() >= THRESHOLDS_EVERY) {
                    after = engine.check_availability_after(after, clock.now());
                    looked = Some(Instant::now());
                }
                if engine.due(clock.now(), ORDERS_MAX) < ORDERS_MAX {
                    std::thread::park_timeout(wait(&engine, clock));
                }
            }
        };
        let running = std::thread::Builder::new()
            .name("deadlines".to_owned())
            .spawn(work)?;
        Ok(Self {
            stop,
            thread: running.thread().clone(),
            running: Some(running),
        })
    }
}

impl Timer {
    /// Lets it end; it does nothing more after what it is doing now.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
        // The last to let go of it may be the thread's own work: it does not wait for itself.
        let own = std::thread::current().id() == self.thread.id();
        if let Some(running) = self.running.take().filter(|_| !own) {
            // A panic in it has been reported by the thread itself.
            let _ = running.join();
        }
    }
}

/// Until the next deadline, or until a look at whether a nearer one has come.
fn wait(engine: &Engine, clock: Clock) -> Duration {
    match engine.next_due() {
        None => LOOK_EVERY,
        Some(at) => {
            Duration::from_millis((at - clock.now()).0).clamp(Duration::from_millis(1), LOOK_EVERY)
        }
    }
}
