//! Release tokens: who holds one may speak about a fulfilment order.
//!
//! A token is a keyed 128-bit hash of the fulfilment order and its release number. The same release
//! always has the same token, so a retry gets the same one after any crash, nothing needs to be
//! stored, and nobody can make one without the key of the data directory. Comparing takes the same
//! time wherever two tokens differ.

use super::fulfillment::FulfillmentId;
use crate::model::Invalid;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::fmt;
use std::hash::Hasher;
use subtle::ConstantTimeEq;

/// Keeps tokens apart from anything else that the same key may ever sign.
const PURPOSE: &[u8] = b"allot release token 1";

/// The secret of a data directory. It is never shown.
#[derive(Clone)]
pub struct ReleaseKey([u8; 16]);

impl ReleaseKey {
    /// The key of 16 secret bytes, made once per data directory by a secure random generator.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// The token of one release.
    #[must_use]
    pub fn token(&self, fulfillment: &FulfillmentId, release: u32) -> Token {
        let mut mac = SipHasher24::new_with_key(&self.0);
        mac.write(PURPOSE);
        // Lengths first, so that no two different contents are the same bytes.
        for part in [fulfillment.order.source(), fulfillment.order.order()] {
            mac.write(&(part.len() as u64).to_le_bytes());
            mac.write(part.as_bytes());
        }
        mac.write(&fulfillment.number.to_le_bytes());
        mac.write(&release.to_le_bytes());
        Token(mac.finish128().as_bytes())
    }
}

impl fmt::Debug for ReleaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReleaseKey(***)")
    }
}

/// Proof of having one release of one fulfilment order. On the wire: 32 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct Token([u8; 16]);

impl Token {
    /// Reads 32 hexadecimal digits.
    ///
    /// # Errors
    /// Says what a token looks like; the value is not repeated.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(text, 16).ok());
        let Some(Some(number)) = number else {
            return Err(Invalid::new(
                "token",
                format!("{} characters", text.chars().count()),
                "the 32 hexadecimal digits that the claim answered",
            ));
        };
        Ok(Self(number.to_be_bytes()))
    }

    /// Whether the two are the same, in constant time.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OrderKey;

    fn id(source: &str, order: &str, number: u32) -> FulfillmentId {
        FulfillmentId {
            order: OrderKey::new(source, order),
            number,
        }
    }

    #[test]
    fn every_release_has_its_own_token_and_always_the_same() {
        let key = ReleaseKey::new([7; 16]);
        let first = key.token(&id("shop", "1", 1), 1);
        assert!(first.same(&key.token(&id("shop", "1", 1), 1)));
        let others = [
            key.token(&id("shop", "1", 1), 2),
            key.token(&id("shop", "1", 2), 1),
            key.token(&id("shop", "11", 1), 1),
            key.token(&id("sho", "p1", 1), 1),
            ReleaseKey::new([8; 16]).token(&id("shop", "1", 1), 1),
        ];
        for other in others {
            assert!(!first.same(&other));
        }
    }

    #[test]
    fn a_token_reads_back_and_neither_it_nor_the_key_shows_in_a_log() {
        let key = ReleaseKey::new([7; 16]);
        let token = key.token(&id("shop", "1", 1), 1);
        assert!(token.same(&Token::parse(&token.to_string()).unwrap()));
        for bad in ["", "xyz", &"0".repeat(31), &"+".repeat(32), &"é".repeat(16)] {
            assert_eq!(Token::parse(bad).unwrap_err().field, "token");
        }
        assert_eq!(format!("{key:?} {token:?}"), "ReleaseKey(***) Token(***)");
    }
}
