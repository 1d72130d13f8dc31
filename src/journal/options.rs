//! How safely, and in what portions, facts are kept.

use crate::model::Millis;
use std::fmt;
use std::str::FromStr;

/// When a fact counts as kept, and so when a reply that tells of it may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The disk has it: it survives a power cut.
    #[default]
    Sync,
    /// At once; the disk gets it within so many milliseconds, so that at most that much is lost.
    Interval(Millis),
    /// At once; the operating system gets it within some milliseconds, and writes it when it likes.
    /// It may write later parts first, so that after a power cut the journal may be refused until
    /// `allot repair` has made a copy without them.
    None,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => f.write_str("sync"),
            Self::Interval(every) => write!(f, "interval:{}", every.0),
            Self::None => f.write_str("none"),
        }
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "durability is '{text}'; expected sync, none, or interval:MS with 1 to 60000 \
                 milliseconds"
            )
        };
        match text.split_once(':') {
            None if text == "sync" => Ok(Self::Sync),
            None if text == "none" => Ok(Self::None),
            Some(("interval", every)) => match every.parse() {
                Ok(millis @ 1..=60_000) => Ok(Self::Interval(Millis(millis))),
                _ => Err(refused()),
            },
            _ => Err(refused()),
        }
    }
}

/// What a journal is told when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// When a fact counts as kept.
    pub durability: Durability,
    /// A segment that has reached this many bytes is followed by a new one.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            segment_bytes: 64 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_written_as_it_is_read() {
        for text in ["sync", "none", "interval:1", "interval:60000"] {
            assert_eq!(text.parse::<Durability>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Sync",
            "interval",
            "interval:0",
            "interval:60001",
            "interval:x",
            "x:1",
        ] {
            let refused = text.parse::<Durability>().unwrap_err();
            assert!(refused.contains(&format!("'{text}'")), "{refused}");
        }
    }
}
