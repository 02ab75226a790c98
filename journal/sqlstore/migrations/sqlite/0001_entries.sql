-- Oldest version that may still write: 1
--
-- Columns in ..._us are microseconds: times since 1970-01-01 UTC, durations as they are. Those in ..._lower hold a
-- name in lower case, because databases disagree on what that is beyond ASCII.

CREATE TABLE entries (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    key             TEXT    NOT NULL UNIQUE CHECK (key <> ''),
    request_id      TEXT    NOT NULL,
    at_us           BIGINT  NOT NULL,
    platform        TEXT    NOT NULL,
    space           TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    person          TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    name_lower      TEXT    NOT NULL,
    line            TEXT    NOT NULL,
    command         TEXT    NOT NULL,
    room            BIGINT  NOT NULL,
    target          TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    outcome         TEXT    NOT NULL DEFAULT 'running',
    moderator       TEXT    NOT NULL DEFAULT '',
    moderator_lower TEXT    NOT NULL DEFAULT '',
    code            INTEGER NOT NULL DEFAULT 0,
    answer          BLOB,
    text            TEXT    NOT NULL DEFAULT '',
    until_us        BIGINT,
    duration_us     BIGINT  NOT NULL DEFAULT 0,
    deliveries      INTEGER NOT NULL DEFAULT 1
);

-- Lists of everybody's entries, by whatever else, read backwards from the newest.
CREATE INDEX entries_room   ON entries (room, number);
CREATE INDEX entries_target ON entries (target, number);

-- One row, written again and again to find out whether the database can be written.
CREATE TABLE checks (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    at_us BIGINT  NOT NULL
);
