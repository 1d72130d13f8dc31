//! Dense ids inside, text only at the edge.
//!
//! A SKU, a location, a service or a channel is interned once and from then on is an index into
//! an array; the hot path never hashes a string.

use super::Invalid;
use bincode::{Decode, Encode};

/// Longest text id that is accepted, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// Checks a text id from outside: 1 to 64 bytes of printable ASCII without spaces.
///
/// Ids are compared as exact bytes, so nothing that looks alike but differs (Unicode forms,
/// invisible characters) may enter.
///
/// # Errors
/// Names `field`, the value and the rule.
pub fn check_id(field: &str, text: &str) -> Result<(), Invalid> {
    let good = !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic());
    if good {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        text,
        "1 to 64 printable ASCII characters without spaces",
    ))
}

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode,
        )]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The position in the table that interned it.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of table position `index`; `None` when the table is full.
            #[must_use]
            pub fn from_index(index: usize) -> Option<Self> {
                <$inner>::try_from(index).ok().map(Self)
            }
        }
    };
}

dense_id!(
    /// A stock-keeping unit.
    SkuId(u32)
);
dense_id!(
    /// A place that holds stock.
    LocationId(u16)
);
dense_id!(
    /// A speed offered by a carrier.
    ServiceId(u16)
);

impl ServiceId {
    /// The service that every network has: the customer collects.
    pub const PICKUP: Self = Self(u16::MAX);
    /// Its text id.
    pub const PICKUP_NAME: &'static str = "pickup";
}

dense_id!(
    /// A selling channel.
    ChannelId(u16)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printable_ascii_of_bounded_length() {
        assert!(check_id("sku", "SKU-1").is_ok());
        for bad in ["", "a b", "a\nb", "é", "\u{202e}x", &"x".repeat(65)] {
            let err = check_id("sku", bad).unwrap_err();
            assert_eq!(err.field, "sku");
            assert!(!err.to_string().contains('\n'));
        }
    }
}
