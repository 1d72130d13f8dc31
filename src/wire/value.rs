//! A reply as its reader sees it.

/// One reply, decoded. RESP2 and RESP3 spellings of null are one value; attributes are dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A status such as `OK`.
    Simple(String),
    /// A refusal: `CODE what is wrong`.
    Error(String),
    /// An integer.
    Int(i64),
    /// A bulk string; also a verbatim string, without its format.
    Bulk(Vec<u8>),
    /// No value.
    Null,
    /// Values in order.
    Array(Vec<Value>),
    /// Keys and values in the order sent. RESP3 only: RESP2 sends an array.
    Map(Vec<(Value, Value)>),
    /// Values without order. RESP3 only.
    Set(Vec<Value>),
    /// True or false. RESP3 only.
    Bool(bool),
    /// A floating-point number. RESP3 only.
    Double(f64),
    /// An integer beyond 64 bits, as its digits. RESP3 only.
    BigNumber(String),
    /// A message that answers no request. RESP3 only.
    Push(Vec<Value>),
}

impl Value {
    /// Whether the server refused.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// The number of an integer, also if it came as text.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bulk(_) | Self::Simple(_) => self.as_str()?.parse().ok(),
            _ => None,
        }
    }

    /// The bytes of a text.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bulk(bytes) => Some(bytes),
            Self::Simple(text) | Self::Error(text) | Self::BigNumber(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// A text that is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The elements of an array, set or push.
    #[must_use]
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self {
            Self::Array(elements) | Self::Set(elements) | Self::Push(elements) => Some(elements),
            _ => None,
        }
    }

    /// The pairs of a map, also of one that RESP2 sent as an array of keys and values in turn.
    #[must_use]
    pub fn into_pairs(self) -> Option<Vec<(Value, Value)>> {
        match self {
            Self::Map(pairs) => Some(pairs),
            Self::Array(elements) if elements.len().is_multiple_of(2) => {
                let mut elements = elements.into_iter();
                let mut pairs = Vec::with_capacity(elements.len() / 2);
                while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
                    pairs.push((key, value));
                }
                Some(pairs)
            }
            _ => None,
        }
    }
}
