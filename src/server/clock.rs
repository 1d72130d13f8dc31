//! The one clock: wall time at the start, carried on by the monotonic clock.
//!
//! So a wall clock that is set back revives nothing and one that is set ahead expires nothing.

use crate::model::EpochMillis;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells engine time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    wall_at_start: EpochMillis,
}

impl Clock {
    /// Starts at the wall time of now.
    #[must_use]
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        Self {
            started: Instant::now(),
            wall_at_start: EpochMillis(millis),
        }
    }

    /// The same, but not before `earliest`: time that a history has seen does not come again.
    #[must_use]
    pub fn not_before(self, earliest: EpochMillis) -> Self {
        Self {
            wall_at_start: self.wall_at_start.max(earliest),
            ..self
        }
    }

    /// Engine time now.
    #[must_use]
    pub fn now(&self) -> EpochMillis {
        self.wall_at_start + crate::model::Millis(self.uptime_millis())
    }

    /// Engine time at the start.
    #[must_use]
    pub const fn started_at(&self) -> EpochMillis {
        self.wall_at_start
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn uptime_millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
