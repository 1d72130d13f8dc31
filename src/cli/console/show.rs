//! A reply as text: for people, for scripts, or as JSON.
//!
//! For people the layout is that of `redis-cli`, with two differences that orders ask for: text
//! that is UTF-8 is shown as such, and a bulk string that holds a JSON object or array is shown
//! indented. Whatever a server sends, no control character reaches the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::sheet::sheet;
use crate::wire::Value;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// How replies are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people: types, numbered elements, colours.
    Pretty,
    /// As it came, one scalar a line.
    Raw,
    /// One JSON text a line. An error is `{"error": "CODE ..."}`; a text that is a JSON object or
    /// array itself stands as such, not as a string.
    Json,
}

/// Prints one reply and a line end.
pub(super) fn show(value: &Value, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Raw {
        return raw(value, out);
    }
    let mut text = String::new();
    match format {
        Format::Json => json(value, &mut text),
        _ => pretty(value, 0, &mut text),
    }
    text.push('\n');
    out.write_all(text.as_bytes())
}

fn raw(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => {
            elements.iter().try_for_each(|element| raw(element, out))
        }
        Value::Map(pairs) => pairs.iter().try_for_each(|(key, value)| {
            raw(key, out)?;
            raw(value, out)
        }),
        Value::Null => writeln!(out),
        Value::Int(number) => writeln!(out, "{number}"),
        Value::Bool(truth) => writeln!(out, "{truth}"),
        Value::Double(number) => writeln!(out, "{number}"),
        Value::Simple(_) | Value::Error(_) | Value::Bulk(_) | Value::BigNumber(_) => {
            out.write_all(value.as_bytes().unwrap_or_default())?;
            writeln!(out)
        }
    }
}

/// Appends `value`; lines after the first are indented.
fn pretty(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Simple(text) | Value::BigNumber(text) => escape(text.as_bytes(), "", out),
        Value::Error(text) => {
            push(out, format_args!("{ERROR}(error){ERROR:#} "));
            escape(text.as_bytes(), "", out);
        }
        Value::Int(number) => push(out, format_args!("(integer) {number}")),
        Value::Bool(truth) => push(out, format_args!("({truth})")),
        Value::Double(number) => push(out, format_args!("(double) {number}")),
        Value::Null => push(out, format_args!("{FAINT}(nil){FAINT:#}")),
        Value::Bulk(bytes) => match json_text(bytes) {
            Some(text) => match sheet(text).filter(|_| indent == 0) {
                Some(table) => out.push_str(&table),
                None => reindent(text, indent, out),
            },
            None => {
                out.push('"');
                escape(bytes, "\"\\", out);
                out.push('"');
            }
        },
        Value::Array(elements) => list(elements, ')', "(empty array)", indent, out),
        Value::Push(elements) => list(elements, '>', "(empty push)", indent, out),
        Value::Set(elements) => list(elements, '~', "(empty set)", indent, out),
        Value::Map(pairs) => table(pairs, indent, out),
    }
}

fn list(elements: &[Value], mark: char, empty: &str, indent: usize, out: &mut String) {
    if elements.is_empty() {
        out.push_str(empty);
    }
    let width = digits(elements.len());
    for (index, element) in elements.iter().enumerate() {
        number(index, width, mark, indent, out);
        pretty(element, indent + width + 2, out);
    }
}

fn table(pairs: &[(Value, Value)], indent: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty map)");
    }
    let width = digits(pairs.len());
    let inner = indent + width + 2;
    for (index, (key, value)) in pairs.iter().enumerate() {
        number(index, width, '#', indent, out);
        pretty(key, inner, out);
        out.push_str(" =>");
        if is_nested(value) {
            line(inner, out);
        } else {
            out.push(' ');
        }
        pretty(value, inner, out);
    }
}

/// `<number><mark> ` before an element, on a line of its own unless it is the first.
fn number(index: usize, width: usize, mark: char, indent: usize, out: &mut String) {
    if index > 0 {
        line(indent, out);
    }
    push(out, format_args!("{:>width$}{mark} ", index + 1));
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => {
            !elements.is_empty()
        }
        Value::Map(pairs) => !pairs.is_empty(),
        _ => false,
    }
}

fn digits(count: usize) -> usize {
    count.to_string().len()
}

/// Starts a line of `indent` spaces.
fn line(indent: usize, out: &mut String) {
    push(out, format_args!("\n{:indent$}", ""));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes all");
}

/// Appends text with control characters, the characters `also`, and what is not UTF-8 escaped.
fn escape(bytes: &[u8], also: &str, out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                _ if also.contains(character) => {
                    out.push('\\');
                    out.push(character);
                }
                _ if character.is_control() => out.extend(character.escape_default()),
                _ => out.push(character),
            }
        }
        for byte in chunk.invalid() {
            push(out, format_args!("\\x{byte:02x}"));
        }
    }
}

/// The text of a bulk string that is a JSON object or array.
fn json_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
    let nests = text.starts_with(['{', '[']);
    (nests && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()).then_some(text)
}

/// Appends valid JSON with line ends and indentation, its keys in the order sent (a parsed
/// `serde_json::Value` would sort them). Control characters cannot stand in valid JSON but as
/// white space; DEL and the upper controls can, in strings, and are escaped.
fn reindent(json: &str, indent: usize, out: &mut String) {
    let mut depth = indent;
    let mut in_string = false;
    let mut escaped = false;
    let mut opened = false;
    for character in json.chars() {
        if in_string {
            match character {
                _ if character.is_control() => out.extend(character.escape_default()),
                _ => out.push(character),
            }
            in_string = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        if character.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(character, '}' | ']');
        if opened && !closes {
            line(depth, out);
        }
        if closes {
            depth -= 2;
            if !opened {
                line(depth, out);
            }
        }
        opened = matches!(character, '{' | '[');
        out.push(character);
        match character {
            '{' | '[' => depth += 2,
            ',' => line(depth, out),
            ':' => out.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
}

/// Appends `value` as JSON on one line.
fn json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Int(number) => push(out, format_args!("{number}")),
        Value::Bool(truth) => push(out, format_args!("{truth}")),
        Value::Double(number) if number.is_finite() => push(out, format_args!("{number}")),
        Value::Double(number) => string(&number.to_string(), out),
        Value::BigNumber(digits) => string(digits, out),
        Value::Simple(text) => string(text, out),
        Value::Error(text) => {
            out.push_str("{\"error\":");
            string(text, out);
            out.push('}');
        }
        Value::Bulk(bytes) => match json_text(bytes) {
            // Line ends in JSON stand between tokens only, where a space does as well.
            Some(text) => out.push_str(&text.replace(['\n', '\r'], " ")),
            None => string(&String::from_utf8_lossy(bytes), out),
        },
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                json(element, out);
            }
            out.push(']');
        }
        Value::Map(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                json_key(key, out);
                out.push(':');
                json(value, out);
            }
            out.push('}');
        }
    }
}

/// A key of a map as a JSON string, whatever its type.
fn json_key(key: &Value, out: &mut String) {
    if let Some(bytes) = key.as_bytes() {
        string(&String::from_utf8_lossy(bytes), out);
    } else {
        let mut text = String::new();
        json(key, &mut text);
        string(&text, out);
    }
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
