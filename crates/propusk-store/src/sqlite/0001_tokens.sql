CREATE TABLE tokens (
    seq          INTEGER PRIMARY KEY,                              -- the order of issue
    id           TEXT NOT NULL UNIQUE CHECK (length(id) = 12),
    digest       BLOB NOT NULL CHECK (length(digest) = 32),        -- SHA-256 of the token's text
    subject      TEXT NOT NULL,
    client_id    TEXT,
    scopes       TEXT NOT NULL,                                    -- separated by spaces
    audience     TEXT NOT NULL,                                    -- a JSON array of URLs
    name         TEXT,
    created_at   INTEGER NOT NULL,                                 -- this and below: Unix seconds
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

-- One row. Its revision grows with every withdrawal of a token, so that other processes notice.
CREATE TABLE store_state (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO store_state (one, revision) VALUES (1, 0);

-- "prpk": tells a token store from the SQLite files of other programs.
PRAGMA application_id = 1886548075;
PRAGMA user_version = 1;
