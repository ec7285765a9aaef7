-- Static assets. A file is found by the hash its client chose, within a dispatch namespace or among the
-- account's own Workers (`owner`: the namespace's id, or the account's). `asked_on`: when an upload last
-- asked for it; a sweep spares what is young.

CREATE TABLE assets (
    owner        BLOB NOT NULL,
    hash         BLOB NOT NULL,
    account      TEXT NOT NULL REFERENCES accounts (id),
    namespace    BLOB REFERENCES namespaces (id) ON DELETE CASCADE,
    digest       BLOB NOT NULL,
    size         INTEGER NOT NULL,
    content_type TEXT,
    asked_on     INTEGER NOT NULL,
    PRIMARY KEY (owner, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX assets_of_namespace ON assets (namespace) WHERE namespace IS NOT NULL;

-- Which versions have assets; the manifest is a blob. What else there is to say is in `versions.body`.
CREATE TABLE version_assets (
    version  BLOB PRIMARY KEY NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    manifest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
