//! The codec against hostile and merely slow peers: every split of every frame, random bytes,
//! oversize headers, pipelines, and what is written reads back; the client against odd servers.

#![allow(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod client;
mod replies;
mod requests;

use allot::wire::{Decoded, Limits, RequestDecoder, WireError};
use proptest::prelude::*;

type Command = Vec<Vec<u8>>;

/// A connection in small: bytes are fed in pieces, as a socket would deliver them.
#[derive(Default)]
struct Session {
    decoder: RequestDecoder,
    buffer: Vec<u8>,
    commands: Vec<Command>,
}

impl Session {
    fn feed(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), WireError> {
        self.buffer.extend_from_slice(bytes);
        let mut taken = 0;
        loop {
            match self.decoder.decode(&self.buffer[taken..], limits)? {
                Decoded::Command { args, consumed } => {
                    self.commands
                        .push(args.iter().map(<[u8]>::to_vec).collect());
                    taken += consumed;
                }
                Decoded::Blank { consumed } => taken += consumed,
                Decoded::Incomplete => break,
            }
        }
        self.buffer.drain(..taken);
        Ok(())
    }
}

/// The commands of `bytes`, which arrive in `pieces`, and the error they end in, if any.
fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: &Limits,
) -> (Vec<Command>, Option<WireError>) {
    let mut session = Session::default();
    for piece in pieces {
        if let Err(error) = session.feed(piece, limits) {
            return (session.commands, Some(error));
        }
    }
    (session.commands, None)
}

fn read_whole(bytes: &[u8]) -> (Vec<Command>, Option<WireError>) {
    read([bytes], &Limits::authenticated())
}

fn command(words: &[&str]) -> Command {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Bytes that look enough like the protocol to get far into a decoder.
fn almost_resp() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"*".to_vec()),
        Just(b"$".to_vec()),
        Just(b"*3\r\n".to_vec()),
        Just(b"$2\r\nab\r\n".to_vec()),
        Just(b"%1\r\n".to_vec()),
        Just(b"|1\r\n".to_vec()),
        Just(b"-1".to_vec()),
        Just(b":7\r\n".to_vec()),
        Just(b"_\r\n".to_vec()),
        Just(b"word \"quo".to_vec()),
        "[0-9]{1,11}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

/// Cuts `bytes` where `cuts` say.
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}
