//! Names of compiled components. An artefact's name, which its MAC covers, says whose script it is, of which
//! source and for which engine: no file answers for another. A version has a hard link to the artefact that
//! it needs; an edit of its settings links the same file, and one that no version links is swept. A link's name
//! tells the engine too: a node with another one sees at its start what there is to make anew.

use switchyard_catalog::{BlobDigest, ScriptId, VersionId};

/// Where artefacts are, below the artefacts' folder.
pub const FOLDER: &str = "components";

/// The file of a component: of this script, with this source, for the engine of this fingerprint.
pub fn file_name(script: ScriptId, source: &BlobDigest, fingerprint: &str) -> String {
    let mut text = script.as_uuid().as_bytes().to_vec();
    text.extend_from_slice(&source.0);
    text.extend_from_slice(fingerprint.as_bytes());
    let id = BlobDigest::of(&text).hex();
    format!("{FOLDER}/{}/{}.cwasm", &id[..2], &id[..32])
}

/// A version's link to it, beside its sealed file: one for each engine that it was compiled for.
pub fn link_name(version: VersionId, fingerprint: &str) -> String {
    let id = version.simple();
    format!("{}/{}/{id}.{fingerprint}.cwasm", crate::sealed::Sealed::FOLDER, &id[..2])
}

/// Whose link a file is by its name, without folders, and for which engine.
pub fn of_link(name: &str) -> Option<(VersionId, &str)> {
    let (id, fingerprint) = name.strip_suffix(".cwasm")?.split_once('.')?;
    Some((VersionId::parse(id)?, fingerprint))
}
