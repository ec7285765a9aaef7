//! The direction of the dependencies between the crates, as their manifests say it.

use std::collections::BTreeSet;
use std::path::Path;

/// Who may depend on whom, outside tests.
const STAR: [(&str, &[&str]); 6] = [
    ("catalog", &[]),
    ("js", &[]),
    ("storage", &["catalog"]),
    ("runtime", &["catalog", "js"]),
    ("api", &["catalog"]),
    ("gateway", &["catalog", "storage", "runtime", "api"]),
];

#[test]
fn crates_form_a_star() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for entry in std::fs::read_dir(crates).unwrap() {
        let path = entry.unwrap().path();
        let Ok(manifest) = std::fs::read_to_string(path.join("Cargo.toml")) else { continue };
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest: toml::Table = manifest.parse().unwrap();
        let mut needs = BTreeSet::new();
        for section in ["dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            needs.extend(table.keys().filter_map(|name| name.strip_prefix("switchyard-")).map(str::to_owned));
        }
        let (_, allowed) =
            STAR.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name} has no place in the star"));
        let extra: Vec<_> = needs.iter().filter(|need| !allowed.contains(&need.as_str())).collect();
        assert!(extra.is_empty(), "{name} must not depend on {extra:?}");
        known.insert(name);
    }
    assert_eq!(known.len(), STAR.len(), "{known:?}");
}
