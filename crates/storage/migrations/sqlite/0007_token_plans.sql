-- A token may hold what it deploys to a plan. Plans of scripts and namespaces are in their settings.

ALTER TABLE tokens ADD COLUMN plan TEXT;
