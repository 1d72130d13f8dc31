//! Bytes as commands: the same commands wherever the bytes are split.
#![no_main]

use allot::wire::{Decoded, Limits, RequestDecoder};
use libfuzzer_sys::fuzz_target;

fn commands(pieces: &[&[u8]]) -> (Vec<Vec<Vec<u8>>>, bool) {
    let (mut decoder, mut input, mut all) = (RequestDecoder::new(), Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let used = match decoder.decode(&input, &Limits::authenticated()) {
                Ok(Decoded::Command { args, consumed }) => {
                    all.push(args.iter().map(<[u8]>::to_vec).collect());
                    consumed
                }
                Ok(Decoded::Blank { consumed }) => consumed,
                Ok(Decoded::Incomplete) => break,
                Err(_) => return (all, true),
            };
            input.drain(..used);
        }
    }
    (all, false)
}

fuzz_target!(|bytes: &[u8]| {
    let whole = commands(&[bytes]);
    let middle = bytes.first().map_or(0, |&b| usize::from(b) % (bytes.len() + 1));
    let (left, right) = bytes.split_at(middle);
    assert_eq!(commands(&[left, right]), whole);
});
