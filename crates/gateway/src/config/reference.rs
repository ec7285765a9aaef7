//! The page of all settings, and the reader of `config/switchyard.toml` that it is made of: each key's comment, each
//! table's words, examples that are commented out included.

use std::fmt::Write;

use serde_json::Value;

use super::schema::schema;

const SHIPPED: &str = include_str!("../../../../config/switchyard.toml");

/// A table of the shipped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Documented {
    /// Empty at the top; `resolver.cache` below another; `plan.NAME` for one of any name.
    pub(super) name: String,
    /// Repeated, or of any name: how its header is written.
    pub(super) header: String,
    pub(super) text: String,
    pub(super) keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) text: String,
}

/// The tables in the file's order; one that has several examples is there once, with each key once.
pub(super) fn documented() -> Vec<Documented> {
    let mut tables = vec![Documented { name: String::new(), header: String::new(), text: String::new(), keys: vec![] }];
    let (mut at, mut words, mut in_words, mut in_key) = (0, String::new(), false, false);
    for line in SHIPPED.lines() {
        let (line, example) = match line.strip_prefix("# ") {
            // An example: a header or a key, commented out.
            Some(rest) if rest.starts_with('[') || key_of(rest).is_some() => (rest, true),
            _ => (line, false),
        };
        let trimmed = line.trim();
        if let Some(header) = trimmed.split(" #").next().map(str::trim).filter(|text| text.starts_with('[')) {
            let name = header.trim_matches(['[', ']']).to_owned();
            let name = if name.starts_with("plan.") { "plan.NAME".to_owned() } else { name };
            let header = if name == "plan.NAME" { "[plan.NAME]".to_owned() } else { header.to_owned() };
            let known = tables.iter().position(|table| table.name == name);
            at = known.unwrap_or_else(|| {
                let text =
                    if example && !name.starts_with("plan") { String::new() } else { std::mem::take(&mut words) };
                tables.push(Documented { name, header, text, keys: vec![] });
                tables.len() - 1
            });
            (in_words, in_key) = (false, false);
            words.clear();
            continue;
        }
        if let Some((name, text)) = key_of(trimmed) {
            let keys = &mut tables[at].keys;
            // The first example that has words for it counts.
            in_key = match keys.iter_mut().find(|key| key.name == name) {
                None => {
                    keys.push(Key { name: name.to_owned(), text: text.to_owned() });
                    true
                }
                Some(key) if key.text.is_empty() => {
                    key.text = text.to_owned();
                    keys.len() == 1 || keys.last().is_some_and(|last| last.name == name)
                }
                Some(_) => false,
            };
            in_words = false;
            // Words that stand before a key of the top are its own.
            if at == 0
                && let Some(key) = tables[0].keys.last_mut()
                && !words.is_empty()
            {
                key.text = std::mem::take(&mut words);
            }
            continue;
        }
        if let Some(begun) = trimmed.strip_prefix("# --- ") {
            words = begun.trim_end_matches("---").trim().to_owned();
            (in_words, in_key) = (true, false);
            continue;
        }
        let Some(more) = trimmed.strip_prefix('#').map(|more| more.trim().trim_start_matches('#').trim()) else {
            in_key = false;
            if trimmed.is_empty() && !in_words {
                words.clear();
            }
            continue;
        };
        if more.is_empty() {
            continue;
        }
        // A comment that goes on behind a key is far to the right.
        let behind = line.find('#').is_some_and(|at| at > 4) || line.starts_with("#          ");
        let text = match (in_key && behind, tables[at].keys.last_mut()) {
            (true, Some(key)) => &mut key.text,
            _ => &mut words,
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(more.trim_end_matches("---").trim());
    }
    tables
}

/// A key with the comment behind its value.
fn key_of(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(" = ")?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    // A mark of a comment inside of a text is none.
    let mut quoted = false;
    let comment = rest.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == '#' && !quoted
    });
    plain.then(|| (name, comment.map_or("", |(at, _)| rest[at + 1..].trim())))
}

