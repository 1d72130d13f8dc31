//! Readers that wait for the next event of their streams.
//!
//! A parked reader costs nothing until an event comes. An append then wakes at most [`WAKE_MAX`]
//! readers, the longest parked first; each of them, when it lets go of its ticket, wakes as many
//! again, until all that were parked before the event are awake. So an append takes the same time
//! with ten readers and with ten thousand, and nothing is queued for any of them: they read from
//! the stream.
//!
//! No wake-up is lost: an append counts up the stream's version and then looks whether anybody is
//! parked, a reader parks and then looks whether the version is still the one it has read at.

use super::event::StreamSet;
use crate::model::StreamName;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// Most readers that one append, or one reader that lets go, wakes by itself.
pub const WAKE_MAX: usize = 16;

/// How often each stream has changed.
pub(super) type Versions = [u64; StreamName::ALL.len()];

#[derive(Debug)]
struct Ticket {
    streams: StreamSet,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Parking {
    /// Number of the next ticket.
    next: u64,
    tickets: BTreeMap<u64, Ticket>,
    /// Tickets by stream, oldest first.
    queues: [BTreeSet<u64>; StreamName::ALL.len()],
    /// Tickets below this number are due: an event came after they were given out.
    due: [u64; StreamName::ALL.len()],
}

impl Parking {
    fn remove(&mut self, number: u64) -> Option<Ticket> {
        let ticket = self.tickets.remove(&number)?;
        for stream in ticket.streams.iter() {
            self.queues[stream.index()].remove(&number);
        }
        Some(ticket)
    }

    /// Takes out the oldest due tickets, at most [`WAKE_MAX`].
    fn take_due(&mut self, streams: StreamSet) -> Vec<Ticket> {
        let mut due = Vec::new();
        for stream in streams.iter() {
            while due.len() < WAKE_MAX {
                let oldest = self.queues[stream.index()].first().copied();
                let Some(number) = oldest.filter(|&n| n < self.due[stream.index()]) else {
                    break;
                };
                due.extend(self.remove(number));
            }
        }
        due
    }
}

/// All parked readers.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    versions: [AtomicU64; StreamName::ALL.len()],
    /// How many tickets there are: an append looks at this before it takes the lock.
    parked: AtomicUsize,
    parking: Mutex<Parking>,
}

impl Waiters {
    /// To be taken before a reader looks at the streams.
    pub(super) fn versions(&self) -> Versions {
        std::array::from_fn(|i| self.versions[i].load(Ordering::SeqCst))
    }

    pub(super) fn parked(&self) -> usize {
        self.parked.load(Ordering::SeqCst)
    }

    /// Something came, after it can be read.
    pub(super) fn notify(&self, streams: StreamSet) {
        for stream in streams.iter() {
            self.versions[stream.index()].fetch_add(1, Ordering::SeqCst);
        }
        if self.parked() == 0 {
            return;
        }
        let mut parking = self.parking.lock();
        let next = parking.next;
        for stream in streams.iter() {
            parking.due[stream.index()] = next;
        }
        self.wake(parking, streams);
    }

    /// Parks a reader that found nothing at these versions.
    pub(super) fn park(self: &Arc<Self>, streams: StreamSet, read_at: &Versions) -> Parked {
        let mut parking = self.parking.lock();
        let number = parking.next;
        parking.next += 1;
        self.parked.fetch_add(1, Ordering::SeqCst);
        let now = self.versions();
        if streams.iter().all(|s| now[s.index()] == read_at[s.index()]) {
            let waker = None;
            parking.tickets.insert(number, Ticket { streams, waker });
            for stream in streams.iter() {
                parking.queues[stream.index()].insert(number);
            }
        } else {
            self.parked.fetch_sub(1, Ordering::SeqCst);
        }
        Parked {
            waiters: Arc::clone(self),
            number,
            streams,
        }
    }

    fn wake(&self, mut parking: parking_lot::MutexGuard<'_, Parking>, streams: StreamSet) {
        let due = parking.take_due(streams);
        self.parked.fetch_sub(due.len(), Ordering::SeqCst);
        drop(parking);
        // Outside the lock: a waker may run anything.
        for waker in due.into_iter().filter_map(|ticket| ticket.waker) {
            waker.wake();
        }
    }
}

