/** Of queues.sqlite; what is said of migrations.ts holds here. */
export const QUEUE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE queues (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    fifo INTEGER NOT NULL,
    definition TEXT NOT NULL,
    -- So that the depth is known without counting a million rows.
    messages INTEGER NOT NULL DEFAULT 0
  );

  -- What changes while a message waits. Its content has a table of its own, or each receive would write it again.
  CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL REFERENCES queues (number) ON DELETE CASCADE,
    due_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    first_received_ms INTEGER,
    -- Of the receiver that has it, or had it last; NULL: nobody has had it here.
    token TEXT,
    message_group TEXT,
    source TEXT
  );
  -- With the token, so that it answers alone how many are with receivers.
  CREATE INDEX messages_by_due ON messages (queue, due_ms, sequence, token);
  CREATE INDEX messages_by_group ON messages (queue, message_group, sequence) WHERE message_group IS NOT NULL;
  CREATE INDEX messages_received ON messages (queue, message_group, due_ms) WHERE token IS NOT NULL AND message_group IS NOT NULL;
  CREATE INDEX messages_by_expiry ON messages (queue, expires_ms);

  CREATE TABLE contents (
    sequence INTEGER PRIMARY KEY REFERENCES messages (sequence) ON DELETE CASCADE,
    id TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    deduplication TEXT,
    attributes TEXT,
    body BLOB NOT NULL
  );

  -- The groups of FIFO queues that have messages, and when the first of them can be received.
  CREATE TABLE message_groups (
    queue INTEGER NOT NULL REFERENCES queues (number) ON DELETE CASCADE,
    name TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    head INTEGER NOT NULL,
    PRIMARY KEY (queue, name)
  ) WITHOUT ROWID;
  CREATE INDEX message_groups_by_due ON message_groups (queue, due_ms, head);

  CREATE TABLE deduplications (
    queue INTEGER NOT NULL REFERENCES queues (number) ON DELETE CASCADE,
    deduplication TEXT NOT NULL,
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, deduplication)
  ) WITHOUT ROWID;
  CREATE INDEX deduplications_by_expiry ON deduplications (queue, expires_ms);
  `,
  `
  -- CRC-32 of attributes and body; NULL: it is from before there were any.
  ALTER TABLE contents ADD COLUMN checksum INTEGER;
  `,
]
