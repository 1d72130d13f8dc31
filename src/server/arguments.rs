//! Reads a command's arguments one after the other, naming each in its error.

use super::error::CommandError;
use crate::model::{EpochMillis, Invalid, Millis, Qty};
use crate::wire::Args;

/// What is left of a command's arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a> {
    args: Args<'a>,
    next: usize,
}

impl<'a> Arguments<'a> {
    /// The arguments after the command's name.
    pub(super) fn of(args: Args<'a>) -> Self {
        Self { args, next: 1 }
    }

    /// The whole command, its name included.
    pub(super) fn all(&self) -> Args<'a> {
        self.args
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next >= self.args.len()
    }

    pub(super) fn left(&self) -> usize {
        self.args.len() - self.next
    }

    /// The next argument as bytes.
    pub(super) fn bytes(&mut self, field: &str) -> Result<&'a [u8], CommandError> {
        let bytes = self.args.get(self.next);
        self.next += 1;
        bytes.ok_or_else(|| Invalid::new(field, "", "a value; the command ends here").into())
    }

    /// The next argument as text.
    pub(super) fn text(&mut self, field: &str) -> Result<&'a str, CommandError> {
        let bytes = self.bytes(field)?;
        std::str::from_utf8(bytes).map_err(|_| {
            Invalid::new(field, String::from_utf8_lossy(bytes), "text in UTF-8").into()
        })
    }

    /// The next argument as a quantity; 0 is a quantity, the command may refuse it.
    pub(super) fn qty(&mut self, field: &str) -> Result<Qty, CommandError> {
        let text = self.text(field)?;
        let units = digits(text).filter(|&u| u <= u64::from(Qty::MAX.0));
        let units = units.and_then(|u| u32::try_from(u).ok());
        units
            .map(Qty)
            .ok_or_else(|| Invalid::new(field, text, "a whole number from 0 to 2000000000").into())
    }

    /// The next argument as a quantity of at least 1.
    pub(super) fn some_qty(&mut self, field: &str) -> Result<Qty, CommandError> {
        let qty = self.qty(field)?;
        if qty.is_zero() {
            return Err(Invalid::new(field, 0, "a whole number from 1 to 2000000000").into());
        }
        Ok(qty)
    }

    /// The next argument as a signed whole number within ±`most`.
    pub(super) fn signed(&mut self, field: &str, most: i64) -> Result<i64, CommandError> {
        let text = self.text(field)?;
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let size = digits(rest)
            .and_then(|u| i64::try_from(u).ok())
            .filter(|&u| u <= most);
        size.map(|u| if negative { -u } else { u }).ok_or_else(|| {
            Invalid::new(
                field,
                text,
                format!("a whole number from -{most} to {most}"),
            )
            .into()
        })
    }

    /// The next argument as the number of something.
    pub(super) fn number(&mut self, field: &str) -> Result<u64, CommandError> {
        let text = self.text(field)?;
        digits(text).ok_or_else(|| Invalid::new(field, text, "a whole number").into())
    }

    /// The next argument as a span in milliseconds.
    pub(super) fn millis(&mut self, field: &str) -> Result<Millis, CommandError> {
        let text = self.text(field)?;
        digits(text)
            .map(Millis)
            .ok_or_else(|| Invalid::new(field, text, "a whole number of milliseconds").into())
    }

    /// The next argument as a moment.
    pub(super) fn moment(&mut self, field: &str) -> Result<EpochMillis, CommandError> {
        let text = self.text(field)?;
        EpochMillis::parse(text).ok_or_else(|| {
            let expected = "a time in RFC 3339 with its zone, such as 2026-11-23T10:00:00Z";
            Invalid::new(field, text, expected).into()
        })
    }

    /// Takes the next argument if it is `keyword`, in any case.
    pub(super) fn take(&mut self, keyword: &str) -> bool {
        let found = self.next_is(keyword);
        self.next += usize::from(found);
        found
    }

    /// Whether the next argument is `keyword`, in any case.
    pub(super) fn next_is(&self, keyword: &str) -> bool {
        self.args
            .get(self.next)
            .is_some_and(|a| a.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    /// Refuses what is left.
    pub(super) fn end(&mut self, expected: &str) -> Result<(), CommandError> {
        if self.is_empty() {
            return Ok(());
        }
        let extra = self.text("argument")?;
        Err(Invalid::new(format!("argument {}", self.next - 1), extra, expected).into())
    }
}

/// A number written with digits only, without superfluous zeros.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    if plain && !padded {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(digits("0"), Some(0));
        assert_eq!(digits("18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "0x1",
            "01",
            " 1",
            "NaN",
            "18446744073709551616",
        ] {
            assert_eq!(digits(bad), None, "{bad}");
        }
    }
}
