//! The table of moves as people see it: a Mermaid diagram and a Markdown table.
//!
//! Both are made from [`MOVES`] alone, so the README cannot say anything else than the code does.

use super::states::{MOVES, State};
use std::fmt::Write;

/// The moves as a Mermaid flowchart. Dotted arrows are messages that stand for those before them
/// which have not arrived.
#[must_use]
pub fn mermaid() -> String {
    let mut text = String::from("flowchart TD\n");
    for (from, steps, to) in arrows() {
        let arrow = if skips(from, to) { "-.->" } else { "-->" };
        let (from, to) = (from.name(), to.name());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {from} {arrow}|{}| {to}", steps.join(", "));
    }
    text
}

/// The moves as a Markdown table, one row per state.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| state | steps that are allowed, and where they lead |\n");
    text.push_str("| --- | --- |\n");
    for (name, state) in State::ALL {
        let rows = MOVES.iter().filter(|(from, ..)| *from == state);
        let cells = rows.map(|&(from, step, to)| match from == to {
            true => format!("`{}`", step.name()),
            false => format!("`{}` → {}", step.name(), to.name()),
        });
        let cells: Vec<String> = cells.collect();
        let cells = if cells.is_empty() {
            "none".to_owned()
        } else {
            cells.join(", ")
        };
        let _ = writeln!(text, "| {name} | {cells} |");
    }
    text
}

/// Moves between the same two states as one arrow, in the order of the table.
fn arrows() -> Vec<(State, Vec<&'static str>, State)> {
    let mut arrows: Vec<(State, Vec<&'static str>, State)> = Vec::new();
    for &(from, step, to) in MOVES {
        match arrows.iter_mut().find(|(f, _, t)| (*f, *t) == (from, to)) {
            Some((_, steps, _)) => steps.push(step.name()),
            None => arrows.push((from, vec![step.name()], to)),
        }
    }
    arrows
}

/// Whether a holder's message jumps over others.
fn skips(from: State, to: State) -> bool {
    const PATH: [State; 6] = [
        State::Sent,
        State::Acknowledged,
        State::Picked,
        State::Packed,
        State::Shipped,
        State::Delivered,
    ];
    // What is short-picked was acknowledged.
    let from = match from {
        State::ShortPicked => State::Acknowledged,
        other => other,
    };
    let place = |state| PATH.iter().position(|&on_path| on_path == state);
    match (place(from), place(to)) {
        (Some(from), Some(to)) => to > from + 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_is_drawn_in_both() {
        let (diagram, table) = (mermaid(), markdown());
        for &(from, step, to) in MOVES {
            let arrow = |line: &&str| {
                line.trim_start().starts_with(&format!("{} ", from.name()))
                    && line.ends_with(&format!(" {}", to.name()))
            };
            let line = diagram.lines().find(arrow).unwrap();
            assert!(line.contains(step.name()), "{line}");
            let start = format!("| {} |", from.name());
            let row = table.lines().find(|row| row.starts_with(&start)).unwrap();
            assert!(row.contains(&format!("`{}`", step.name())), "{row}");
        }
        assert_eq!(table.lines().count(), 2 + State::ALL.len());
        assert!(diagram.contains("sent -.->|ship, deliver_parcel| shipped"));
        assert!(diagram.contains("packed -->|ship, deliver_parcel| shipped"));
    }
}
