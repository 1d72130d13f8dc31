//! Progress of long work, on standard error and only where somebody can see it.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A spinner with a message, for work of unknown length.
pub(super) fn spinner(message: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(message.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// A bar of `length` steps.
pub(super) fn bar(message: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<28} {bar:40} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(message.to_owned())
}

/// A bar of `length` steps whose message says how it goes, and so stands behind it.
pub(super) fn told(message: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed}  {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(message.to_owned())
}

/// A bar of bytes; its length is set once it is known.
pub(super) fn bytes(message: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<28} {bar:40} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0)
        .with_style(style)
        .with_message(message.to_owned())
}
