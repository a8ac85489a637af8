-- Room in each page, so that a time of last use changes in place and touches no index.
CREATE TABLE propusk.tokens (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,       -- the order of issue
    id           TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(id) = 12),
    digest       BYTEA NOT NULL CHECK (length(digest) = 32),            -- SHA-256 of the token's text
    subject      TEXT NOT NULL,
    client_id    TEXT,
    scopes       TEXT NOT NULL,                                         -- separated by spaces
    audience     TEXT NOT NULL,                                         -- a JSON array of URLs
    name         TEXT,
    created_at   BIGINT NOT NULL,                                       -- this and below: Unix seconds
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
) WITH (fillfactor = 80);

-- One row. Its revision grows with every withdrawal of a token, so that other processes notice.
CREATE TABLE propusk.store_state (
    one            BOOLEAN PRIMARY KEY CHECK (one),
    schema_version BIGINT NOT NULL,
    revision       BIGINT NOT NULL
);
INSERT INTO propusk.store_state (one, schema_version, revision) VALUES (true, 1, 0);
