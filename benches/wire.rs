//! The cost of the codec alone: requests of five arguments, 1,024 to a buffer, and replies.
//!
//! Criterion reports time per command or element as throughput: 62.5 Melem/s is 16 ns each.

#![allow(missing_docs, reason = "criterion's macros write public functions")]

use std::hint::black_box;

use allot::wire::{
    Decoded, Limits, Protocol, ReplyDecoder, ReplyWriter, RequestDecoder, encode_command,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Commands to a buffer, about one read of a busy socket.
const COMMANDS: usize = 1_024;

fn requests() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..COMMANDS {
        let sku = format!("SKU-{number:05}");
        encode_command(&["RESERVE", &sku, "DC-1", "2", "cart-000017"], &mut bytes);
    }
    bytes
}

/// Decodes a whole buffer; returns a sum that needs every argument.
fn decode_all(decoder: &mut RequestDecoder, buffer: &[u8], limits: &Limits) -> usize {
    let (mut taken, mut sum) = (0, 0);
    while let Ok(Decoded::Command { args, consumed }) = decoder.decode(&buffer[taken..], limits) {
        sum += args.iter().map(<[u8]>::len).sum::<usize>();
        taken += consumed;
    }
    assert_eq!(taken, buffer.len(), "the buffer holds whole commands");
    sum
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let (buffer, limits) = (requests(), Limits::authenticated());
    let mut decoder = RequestDecoder::new();
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function("request of 5 arguments", |bencher| {
        bencher.iter(|| decode_all(&mut decoder, black_box(&buffer), &limits));
    });

    let inline = b"ATP.GET SKU-00001 AT DC-1\r\n".repeat(COMMANDS);
    group.bench_function("inline of 4 arguments", |bencher| {
        bencher.iter(|| decode_all(&mut decoder, black_box(&inline), &limits));
    });

    let mut replies = Vec::new();
    let mut writer = ReplyWriter::new(&mut replies, Protocol::Resp3);
    (0..COMMANDS).for_each(|_| writer.integer(1_234_567));
    let mut decoder = ReplyDecoder::default();
    group.bench_function("integer reply", |bencher| {
        bencher.iter(|| {
            let mut taken = 0;
            while let Ok(Some((value, consumed))) = decoder.decode(black_box(&replies[taken..])) {
                black_box(value);
                taken += consumed;
            }
            taken
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut out = Vec::with_capacity(1 << 20);
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function("integer reply", |bencher| {
        bencher.iter(|| {
            out.clear();
            let mut writer = ReplyWriter::new(&mut out, Protocol::Resp3);
            for value in 0..COMMANDS {
                writer.integer(i64::try_from(black_box(value)).unwrap_or(0));
            }
            out.len()
        });
    });
    group.bench_function("array of 4 reply", |bencher| {
        bencher.iter(|| {
            out.clear();
            let mut writer = ReplyWriter::new(&mut out, Protocol::Resp3);
            for value in 0..COMMANDS {
                writer.array(4);
                writer.bulk(black_box(b"SKU-00001"));
                writer.text("DC-1");
                writer.integer(i64::try_from(value).unwrap_or(0));
                writer.null();
            }
            out.len()
        });
    });
    group.bench_function("request of 5 arguments", |bencher| {
        bencher.iter(|| {
            out.clear();
            for _ in 0..COMMANDS {
                encode_command(
                    black_box(&["RESERVE", "SKU-1", "DC-1", "2", "cart-17"]),
                    &mut out,
                );
            }
            out.len()
        });
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
