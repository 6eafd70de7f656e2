-- What was counted in each minute, hour and day with traffic: span is its length in seconds, start its first one since
-- 1970 (UTC), kind the item's as a number, sketch what runtime/stats writes. An item is something that one server counts,
-- and that server alone writes of it.

-- +goose Up
CREATE TABLE IF NOT EXISTS stats_items (
	id     BIGINT PRIMARY KEY,
	server TEXT NOT NULL,
	kind   INTEGER NOT NULL,
	name   TEXT NOT NULL,
	UNIQUE (server, kind, name)
);

CREATE TABLE IF NOT EXISTS stats_series (
	span   INTEGER NOT NULL,
	kind   INTEGER NOT NULL,
	start  BIGINT NOT NULL,
	item   BIGINT NOT NULL,
	sketch BYTEA NOT NULL,
	PRIMARY KEY (span, kind, start, item)
);

-- What is kept of single requests: of all services where service is '*'.
CREATE TABLE IF NOT EXISTS stats_watches (
	service TEXT PRIMARY KEY,
	slow_ms BIGINT NOT NULL,
	every   BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS stats_requests (
	service  TEXT NOT NULL,
	at       BIGINT NOT NULL,
	cid      TEXT NOT NULL,
	server   TEXT NOT NULL,
	channel  TEXT NOT NULL,
	took_ns  BIGINT NOT NULL,
	failed   INTEGER NOT NULL,
	slow     INTEGER NOT NULL,
	sample   INTEGER NOT NULL,
	request  TEXT NOT NULL,
	response TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS stats_requests_service ON stats_requests (service, at);
CREATE INDEX IF NOT EXISTS stats_requests_at ON stats_requests (at);
