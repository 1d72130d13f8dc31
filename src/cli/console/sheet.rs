//! A reply that is a table: JSON with `columns` and `rows`, and perhaps a row `total`.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

/// Such a reply as a table for people; `None` for any other.
pub(super) fn sheet(text: &str) -> Option<String> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let columns = parsed.get("columns")?.as_array()?;
    let rows = parsed.get("rows")?.as_array()?;
    let total = parsed.get("total").and_then(Value::as_array);
    let all: Option<Vec<&Vec<Value>>> = rows.iter().map(Value::as_array).collect();
    let mut all = all?;
    all.extend(total);
    if columns.is_empty() || all.iter().any(|row| row.len() != columns.len()) {
        return None;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(columns.iter().map(cell));
    for row in &all {
        table.add_row(row.iter().map(cell));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        if all
            .iter()
            .all(|row| row[at].is_number() || row[at].is_null())
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(table.to_string())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(number) => grouped(&number.to_string()),
        Value::String(text) => text.chars().flat_map(shown).collect(),
        other => other.to_string(),
    }
}

/// No control character reaches the terminal.
fn shown(character: char) -> Vec<char> {
    match character.is_control() {
        true => character.escape_default().collect(),
        false => vec![character],
    }
}

/// Digits in groups of three.
fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::sheet;

    #[test]
    fn a_report_is_a_table_and_nothing_else_is() {
        let text =
            r#"{"columns":["day","cents"],"rows":[["2026-11-23",-1234567]],"total":[null,5]}"#;
        let table = sheet(text).unwrap();
        assert!(table.contains("2026-11-23   -1,234,567"), "{table}");
        assert!(table.lines().count() >= 5, "{table}");
        for other in [
            "{}",
            "[1]",
            r#"{"columns":["a"],"rows":[[1,2]]}"#,
            r#"{"columns":"a","rows":[]}"#,
        ] {
            assert_eq!(sheet(other), None, "{other}");
        }
        let odd = sheet("{\"columns\":[\"a\"],\"rows\":[[\"\\u001b[31m\"]]}").unwrap();
        assert!(!odd.contains('\u{1b}'), "{odd}");
    }
}
