-- Oldest version that may still write: 1
--
-- Columns in ..._us are microseconds: times since 1970-01-01 UTC, durations as they are. Those in ..._lower hold a
-- name in lower case, because databases disagree on what that is beyond ASCII.

-- Numbers are taken under a lock that lasts until the commit, so they become visible in their order.
CREATE SEQUENCE entry_numbers;

CREATE TABLE entries (
    number          BIGINT  PRIMARY KEY,
    key             BYTEA   NOT NULL UNIQUE CHECK (length(key) > 0),
    request_id      TEXT    NOT NULL,
    at_us           BIGINT  NOT NULL,
    platform        TEXT    NOT NULL,
    space           TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    person          TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    name_lower      TEXT    NOT NULL,
    line            TEXT    NOT NULL,
    effect          TEXT    NOT NULL,
    command         TEXT    NOT NULL,
    room            BIGINT  NOT NULL,
    target          TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    write           BOOLEAN NOT NULL,
    resume          BYTEA,
    reply_to        BYTEA,            -- secret; NULL: there is none, or it is forgotten
    reply_by_us     BIGINT,
    outcome         TEXT    NOT NULL DEFAULT 'running',
    moderator       TEXT    NOT NULL DEFAULT '',
    moderator_lower TEXT    NOT NULL DEFAULT '',
    code            BIGINT  NOT NULL DEFAULT 0,
    answer          BYTEA,
    text            TEXT    NOT NULL DEFAULT '',
    until_us        BIGINT,
    duration_us     BIGINT  NOT NULL DEFAULT 0,
    open            BOOLEAN NOT NULL DEFAULT TRUE,
    more            BOOLEAN NOT NULL DEFAULT FALSE, -- after this end comes another
    delivery        TEXT    NOT NULL DEFAULT 'pending',
    deliveries      BIGINT  NOT NULL DEFAULT 1,
    owner           TEXT    NOT NULL,
    attempts        BIGINT  NOT NULL DEFAULT 1,
    seal            BIGINT  NOT NULL DEFAULT 0,
    hash            BYTEA
) WITH (fillfactor = 80); -- an entry is written three or four times; the newer versions find room on its page

-- Lists of everybody's entries, by whatever else, read backwards from the newest. A row of an index has room for the beginning of a text only.
CREATE INDEX entries_room   ON entries (room, number);
CREATE INDEX entries_target ON entries (left(target, 100), number);
CREATE INDEX entries_at     ON entries (at_us);
-- Writes take turns on their target.
CREATE INDEX entries_turns  ON entries ((room::text || '/' || left(target, 100)), number) WHERE write;
-- What is open, and what is closed and waits for its seal.
CREATE INDEX entries_unsealed ON entries (open, number) WHERE seal = 0;
CREATE UNIQUE INDEX entries_seal ON entries (seal) WHERE seal > 0;

-- The last link that was pruned.
CREATE TABLE root (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seal BIGINT  NOT NULL,
    hash BYTEA   NOT NULL
);

-- Processes that are thought alive. beats counts their signs of life.
CREATE TABLE replicas (
    owner TEXT   PRIMARY KEY,
    beats BIGINT NOT NULL
);

CREATE TABLE leader (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    owner TEXT    NOT NULL
);
INSERT INTO leader VALUES (1, '');

-- Transactions of a process that lost its connection, and of an epoch before this one, begin no entries any more.
CREATE TABLE fences (
    owner TEXT   PRIMARY KEY,
    epoch BIGINT NOT NULL
);

-- One row, written again and again to find out whether the database can be written.
CREATE TABLE checks (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    at_us BIGINT  NOT NULL
);

-- When the next call of an interface may be made, by the clock of the database.
CREATE TABLE limiter (
    name    TEXT   PRIMARY KEY,
    next_us BIGINT NOT NULL
);
