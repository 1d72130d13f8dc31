//! The rooms of `src/` import only what the table in `src/lib.rs` allows.
//!
//! Read from the sources as text: paths that start with `crate::`, and `super::` chains that climb
//! to the root. A path in a comment is not an import.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room to the rooms it may import; `None` is everything.
type Allowed = BTreeMap<String, Option<BTreeSet<String>>>;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The table of rooms in the documentation of the crate.
fn table() -> Allowed {
    let text = fs::read_to_string(src().join("lib.rs")).unwrap();
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"));
    let allowed: Allowed = rows.map(row).collect();
    assert!(
        !allowed.is_empty(),
        "src/lib.rs has no table of rooms any more"
    );
    allowed
}

/// ``model`] | what lives there | ledger (reads), wire |``
fn row(row: &str) -> (String, Option<BTreeSet<String>>) {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [room, _, imports, ""] = cells[..] else {
        panic!("a row of the table in src/lib.rs has other cells than three: {row}");
    };
    let room = room.split('`').next().unwrap_or_default().to_owned();
    let names = |list: &str| {
        let words = list.split(',').filter_map(|n| n.split_whitespace().next());
        words.map(str::to_owned).collect()
    };
    match imports {
        "everything" => (room, None),
        "nothing of ours" => (room, Some(BTreeSet::new())),
        list => (room, Some(names(list))),
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The source without comments, so that paths in documentation do not count.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("//") => "",
        _ => line.split(" // ").next().unwrap_or_default(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `prefix` in `code`: one, or those in braces.
fn names_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let not_of_a_name = |c: char| !c.is_alphanumeric() && c != '_';
    let starts = code.match_indices(prefix).filter(move |(at, _)| {
        // `crate::` may be the end of `$crate::` or of `mycrate::`; `super::` of a longer chain.
        !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
    });
    starts.flat_map(move |(at, _)| {
        let rest = &code[at + prefix.len()..];
        let heads: Vec<&str> = match rest.strip_prefix('{') {
            None => vec![rest],
            Some(group) => top_level_parts(group),
        };
        heads
            .into_iter()
            .filter_map(move |head| head.trim_start().split(not_of_a_name).next())
            .filter(|name| !name.is_empty())
    })
}

/// The parts of `a::{b, c}, d}…` between commas outside inner braces, up to the closing brace.
fn top_level_parts(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts
}

/// Rooms that a file of `room`, `depth` modules below the root, imports against the table.
fn forbidden(allowed: &Allowed, room: &str, depth: usize, text: &str) -> Vec<String> {
    let code = code(text);
    let up = "super::".repeat(depth);
    let imported = names_after(&code, "crate::").chain(names_after(&code, &up));
    let may = |name: &str| match &allowed[room] {
        None => true,
        Some(rooms) => name == room || rooms.contains(name),
    };
    imported
        .filter(|name| allowed.contains_key(*name) && !may(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let allowed = table();
    let mut wrong = Vec::new();
    for room in allowed.keys() {
        let mut sources = Vec::new();
        files(&src().join(room), &mut sources);
        for path in sources {
            let inside = path.strip_prefix(src()).unwrap();
            let is_mod = inside.ends_with("mod.rs");
            let depth = inside.components().count() - usize::from(is_mod);
            let text = fs::read_to_string(&path).unwrap();
            for name in forbidden(&allowed, room, depth, &text) {
                wrong.push(format!("src/{} imports {name}", inside.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the table in src/lib.rs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: BTreeSet<String> = table().into_keys().collect();
    let folders = fs::read_dir(src()).unwrap().map(Result::unwrap);
    let folders: BTreeSet<String> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(rooms, folders);
}

#[test]
fn the_table_has_no_circle() {
    let allowed = table();
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    while settled.len() < allowed.len() {
        let next = allowed.iter().find(|(room, rooms)| {
            let free =
                |rooms: &BTreeSet<String>| rooms.iter().all(|r| settled.contains(r.as_str()));
            let last = settled.len() + 1 == allowed.len();
            !settled.contains(room.as_str()) && rooms.as_ref().map_or(last, free)
        });
        let (room, _) = next.expect("some rooms of the table import each other");
        settled.insert(room);
    }
}

#[test]
fn an_import_is_found_however_it_is_written() {
    let allowed = table();
    for written in [
        "use crate::server::Server;",
        "use crate::{\n    model::{Qty, Day},\n    server::{self, Server},\n};",
        "fn f() -> crate::server::Server {}",
        "use super::super::server;",
    ] {
        assert_eq!(
            forbidden(&allowed, "ledger", 2, written),
            ["server"],
            "{written}"
        );
    }
    for fine in [
        "//! See [`crate::server`].",
        "use crate::model::Qty;",
        "use super::server;",
        "let x = 1; // as crate::server does",
    ] {
        assert!(forbidden(&allowed, "ledger", 2, fine).is_empty(), "{fine}");
    }
}
