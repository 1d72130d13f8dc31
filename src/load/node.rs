//! A tree of values as JSON (and, for `network.toml`, TOML) spells them, borrowed from the text.
//!
//! It keeps what a map type would lose: repeated keys, the order of keys, and whether a number was
//! written as a whole one. Reading it field by field is what lets every error name its field.

use super::field::{Field, Raw};
use super::names::hint;
use crate::model::Invalid;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number without a point or exponent.
    Whole(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// An object; keys as they came, repeated ones included.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Whole(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(text),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}

impl<'a> Node<'a> {
    /// Reads JSON text.
    ///
    /// # Errors
    /// Names the field `json`, the text near the fault, and what the parser expected.
    pub(super) fn from_json(bytes: &'a [u8]) -> Result<Self, Invalid> {
        serde_json::from_slice(bytes).map_err(|fault| not_json(bytes, &fault))
    }

    /// The fields `names` of an object, absent ones as such.
    ///
    /// # Errors
    /// Not an object (with an empty field name, for the caller to set by [`inside`]), a field that
    /// is none of `names`, or a field twice.
    pub(super) fn fields<const N: usize>(
        &'a self,
        names: &[&'static str; N],
    ) -> Result<[Field<'a>; N], Invalid> {
        let mut first = None;
        let fields = self.every_field(names, &mut |fault| {
            first.get_or_insert_with(fault);
        });
        match (fields, first) {
            (Some(fields), None) => Ok(fields),
            (_, first) => Err(first.expect("what is no object is a fault")),
        }
    }

    /// The same with every fault told; `None` when it is no object. A fault is made by whoever is told
    /// and wants it: there may be as many as the text has fields.
    pub(super) fn every_field<const N: usize>(
        &'a self,
        names: &[&'static str; N],
        fault: &mut dyn FnMut(&dyn Fn() -> Invalid),
    ) -> Option<[Field<'a>; N]> {
        let Self::Object(members) = self else {
            fault(&|| {
                let expected = format!("an object with the fields {}", names.join(", "));
                Invalid::new("", self, expected)
            });
            return None;
        };
        let mut fields = names.map(|name| Field::new(name, Raw::Missing));
        for (key, value) in members {
            match names.iter().position(|name| name == key) {
                None => fault(&|| unknown_field(key, value, names)),
                Some(at) if !matches!(fields[at].raw, Raw::Missing) => {
                    fault(&|| Invalid::new(names[at], value, "the field once, not twice"));
                }
                Some(at) => fields[at].raw = Raw::Node(value),
            }
        }
        Some(fields)
    }
}

fn unknown_field(key: &str, value: &Node<'_>, names: &[&'static str]) -> Invalid {
    let expected = match hint(key, names.iter().copied()) {
        Some(hint) => format!("a known field{hint}"),
        None => format!("one of the fields {}", names.join(", ")),
    };
    Invalid::new(shown_key(key), value, expected)
}

/// A key from outside as it may stand in a message: one line of bounded length, and something even where
/// it is empty.
pub(super) fn shown_key(key: &str) -> String {
    if key.is_empty() {
        return "\"\"".to_owned();
    }
    Invalid::new("", key, "").value
}

/// A finding inside `parent`, which is the field itself when the finding names none.
pub(super) fn inside(parent: &str, invalid: Invalid) -> Invalid {
    if invalid.field.is_empty() {
        Invalid {
            field: parent.to_owned(),
            ..invalid
        }
    } else {
        invalid.within(parent)
    }
}

fn not_json(bytes: &[u8], fault: &serde_json::Error) -> Invalid {
    const CONTEXT: usize = 20;
    let before: usize = bytes
        .split_inclusive(|&b| b == b'\n')
        .take(fault.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let at = (before + fault.column()).min(bytes.len());
    let near = &bytes[at.saturating_sub(CONTEXT)..(at + CONTEXT).min(bytes.len())];
    Invalid::new(
        "json",
        String::from_utf8_lossy(near),
        format!("well-formed JSON ({fault})"),
    )
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Node::Whole(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Node::Whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Node::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), value)) = object.next_entry()? {
            members.push((key, value));
        }
        Ok(Node::Object(members))
    }
}
