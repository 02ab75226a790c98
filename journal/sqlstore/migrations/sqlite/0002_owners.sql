-- Oldest version that may still write: 2
--
-- Entries have owners, turns and a chain. Those of version 1 that have ended are closed, their answers given; those that are
-- running belong to nobody, so the next process takes them over.

CREATE TABLE entries_2 (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    key             BLOB    NOT NULL UNIQUE CHECK (length(key) > 0),
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
    resume          BLOB,
    reply_to        BLOB,             -- secret; NULL: there is none, or it is forgotten
    reply_by_us     BIGINT,
    outcome         TEXT    NOT NULL DEFAULT 'running',
    moderator       TEXT    NOT NULL DEFAULT '',
    moderator_lower TEXT    NOT NULL DEFAULT '',
    code            BIGINT  NOT NULL DEFAULT 0,
    answer          BLOB,
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
    hash            BLOB
);

INSERT INTO entries_2 (number, key, request_id, at_us, platform, space, channel, person, name, name_lower, line, effect, command,
    room, target, reason, write, outcome, moderator, moderator_lower, code, answer, text, until_us, duration_us, open, delivery,
    deliveries, owner)
SELECT number, CAST(key AS BLOB), request_id, at_us, platform, space, channel, person, name, name_lower, line, '', command,
    room, target, reason, command IN ('mute', 'unmute', 'muteroom', 'unmuteroom', 'delayclose'),
    outcome, moderator, moderator_lower, code, answer, text, until_us, duration_us, outcome = 'running',
    CASE outcome WHEN 'running' THEN 'pending' ELSE 'delivered' END, deliveries, ''
FROM entries;

DROP TABLE entries;
ALTER TABLE entries_2 RENAME TO entries;

-- Lists of everybody's entries, by whatever else, read backwards from the newest.
CREATE INDEX entries_room   ON entries (room, number);
CREATE INDEX entries_target ON entries (target, number);
CREATE INDEX entries_at     ON entries (at_us);
-- Writes take turns on their target.
CREATE INDEX entries_turns  ON entries (room, target, number) WHERE write;
-- What is open, and what is closed and waits for its seal.
CREATE INDEX entries_unsealed ON entries (open, number) WHERE seal = 0;
CREATE UNIQUE INDEX entries_seal ON entries (seal) WHERE seal > 0;

-- The last link that was pruned.
CREATE TABLE root (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seal BIGINT  NOT NULL,
    hash BLOB    NOT NULL
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

-- Until when no call of an interface may be made.
CREATE TABLE limiter (
    name    TEXT   PRIMARY KEY,
    next_us BIGINT NOT NULL
);
