/**
 * What makes an empty database today's, in order. A migration that was released is never changed: whoever has it would not get the
 * change. A new one is added at the end.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- One row: the revision that the last change got.
  CREATE TABLE revision (last INTEGER NOT NULL);
  INSERT INTO revision VALUES (0);

  -- Which records stand on which files of the code store.
  CREATE TABLE code_references (
    owner TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (owner, hash)
  ) WITHOUT ROWID;
  CREATE INDEX code_references_by_hash ON code_references (hash);

  CREATE TABLE functions (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name)
  ) WITHOUT ROWID;

  CREATE TABLE versions (
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, number)
  ) WITHOUT ROWID;

  CREATE TABLE aliases (
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    version TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, alias)
  ) WITHOUT ROWID;

  CREATE TABLE policies (
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, qualifier)
  ) WITHOUT ROWID;

  CREATE TABLE concurrency (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name)
  ) WITHOUT ROWID;

  CREATE TABLE provisioned_concurrency (
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, qualifier)
  ) WITHOUT ROWID;

  CREATE TABLE event_invoke_configs (
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, qualifier)
  ) WITHOUT ROWID;

  CREATE TABLE function_urls (
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    urlId TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name, qualifier)
  ) WITHOUT ROWID;

  CREATE TABLE event_source_mappings (
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (uuid)
  ) WITHOUT ROWID;
  CREATE INDEX event_source_mappings_by_name ON event_source_mappings (name);
  CREATE INDEX event_source_mappings_by_source ON event_source_mappings (source);

  CREATE TABLE layers (
    layer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (layer)
  ) WITHOUT ROWID;

  CREATE TABLE layer_versions (
    layer TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (layer, number)
  ) WITHOUT ROWID;

  CREATE TABLE tags (
    arn TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (arn)
  ) WITHOUT ROWID;

  CREATE TABLE access_keys (
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (id)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE event_invocations (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (id)
  );
  CREATE INDEX event_invocations_by_name ON event_invocations (name);
  `,
  `
  CREATE TABLE routes (
    route TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (route)
  ) WITHOUT ROWID;
  CREATE INDEX routes_by_name ON routes (name);
  `,
  `
  CREATE TABLE schedules (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (name)
  ) WITHOUT ROWID;
  `,
]
