/** As those of the store (src/store/sqlite/migrations.ts): none that was released is changed. */
export const LOG_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE log_groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    -- NULL: the host's.
    retention_days INTEGER,
    -- Of its chunks.
    bytes INTEGER NOT NULL DEFAULT 0,
    -- The most milliseconds that one of its chunks spans.
    span INTEGER NOT NULL DEFAULT 0
  );

  CREATE TABLE log_streams (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES log_groups ON DELETE CASCADE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    created INTEGER NOT NULL,
    first_event INTEGER NOT NULL,
    last_event INTEGER NOT NULL,
    last_ingestion INTEGER NOT NULL,
    UNIQUE (group_id, name)
  );
  CREATE INDEX log_streams_by_time ON log_streams (group_id, last_event, name);

  -- Entries of a stream that went to disk together. Ids are never given again: positions of readers stand on them.
  CREATE TABLE log_chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL REFERENCES log_streams ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    ingested INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    compressed INTEGER NOT NULL,
    entries BLOB NOT NULL
  );
  CREATE INDEX log_chunks_by_stream ON log_chunks (stream_id, id);
  CREATE INDEX log_chunks_by_time ON log_chunks (group_id, first);

  CREATE TABLE usage (
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    throttles INTEGER NOT NULL,
    billed_ms INTEGER NOT NULL,
    billed_mb_ms INTEGER NOT NULL,
    provisioned_mb_ms INTEGER NOT NULL,
    fuel REAL NOT NULL,
    PRIMARY KEY (day, name, version)
  ) WITHOUT ROWID;
  `,
]
