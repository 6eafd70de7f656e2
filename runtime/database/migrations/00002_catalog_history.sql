-- A mark names the change that made a revision, so that a restored backup that has gone on to the same revision is
-- told from the history that servers know. Empty: made by a program that did not know marks.

-- +goose Up
ALTER TABLE cluster ADD COLUMN mark TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN mark TEXT NOT NULL DEFAULT '';
-- 1: an operator said with it that what the database held before is the truth, whatever servers knew.
ALTER TABLE audit ADD COLUMN accepts INTEGER NOT NULL DEFAULT 0;
