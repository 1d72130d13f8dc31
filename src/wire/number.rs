//! The decimal numbers of RESP headers. Strict: no sign, no leading zero, no space, at most ten
//! digits, so nothing here can overflow and one number has one spelling.

/// Ten digits say up to 9,999,999,999, more than any limit (all limits are `u32`).
const DIGITS: usize = 10;

/// What stands at the place where `<digits>\r\n` should.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LengthLine {
    /// The number, and the offset of the byte after its line end.
    Number { value: u64, next: usize },
    /// All bytes so far could be the start of one.
    Incomplete,
    /// Not a number: `start..end` holds what is wrong, its last byte the first that cannot be.
    Bad { end: usize },
}

/// Reads `<digits>\r\n` at `start`.
#[inline]
pub(super) fn length_line(buf: &[u8], start: usize) -> LengthLine {
    let mut value = 0_u64;
    let mut at = start;
    loop {
        let Some(&byte) = buf.get(at) else {
            return LengthLine::Incomplete;
        };
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // A zero may stand alone only.
        if at - start == DIGITS || (value == 0 && at > start) {
            return LengthLine::Bad { end: at + 1 };
        }
        value = value * 10 + u64::from(digit);
        at += 1;
    }
    if buf[at] != b'\r' || at == start {
        return LengthLine::Bad { end: at + 1 };
    }
    match buf.get(at + 1) {
        Some(b'\n') => LengthLine::Number {
            value,
            next: at + 2,
        },
        Some(_) => LengthLine::Bad { end: at + 2 },
        None => LengthLine::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_spelling_of_each_number() {
        let read = |text: &str| length_line(text.as_bytes(), 1);
        assert_eq!(read("$0\r\n"), LengthLine::Number { value: 0, next: 4 });
        assert_eq!(
            read("$4096\r\nx"),
            LengthLine::Number {
                value: 4096,
                next: 7
            }
        );
        assert_eq!(
            read("$9999999999\r\n"),
            LengthLine::Number {
                value: 9_999_999_999,
                next: 13
            }
        );
        for bad in [
            "$\r\n", "$-1\r\n", "$+1\r\n", "$ 1\r\n", "$00\r\n", "$01\r\n", "$1x\r\n",
        ] {
            assert!(matches!(read(bad), LengthLine::Bad { .. }), "{bad:?}");
        }
        assert!(matches!(read("$10000000000\r\n"), LengthLine::Bad { .. }));
        assert_eq!(read("$1\r\r"), LengthLine::Bad { end: 4 });
        for part in ["$", "$1", "$12", "$12\r"] {
            assert_eq!(read(part), LengthLine::Incomplete, "{part:?}");
        }
    }
}
