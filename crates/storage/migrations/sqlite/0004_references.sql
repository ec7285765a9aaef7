-- Which of the account's Workers a script needs: by the bindings of its deployed versions, and as tail
-- consumers in its settings. Written with every deployment and every change of settings; asked before a
-- Worker is deleted. `namespace`: which dispatch namespace an outbound Worker is for.

CREATE TABLE script_references (
    script    BLOB NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    usage     TEXT NOT NULL CHECK (usage IN ('service', 'outbound', 'tail')),
    binding   TEXT NOT NULL,
    account   TEXT NOT NULL,
    worker    TEXT NOT NULL,
    namespace TEXT,
    PRIMARY KEY (script, usage, binding, worker)
) STRICT, WITHOUT ROWID;

CREATE INDEX script_references_to ON script_references (account, worker);

INSERT OR IGNORE INTO script_references (script, usage, binding, account, worker, namespace)
SELECT s.id, CASE json_extract(b.value, '$.type') WHEN 'service' THEN 'service' ELSE 'outbound' END,
       json_extract(b.value, '$.name'), s.account,
       coalesce(json_extract(b.value, '$.service'), json_extract(b.value, '$.outbound.service')),
       json_extract(b.value, '$.namespace')
FROM scripts s
JOIN deployment_versions d ON d.deployment = s.deployment
JOIN versions v ON v.id = d.version
JOIN json_each(v.bindings) b
WHERE json_extract(b.value, '$.type') IN ('service', 'dispatch_namespace')
  AND coalesce(json_extract(b.value, '$.service'), json_extract(b.value, '$.outbound.service')) IS NOT NULL;

INSERT OR IGNORE INTO script_references (script, usage, binding, account, worker)
SELECT s.id, 'tail', '', s.account, json_extract(s.settings, t.fullkey || '.service')
FROM scripts s JOIN json_each(s.settings, '$.tail_consumers') t
WHERE json_extract(s.settings, t.fullkey || '.service') IS NOT NULL
  AND json_extract(s.settings, t.fullkey || '.namespace') IS NULL;
