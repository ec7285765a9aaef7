//! Makes of a parser's error what an operator needs: file, line, key, and the nearest known key.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::Wrong;

/// Why a configuration file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("could not read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {message}", path.display())]
    Refused { path: PathBuf, line: usize, message: String },
}

/// An error of the parser, put into an operator's words.
pub(super) fn explain(text: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let line = line_of(text, offset);
    let section = section_at(text, line);
    let place = section.map_or_else(String::new, |section| format!(" in {section}"));
    let message = match unknown_key(error.message()) {
        Some((key, known)) => {
            let mut message = format!("unknown key {key:?}{place}");
            match nearest(&key, &known) {
                Some(near) => {
                    let _ = write!(message, ", did you mean {near:?}?");
                }
                None => {
                    let _ = write!(message, "; it knows {}", known.join(", "));
                }
            }
            message
        }
        None => match key_of(text, line) {
            Some(key) => format!("{key:?}{place}: {}", error.message()),
            None => error.message().to_owned(),
        },
    };
    ConfigError::Refused { path: path.to_owned(), line, message }
}

/// A rule that a value or a whole table breaks: found by the table's name, its place among those of
/// that name, and the key in it.
pub(super) fn at(text: &str, path: &Path, wrong: Wrong) -> ConfigError {
    let Wrong { section, number, key, message } = wrong;
    let headers = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !section.is_empty() && line.starts_with('[') && line.trim_matches(['[', ']']) == section
    });
    let table = headers.map(|(index, _)| index).nth(number);
    let within =
        table.map_or(0, |table| text.lines().skip(table + 1).take_while(|l| !l.trim().starts_with('[')).count());
    let key = key.and_then(|key| {
        let lines = (table? + 1..).zip(text.lines().skip(table? + 1)).take(within);
        lines.filter_map(|(index, line)| Some((index, line.split_once('=')?.0.trim()))).find(|(_, name)| *name == key)
    });
    let line = key.map(|(index, _)| index).or(table).map_or(1, |index| index + 1);
    ConfigError::Refused { path: path.to_owned(), line, message }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// The header of the table that a line is in.
fn section_at(text: &str, line: usize) -> Option<&str> {
    let before: Vec<&str> = text.lines().take(line).collect();
    before.into_iter().rev().map(str::trim).find(|line| line.starts_with('['))
}

fn key_of(text: &str, line: usize) -> Option<&str> {
    let (key, _) = text.lines().nth(line - 1)?.split_once('=')?;
    Some(key.trim())
}

/// The key, and the keys known there, of serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let mut quoted = rest.split('`');
    let key = quoted.next()?.to_owned();
    let known = quoted.skip(1).step_by(2).map(str::to_owned).collect();
    Some((key, known))
}

fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let (distance, near) = known.iter().map(|name| (distance(key, name), name.as_str())).min()?;
    (distance <= 1 + key.len() / 3).then_some(near)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("bind", "bind"), 0);
        assert_eq!(distance("bnd", "bind"), 1);
        assert_eq!(distance("haed", "head"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
