//! The prompt: line editing, history, completion and hints.
//!
//! History is a convenience: where it cannot be read or written the prompt works without. Lines
//! that carry a password are never kept, nor are lines that begin with a space.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, Helper};

use super::docs::Docs;

/// Lines of history kept.
const HISTORY_LINES: usize = 1_000;

/// Reads lines from a terminal.
pub(super) struct Input {
    editor: Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
}

impl Input {
    /// A prompt that completes from `docs`.
    pub(super) fn new(docs: Rc<Docs>) -> rustyline::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_LINES)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(match std::env::var_os("NO_COLOR") {
                Some(value) if !value.is_empty() => ColorMode::Disabled,
                _ => ColorMode::Enabled,
            })
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Assistant { docs }));
        let history = history_path(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"));
        let history = history.filter(|path| {
            path.parent()
                .map(fs::create_dir_all)
                .is_some_and(|made| made.is_ok())
        });
        if let Some(path) = &history {
            // Absent before the first use; anything worse only costs the history.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, history })
    }

    /// Completes from other `docs` from now on.
    pub(super) fn assist(&mut self, docs: &Rc<Docs>) {
        self.editor.set_helper(Some(Assistant {
            docs: Rc::clone(docs),
        }));
    }

    /// The next line.
    pub(super) fn read(&mut self, prompt: &str) -> rustyline::Result<String> {
        let line = self.editor.readline(prompt)?;
        // Saved before the command runs, so that it is there after an interrupt, too.
        if !has_secret(&line)
            && self.editor.add_history_entry(line.as_str())?
            && let Some(path) = &self.history
        {
            // A full disk must not take the prompt away.
            let _ = self.editor.append_history(path);
        }
        Ok(line)
    }
}

/// Where history lives: the user's folder for state, by the XDG rules.
fn history_path(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let state = state.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = state.or_else(|| home.map(|home| home.join(".local/state")))?;
    Some(base.join("allot").join("history"))
}

/// Whether a line carries a password: `AUTH ...`, or `HELLO` with `AUTH`.
fn has_secret(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']));
    let is_auth = |word: &str| word.eq_ignore_ascii_case("auth");
    match words.next() {
        Some(name) if name.eq_ignore_ascii_case("hello") => words.any(is_auth),
        Some(name) => is_auth(name),
        None => false,
    }
}

/// Completes and hints from the server's documentation.
struct Assistant {
    docs: Rc<Docs>,
}

impl Helper for Assistant {}
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..position).unwrap_or(line);
        let start = typed
            .rfind(char::is_whitespace)
            .map_or(0, |space| space + 1);
        let before: Vec<&str> = typed[..start].split_whitespace().collect();
        let mut words = self.docs.complete(&before, &typed[start..]);
        if let [only] = words.as_mut_slice() {
            only.push(' ');
        }
        Ok((start, words))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    /// The arguments, once the name of a command is typed.
    fn hint(&self, line: &str, position: usize, _context: &Context<'_>) -> Option<String> {
        if position < line.len() {
            return None;
        }
        let name = line.trim_start();
        let (name, gap) = match name.strip_suffix(' ') {
            Some(name) => (name, ""),
            None => (name, " "),
        };
        self.docs.usage(name).map(|usage| format!("{gap}{usage}"))
    }
}

impl Highlighter for Assistant {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        _default: bool,
    ) -> Cow<'b, str> {
        let style = anstyle::Style::new().bold();
        Cow::Owned(format!("{style}{prompt}{style:#}"))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        let style = anstyle::Style::new().dimmed();
        Cow::Owned(format!("{style}{hint}{style:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_kept_in_the_state_folder() {
        let path = |state: Option<&str>, home: Option<&str>| {
            let path = history_path(state.map(OsString::from), home.map(OsString::from));
            path.map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(
            path(Some("/s"), Some("/h")).as_deref(),
            Some("/s/allot/history")
        );
        assert_eq!(
            path(None, Some("/h")).as_deref(),
            Some("/h/.local/state/allot/history")
        );
        assert_eq!(path(Some("relative"), None), None);
    }

    #[test]
    fn passwords_are_not_kept() {
        for line in [
            "auth secret",
            "  AUTH user secret",
            "hello 3 auth u p",
            "\"AUTH\" x",
            "HELLO 3 SETNAME x Auth u p",
        ] {
            assert!(has_secret(line), "{line}");
        }
        for line in ["", "PING", "HELLO 3", "ECHO auth"] {
            assert!(!has_secret(line), "{line}");
        }
    }
}
