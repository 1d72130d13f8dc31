//! What the load driver itself costs: a command made and encoded, a reply found, a moment drawn.
//!
//! `cargo bench --bench driver`. The workloads are those of `allot bench`, by profile and seed, so that what
//! is timed here is what shares the machine with a server there.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use allot::bench::dialect::{Allot, Dialect};
use allot::bench::drive::{SECOND, Schedule, Spacing};
use allot::bench::profile::{Catalogue, EMBEDDED, Kind, Load, Workload, named};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn driver(criterion: &mut Criterion) {
    // `cargo bench` says --bench; anything else only wants to know that it still runs.
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let mut group = criterion.benchmark_group("driver");
    group.throughput(Throughput::Elements(1));
    for (name, _) in EMBEDDED {
        let mut profile = named(name).unwrap_or_else(|e| panic!("{e}"));
        if tiny {
            profile = profile.tiny();
        }
        let workload = Arc::new(Workload::new(&profile, 1));
        let dialect = Allot::new(Arc::new(Catalogue::new(&profile)), workload.clone(), None);
        let (mut number, mut out) = (0, Vec::new());
        group.bench_function(format!("a command of {name}"), |b| {
            b.iter(|| {
                out.clear();
                dialect.encode(&workload.operation(number), &mut out);
                number += 1;
                black_box(out.len())
            });
        });
    }
    let reply = format!("$1200\r\n{}\r\n", "x".repeat(1_200));
    let dialect = {
        let profile = named("reserve").unwrap_or_else(|e| panic!("{e}")).tiny();
        let workload = Arc::new(Workload::new(&profile, 1));
        Allot::new(Arc::new(Catalogue::new(&profile)), workload, None)
    };
    let mut follow = Vec::new();
    group.bench_function("a reply of 1,200 bytes", |b| {
        b.iter(|| dialect.read(Kind::Submit, black_box(reply.as_bytes()), &mut follow));
    });
    let schedule = Schedule::constant(Spacing::Chance, 1e6, u64::MAX / SECOND * SECOND / 1_000);
    let mut arrivals = schedule.arrivals(1);
    group.bench_function("a moment by chance", |b| b.iter(|| arrivals.next()));
    group.finish();
}

criterion_group!(benches, driver);
criterion_main!(benches);
