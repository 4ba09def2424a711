//! The tables of users, organizations, and of project groups, projects, secrets and variables.
//!
//! A foreign key to the own table is checked at the end of a load or an import, where a group may
//! come before the group that it was moved into; triggers prevent that a group is below itself. An
//! index of a reference that most rows lack holds only the rows that have it.

/// A user has a name, or a time of deletion: then nobody sees it, and it stays only as long as
/// other objects refer to it.
pub const USERS: &str = "CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED,
    deleted_at TEXT GENERATED ALWAYS AS (data ->> '$.deleted_at') STORED,
    CHECK ((name IS NULL) = (deleted_at IS NOT NULL))
) STRICT;
CREATE INDEX users_deleted ON users (deleted_at, id) WHERE deleted_at IS NOT NULL;";

/// The same for organizations.
pub const ORGS: &str = "CREATE TABLE orgs (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED,
    deleted_at TEXT GENERATED ALWAYS AS (data ->> '$.deleted_at') STORED,
    CHECK ((name IS NULL) = (deleted_at IS NOT NULL))
) STRICT;
CREATE INDEX orgs_deleted ON orgs (deleted_at, id) WHERE deleted_at IS NOT NULL;";

/// A root group belongs to one user or organization and has no name; every other group has a parent
/// and a name. A group with a time of deletion is the root of a subtree that nobody sees.
pub const PROJECT_GROUPS: &str = "CREATE TABLE project_groups (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT GENERATED ALWAYS AS (data ->> '$.name') STORED,
    user TEXT GENERATED ALWAYS AS (data ->> '$.user') STORED REFERENCES users (id),
    org TEXT GENERATED ALWAYS AS (data ->> '$.org') STORED REFERENCES orgs (id),
    parent TEXT GENERATED ALWAYS AS (data ->> '$.parent') STORED
        REFERENCES project_groups (id),
    deleted_at TEXT GENERATED ALWAYS AS (data ->> '$.deleted_at') STORED,
    CHECK (
        (user IS NOT NULL) + (org IS NOT NULL) + (parent IS NOT NULL)
            + (deleted_at IS NOT NULL) = 1
    ),
    CHECK ((name IS NULL) = (parent IS NULL))
) STRICT;
CREATE UNIQUE INDEX project_groups_user ON project_groups (user) WHERE user IS NOT NULL;
CREATE UNIQUE INDEX project_groups_org ON project_groups (org) WHERE org IS NOT NULL;
CREATE UNIQUE INDEX project_groups_parent ON project_groups (parent, name)
    WHERE parent IS NOT NULL;
CREATE INDEX project_groups_deleted ON project_groups (deleted_at, id)
    WHERE deleted_at IS NOT NULL;
CREATE TRIGGER project_groups_insert AFTER INSERT ON project_groups
WHEN NEW.parent IS NOT NULL AND EXISTS (
    WITH RECURSIVE above (id) AS (
        VALUES (NEW.parent)
        UNION
        SELECT g.parent FROM project_groups g JOIN above a ON g.id = a.id
            WHERE g.parent IS NOT NULL
    )
    SELECT 1 FROM above WHERE id = NEW.id
)
BEGIN SELECT RAISE (ABORT, 'a project group stands below itself'); END;
CREATE TRIGGER project_groups_update AFTER UPDATE ON project_groups
WHEN NEW.parent IS NOT OLD.parent AND EXISTS (
    WITH RECURSIVE above (id) AS (
        VALUES (NEW.parent)
        UNION
        SELECT g.parent FROM project_groups g JOIN above a ON g.id = a.id
            WHERE g.parent IS NOT NULL
    )
    SELECT 1 FROM above WHERE id = NEW.id
)
BEGIN SELECT RAISE (ABORT, 'a project group stands below itself'); END;";

pub const PROJECTS: &str = "CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED,
    parent TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.parent') STORED
        REFERENCES project_groups (id),
    remote_source TEXT GENERATED ALWAYS AS (data ->> '$.remote_source') STORED
        REFERENCES remote_sources (id),
    UNIQUE (parent, name)
) STRICT;
CREATE INDEX projects_remote_source ON projects (remote_source);";

pub const SECRETS: &str = "CREATE TABLE secrets (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED,
    project TEXT GENERATED ALWAYS AS (data ->> '$.project') STORED REFERENCES projects (id),
    project_group TEXT GENERATED ALWAYS AS (data ->> '$.project_group') STORED
        REFERENCES project_groups (id),
    CHECK ((project IS NULL) <> (project_group IS NULL))
) STRICT;
CREATE UNIQUE INDEX secrets_project ON secrets (project, name) WHERE project IS NOT NULL;
CREATE UNIQUE INDEX secrets_group ON secrets (project_group, name)
    WHERE project_group IS NOT NULL;";

pub const VARIABLES: &str = "CREATE TABLE variables (
    id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
    data TEXT NOT NULL,
    name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED,
    project TEXT GENERATED ALWAYS AS (data ->> '$.project') STORED REFERENCES projects (id),
    project_group TEXT GENERATED ALWAYS AS (data ->> '$.project_group') STORED
        REFERENCES project_groups (id),
    CHECK ((project IS NULL) <> (project_group IS NULL))
) STRICT;
CREATE UNIQUE INDEX variables_project ON variables (project, name) WHERE project IS NOT NULL;
CREATE UNIQUE INDEX variables_group ON variables (project_group, name)
    WHERE project_group IS NOT NULL;";
