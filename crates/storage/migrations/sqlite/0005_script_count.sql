-- How many scripts a namespace has, kept beside it: counting them anew cost every reply that names a
-- namespace, uploads included, a walk over all of its scripts.
ALTER TABLE namespaces ADD COLUMN script_count INTEGER NOT NULL DEFAULT 0;
UPDATE namespaces SET script_count = (SELECT count(*) FROM scripts s WHERE s.namespace = namespaces.id);

CREATE TRIGGER script_added AFTER INSERT ON scripts WHEN new.namespace IS NOT NULL BEGIN
    UPDATE namespaces SET script_count = script_count + 1 WHERE id = new.namespace;
END;
CREATE TRIGGER script_removed AFTER DELETE ON scripts WHEN old.namespace IS NOT NULL BEGIN
    UPDATE namespaces SET script_count = script_count - 1 WHERE id = old.namespace;
END;
CREATE TRIGGER script_moved AFTER UPDATE OF namespace ON scripts WHEN old.namespace IS NOT new.namespace BEGIN
    UPDATE namespaces SET script_count = script_count - 1 WHERE id = old.namespace;
    UPDATE namespaces SET script_count = script_count + 1 WHERE id = new.namespace;
END;
