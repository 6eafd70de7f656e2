-- The audit log as a chain: each row's chain is a hash of what it says, of the change_log rows of its revision, and of the
-- chain before it. Empty: written by a program that did not chain; the next row that is chained covers it.

-- +goose Up
ALTER TABLE audit ADD COLUMN cid TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT '';
