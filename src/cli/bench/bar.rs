//! A line on standard error that says what is going on.

use crate::bench::run::Progress;
use crate::cli::progress;
use indicatif::ProgressBar;

/// The bar of a run.
pub(super) struct Bar {
    bar: ProgressBar,
    quiet: bool,
}

impl Bar {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = match quiet {
            true => ProgressBar::hidden(),
            false => progress::bar("starting", 1),
        };
        Self { bar, quiet }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// A line above the bar, which stays; also where nobody sees the bar, such as in a log.
    pub(super) fn line(&self, text: &str) {
        match self.bar.is_hidden() && !self.quiet {
            true => eprintln!("{text}"),
            false => self.bar.println(text),
        }
    }
}

impl Progress for Bar {
    fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.set_length(1);
        self.bar.set_position(0);
    }

    fn at(&self, done: u64, of: u64) {
        self.bar.set_length(of.max(1));
        self.bar.set_position(done);
    }
}
