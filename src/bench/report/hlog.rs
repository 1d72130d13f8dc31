//! Histogram logs, version 1.3: what HdrHistogram's own viewers and its Java, C and Python readers open.
//!
//! An interval for each part of the run, then one for each command under its name as the tag. Values are
//! nanoseconds; the column of the greatest is in milliseconds, as these logs have it.

use crate::bench::drive::Record;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// Writes `record`; the run began at `began`.
///
/// # Errors
/// When the writer does not take it.
pub fn write(
    record: &Record,
    began: SystemTime,
    title: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(&format!(
            "allot bench: {title}; nanoseconds from due to answered"
        ))
        .with_start_time(began)
        .with_base_time(began)
        .with_max_value_divisor(1e6)
        .begin_log_with(out, &mut serializer)?;
    let failed = |error| io::Error::other(format!("{error}"));
    let interval = Duration::from_nanos(record.interval);
    for (part, number) in record.timeline.iter().zip(0u32..) {
        if !part.latency.is_empty() {
            log.write_histogram(&part.latency, interval * number, interval, None)
                .map_err(failed)?;
        }
    }
    let whole = Duration::from_nanos(record.last_reply);
    for (kind, tally) in record.kinds() {
        // A tag may hold neither a comma nor a space.
        let name = kind.command().replace([' ', ','], "_");
        log.write_histogram(&tally.latency, Duration::ZERO, whole, Tag::new(&name))
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::drive::{Interval, SECOND};
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn a_reader_of_histogram_logs_finds_what_was_recorded() {
        let mut record = Record::new(0, SECOND);
        let mut part = Interval::default();
        part.latency.record(5_000_000).unwrap();
        record.timeline = vec![part.clone(), Interval::default(), part];
        let mut log = Vec::new();
        write(&record, SystemTime::UNIX_EPOCH, "a test", &mut log).unwrap();
        let entries = IntervalLogIterator::new(&log).map(Result::unwrap);
        let found: Vec<_> = entries
            .filter_map(|entry| match entry {
                LogEntry::Interval(interval) => Some(interval),
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => None,
            })
            .collect();
        let starts: Vec<u64> = found
            .iter()
            .map(|i| i.start_timestamp().as_secs())
            .collect();
        assert_eq!(starts, [0, 2], "an empty part has no line");
        let bytes = base64(found[0].encoded_histogram());
        let read: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!((read.len(), read.max() / 100_000), (1, 50));
    }

    fn base64(text: &str) -> Vec<u8> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
        for byte in text.bytes().filter(|b| *b != b'=') {
            let value = ALPHABET.iter().position(|a| *a == byte).unwrap();
            bits = bits << 6 | u32::try_from(value).unwrap();
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push(u8::try_from(bits >> count & 0xff).unwrap());
            }
        }
        out
    }
}
