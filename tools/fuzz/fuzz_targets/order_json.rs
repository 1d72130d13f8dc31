//! Bytes as an order: refused with a reason, or written out and read back the same.
#![no_main]

use allot::load::{order_json, order_to_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(order) = order_json(bytes, 200) {
        let text = order_to_json(&order).to_string();
        assert_eq!(order_json(text.as_bytes(), 200).unwrap(), order);
    }
});
