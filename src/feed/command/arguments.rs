//! Words of a command as numbers and ids, read exactly as Redis reads them.

use super::Refusal;
use crate::model::EventId;

/// Longest word that may be an id.
const ID_BYTES_MAX: usize = 127;

/// A word in an error: up to its first zero byte, as C prints it.
pub(super) fn quoted(word: &[u8]) -> String {
    let end = word.iter().position(|&b| b == 0).unwrap_or(word.len());
    String::from_utf8_lossy(&word[..end]).into_owned()
}

/// Whether a word is an option's name, in any case.
pub(super) fn is(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}

/// A whole number without leading zeros, plus sign or blanks.
pub(super) fn whole(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let plain = match digits {
        [b'0'] => word.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let text = std::str::from_utf8(word).ok().filter(|_| plain)?;
    text.parse().ok()
}

/// As [`whole`].
///
/// # Errors
/// In the common words of Redis.
pub(super) fn whole_or_refuse(word: &[u8]) -> Result<i64, Refusal> {
    whole(word).ok_or_else(|| Refusal::new("ERR value is not an integer or out of range"))
}

/// A count, of which 0 and less mean "all".
///
/// # Errors
/// As [`whole_or_refuse`].
pub(super) fn count_or_all(word: &[u8]) -> Result<usize, Refusal> {
    Ok(match whole_or_refuse(word)? {
        ..=0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    })
}

/// A part of an id. Like C's `strtoull`, it may have blanks, a sign and leading zeros in front; a
/// minus wraps around.
fn id_part(text: &[u8]) -> Option<u64> {
    if let Some(plain) = whole(text) {
        return u64::try_from(plain).ok();
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let (negative, digits) = match &text[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    let value: u64 = digits.parse().ok()?;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// An id as `<fact>-<n>` or `<fact>`, whose second part is then `missing_n`.
///
/// # Errors
/// In the words of Redis.
pub(super) fn id(word: &[u8], missing_n: u64) -> Result<EventId, Refusal> {
    let invalid = || Refusal::new("ERR Invalid stream ID specified as stream command argument");
    if word.len() > ID_BYTES_MAX {
        return Err(invalid());
    }
    let end = word.iter().position(|&b| b == 0).unwrap_or(word.len());
    let word = &word[..end];
    let mut parts = word.splitn(2, |&b| b == b'-');
    let fact = parts.next().and_then(id_part).ok_or_else(invalid)?;
    let n = match parts.next() {
        None => missing_n,
        Some(n) => id_part(n).ok_or_else(invalid)?,
    };
    Ok(EventId { fact, n })
}

/// As [`id`], or `-` or `+` for the ends of all ids.
///
/// # Errors
/// As [`id`].
pub(super) fn id_or_end(word: &[u8], missing_n: u64) -> Result<EventId, Refusal> {
    match word {
        b"-" => Ok(EventId::ZERO),
        b"+" => Ok(EventId::MAX),
        other => id(other, missing_n),
    }
}

/// Where an interval begins; `(` in front leaves the id itself out.
///
/// # Errors
/// In the words of Redis.
pub(super) fn interval_start(word: &[u8]) -> Result<EventId, Refusal> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => id(rest, 0)?
            .next()
            .ok_or_else(|| Refusal::new("ERR invalid start ID for the interval")),
        other => id_or_end(other, 0),
    }
}

/// Where an interval ends; `(` in front leaves the id itself out.
///
/// # Errors
/// In the words of Redis.
pub(super) fn interval_end(word: &[u8]) -> Result<EventId, Refusal> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => id(rest, u64::MAX)?
            .previous()
            .ok_or_else(|| Refusal::new("ERR invalid end ID for the interval")),
        other => id_or_end(other, u64::MAX),
    }
}
