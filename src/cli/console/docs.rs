//! The server's commands as `COMMAND DOCS` describes them: usage lines, help, words to complete.
//!
//! What the server left out is left out here; nothing in a reply is taken for granted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::wire::Value;

/// Widest name that help lines up with the others.
const NAME_COLUMN: usize = 22;

/// All commands by name, in capitals; a subcommand's name is two words.
#[derive(Debug, Default)]
pub(super) struct Docs {
    commands: BTreeMap<String, Entry>,
}

/// One command.
#[derive(Debug, Default)]
struct Entry {
    summary: String,
    group: String,
    /// Arguments as a usage line shows them.
    usage: String,
    /// Words with a fixed spelling among the arguments.
    tokens: Vec<String>,
}

impl Docs {
    /// Reads the reply to `COMMAND DOCS`.
    pub(super) fn parse(reply: Value) -> Self {
        let mut docs = Self::default();
        docs.add_all(reply, "");
        docs
    }

    /// Whether the server said nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    fn add_all(&mut self, commands: Value, parent: &str) {
        for (name, facts) in commands.into_pairs().unwrap_or_default() {
            let Some(name) = name.as_str() else {
                continue;
            };
            // Redis names a subcommand `client|id`.
            let own = name.rsplit('|').next().unwrap_or_default().to_uppercase();
            let name = if parent.is_empty() {
                own
            } else {
                format!("{parent} {own}")
            };
            self.add(name, facts);
        }
    }

    fn add(&mut self, name: String, facts: Value) {
        let mut entry = Entry::default();
        for (key, value) in facts.into_pairs().unwrap_or_default() {
            match key.as_str() {
                Some("summary") => entry.summary = text(&value),
                Some("group") => entry.group = text(&value),
                Some("arguments") => {
                    let arguments = Argument::parse_all(value);
                    entry.usage = usage(&arguments, " ");
                    arguments
                        .iter()
                        .for_each(|argument| argument.tokens(&mut entry.tokens));
                }
                Some("subcommands") => self.add_all(value, &name),
                _ => {}
            }
        }
        self.commands.insert(name, entry);
    }

    /// The arguments of a command, to be shown after its name.
    pub(super) fn usage(&self, name: &str) -> Option<&str> {
        let entry = self.commands.get(&name.to_uppercase())?;
        (!entry.usage.is_empty()).then_some(entry.usage.as_str())
    }

    /// Words that may stand after `before`, beginning with `start` in any case.
    pub(super) fn complete(&self, before: &[&str], start: &str) -> Vec<String> {
        let start = start.to_uppercase();
        let before: Vec<String> = before.iter().map(|word| word.to_uppercase()).collect();
        let parent = before.join(" ");
        let mut words: Vec<String> = match before.as_slice() {
            [] => self
                .names()
                .chain(["HELP", "QUIT"].map(str::to_owned))
                .collect(),
            [help] if help == "HELP" => self.names().collect(),
            [command, ..] => {
                let children = self.commands.keys().filter_map(|name| {
                    name.strip_prefix(&parent)?
                        .strip_prefix(' ')
                        .map(str::to_owned)
                });
                let tokens = [command, &parent].into_iter().filter_map(|name| {
                    self.commands
                        .get(name)
                        .map(|entry| entry.tokens.iter().cloned())
                });
                children.chain(tokens.flatten()).collect()
            }
        };
        words.retain(|word| word.starts_with(&start));
        words.sort_unstable();
        words.dedup();
        words
    }

    /// The names of one word.
    fn names(&self) -> impl Iterator<Item = String> {
        self.commands
            .keys()
            .filter(|name| !name.contains(' '))
            .cloned()
    }

    /// What `help` prints: about the commands that begin with `topic`, or about all.
    pub(super) fn help(&self, topic: &[Vec<u8>]) -> String {
        let words: Vec<_> = topic
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        let topic = words.join(" ").to_uppercase();
        if self.is_empty() {
            return "The server answers no COMMAND DOCS, so there is no help.\n".to_owned();
        }
        if topic.is_empty() {
            return self.overview();
        }
        let begins = |name: &str| match name.strip_prefix(&topic) {
            Some(rest) => rest.is_empty() || rest.starts_with([' ', '.']),
            None => false,
        };
        let mut out = String::new();
        for (name, entry) in self.commands.iter().filter(|(name, _)| begins(name)) {
            let usage = format!("{name} {}", entry.usage);
            push(
                &mut out,
                format_args!("\n  {}\n      {}\n", usage.trim_end(), entry.summary),
            );
        }
        if out.is_empty() {
            return format!("No command begins with {topic}; `help` lists all.\n");
        }
        out.push('\n');
        out
    }

    /// All commands of one word by group, with their summaries.
    fn overview(&self) -> String {
        let mut groups: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (name, entry) in self.commands.iter().filter(|(name, _)| !name.contains(' ')) {
            groups
                .entry(&entry.group)
                .or_default()
                .push((name, &entry.summary));
        }
        let mut out = String::new();
        for (group, commands) in groups {
            let title = if group.is_empty() { "commands" } else { group };
            push(&mut out, format_args!("\n{title}\n"));
            for (name, summary) in commands {
                push(&mut out, format_args!("  {name:<NAME_COLUMN$} {summary}\n"));
            }
        }
        out.push_str("\n`help COMMAND` shows arguments; `help NOUN` all commands of a noun.\n\n");
        out
    }
}

