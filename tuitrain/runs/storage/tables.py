"""The tables of run.db, version 2.

Knows only SQL. Times are seconds since the epoch, sizes bytes; `*_json` columns hold JSON text.
"""

SCHEMA_VERSION = 2

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value_json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    step INTEGER, detail TEXT NOT NULL DEFAULT ''
);
CREATE TABLE attempts (attempt INTEGER PRIMARY KEY, started REAL NOT NULL, pid INTEGER, ended REAL);
CREATE TABLE acknowledged (attempt INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);

-- axis: `step` for metrics, `split` for the parts of a step's time and `layer` for what was
-- measured of a layer (both by step too), `time` for readings of devices, whose steps are
-- seconds since the epoch: a resume removes none of those.
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, axis TEXT NOT NULL DEFAULT 'step'
);
-- The points of one metric from first_step to last_step; chunks of a metric never overlap.
-- value_blob: little-endian float64, as SQLite has no NaN. step_blob: little-endian int64, or
-- NULL where the steps follow each other.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, metric INTEGER NOT NULL, first_step INTEGER NOT NULL,
    last_step INTEGER NOT NULL, count INTEGER NOT NULL, step_blob BLOB, value_blob BLOB NOT NULL
);
CREATE UNIQUE INDEX chunks_by_step ON chunks (metric, first_step);
CREATE TABLE summaries (
    metric INTEGER NOT NULL, level INTEGER NOT NULL, bucket INTEGER NOT NULL,
    first_step INTEGER NOT NULL, last_step INTEGER NOT NULL, count INTEGER NOT NULL,
    minimum REAL, maximum REAL, total REAL,
    finite INTEGER NOT NULL, nan INTEGER NOT NULL, posinf INTEGER NOT NULL, neginf INTEGER NOT NULL,
    PRIMARY KEY (metric, level, bucket)
) WITHOUT ROWID;

CREATE TABLE progress (
    step INTEGER PRIMARY KEY, time REAL NOT NULL, epoch REAL NOT NULL, train_s REAL NOT NULL
);
CREATE TABLE evaluations (
    step INTEGER PRIMARY KEY, time REAL NOT NULL, epoch REAL NOT NULL, duration_s REAL NOT NULL,
    metrics_json TEXT NOT NULL, counts_json TEXT
);
CREATE TABLE checkpoints (
    path TEXT PRIMARY KEY, step INTEGER NOT NULL, time REAL NOT NULL, digest TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, held_up_s REAL NOT NULL, write_s REAL NOT NULL,
    metrics_json TEXT NOT NULL, removed REAL, removed_reason TEXT NOT NULL DEFAULT '',
    superseded INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE checkpoint_names (name TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (
    step INTEGER NOT NULL, key TEXT NOT NULL, time REAL NOT NULL, old REAL, new REAL NOT NULL,
    PRIMARY KEY (step, key)
) WITHOUT ROWID;
CREATE TABLE marks (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, data_json TEXT NOT NULL
);
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY, step INTEGER, time REAL NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, detail TEXT NOT NULL DEFAULT ''
);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, given REAL NOT NULL, given_by TEXT NOT NULL,
    kind TEXT NOT NULL, arguments_json TEXT NOT NULL, taken REAL, done REAL, outcome TEXT,
    text TEXT NOT NULL DEFAULT '', step INTEGER
);
-- The readings of the last minute or so; older ones are moved into chunks, axis `time`.
CREATE TABLE samples (time REAL NOT NULL, name TEXT NOT NULL, value REAL);
CREATE INDEX samples_by_name ON samples (name, time);
-- One row: what was last known of each device that is no number (names, processes and owners).
CREATE TABLE devices (id INTEGER PRIMARY KEY, time REAL NOT NULL, facts_json TEXT NOT NULL);
CREATE TABLE profiles (
    name TEXT PRIMARY KEY, time REAL NOT NULL, state TEXT NOT NULL, first_step INTEGER NOT NULL,
    last_step INTEGER NOT NULL, facts_json TEXT NOT NULL, summary_json TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
"""

FROM_VERSION_1 = """
ALTER TABLE metrics ADD COLUMN axis TEXT NOT NULL DEFAULT 'step';
ALTER TABLE alerts ADD COLUMN detail TEXT NOT NULL DEFAULT '';
CREATE TABLE devices (id INTEGER PRIMARY KEY, time REAL NOT NULL, facts_json TEXT NOT NULL);
CREATE TABLE profiles (
    name TEXT PRIMARY KEY, time REAL NOT NULL, state TEXT NOT NULL, first_step INTEGER NOT NULL,
    last_step INTEGER NOT NULL, facts_json TEXT NOT NULL, summary_json TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
"""
"""What makes a record of version 1 one of today."""
