-- +goose Up
CREATE TABLE leases (
	name       TEXT PRIMARY KEY,
	holder     TEXT NOT NULL,
	token      BIGINT NOT NULL,
	taken_at   BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
