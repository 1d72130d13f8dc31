//! The extent of a reply of the Redis protocol, without building its value.
//!
//! A driver that shares the machine with the server must not spend on a reply what the server spent on
//! it: lengths are followed, contents are not looked at.

/// What lies at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// A whole reply of so many bytes.
    Whole(usize),
    /// The beginning of one.
    Partial,
    /// No reply.
    Wrong,
}

/// Looks for a whole reply at the start of `bytes`, RESP2 or RESP3.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan {
    let (mut at, mut lacking) = (0usize, 1usize);
    while lacking > 0 {
        let Some(&sign) = bytes.get(at) else {
            return Scan::Partial;
        };
        let Some(end) = memchr::memchr(b'\n', &bytes[at..]) else {
            return Scan::Partial;
        };
        let line = &bytes[at + 1..at + end];
        at += end + 1;
        lacking -= 1;
        let length = || number(line);
        match sign {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {}
            b'$' | b'=' | b'!' => match length() {
                Some(Some(bulk)) => at += bulk + 2,
                Some(None) => {}
                None => return Scan::Wrong,
            },
            b'*' | b'~' | b'>' => match length() {
                Some(items) => lacking += items.unwrap_or(0),
                None => return Scan::Wrong,
            },
            b'%' => match length() {
                Some(pairs) => lacking += pairs.unwrap_or(0) * 2,
                None => return Scan::Wrong,
            },
            _ => return Scan::Wrong,
        }
        if at > bytes.len() {
            return Scan::Partial;
        }
    }
    Scan::Whole(at)
}

/// A length; `Some(None)` for -1, which is null.
fn number(line: &[u8]) -> Option<Option<usize>> {
    let text = std::str::from_utf8(line.strip_suffix(b"\r")?).ok()?;
    if text == "-1" {
        return Some(None);
    }
    // Lengths beyond this are damage, and must not overflow what is added to them.
    let length: usize = text.parse().ok()?;
    (length <= 1 << 30).then_some(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_end_where_they_end() {
        let replies: [&[u8]; 9] = [
            b"+OK\r\n",
            b"-NOSTOCK no\r\n",
            b":17\r\n",
            b"$5\r\nhello\r\n",
            b"$-1\r\n",
            b"*0\r\n",
            b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n_\r\n+x\r\n",
            b"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
            b"$2\r\n\r\n\r\n",
        ];
        for reply in replies {
            assert_eq!(
                scan(reply),
                Scan::Whole(reply.len()),
                "{}",
                reply.escape_ascii()
            );
            for end in 0..reply.len() {
                assert_eq!(scan(&reply[..end]), Scan::Partial, "{end}");
            }
            let mut more = reply.to_vec();
            more.extend_from_slice(b"+more");
            assert_eq!(scan(&more), Scan::Whole(reply.len()));
        }
        assert_eq!(scan(b"hello\r\n"), Scan::Wrong);
        assert_eq!(scan(b"$x\r\n"), Scan::Wrong);
        assert_eq!(scan(b"*99999999999999999999\r\n"), Scan::Wrong);
    }
}
