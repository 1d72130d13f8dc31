//! The words of `XREAD` and `XREADGROUP` before their keys.

use super::arguments::{self, is};
use super::{Refusal, syntax_error};

/// In whose name a group is read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) group: Box<[u8]>,
    pub(super) consumer: Box<[u8]>,
    /// Nothing becomes pending.
    pub(super) no_ack: bool,
}

/// The words of `XREAD` or `XREADGROUP` before its streams.
pub(super) struct Options {
    pub(super) block: Option<i64>,
    pub(super) limit: Option<usize>,
    pub(super) reader: Option<Reader>,
    /// Where the keys begin.
    pub(super) keys: usize,
}

/// Reads the words before the keys.
///
/// # Errors
/// In the words of Redis.
pub(super) fn options(words: &[&[u8]], grouped: bool) -> Result<Options, Refusal> {
    let only_grouped = |option: &str| {
        Refusal::new(format!(
            "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
        ))
    };
    let mut options = Options {
        block: None,
        limit: None,
        reader: None,
        keys: 0,
    };
    let (mut reader, mut no_ack, mut at) = (None, false, 1);
    while at < words.len() {
        let (word, more) = (words[at], words.len() - at - 1);
        if is(word, "BLOCK") && more >= 1 {
            options.block = Some(timeout(words[at + 1])?);
            at += 2;
        } else if is(word, "COUNT") && more >= 1 {
            options.limit = Some(arguments::count_or_all(words[at + 1])?);
            at += 2;
        } else if is(word, "STREAMS") && more >= 1 {
            options.keys = at + 1;
            break;
        } else if is(word, "GROUP") && more >= 2 {
            if !grouped {
                return Err(only_grouped("GROUP"));
            }
            reader = Some((words[at + 1], words[at + 2]));
            at += 3;
        } else if is(word, "NOACK") {
            if !grouped {
                return Err(only_grouped("NOACK"));
            }
            no_ack = true;
            at += 1;
        } else {
            return Err(syntax_error());
        }
    }
    if options.keys == 0 {
        return Err(syntax_error());
    }
    if !(words.len() - options.keys).is_multiple_of(2) {
        return Err(Refusal::new(
            "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be \
             specified.",
        ));
    }
    if grouped && reader.is_none() {
        return Err(Refusal::new("ERR Missing GROUP option for XREADGROUP"));
    }
    options.reader = reader.map(|(group, consumer)| Reader {
        group: group.into(),
        consumer: consumer.into(),
        no_ack,
    });
    Ok(options)
}

/// How long to wait, in milliseconds; 0 is for ever.
fn timeout(word: &[u8]) -> Result<i64, Refusal> {
    let Some(timeout) = arguments::whole(word) else {
        return Err(Refusal::new(
            "ERR timeout is not an integer or out of range",
        ));
    };
    if timeout < 0 {
        return Err(Refusal::new("ERR timeout is negative"));
    }
    Ok(timeout)
}
