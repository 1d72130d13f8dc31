//! Every byte of a segment. All numbers are little-endian.
//!
//! A segment is a file `journal-<its number, 20 digits>.allot`: a header of 64 bytes
//! and batches, without gaps.
//!
//! A later version keeps the first 16 bytes of the header as they are, and its checksum at its end:
//! only a whole header is believed to be of a later version.
//!
//! | bytes | segment header |
//! | --- | --- |
//! | 0..8 | `ALLOTJNL` |
//! | 8..12 | format version, 1 |
//! | 12..16 | bytes of this header, 64 |
//! | 16..32 | id of the directory, random: the same in all its segments |
//! | 32..40 | number of the segment, from 1 |
//! | 40..48 | number of its first fact, from 1 |
//! | 48..52 | checksum of the batch before it, in the segment before; 0 when it is the first |
//! | 52..60 | 0 |
//! | 60..64 | CRC-32 of the bytes before |
//!
//! | bytes | batch |
//! | --- | --- |
//! | 0..4 | `BTCH` |
//! | 4..8 | bytes of the body |
//! | 8..16 | where in the file this batch begins |
//! | 16..24 | number of its first fact |
//! | 24..28 | how many facts |
//! | 28..32 | 1 when it seals the journal: a clean stop, no facts; else 0 |
//! | 32..36 | checksum of the batch before it, or what the segment's header says |
//! | 36..40 | CRC-32 of the directory's id, the bytes before and the body |
//! | 40.. | body: the facts |
//!
//! | bytes | fact |
//! | --- | --- |
//! | 0..4 | bytes of what follows |
//! | 4..12 | when it was decided, milliseconds since 1970 |
//! | 12.. | the fact, by `bincode` 2 with its legacy configuration |

use crate::model::{EpochMillis, Fact};

pub(super) const VERSION: u32 = 1;
pub(super) const SEGMENT_HEADER: usize = 64;
pub(super) const BATCH_HEADER: usize = 40;
pub(super) const SEAL: u32 = 1;
/// Largest body that is written or read. A batch is what gathers during one sync, and a command is
/// bounded, so this is far away.
pub(super) const BODY_MAX: usize = 1 << 30;
/// Largest single fact: a command's frame is at most 1 MiB, and an explained plan is smaller.
const FACT_MAX: usize = 64 << 20;

const SEGMENT_MAGIC: &[u8; 8] = b"ALLOTJNL";
const BATCH_MAGIC: &[u8; 4] = b"BTCH";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) directory: [u8; 16],
    pub(super) number: u64,
    pub(super) first: u64,
    pub(super) previous: u32,
}

/// Why the first bytes of a file are no segment header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadHeader {
    Newer(u32),
    Wrong(&'static str),
}

impl SegmentHeader {
    pub(super) fn name(number: u64) -> String {
        format!("journal-{number:020}.allot")
    }

    /// Whether a file is a segment by its name.
    pub(super) fn is_name(name: &str) -> bool {
        let digits = name
            .strip_prefix("journal-")
            .and_then(|rest| rest.strip_suffix(".allot"));
        digits.is_some_and(|d| d.len() == 20 && d.bytes().all(|b| b.is_ascii_digit()))
    }

    pub(super) fn to_bytes(self) -> [u8; SEGMENT_HEADER] {
        let mut out = [0; SEGMENT_HEADER];
        out[..8].copy_from_slice(SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&64u32.to_le_bytes());
        out[16..32].copy_from_slice(&self.directory);
        out[32..40].copy_from_slice(&self.number.to_le_bytes());
        out[40..48].copy_from_slice(&self.first.to_le_bytes());
        out[48..52].copy_from_slice(&self.previous.to_le_bytes());
        let sum = crc32fast::hash(&out[..60]);
        out[60..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads the header at the beginning of a file.
    pub(super) fn read(all: &[u8]) -> Result<Self, BadHeader> {
        let Some(bytes) = all.get(..SEGMENT_HEADER) else {
            return Err(BadHeader::Wrong(
                "the file is shorter than a segment's header",
            ));
        };
        if bytes[..8] != *SEGMENT_MAGIC {
            return Err(BadHeader::Wrong("it does not begin as a segment"));
        }
        let (version, length) = (u32_at(bytes, 8), u32_at(bytes, 12) as usize);
        let header = all.get(..length).filter(|_| length >= SEGMENT_HEADER);
        let whole = header.is_some_and(|header| {
            let end = length - 4;
            u32_at(header, end) == crc32fast::hash(&header[..end])
        });
        match version {
            _ if !whole => {
                return Err(BadHeader::Wrong(
                    "the checksum of the segment's header is wrong",
                ));
            }
            VERSION if length == SEGMENT_HEADER => {}
            later if later > VERSION => return Err(BadHeader::Newer(later)),
            _ => return Err(BadHeader::Wrong("it has a version that never was")),
        }
        let mut directory = [0; 16];
        directory.copy_from_slice(&bytes[16..32]);
        Ok(Self {
            directory,
            number: u64_at(bytes, 32),
            first: u64_at(bytes, 40),
            previous: u32_at(bytes, 48),
        })
    }
}

/// A batch's place in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) directory: [u8; 16],
    /// Where in its file it begins.
    pub(super) offset: u64,
    /// Number of its first fact.
    pub(super) first: u64,
    /// Checksum of the batch before.
    pub(super) previous: u32,
}

/// A batch that is whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) link: Link,
    pub(super) count: u32,
    pub(super) sealed: bool,
    pub(super) sum: u32,
    pub(super) body: &'a [u8],
}

