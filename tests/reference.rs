//! The README's reference is the one that the command table makes, and the table is complete:
//! every command says what it takes, what it answers, and has an example of the right arity.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use allot::server::{Command, commands, reference};
use allot::wire::{Decoded, Limits, RequestDecoder};
use std::collections::BTreeSet;
use std::path::Path;

const OPEN: &str = "<!-- reference -->";
const CLOSE: &str = "<!-- /reference -->";

/// The arguments that a server reads from a line typed by a person, the name included.
fn typed(line: &str) -> Vec<String> {
    let bytes = format!("{line}\r\n").into_bytes();
    let mut decoder = RequestDecoder::new();
    match decoder.decode(&bytes, &Limits::authenticated()) {
        Ok(Decoded::Command { args, consumed }) => {
            assert_eq!(consumed, bytes.len(), "{line}");
            let words = args.iter().map(|a| String::from_utf8(a.to_vec()).unwrap());
            words.collect()
        }
        other => panic!("{line} is not one command: {other:?}"),
    }
}

/// Words of a usage that an argument list must explain: `sku [sku]... [AT location]` has `sku`, `AT`
/// and `location`.
fn usage_words(usage: &str) -> BTreeSet<&str> {
    let words = usage.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_readme_has_the_reference_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("README.md stands beside Cargo.toml");
    let (_, rest) = readme
        .split_once(OPEN)
        .expect("README.md has <!-- reference -->");
    let (section, _) = rest
        .split_once(CLOSE)
        .expect("README.md has <!-- /reference -->");
    let (written, made) = (section.trim(), reference());
    let first_other = written
        .lines()
        .zip(made.trim().lines())
        .find(|(w, m)| w != m);
    assert!(
        written == made.trim(),
        "README.md does not say what the command table says{}\n\
         To fix it, put the output of `cargo run -- reference` between {OPEN} and {CLOSE}.",
        first_other.map_or_else(
            || ": one of them ends earlier.".to_owned(),
            |(w, m)| format!(", first here:\n  README: {w}\n  table:  {m}")
        )
    );
}

#[test]
fn every_command_says_what_it_takes_and_answers() {
    let mut names = BTreeSet::new();
    for command in commands() {
        let name = command.name;
        assert!(names.insert(name), "{name} is in the table twice");
        let (noun, verb) = name.split_once('.').unwrap_or_default();
        // The feed has the names that Redis clients know.
        let redis = command.group == "Event feed" && name.starts_with('X');
        assert!(
            redis || (!noun.is_empty() && !verb.is_empty()),
            "{name} is not NOUN.VERB"
        );
        assert_eq!(name, name.to_ascii_uppercase());
        for text in [command.summary, command.reply, command.group] {
            assert!(!text.trim().is_empty(), "{name} leaves something unsaid");
            assert!(!text.contains('\n'), "{name}: {text}");
        }
        let explained: Vec<&str> = command.arguments.iter().map(|(a, _)| *a).collect();
        let explained = usage_words(&explained.join(" "))
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        for word in usage_words(command.usage) {
            assert!(
                explained.contains(word),
                "{name} does not explain '{word}' of its usage"
            );
        }
        for (argument, meaning) in command.arguments {
            assert!(!meaning.is_empty(), "{name} {argument} has no meaning");
        }
    }
}

#[test]
fn every_example_is_a_command_of_its_own_arity() {
    for command in commands() {
        let words = typed(command.example);
        assert_eq!(words[0], command.name, "{}", command.example);
        let given = words.len() - 1;
        let fits = given >= command.least && command.most.is_none_or(|most| given <= most);
        assert!(fits, "{} has {given} arguments", command.example);
    }
}

#[test]
fn every_json_example_is_json() {
    let with_json = |c: &&&Command| c.arguments.iter().any(|(name, _)| *name == "json");
    let mut seen = 0;
    for command in commands().iter().filter(with_json) {
        let words = typed(command.example);
        let json = words.last().unwrap();
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        let objects = value.is_object() || (!list.is_empty() && list.iter().all(|v| v.is_object()));
        assert!(objects, "{}", command.example);
        seen += 1;
    }
    assert!(seen >= 4, "only {seen} commands take JSON");
}

#[test]
fn least_and_most_follow_the_usage() {
    for command in commands() {
        let usage = command.usage;
        let required = usage.split('[').next().unwrap_or_default();
        // What stands before the first bracket is always given; `|` separates alternatives.
        let least = required.split_whitespace().count();
        let open_ended = usage.contains("...");
        assert!(
            least <= command.least + 1 && (command.least >= 1 || least == 0),
            "{} {usage} needs {}",
            command.name,
            command.least
        );
        assert_eq!(
            open_ended,
            command.most.is_none(),
            "{} {usage}: most is {:?}",
            command.name,
            command.most
        );
    }
}

/// The drawing of the states is made from the table that the program works by.
#[test]
fn the_readme_draws_the_moves_that_are_allowed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let made = format!("```mermaid\n{}```", allot::lifecycle::mermaid());
    let (open, close) = ("<!-- states -->\n", "\n<!-- /states -->");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(open).unwrap();
    let (written, after) = rest.split_once(close).unwrap();
    if std::env::var_os("ALLOT_WRITE_STATES").is_some() {
        std::fs::write(path, format!("{before}{open}{made}{close}{after}")).unwrap();
        return;
    }
    assert_eq!(written, made, "write it anew with ALLOT_WRITE_STATES=1");
}
