//! Commands typed as a line, as in telnet: words apart by spaces, quotes as `redis-cli` has them.
//!
//! | form | meaning |
//! | --- | --- |
//! | `word` | its bytes; a quote inside a word is an error at the closing quote unless a space follows |
//! | `"..."` | escapes `\n \r \t \a \b \xHH`; a backslash before any other byte stands for that byte |
//! | `'...'` | bytes as they are, but `\'` is a quote |
//!
//! A word is never longer than its source, so `words` never outgrows the line.

use smallvec::SmallVec;

use super::error::WireError;
use super::request::{Span, Spans};

/// Splits a line into the arguments it names. An empty line has none.
///
/// # Errors
/// [`WireError::UnbalancedQuotes`] when a quote is not closed or is closed inside a word.
pub fn split_line(line: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
    let mut words = Vec::new();
    let mut spans = Spans::new();
    split_into(line, u32::MAX, &mut words, &mut spans)?;
    Ok(spans.iter().map(|span| span.of(&words).to_vec()).collect())
}

/// Splits `line`, appending the unquoted bytes to `words` and their places to `spans`.
pub(super) fn split_into(
    line: &[u8],
    arguments: u32,
    words: &mut Vec<u8>,
    spans: &mut Spans,
) -> Result<(), WireError> {
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(());
        }
        if spans.len() >= arguments as usize {
            return Err(WireError::TooManyArguments { limit: arguments });
        }
        let start = words.len();
        rest = word(rest, words)?;
        spans.push(Span::new(start, words.len()));
    }
}

/// Appends one word to `words`; returns what follows it.
fn word<'a>(line: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], WireError> {
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' => return closed(double_quoted(after, words)?),
            b'\'' => return closed(single_quoted(after, words)?),
            byte if byte.is_ascii_whitespace() => break,
            byte => words.push(byte),
        }
        rest = after;
    }
    Ok(rest)
}

/// A closing quote ends its word.
fn closed(rest: &[u8]) -> Result<&[u8], WireError> {
    match rest.first() {
        Some(byte) if !byte.is_ascii_whitespace() => Err(WireError::UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn double_quoted<'a>(line: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], WireError> {
    let mut rest = line;
    loop {
        rest = match rest {
            [] | [b'\\'] => return Err(WireError::UnbalancedQuotes),
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                words.push(hex(*high) << 4 | hex(*low));
                after
            }
            [b'\\', escaped, after @ ..] => {
                words.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    other => *other,
                });
                after
            }
            [byte, after @ ..] => {
                words.push(*byte);
                after
            }
        };
    }
}

fn single_quoted<'a>(line: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], WireError> {
    let mut rest = line;
    loop {
        rest = match rest {
            [] => return Err(WireError::UnbalancedQuotes),
            [b'\'', after @ ..] => return Ok(after),
            [b'\\', b'\'', after @ ..] => {
                words.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                words.push(*byte);
                after
            }
        };
    }
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Whether a line is the first of an HTTP request.
pub(super) fn is_http(line: &[u8]) -> bool {
    let mut words: SmallVec<[&[u8]; 4]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .take(4)
        .collect();
    let version = words.pop();
    let method = matches!(
        words.first(),
        Some(&(b"GET" | b"POST" | b"PUT" | b"HEAD" | b"DELETE" | b"PATCH" | b"OPTIONS"))
    );
    method && words.len() == 2 && version.is_some_and(|text| text.starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, WireError> {
        let words = split_line(line.as_bytes())?;
        Ok(words
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect())
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert_eq!(split("  \t ").unwrap(), Vec::<String>::new());
        assert_eq!(split("PING").unwrap(), ["PING"]);
        assert_eq!(split(" SET  a\tb ").unwrap(), ["SET", "a", "b"]);
        assert_eq!(
            split(r#"a "b c" 'd "e"' """#).unwrap(),
            ["a", "b c", r#"d \"e\""#, ""]
        );
        assert_eq!(
            split(r#""\n\r\t\a\b\x41\xfF\q\"""#).unwrap(),
            [r#"\n\r\t\x07\x08A\xffq\""#]
        );
        assert_eq!(split(r"'it\'s \n'").unwrap(), [r"it\'s \\n"]);
        assert_eq!(split(r#"pre"fix""#).unwrap(), ["prefix"]);
    }

    #[test]
    fn quotes_must_balance() {
        for line in [
            r#"""#, r#""abc"#, r#"'abc"#, r#""a"b"#, r#"'a'b"#, r#""a\"#, r#""a\""#,
        ] {
            assert_eq!(split(line), Err(WireError::UnbalancedQuotes), "{line}");
        }
    }

    #[test]
    fn http_is_recognised() {
        assert!(is_http(b"GET / HTTP/1.1"));
        assert!(is_http(b"POST /x HTTP/1.0\r"));
        assert!(!is_http(b"GET HTTP/1.1"));
        assert!(!is_http(b"GET key"));
        assert!(!is_http(b"SET a HTTP/1.1"));
    }
}