impl Batch<'_> {
    pub(super) fn bytes(&self) -> u64 {
        (BATCH_HEADER + self.body.len()) as u64
    }
}

/// Fills in the header of a batch whose body begins at [`BATCH_HEADER`]; returns its checksum.
pub(super) fn close_batch(batch: &mut [u8], link: &Link, count: u32, seal: bool) -> u32 {
    let body = batch.len() - BATCH_HEADER;
    let body = u32::try_from(body).expect("bodies are bounded by BODY_MAX");
    batch[..4].copy_from_slice(BATCH_MAGIC);
    batch[4..8].copy_from_slice(&body.to_le_bytes());
    batch[8..16].copy_from_slice(&link.offset.to_le_bytes());
    batch[16..24].copy_from_slice(&link.first.to_le_bytes());
    batch[24..28].copy_from_slice(&count.to_le_bytes());
    batch[28..32].copy_from_slice(&(if seal { SEAL } else { 0 }).to_le_bytes());
    batch[32..36].copy_from_slice(&link.previous.to_le_bytes());
    let sum = batch_sum(&link.directory, batch);
    batch[36..40].copy_from_slice(&sum.to_le_bytes());
    sum
}

fn batch_sum(directory: &[u8; 16], batch: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(directory);
    hasher.update(&batch[..36]);
    hasher.update(&batch[BATCH_HEADER..]);
    hasher.finalize()
}

/// Reads the batch that begins at `offset` of `file`, wherever it belongs.
pub(super) fn read_batch<'a>(
    file: &'a [u8],
    offset: usize,
    directory: &[u8; 16],
) -> Result<Batch<'a>, &'static str> {
    let rest = file.get(offset..).unwrap_or_default();
    let Some(header) = rest.get(..BATCH_HEADER) else {
        return Err("the file ends within the header of a batch");
    };
    if header[..4] != *BATCH_MAGIC {
        return Err("no batch begins here");
    }
    let body = u32_at(header, 4) as usize;
    if body > BODY_MAX {
        return Err("the batch is longer than any that is written");
    }
    let Some(batch) = rest.get(..BATCH_HEADER + body) else {
        return Err("the file ends within a batch");
    };
    let sum = u32_at(header, 36);
    if sum != batch_sum(directory, batch) {
        return Err("the checksum of the batch is wrong");
    }
    let flags = u32_at(header, 28);
    if flags > SEAL {
        return Err("the batch has flags that this program does not know");
    }
    Ok(Batch {
        link: Link {
            directory: *directory,
            offset: u64_at(header, 8),
            first: u64_at(header, 16),
            previous: u32_at(header, 32),
        },
        count: u32_at(header, 24),
        sealed: flags & SEAL != 0,
        sum,
        body: &batch[BATCH_HEADER..],
    })
}

/// Whether a whole batch of this directory begins anywhere from `from` on.
pub(super) fn any_batch_after(file: &[u8], from: usize, directory: &[u8; 16]) -> Option<usize> {
    let rest = file.get(from..)?;
    let starts = rest
        .windows(4)
        .enumerate()
        .filter(|(_, w)| w == BATCH_MAGIC);
    starts
        .map(|(at, _)| from + at)
        .find(|&at| read_batch(file, at, directory).is_ok())
}

/// Appends a fact to a body.
pub(super) fn put_fact(out: &mut Vec<u8>, at: EpochMillis, fact: &Fact) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&at.0.to_le_bytes());
    let config = bincode::config::legacy();
    let written = bincode::encode_into_std_write(fact, out, config);
    written.expect("memory takes what is written to it");
    let bytes = u32::try_from(out.len() - start - 4).expect("a fact is bounded by its command");
    out[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// Takes the next fact off a body.
pub(super) fn take_fact(body: &mut &[u8]) -> Result<(EpochMillis, Fact), String> {
    let all = *body;
    let Some(head) = all.get(..4) else {
        return Err("the batch ends within the length of a fact".to_owned());
    };
    let bytes = u32_at(head, 0) as usize;
    let Some(fact) = all.get(4..4 + bytes).filter(|f| f.len() >= 8) else {
        return Err("the batch ends within a fact".to_owned());
    };
    let at = EpochMillis(i64::from_le_bytes(array(fact, 0)));
    let config = bincode::config::legacy().with_limit::<FACT_MAX>();
    let decoded = bincode::decode_from_slice(&fact[8..], config);
    let (decoded, read) = decoded.map_err(|e| format!("a fact does not decode: {e}"))?;
    if read != fact.len() - 8 {
        return Err("a fact is followed by bytes that are not its own".to_owned());
    }
    *body = &all[4 + bytes..];
    Ok((at, decoded))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}
