-- Tokens get a scope, an end and a revocation; namespaces get settings of their own. A token for a
-- namespace or a script goes with it. Tokens of before could only be the one made at bootstrap, or
-- one of the whole account.

ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'account'
    CHECK (scope IN ('admin', 'account', 'namespace', 'script'));
ALTER TABLE tokens ADD COLUMN namespace BLOB REFERENCES namespaces (id) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN script BLOB REFERENCES scripts (id) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN expires_on INTEGER;
ALTER TABLE tokens ADD COLUMN revoked_on INTEGER;

UPDATE tokens SET scope = 'admin' WHERE name = 'bootstrap' AND access = 'write';

CREATE INDEX tokens_of_account ON tokens (account, created_on);
CREATE INDEX tokens_of_namespace ON tokens (namespace) WHERE namespace IS NOT NULL;
CREATE INDEX tokens_of_script ON tokens (script) WHERE script IS NOT NULL;

ALTER TABLE namespaces ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
