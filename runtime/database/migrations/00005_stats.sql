-- +goose Up
CREATE TABLE IF NOT EXISTS stats (
	server   TEXT NOT NULL,
	service  TEXT NOT NULL,
	stats    TEXT NOT NULL,
	saved_at BIGINT NOT NULL,
	PRIMARY KEY (server, service)
);