/// `docs/configuration.md`.
pub fn reference() -> String {
    let schema = schema();
    let mut page = String::from(
        "# Every setting\n\n\
         <!-- Made by `switchyard config reference` of config/switchyard.toml and the types; a test holds it to them. -->\n\n\
         What `switchyard serve --config FILE` reads. What is left out has the default; an unknown key is an error, which\n\
         names the line and the nearest key. Durations are written `\"30s\"`, `\"150ms\"`, `\"1m 30s\"`; sizes `\"64KiB\"`,\n\
         `\"128MiB\"`. `switchyard config check FILE` reads a file without starting anything, `switchyard config schema` prints\n\
         the JSON Schema, which editors complete by. Which settings SIGHUP takes over: [operations.md](operations.md).\n",
    );
    for table in documented() {
        let mut at = &schema;
        for part in table.name.split('.').filter(|part| !part.is_empty()) {
            at = at["properties"].get(part).unwrap_or(&at["additionalProperties"]);
            at = at.get("items").unwrap_or(at);
        }
        let title = if table.name.is_empty() { "At the top" } else { &table.header };
        let code = if table.name.is_empty() { "" } else { "`" };
        let _ = write!(page, "\n## {code}{title}{code}\n\n");
        if !table.text.is_empty() && !table.name.is_empty() {
            let _ = write!(page, "{}\n\n", table.text);
        }
        page.push_str("| Key | Type | Default | |\n|---|---|---|---|\n");
        for key in &table.keys {
            let property = &at["properties"][&key.name];
            let cell = |text: &str| text.replace('|', "\\|");
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                key.name,
                cell(&kind(property)),
                cell(&default(property)),
                cell(property["description"].as_str().unwrap_or_default())
            );
        }
    }
    page
}

fn kind(property: &Value) -> String {
    if let Some(choices) = property["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        return choices.join(", ");
    }
    match (property["type"].as_str(), property["format"].as_str()) {
        (Some("string"), Some("duration")) => "duration".to_owned(),
        (Some("string"), Some("size")) => "size".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("integer"), _) => "whole number".to_owned(),
        (Some("number"), _) => "number".to_owned(),
        (Some("array"), _) => format!("list of {}", kind(&property["items"])),
        (Some("object"), _) => "table".to_owned(),
        _ => "text".to_owned(),
    }
}

fn default(property: &Value) -> String {
    match &property["default"] {
        Value::Null | Value::Object(_) => String::new(),
        value => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_this_one() {
        let page = include_str!("../../../../docs/configuration.md");
        assert!(page == reference(), "docs/configuration.md is stale: write `switchyard config reference` to it");
    }

    /// Every key of the types is in the file, with words, and every key of the file is one of the types.
    #[test]
    fn every_key_is_described() {
        fn walk(at: &str, schema: &Value, out: &mut Vec<String>) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let at = format!("{at}.{name}");
                let below = property.get("items").unwrap_or(property);
                if below["properties"].is_object() {
                    walk(&at, below, out);
                } else if below["additionalProperties"].is_object() {
                    walk(&at, &below["additionalProperties"], out);
                } else if property["description"].as_str().unwrap_or_default().is_empty() {
                    out.push(at);
                }
            }
        }
        let schema = schema();
        let mut without = Vec::new();
        walk("", &schema, &mut without);
        // These are told by what stands around them.
        without.retain(|key| !["suffix", "namespace", "script", "kind"].iter().any(|told| key.ends_with(told)));
        assert_eq!(without, Vec::<String>::new(), "keys without words in config/switchyard.toml");
        for table in documented() {
            for key in table.keys {
                let mut at = &schema;
                for part in table.name.split('.').filter(|part| !part.is_empty()) {
                    at = at["properties"].get(part).unwrap_or(&at["additionalProperties"]);
                    at = at.get("items").unwrap_or(at);
                }
                assert!(at["properties"][&key.name].is_object(), "{}.{} is in no type", table.name, key.name);
            }
        }
    }

    #[test]
    fn a_comment_that_goes_on_is_whole_and_a_value_with_a_mark_is_none() {
        let tables = documented();
        let find = |table: &str, key: &str| {
            let table = tables.iter().find(|known| known.name == table).unwrap();
            table.keys.iter().find(|known| known.name == key).unwrap().text.clone()
        };
        let text = find("runtime", "auto_warm_cpu");
        assert!(text.starts_with("of the cheapest") && text.ends_with("more than 1 MiB"), "{text}");
        assert!(find("limits", "cpu").starts_with("CPU of one request"));
        assert!(find("", "data").starts_with("Everything the node keeps"));
        assert_eq!(key_of("x = \"a#b\" # c"), Some(("x", "c")));
        assert_eq!(key_of("X = 1"), None);
    }
}
