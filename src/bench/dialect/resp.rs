//! Requests of the Redis protocol, written without building them first.

/// Writes a command's arguments one by one.
pub(super) struct Command<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
}

impl<'a> Command<'a> {
    /// A command of `count` arguments, its name among them.
    pub(super) fn new(out: &'a mut Vec<u8>, count: usize) -> Self {
        head(out, b'*', count);
        Self { out, left: count }
    }

    pub(super) fn arg(mut self, argument: &[u8]) -> Self {
        debug_assert!(self.left > 0, "a command has as many arguments as it says");
        self.left -= 1;
        head(self.out, b'$', argument.len());
        self.out.extend_from_slice(argument);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    pub(super) fn number(self, number: u64) -> Self {
        let mut text = itoa::Buffer::new();
        self.arg(text.format(number).as_bytes())
    }

    /// An argument of two parts, such as `SKU-7`.
    pub(super) fn numbered(self, prefix: &[u8], number: u64) -> Self {
        let mut text = itoa::Buffer::new();
        let digits = text.format(number).as_bytes();
        let mut whole = [0u8; 40];
        let length = prefix.len() + digits.len();
        whole[..prefix.len()].copy_from_slice(prefix);
        whole[prefix.len()..length].copy_from_slice(digits);
        self.arg(&whole[..length])
    }
}

fn head(out: &mut Vec<u8>, sign: u8, number: usize) {
    let mut text = itoa::Buffer::new();
    out.push(sign);
    out.extend_from_slice(text.format(number).as_bytes());
    out.extend_from_slice(b"\r\n");
}
