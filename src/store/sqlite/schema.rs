//! The tables of a file, as forward migrations. A released migration is never changed: a file of every version opens.

/// Each migration brings a file one version further.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, SINCE];

/// Says in the file's header whose it is: `Stfl`.
pub(super) const APPLICATION: i64 = 0x5374_666C;

const FIRST: &str = "
PRAGMA application_id = 0x5374666C;
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE record (entity TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL, links_rev INTEGER NOT NULL, part INTEGER NOT NULL DEFAULT 0,
  body BLOB NOT NULL, PRIMARY KEY (entity, id)) STRICT, WITHOUT ROWID;
CREATE TABLE record_index (entity TEXT NOT NULL, col TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (entity, col, value, id)) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (entity TEXT NOT NULL, col TEXT NOT NULL, PRIMARY KEY (entity, col)) STRICT, WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE instance (id BLOB PRIMARY KEY, revision INTEGER NOT NULL, process TEXT NOT NULL, version INTEGER NOT NULL, entity TEXT, record TEXT,
  status INTEGER NOT NULL, incidents INTEGER NOT NULL, key TEXT, parent BLOB, root BLOB NOT NULL, initiator TEXT, started INTEGER NOT NULL,
  ended INTEGER, part INTEGER NOT NULL DEFAULT 0, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX instance_record ON instance (entity, record, id) WHERE record IS NOT NULL;
CREATE UNIQUE INDEX instance_key ON instance (process, key) WHERE key IS NOT NULL;
CREATE INDEX instance_trouble ON instance (id) WHERE incidents > 0;
CREATE INDEX instance_process ON instance (process, status, id);
CREATE INDEX instance_ended ON instance (ended) WHERE ended IS NOT NULL;
CREATE TABLE task (id BLOB PRIMARY KEY, instance BLOB NOT NULL, assignee TEXT, entity TEXT, record TEXT, mirror_entity TEXT, mirror TEXT, due INTEGER,
  part INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX task_instance ON task (instance);
CREATE INDEX task_assignee ON task (assignee, id) WHERE assignee IS NOT NULL;
CREATE INDEX task_record ON task (entity, record) WHERE record IS NOT NULL;
CREATE INDEX task_mirror ON task (mirror_entity, mirror) WHERE mirror IS NOT NULL;
CREATE TABLE task_role (role TEXT NOT NULL, task BLOB NOT NULL, PRIMARY KEY (role, task)) STRICT, WITHOUT ROWID;
CREATE INDEX task_role_task ON task_role (task);
CREATE TABLE timer (instance BLOB NOT NULL, wait INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (instance, wait)) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due, instance, wait);
CREATE TABLE job (id BLOB PRIMARY KEY, instance BLOB NOT NULL, visible INTEGER NOT NULL, attempt INTEGER NOT NULL, service TEXT NOT NULL,
  lane INTEGER NOT NULL, part INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX job_visible ON job (visible, id);
CREATE TABLE subscription (topic TEXT NOT NULL, instance BLOB NOT NULL, wait INTEGER NOT NULL, part INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, instance, wait)) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_wait ON subscription (instance, wait);
CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, until INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX message_topic ON message (topic, id);
CREATE INDEX message_until ON message (until);
CREATE TABLE inbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, why TEXT, part INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL) STRICT;
CREATE INDEX inbox_due ON inbox (seq) WHERE why IS NULL;
CREATE INDEX inbox_failed ON inbox (seq) WHERE why IS NOT NULL;
CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, instance BLOB, revision INTEGER NOT NULL, command BLOB NOT NULL,
  part INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL) STRICT;
CREATE INDEX journal_instance ON journal (instance, seq) WHERE instance IS NOT NULL;
CREATE TABLE journal_record (entity TEXT NOT NULL, record TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (entity, record, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX journal_record_seq ON journal_record (seq);
CREATE TABLE seen (command BLOB PRIMARY KEY, hash INTEGER NOT NULL, at INTEGER NOT NULL, answer BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE deployment (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, file TEXT NOT NULL, text TEXT NOT NULL,
  node_table BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE consumer (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Whoever waits for a message stands in line since a row of the journal: first come, first served.
const SINCE: &str = "ALTER TABLE subscription ADD COLUMN since INTEGER NOT NULL DEFAULT 0;";