/// One argument as the server describes it.
#[derive(Debug, Default)]
struct Argument {
    name: String,
    kind: String,
    token: String,
    optional: bool,
    multiple: bool,
    multiple_token: bool,
    inner: Vec<Argument>,
}

impl Argument {
    fn parse_all(arguments: Value) -> Vec<Self> {
        match arguments {
            Value::Array(arguments) => arguments.into_iter().map(Self::parse).collect(),
            _ => Vec::new(),
        }
    }

    fn parse(facts: Value) -> Self {
        let mut argument = Self::default();
        for (key, value) in facts.into_pairs().unwrap_or_default() {
            match key.as_str() {
                // The text to display wins over the name, in whatever order they come.
                Some("name") if argument.name.is_empty() => argument.name = text(&value),
                Some("display_text") => argument.name = text(&value),
                Some("type") => argument.kind = text(&value),
                Some("token") => argument.token = text(&value),
                Some("arguments") => argument.inner = Self::parse_all(value),
                Some("flags") => {
                    for flag in value.as_slice().unwrap_or_default() {
                        match flag.as_str() {
                            Some("optional") => argument.optional = true,
                            Some("multiple") => argument.multiple = true,
                            Some("multiple_token") => argument.multiple_token = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        argument
    }

    /// As a usage line shows it: `[AT location [location ...]]`.
    fn usage(&self) -> String {
        let value = match self.kind.as_str() {
            "pure-token" => String::new(),
            "oneof" => format!("<{}>", usage(&self.inner, " | ")),
            "block" => usage(&self.inner, " "),
            _ => self.name.clone(),
        };
        let tokened = |value: &str| [self.token.as_str(), value].join(" ").trim().to_owned();
        let shown = match (self.multiple, self.multiple_token) {
            (true, true) => format!("{0} [{0} ...]", tokened(&value)),
            (true, false) => tokened(&format!("{value} [{value} ...]")),
            (false, _) => tokened(&value),
        };
        if self.optional {
            format!("[{shown}]")
        } else {
            shown
        }
    }

    fn tokens(&self, words: &mut Vec<String>) {
        if !self.token.is_empty() {
            words.push(self.token.to_uppercase());
        }
        self.inner.iter().for_each(|inner| inner.tokens(words));
    }
}

fn usage(arguments: &[Argument], between: &str) -> String {
    arguments
        .iter()
        .map(Argument::usage)
        .collect::<Vec<_>>()
        .join(between)
}

/// Text from the server, fit for a terminal.
fn text(value: &Value) -> String {
    let bytes = value.as_bytes().unwrap_or_default();
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes all");
}