/// A reader's place in the parking: a future that is ready when an event came that it may want.
/// It may be woken for nothing, and reads again then. Dropping it leaves the parking.
#[derive(Debug)]
#[must_use = "a reader that is not awaited never wakes"]
pub struct Parked {
    waiters: Arc<Waiters>,
    number: u64,
    streams: StreamSet,
}

impl Future for Parked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut parking = self.waiters.parking.lock();
        match parking.tickets.get_mut(&self.number) {
            None => Poll::Ready(()),
            Some(ticket) => {
                ticket.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let mut parking = self.waiters.parking.lock();
        if parking.remove(self.number).is_some() {
            self.waiters.parked.fetch_sub(1, Ordering::SeqCst);
        }
        // Whoever was woken wakes the next; whoever leaves unwoken may have been the only one due.
        self.waiters.wake(parking, self.streams);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::task::Wake;

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    struct Reader {
        parked: Option<Parked>,
        flag: Arc<Flag>,
    }

    impl Reader {
        fn new(waiters: &Arc<Waiters>, streams: StreamSet) -> Self {
            let mut reader = Self {
                parked: Some(waiters.park(streams, &waiters.versions())),
                flag: Arc::default(),
            };
            assert!(!reader.is_ready());
            reader
        }

        fn is_ready(&mut self) -> bool {
            let waker = Waker::from(Arc::clone(&self.flag));
            let mut context = Context::from_waker(&waker);
            let parked = self.parked.as_mut().unwrap();
            Pin::new(parked).poll(&mut context).is_ready()
        }

        fn was_woken(&self) -> bool {
            self.flag.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn an_append_wakes_a_few_and_they_wake_the_others() {
        let waiters = Arc::new(Waiters::default());
        let mut readers: Vec<Reader> = (0..100)
            .map(|_| Reader::new(&waiters, StreamSet::ORDERS))
            .collect();
        let woken = |readers: &[Reader]| readers.iter().filter(|r| r.was_woken()).count();
        waiters.notify(StreamSet::ORDERS);
        assert_eq!(woken(&readers), WAKE_MAX, "bounded work for the writer");
        let late = Reader::new(&waiters, StreamSet::ORDERS);
        let mut rounds = 0;
        while woken(&readers) < readers.len() {
            for reader in &mut readers {
                if reader.was_woken() && reader.parked.is_some() {
                    assert!(reader.is_ready());
                    reader.parked = None;
                }
            }
            rounds += 1;
            assert!(rounds < 100, "somebody is never woken");
        }
        readers.iter_mut().for_each(|r| r.parked = None);
        assert!(!late.was_woken(), "it came after the event");
        assert_eq!(waiters.parked(), 1);
    }

    #[test]
    fn only_readers_of_the_stream_are_woken() {
        let waiters = Arc::new(Waiters::default());
        let mut orders = StreamSet::default();
        orders.insert(StreamName::Orders);
        let mut stock = StreamSet::default();
        stock.insert(StreamName::Stock);
        let mut reader = Reader::new(&waiters, orders);
        waiters.notify(stock);
        assert!(!reader.is_ready() && !reader.was_woken());
        waiters.notify(orders);
        assert!(reader.was_woken() && reader.is_ready());
    }

    #[test]
    fn an_event_between_reading_and_parking_is_not_missed() {
        let waiters = Arc::new(Waiters::default());
        let read_at = waiters.versions();
        waiters.notify(StreamSet::ORDERS);
        let mut reader = Reader {
            parked: Some(waiters.park(StreamSet::ORDERS, &read_at)),
            flag: Arc::default(),
        };
        assert!(reader.is_ready());
        assert_eq!(waiters.parked(), 0);
    }

    #[test]
    fn a_woken_reader_that_goes_away_hands_the_turn_on() {
        let waiters = Arc::new(Waiters::default());
        let mut readers: Vec<Reader> = (0..=WAKE_MAX)
            .map(|_| Reader::new(&waiters, StreamSet::ORDERS))
            .collect();
        waiters.notify(StreamSet::ORDERS);
        assert!(!readers[WAKE_MAX].was_woken());
        // Woken, but gone before it could read.
        readers[0].parked = None;
        assert!(readers[WAKE_MAX].was_woken());
        readers.clear();
        assert_eq!(waiters.parked(), 0);
    }
}
