-- The catalog. Ids are 16 bytes, times microseconds since 1970. Migrations only ever add.

CREATE TABLE accounts (
    id   TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash       BLOB PRIMARY KEY NOT NULL,
    id         TEXT NOT NULL UNIQUE,
    account    TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    access     TEXT NOT NULL CHECK (access IN ('read', 'write')),
    created_on INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE namespaces (
    id              BLOB PRIMARY KEY NOT NULL,
    account         TEXT NOT NULL REFERENCES accounts (id),
    name            TEXT NOT NULL,
    trusted_workers INTEGER NOT NULL,
    created_on      INTEGER NOT NULL,
    created_by      TEXT NOT NULL,
    modified_on     INTEGER NOT NULL,
    modified_by     TEXT NOT NULL,
    UNIQUE (account, name)
) STRICT;

-- `latest`, `deployed`, `deployment` point at rows that are written in the same transaction;
-- `deployed` is the version with the larger share of the deployment in force.
CREATE TABLE scripts (
    id          BLOB PRIMARY KEY NOT NULL,
    account     TEXT NOT NULL REFERENCES accounts (id),
    namespace   BLOB REFERENCES namespaces (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    tags        TEXT NOT NULL,
    settings    TEXT NOT NULL,
    latest      BLOB,
    deployed    BLOB,
    deployment  BLOB,
    created_on  INTEGER NOT NULL,
    modified_on INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX scripts_in_namespace ON scripts (namespace, name) WHERE namespace IS NOT NULL;
CREATE UNIQUE INDEX scripts_of_account ON scripts (account, name) WHERE namespace IS NULL;

-- The same tags as `scripts.tags`, for filters.
CREATE TABLE script_tags (
    script BLOB NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    tag    TEXT NOT NULL,
    PRIMARY KEY (script, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX script_tags_by_tag ON script_tags (tag, script);

-- Immutable. `bindings` lies apart from the rest, since lists do not read it.
CREATE TABLE versions (
    id       BLOB PRIMARY KEY NOT NULL,
    script   BLOB NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    body     TEXT NOT NULL,
    bindings TEXT NOT NULL,
    UNIQUE (script, number)
) STRICT;

CREATE TABLE version_blobs (
    version BLOB NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL,
    PRIMARY KEY (version, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    id         BLOB PRIMARY KEY NOT NULL,
    script     BLOB NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    key_id     TEXT NOT NULL,
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL
) STRICT;

CREATE INDEX secrets_of_script ON secrets (script);

CREATE TABLE version_secrets (
    version BLOB NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    secret  BLOB NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
    PRIMARY KEY (version, secret)
) STRICT, WITHOUT ROWID;

CREATE INDEX version_secrets_of_secret ON version_secrets (secret);

-- History, newest = greatest `serial`. It may name versions that are pruned by now.
CREATE TABLE deployments (
    id         BLOB PRIMARY KEY NOT NULL,
    script     BLOB NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    serial     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    created_on INTEGER NOT NULL,
    UNIQUE (script, serial)
) STRICT;

CREATE TABLE deployment_versions (
    deployment BLOB NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    version    BLOB NOT NULL,
    percentage REAL NOT NULL,
    PRIMARY KEY (deployment, position)
) STRICT, WITHOUT ROWID;

-- What nodes follow. Revisions grow without gaps; old lines are trimmed.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('script', 'namespace')),
    id       BLOB NOT NULL
) STRICT;
