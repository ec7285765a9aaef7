//! How commands answer: a line or a table for people, JSON for programs.

use serde_json::Value;

use super::client::Connection;

/// What a command prints when it has succeeded.
pub(super) struct Shown(pub(super) String);

impl Shown {
    pub(super) fn new(connection: &Connection, result: Value, text: String) -> Self {
        Self(if connection.json { format!("{result:#}\n") } else { text })
    }
}

/// Columns as wide as they need; the last one is not padded. No head without names.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !head.is_empty() {
        lines.push(head.iter().map(|name| (*name).to_owned()).collect());
    }
    lines.extend(rows.map(|row| row.iter().map(|cell| printable(cell)).collect()));
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// What others chose must not move the terminal's cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "b".into()], vec!["long\u{1b}".into(), String::new()]];
        assert_eq!(table(&["N", "T"], rows.into_iter()), "N      T\na      b\nlong\u{fffd}\n");
        assert_eq!(table(&[], [vec!["a".into(), "b".into()]].into_iter()), "a  b\n");
    }
}
