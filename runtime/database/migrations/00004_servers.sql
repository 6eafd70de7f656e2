-- +goose Up
CREATE TABLE IF NOT EXISTS servers (
	name        TEXT PRIMARY KEY,
	address     TEXT NOT NULL,
	admin       TEXT NOT NULL,
	pid         BIGINT NOT NULL,
	revision    BIGINT NOT NULL,
	hash        TEXT NOT NULL,
	quarantined TEXT NOT NULL,
	problem     TEXT NOT NULL,
	draining    INTEGER NOT NULL,
	started_at  BIGINT NOT NULL,
	seen_at     BIGINT NOT NULL
);
