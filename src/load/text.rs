//! The text of a file: plain or gzip, of bounded size, UTF-8.

use super::LoadError;
use crate::model::Invalid;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file that is read, in bytes of text.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// The number of the line that follows `text`, counted from 1.
pub(super) fn line_after(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64 + 1
}

/// The text of a file, plain or gzip, without a byte order mark.
///
/// # Errors
/// It is absent (`expected` says what should be there), unreadable, too large or not UTF-8.
pub(super) fn read_text(
    file: &Path,
    expected: impl FnOnce() -> String,
) -> Result<String, LoadError> {
    let bytes = read_bytes(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LoadError::MissingFile {
            file: file.to_owned(),
            expected: expected(),
        },
        _ => LoadError::Unreadable {
            file: file.to_owned(),
            source,
        },
    })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge {
            file: file.to_owned(),
            bytes_max: FILE_BYTES_MAX,
        });
    }
    let mut text = String::from_utf8(bytes).map_err(|fault| not_utf8(file, &fault))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The bytes of a file, uncompressed; at most one more than is allowed.
fn read_bytes(file: &Path) -> io::Result<Vec<u8>> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let mut bytes = Vec::new();
    File::open(file)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&*bytes)
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut plain)?;
    Ok(plain)
}

fn not_utf8(file: &Path, fault: &std::string::FromUtf8Error) -> LoadError {
    const CONTEXT: usize = 20;
    let (bytes, good) = (fault.as_bytes(), fault.utf8_error().valid_up_to());
    let line_start = bytes[..good]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let context = &bytes[line_start.max(good.saturating_sub(CONTEXT))..good];
    LoadError::NotUtf8 {
        file: file.to_owned(),
        line: line_after(&bytes[..good]),
        byte: bytes.get(good).copied().unwrap_or_default(),
        after: Invalid::new("", String::from_utf8_lossy(context), "").value,
    }
}
