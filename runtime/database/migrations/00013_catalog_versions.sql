-- What objects of some kinds were before they were changed or deleted, so that one can go back. The newest of each are kept.

-- +goose Up
CREATE TABLE IF NOT EXISTS object_versions (
	kind     TEXT NOT NULL,
	name     TEXT NOT NULL,
	revision BIGINT NOT NULL,
	hash     TEXT NOT NULL,
	spec     BYTEA NOT NULL,
	PRIMARY KEY (kind, name, revision)
);
