-- What the first release made without this tool; hence IF NOT EXISTS.

-- +goose Up
CREATE TABLE IF NOT EXISTS cluster (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	revision BIGINT NOT NULL
);
INSERT INTO cluster (id, revision) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS objects (
	kind     TEXT NOT NULL,
	name     TEXT NOT NULL,
	spec     BYTEA NOT NULL,
	hash     TEXT NOT NULL,
	revision BIGINT NOT NULL,
	PRIMARY KEY (kind, name)
);
CREATE INDEX IF NOT EXISTS objects_revision ON objects (revision);

CREATE TABLE IF NOT EXISTS change_log (
	revision    BIGINT NOT NULL,
	kind        TEXT NOT NULL,
	name        TEXT NOT NULL,
	action      TEXT NOT NULL,
	who         TEXT NOT NULL,
	at          BIGINT NOT NULL,
	hash_before TEXT NOT NULL,
	hash_after  TEXT NOT NULL,
	PRIMARY KEY (revision, kind, name)
);

CREATE TABLE IF NOT EXISTS audit (
	revision BIGINT PRIMARY KEY,
	who      TEXT NOT NULL,
	what     TEXT NOT NULL,
	at       BIGINT NOT NULL
);

-- The level that a program needs to use this database: see level in schema.go.
CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM schema_version);
