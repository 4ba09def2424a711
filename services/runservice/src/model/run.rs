use drydock_api::runservice::types::{Group, Phase, ProjectId, RunId, RunResult, RunsQuery};
use drydock_core::db::column::{id, number};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::{Order, PageRequest};
use jiff::Timestamp;

use crate::engine::group::GroupState;
use crate::record::{ResumeGate, Run};
use crate::schema::RUNS;

pub fn find(tx: &Tx<'_>, run: RunId) -> Result<Option<Run>, DbError> {
    tx.get(RUNS, run.0)
}

pub fn by_number(tx: &Tx<'_>, project: ProjectId, number: u64) -> Result<Option<Run>, DbError> {
    let sql = "SELECT data FROM runs WHERE project = ?1 AND number = ?2";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let found = tx.query_objects(sql, rusqlite::params![project.to_string(), number])?;
    Ok(found.into_iter().next())
}

/// The runs of a group that are not final.
pub fn group(tx: &Tx<'_>, group: &Group) -> Result<GroupState, DbError> {
    let group = [group.as_str()];
    let running = "SELECT id FROM runs WHERE run_group = ?1 AND phase = 'running'";
    let queued = "SELECT id FROM runs WHERE run_group = ?1 AND phase = 'queued' ORDER BY place";
    // Times are compared when they are parsed: as texts they have different lengths.
    let held = "SELECT held_until FROM runs WHERE run_group = ?1 AND held_until IS NOT NULL
        ORDER BY place DESC LIMIT 1";
    let held: Option<String> = tx.query_one(held, group, |row| row.get(0))?;
    Ok(GroupState {
        running: tx.query_one(running, group, |row| id(row, 0))?.map(RunId),
        queued: tx.query(queued, group, |row| Ok(RunId(id(row, 0)?)))?,
        held_until: held.and_then(|text| text.parse::<Timestamp>().ok()),
    })
}

/// The first queued runs of groups in which none is running.
pub fn startable(tx: &Tx<'_>, limit: u32) -> Result<Vec<RunId>, DbError> {
    let sql = "SELECT q.id FROM runs q WHERE q.phase = 'queued'
        AND NOT EXISTS (SELECT 1 FROM runs r
            WHERE r.run_group = q.run_group AND r.phase = 'running')
        AND NOT EXISTS (SELECT 1 FROM runs o
            WHERE o.run_group = q.run_group AND o.phase = 'queued' AND o.place < q.place)
        ORDER BY q.place LIMIT ?1";
    tx.query(sql, [limit], |row| Ok(RunId(id(row, 0)?)))
}

pub fn queued_in_group(tx: &Tx<'_>, group: &Group) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM runs WHERE run_group = ?1 AND phase = 'queued'";
    Ok(tx.query_one(sql, [group.as_str()], |row| number(row, 0))?.unwrap_or(0))
}

pub fn queued_in_project(tx: &Tx<'_>, project: ProjectId) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM runs WHERE project = ?1 AND phase = 'queued'";
    Ok(tx.query_one(sql, [project.to_string()], |row| number(row, 0))?.unwrap_or(0))
}

/// The place of the next run among all.
pub fn next_place(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT coalesce(max(place), 0) + 1 FROM runs";
    Ok(tx.query_one(sql, [], |row| number(row, 0))?.unwrap_or(1))
}

/// Runs of which a deadline may have passed by this time; the engine decides.
pub fn maybe_late(tx: &Tx<'_>, time: Timestamp, limit: u32) -> Result<Vec<RunId>, DbError> {
    // As texts, times of one second compare in any order.
    let sql = "SELECT r.id FROM runs r WHERE r.phase = 'running' AND (
            (r.data ->> '$.deadline' <= ?1 AND r.data ->> '$.paused_since' IS NULL
                AND r.data ->> '$.stop' IS NULL)
            OR EXISTS (SELECT 1 FROM tasks t WHERE t.run = r.id AND t.status = 'not_started'
                AND (t.data ->> '$.queue_deadline' <= ?1
                    OR (t.data ->> '$.approval.state' = 'waiting'
                        AND t.data ->> '$.approval.expires_at' <= ?1)))
            OR EXISTS (SELECT 1 FROM attempts a WHERE a.run = r.id AND a.live_on IS NOT NULL
                AND a.data ->> '$.deadline' <= ?1))
        ORDER BY r.place LIMIT ?2";
    let time = time.to_string();
    tx.query(sql, rusqlite::params![time, limit], |row| Ok(RunId(id(row, 0)?)))
}

pub fn gate(tx: &Tx<'_>) -> Result<Option<ResumeGate>, DbError> {
    Ok(tx.query_objects("SELECT data FROM gates", [])?.into_iter().next())
}

/// The sort key of lists of runs: their places, as texts of one length.
pub fn sort_key(place: u64) -> String {
    format!("{place:020}")
}

/// One page of runs in the order of their creation.
pub fn list(tx: &Tx<'_>, query: &RunsQuery, page: &PageRequest) -> Result<Vec<Run>, DbError> {
    let (compare, direction) = match page.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let after = page.after.as_ref().map(|cursor| cursor.name.parse::<i64>().unwrap_or(0));
    let project = query.project.map(|project| project.to_string());
    let group = query.group.as_ref().map(Group::as_str);
    let phase = query.phase.map(Phase::as_str);
    let result = query.result.map(RunResult::as_str);
    let sql = format!(
        "SELECT data FROM runs
         WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR run_group = ?2)
            AND (?3 IS NULL OR phase = ?3) AND (?4 IS NULL OR result = ?4)
            AND (?5 IS NULL OR place {compare} ?5)
         ORDER BY place {direction} LIMIT ?6"
    );
    tx.query_objects(&sql, rusqlite::params![project, group, phase, result, after, page.fetch()])
}

/// The numbers of runs that are not final.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnfinishedRuns {
    pub queued: u64,
    pub running: u64,
}

pub fn unfinished(tx: &Tx<'_>) -> Result<UnfinishedRuns, DbError> {
    let count = |phase: Phase| {
        let sql = format!("SELECT count(*) FROM runs WHERE phase = '{phase}'");
        Ok::<_, DbError>(tx.query_one(&sql, [], |row| number(row, 0))?.unwrap_or(0))
    };
    Ok(UnfinishedRuns { queued: count(Phase::Queued)?, running: count(Phase::Running)? })
}
