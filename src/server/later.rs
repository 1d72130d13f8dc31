//! Work that takes longer than a connection's turn: done by threads of its own, so that nobody else
//! waits for it, and answered when it is done.
//!
//! A client hears the answers to its commands in their order, so its own next command waits.

use crate::wire::Reply;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Semaphore, oneshot};

/// The answer to a command, once there is one.
pub(super) type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// How many are worked on at once: a small one need not wait for a large one. More of them would
/// only wait for each other inside, in any order, where outside they wait in the order they came.
const AT_ONCE: u32 = 2;

/// Threads that share out work among themselves.
pub(super) struct Workers {
    pool: ThreadPool,
    permits: Arc<Semaphore>,
}

impl Workers {
    /// Begins so many threads; one a core for `None`.
    pub(super) fn start(threads: Option<usize>) -> std::io::Result<Arc<Self>> {
        let builder = ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|number| format!("worker-{number}"));
        let pool = builder.build().map_err(std::io::Error::other)?;
        Ok(Arc::new(Self {
            pool,
            permits: Arc::new(Semaphore::new(AT_ONCE as usize)),
        }))
    }

    /// Has `work` done, which may share itself out among the threads.
    pub(super) fn run(self: &Arc<Self>, work: impl FnOnce() -> Reply + Send + 'static) -> Later {
        let this = self.clone();
        Box::pin(async move {
            let ended = || Reply::error("ERR", "the server is shutting down");
            let Ok(permit) = this.permits.clone().acquire_owned().await else {
                return ended();
            };
            let (tell, told) = oneshot::channel();
            this.pool.spawn(move || {
                // Who asked may have left; what was decided is kept all the same.
                let _ = tell.send(work());
                drop(permit);
            });
            told.await.unwrap_or_else(|_| ended())
        })
    }

    /// Begins nothing more, and waits for what was begun.
    pub(super) async fn stop(&self) {
        // Closed only here, so that this cannot fail.
        let _all = self.permits.acquire_many(AT_ONCE).await;
        self.permits.close();
    }
}
