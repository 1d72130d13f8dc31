//! The one shape of "this value is not acceptable": which field, what it held, what was expected.

use std::fmt;

/// A value from outside that cannot be accepted. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field as the sender spelled it, e.g. `lines[2].qty`.
    pub field: String,
    /// What it held, cut to a readable length.
    pub value: String,
    /// What is acceptable, phrased so that the sender knows what to do.
    pub expected: String,
}

/// So many findings are told in full; of the others only how many there are.
pub const FINDINGS_SHOWN_MAX: usize = 10;

/// So many findings of one thing are kept; of those beyond only the number is.
pub const FINDINGS_KEPT_MAX: usize = 100;

/// Several findings, and `beyond` that were not kept, in one line of bounded length; one alone stands as
/// it is.
pub fn numbered(findings: &[impl fmt::Display], beyond: usize) -> String {
    if let ([only], 0) = (findings, beyond) {
        return only.to_string();
    }
    let all = findings.len().saturating_add(beyond);
    let shown = findings.iter().take(FINDINGS_SHOWN_MAX).enumerate();
    let shown = shown.map(|(at, finding)| format!("({}) {finding}", at + 1));
    let shown = shown.collect::<Vec<_>>().join("; ");
    let shown_len = findings.len().min(FINDINGS_SHOWN_MAX);
    let more = all - shown_len;
    let more = match more {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{all} findings: {shown}{more}")
}

/// Longest piece of a sender's value that is repeated back to him, in characters.
const VALUE_CHARS_MAX: usize = 80;

impl Invalid {
    /// Names `field`, repeats `value` (shortened, control characters escaped) and says what was
    /// `expected`.
    pub fn new(
        field: impl Into<String>,
        value: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        let text = value.to_string();
        let mut shown: String = text
            .chars()
            .take(VALUE_CHARS_MAX)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().count() > VALUE_CHARS_MAX {
            shown.push('…');
        }
        Self {
            field: field.into(),
            value: shown,
            expected: expected.into(),
        }
    }

    /// The same finding inside a larger thing: `lines[2]` + `qty` gives `lines[2].qty`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is '{}'; expected {}",
            self.field, self.value, self.expected
        )
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_numbered_and_a_long_list_is_cut() {
        assert_eq!(numbered(&["a"], 0), "a");
        assert_eq!(numbered(&["a", "b"], 0), "2 findings: (1) a; (2) b");
        let many: Vec<String> = (0..17).map(|n| format!("f{n}")).collect();
        let text = numbered(&many, 0);
        assert!(text.starts_with("17 findings: (1) f0; (2) f1;"), "{text}");
        assert!(text.ends_with("(10) f9; and 7 more"), "{text}");
        let text = numbered(&many, 3);
        assert!(text.starts_with("20 findings: (1) f0;"), "{text}");
        assert!(text.ends_with("(10) f9; and 10 more"), "{text}");
    }
}
