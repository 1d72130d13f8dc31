//! How much a peer may ask this process to hold. All figures are counts or bytes.

/// Limits on one request. A session starts with [`Limits::unauthenticated`] when passwords are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most arguments of one command, its name included.
    pub arguments: u32,
    /// Most bytes of one bulk string.
    pub bulk_bytes: u32,
    /// Most bytes of one inline command, its line end included.
    pub inline_bytes: u32,
    /// Most bytes of one command in all, headers included.
    pub frame_bytes: u32,
}

impl Limits {
    /// For a session that may run commands: 4,096 arguments (`ATP.GET` and `STOCK.LOAD` take many),
    /// 8 MiB a bulk string and a command, 64 KiB inline.
    #[must_use]
    pub const fn authenticated() -> Self {
        Self {
            arguments: 4_096,
            bulk_bytes: 8 << 20,
            inline_bytes: 64 << 10,
            frame_bytes: 8 << 20,
        }
    }

    /// For a session that has yet to prove who it is: 10 arguments of 1 KiB, 16 KiB in all.
    /// `HELLO 3 AUTH user password SETNAME name` has 7.
    #[must_use]
    pub const fn unauthenticated() -> Self {
        Self {
            arguments: 10,
            bulk_bytes: 1 << 10,
            inline_bytes: 1 << 10,
            frame_bytes: 16 << 10,
        }
    }
}

/// Limits on one reply, for those who read replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Deepest nesting of arrays, maps, sets and pushes; a scalar has depth 0.
    pub depth: u32,
    /// Most values in one reply, at all depths together.
    pub values: u32,
    /// Most bytes of one line (simple string, error, number), its line end included.
    pub line_bytes: u32,
    /// Most bytes of one reply in all.
    pub frame_bytes: u32,
}

impl Default for ReplyLimits {
    /// Depth 32, 1,048,576 values, lines of 64 KiB, 256 MiB in all.
    fn default() -> Self {
        Self {
            depth: 32,
            values: 1 << 20,
            line_bytes: 64 << 10,
            frame_bytes: 256 << 20,
        }
    }
}
