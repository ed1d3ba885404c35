//! Every statement of the store, in one place. Identifiers are constants, values are always bound; a test asserts the plan of each.

/// A statement: its place among all of them, and its text.
#[derive(Clone, Copy)]
pub(super) struct Sql {
    pub at: usize,
    pub text: &'static str,
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers the statements")]
        enum At { $($name),* }
        $($(#[$doc])* pub(super) const $name: Sql = Sql { at: At::$name as usize, text: $sql };)*
        /// How many there are.
        pub(super) const COUNT: usize = [$(At::$name as usize),*].len();
        /// All of them, by name.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

statements! {
    SAVEPOINT = "SAVEPOINT turn";
    ROLLBACK = "ROLLBACK TO turn";
    RELEASE = "RELEASE turn";

    GET_META = "SELECT value FROM meta WHERE key = ?1";
    PUT_META = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

    GET_RECORD = "SELECT body FROM record WHERE entity = ?1 AND id = ?2";
    REVS_OF_RECORD = "SELECT rev, links_rev FROM record WHERE entity = ?1 AND id = ?2";
    PUT_RECORD = "INSERT INTO record (entity, id, rev, links_rev, body) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (entity, id) DO UPDATE SET rev = excluded.rev, links_rev = excluded.links_rev, body = excluded.body";
    DELETE_RECORD = "DELETE FROM record WHERE entity = ?1 AND id = ?2";
    RECORDS_OF_ENTITY = "SELECT body FROM record WHERE entity = ?1 AND id > ?2 ORDER BY id";
    RECORDS_BY_COLUMN = "SELECT record.body FROM record_index JOIN record ON record.entity = record_index.entity AND record.id = record_index.id
        WHERE record_index.entity = ?1 AND record_index.col = ?2 AND record_index.value = ?3 AND record_index.id > ?4 ORDER BY record_index.id";
    PUT_INDEX = "INSERT OR IGNORE INTO record_index (entity, col, value, id) VALUES (?1, ?2, ?3, ?4)";
    DELETE_INDEX = "DELETE FROM record_index WHERE entity = ?1 AND col = ?2 AND value = ?3 AND id = ?4";
    INDEXED = "SELECT entity, col FROM indexed";
    PUT_INDEXED = "INSERT OR IGNORE INTO indexed (entity, col) VALUES (?1, ?2)";

    GET_SETTING = "SELECT value FROM setting WHERE name = ?1";
    PUT_SETTING = "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    GET_INSTANCE = "SELECT id, revision, process, version, entity, record, status, incidents, key, parent, root, initiator, started, ended, state
        FROM instance WHERE id = ?1";
    REVISION_OF_INSTANCE = "SELECT revision FROM instance WHERE id = ?1";
    INSERT_INSTANCE = "INSERT INTO instance (id, revision, entity, record, status, incidents, key, ended, state, process, version, parent, root, initiator, started)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING";
    UPDATE_INSTANCE = "UPDATE instance SET revision = ?2, entity = ?3, record = ?4, status = ?5, incidents = ?6, key = ?7, ended = ?8, state = ?9
        WHERE id = ?1 AND revision = ?2 - 1";
    RUNNING = "SELECT id FROM instance WHERE process = ?1 AND key = ?2";
    INSTANCES_ABOUT = "SELECT id, revision, process, version, entity, record, status, incidents, key, parent, root, initiator, started, ended, state
        FROM instance WHERE entity = ?1 AND record = ?2 AND id > ?3 ORDER BY id";
    INSTANCES_IN_TROUBLE = "SELECT id, revision, process, version, entity, record, status, incidents, key, parent, root, initiator, started, ended, state
        FROM instance INDEXED BY instance_trouble WHERE incidents > 0 AND id > ?1 ORDER BY id";
    INSTANCES_OF_PROCESS = "SELECT id, revision, process, version, entity, record, status, incidents, key, parent, root, initiator, started, ended, state
        FROM instance WHERE process = ?1 AND status = ?2 AND id > ?3 ORDER BY id";
    INSTANCES = "SELECT id, revision, process, version, entity, record, status, incidents, key, parent, root, initiator, started, ended, state
        FROM instance WHERE id > ?1 ORDER BY id";
    MARK_DAMAGED = "UPDATE instance SET incidents = max(incidents, 1) WHERE id = ?1";
    PRUNE_INSTANCES = "DELETE FROM instance WHERE ended < ?1";

    GET_TASK = "SELECT body FROM task WHERE id = ?1";
    PUT_TASK = "INSERT INTO task (id, instance, assignee, entity, record, mirror_entity, mirror, due, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET assignee = excluded.assignee, entity = excluded.entity, record = excluded.record,
        mirror_entity = excluded.mirror_entity, mirror = excluded.mirror, due = excluded.due, body = excluded.body";
    DELETE_TASK = "DELETE FROM task WHERE id = ?1";
    PUT_ROLE = "INSERT OR IGNORE INTO task_role (role, task) VALUES (?1, ?2)";
    DELETE_ROLES = "DELETE FROM task_role WHERE task = ?1";
    TASK_OF_MIRROR = "SELECT body FROM task WHERE mirror_entity = ?1 AND mirror = ?2";
    TASKS_OF_INSTANCE = "SELECT body FROM task WHERE instance = ?1";
    TASKS_OF_RECORD = "SELECT body FROM task WHERE entity = ?1 AND record = ?2";
    TASKS_OF_PERSON = "SELECT body FROM task WHERE assignee = ?1";
    TASKS_OF_ROLE = "SELECT task.body FROM task_role JOIN task ON task.id = task_role.task WHERE task_role.role = ?1";
    TASKS = "SELECT body FROM task WHERE id > ?1 ORDER BY id";

    PUT_TIMER = "INSERT INTO timer (instance, wait, due) VALUES (?1, ?2, ?3) ON CONFLICT (instance, wait) DO UPDATE SET due = excluded.due";
    DELETE_TIMER = "DELETE FROM timer WHERE instance = ?1 AND wait = ?2";
    DUE_TIMERS = "SELECT due, instance, wait FROM timer WHERE due <= ?1 ORDER BY due, instance, wait LIMIT ?2";
    DUE_OF_TIMER = "SELECT due FROM timer WHERE instance = ?1 AND wait = ?2";
    NEXT_TIMER = "SELECT due FROM timer ORDER BY due LIMIT 1";

    GET_JOB = "SELECT body FROM job WHERE id = ?1";
    PUT_JOB = "INSERT INTO job (id, instance, visible, attempt, service, lane, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET visible = excluded.visible, attempt = excluded.attempt, body = excluded.body";
    DELETE_JOB = "DELETE FROM job WHERE id = ?1";
    ATTEMPT_OF_JOB = "SELECT attempt FROM job WHERE id = ?1";
    DUE_JOBS = "SELECT service, body, id, instance FROM job WHERE visible <= ?1 ORDER BY visible, id";
    SET_JOB_ASIDE = "UPDATE job SET visible = 9223372036854775807 WHERE id = ?1";
    NEXT_JOB = "SELECT visible FROM job ORDER BY visible LIMIT 1";

    LISTENERS = "SELECT instance, wait, since FROM subscription WHERE topic = ?1 ORDER BY instance, wait";
    PUT_SUBSCRIPTION = "INSERT OR IGNORE INTO subscription (topic, instance, wait, since) VALUES (?1, ?2, ?3,
      coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0))";
    DELETE_SUBSCRIPTIONS = "DELETE FROM subscription WHERE instance = ?1 AND wait = ?2";

    PUT_MESSAGE = "INSERT INTO message (topic, until, body) VALUES (?1, ?2, ?3)";
    KEPT_MESSAGES = "SELECT id, body FROM message WHERE topic = ?1 AND until > ?2 ORDER BY id";
    PRUNE_MESSAGES = "DELETE FROM message WHERE until <= ?1";
    DELETE_MESSAGE = "DELETE FROM message WHERE id = ?1";

    PUT_REACTION = "INSERT INTO inbox (why, body) VALUES (?1, ?2)";
    NEXT_REACTION = "SELECT seq, body FROM inbox INDEXED BY inbox_due WHERE why IS NULL ORDER BY seq LIMIT 1";
    FAILED_REACTIONS = "SELECT seq, why, body FROM inbox INDEXED BY inbox_failed WHERE why IS NOT NULL ORDER BY seq";
    DELETE_REACTION = "DELETE FROM inbox WHERE seq = ?1";
    PARK_REACTION = "UPDATE inbox SET why = ?2 WHERE seq = ?1";

    PUT_JOURNAL = "INSERT INTO journal (at, instance, revision, command, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    JOURNAL = "SELECT seq, at, instance, revision, command, body FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    JOURNAL_OF_INSTANCE = "SELECT seq, at, instance, revision, command, body FROM journal WHERE instance = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2";
    PUT_JOURNAL_RECORD = "INSERT OR IGNORE INTO journal_record (entity, record, seq) VALUES (?1, ?2, ?3)";
    JOURNAL_OF_RECORD = "SELECT journal.seq, at, instance, revision, command, body FROM journal_record JOIN journal ON journal.seq = journal_record.seq
        WHERE journal_record.entity = ?3 AND journal_record.record = ?4 AND journal_record.seq > ?1 ORDER BY journal_record.seq LIMIT ?2";
    /// The first row that stays: it reads only the rows before it, which go.
    JOURNAL_FROM = "SELECT seq FROM journal WHERE seq > 0 AND at >= ?1 ORDER BY seq LIMIT 1";
    PRUNE_JOURNAL = "DELETE FROM journal WHERE seq < ?1";
    PRUNE_JOURNAL_RECORD = "DELETE FROM journal_record WHERE seq < ?1";

    GET_SEEN = "SELECT hash, answer FROM seen WHERE command = ?1";
    PUT_SEEN = "INSERT INTO seen (command, hash, at, answer) VALUES (?1, ?2, ?3, ?4)";
    PRUNE_SEEN = "DELETE FROM seen WHERE at < ?1";

    PUT_DEPLOYMENT = "INSERT INTO deployment (name, version, file, text, node_table, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    DEPLOYMENTS = "SELECT name, version, file, text, node_table, at FROM deployment WHERE id > 0 ORDER BY id";

    GET_CURSOR = "SELECT seq FROM consumer WHERE name = ?1";
    PUT_CURSOR = "INSERT INTO consumer (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
    LEAST_CURSOR = "SELECT min(seq) FROM consumer";
}
