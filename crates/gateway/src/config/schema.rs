//! The JSON Schema of the configuration, for editors and for those who check files before a node reads them: types and
//! defaults of the types in `config`, descriptions of the comments in `config/switchyard.toml`.

use schemars::r#gen::{SchemaGenerator, SchemaSettings};
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde_json::{Map, Value};

use super::Config;
use super::reference::{Documented, documented};

/// JSON Schema, draft 7. What only [`Config::check`] knows, such as which keys belong to which kind of resolver,
/// is not in it.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let root = settings.into_generator().into_root_schema_for::<Config>();
    // A schema is JSON.
    let mut schema = serde_json::to_value(root).unwrap_or_default();
    without_null(&mut schema);
    schema["title"] = "Configuration of Switchyard".into();
    schema["description"] = "What `switchyard serve --config FILE` reads, as TOML.".into();
    let known = documented();
    for section in &known {
        if let Some(table) = section_of(&mut schema, &section.name) {
            describe(table, section);
        }
    }
    schema
}

/// A table's object: of a list of tables, of one of them; of tables by name, of each.
fn section_of<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let mut at = schema;
    for part in name.split('.').filter(|part| !part.is_empty()) {
        at = match at.pointer("/properties").is_some_and(|known| known.get(part).is_some()) {
            true => at.get_mut("properties")?.get_mut(part)?,
            // Whatever its name.
            false => at.get_mut("additionalProperties")?,
        };
        if at.get("items").is_some() {
            at = at.get_mut("items")?;
        }
    }
    Some(at)
}

fn describe(table: &mut Value, section: &Documented) {
    if !section.text.is_empty() && !section.name.is_empty() {
        table["description"] = section.text.clone().into();
    }
    let Some(properties) = table.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for key in &section.keys {
        let Some(property) = properties.get_mut(&key.name) else { continue };
        if key.text.is_empty() {
            continue;
        }
        // The examples of resolvers have words for one kind each; the types have a few for all.
        let told = property["description"].as_str().filter(|_| section.name == "resolver").unwrap_or_default();
        let text = match told.split_once(": ") {
            _ if told.len() >= key.text.len() => told.to_owned(),
            Some((kind, _)) => format!("{kind}: {}", key.text),
            None => key.text.clone(),
        };
        property["description"] = text.into();
    }
}

/// TOML has no null: what may be left out is left out.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            drop_null(fields);
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn drop_null(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if choices.len() == 1
            && let Some(Value::Object(only)) = choices.pop()
        {
            fields.remove("anyOf");
            for (key, value) in only {
                fields.entry(key).or_insert(value);
            }
        }
    }
    if fields.get("default") == Some(&Value::Null) {
        fields.remove("default");
    }
    if let Some(Value::Object(defaults)) = fields.get_mut("default") {
        defaults.retain(|_, value| !value.is_null());
    }
    // Rust's widths of integers mean nothing to who writes a file.
    if fields.get("type").is_some_and(|kind| kind == "integer" || kind == "number") {
        fields.remove("format");
    }
}

/// The catalog's type, which knows no schema.
pub(super) fn isolation(_: &mut SchemaGenerator) -> Schema {
    Schema::Object(SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        enum_values: Some(["auto", "request", "warm"].map(Into::into).to_vec()),
        ..SchemaObject::default()
    })
}
