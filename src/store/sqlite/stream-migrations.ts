/** Of streams.sqlite; what is said of migrations.ts holds here. */
export const STREAM_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE streams (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL
  );

  CREATE TABLE shards (
    stream INTEGER NOT NULL REFERENCES streams (number) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    -- Decimal: they are larger than SQLite's integers.
    start_hash TEXT NOT NULL,
    end_hash TEXT NOT NULL,
    parents TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER,
    created_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    PRIMARY KEY (stream, number)
  ) WITHOUT ROWID;

  CREATE TABLE records (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES streams (number) ON DELETE CASCADE,
    shard INTEGER NOT NULL,
    arrived_ms INTEGER NOT NULL,
    key TEXT NOT NULL,
    data BLOB NOT NULL,
    -- CRC-32 of key and data.
    checksum INTEGER NOT NULL
  );
  -- With the time, so that it answers alone where a time begins.
  CREATE INDEX records_by_shard ON records (stream, shard, sequence, arrived_ms);

  CREATE TABLE checkpoints (
    stream INTEGER NOT NULL REFERENCES streams (number) ON DELETE CASCADE,
    consumer TEXT NOT NULL,
    shard INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT,
    PRIMARY KEY (stream, consumer, shard)
  ) WITHOUT ROWID;
  `,
]
