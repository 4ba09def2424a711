use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptId, ClaimId, ExecutorId, ProjectId, RunId, TaskName};
use drydock_core::db::column::{id, number};
use drydock_core::db::{DbError, Tx};
use jiff::Timestamp;

use crate::engine::pick::{Load, ProjectLoad};
use crate::record::{Attempt, Era};

pub fn by_claim(tx: &Tx<'_>, claim: ClaimId) -> Result<Option<Attempt>, DbError> {
    let sql = "SELECT data FROM attempts WHERE claim = ?1";
    Ok(tx.query_objects(sql, [claim.to_string()])?.into_iter().next())
}

/// The attempts of a run that are not final.
pub fn live_of_run(tx: &Tx<'_>, run: RunId) -> Result<Vec<Attempt>, DbError> {
    let sql = "SELECT data FROM attempts WHERE run = ?1 AND live_on IS NOT NULL";
    tx.query_objects(sql, [run.to_string()])
}

/// The attempts on an executor that are not final, in the order of their claims.
pub fn live_on(tx: &Tx<'_>, executor: ExecutorId) -> Result<Vec<Attempt>, DbError> {
    let sql = "SELECT data FROM attempts WHERE live_on = ?1 ORDER BY place";
    tx.query_objects(sql, [executor.to_string()])
}

/// The attempts that are not final, by their executors.
pub fn at_work(tx: &Tx<'_>) -> Result<BTreeMap<ExecutorId, Vec<AttemptId>>, DbError> {
    let sql = "SELECT live_on, id FROM attempts WHERE live_on IS NOT NULL ORDER BY live_on, place";
    let rows = tx.query(sql, [], |row| Ok((ExecutorId(id(row, 0)?), AttemptId(id(row, 1)?))))?;
    let mut at_work: BTreeMap<ExecutorId, Vec<AttemptId>> = BTreeMap::new();
    for (executor, attempt) in rows {
        at_work.entry(executor).or_default().push(attempt);
    }
    Ok(at_work)
}

pub fn count_live_on(tx: &Tx<'_>, executor: ExecutorId) -> Result<u32, DbError> {
    let sql = "SELECT count(*) FROM attempts WHERE live_on = ?1";
    Ok(tx.query_one(sql, [executor.to_string()], |row| row.get(0))?.unwrap_or(0))
}

const OF_OTHER_ERAS: &str = "live_on IS NOT NULL AND (data ->> '$.era.lineage' IS NOT ?1
    OR data ->> '$.era.generation' IS NOT ?2)";

/// The number of attempts that are not final, and not of this era.
pub fn left_over(tx: &Tx<'_>, era: Era) -> Result<u64, DbError> {
    let sql = format!("SELECT count(*) FROM attempts WHERE {OF_OTHER_ERAS}");
    let era = rusqlite::params![era.lineage.to_string(), signed(era.generation)];
    Ok(tx.query_one(&sql, era, |row| number(row, 0))?.unwrap_or(0))
}

/// Attempts that are not final, and not of this era, in the order of their claims.
pub fn of_other_eras(tx: &Tx<'_>, era: Era, limit: usize) -> Result<Vec<AttemptId>, DbError> {
    let sql = format!("SELECT id FROM attempts WHERE {OF_OTHER_ERAS} ORDER BY place LIMIT {limit}");
    let era = rusqlite::params![era.lineage.to_string(), signed(era.generation)];
    tx.query(&sql, era, |row| Ok(AttemptId(id(row, 0)?)))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The place of the next attempt among all.
pub fn next_place(tx: &Tx<'_>) -> Result<u64, DbError> {
    let sql = "SELECT coalesce(max(place), 0) + 1 FROM attempts";
    Ok(tx.query_one(sql, [], |row| number(row, 0))?.unwrap_or(1))
}

/// What runs now, and the last claims of the projects that have ready tasks.
pub fn load(tx: &Tx<'_>, projects: &[ProjectId]) -> Result<Load, DbError> {
    let mut load = Load::default();
    let running = "SELECT project, count(*) FROM attempts WHERE live_on IS NOT NULL
        GROUP BY project";
    for (project, running) in tx.query(running, [], |row| Ok((id(row, 0)?, row.get(1)?)))? {
        load.projects.insert(ProjectId(project), ProjectLoad { running, last_claim: 0 });
    }
    let last = "SELECT max(place) FROM attempts WHERE project = ?1";
    for project in projects {
        let last = tx.query_one(last, [project.to_string()], |row| row.get::<_, Option<i64>>(0))?;
        let last = last.flatten().and_then(|last| u64::try_from(last).ok()).unwrap_or(0);
        load.projects.entry(*project).or_default().last_claim = last;
    }
    let pools = "SELECT pool, count(*) FROM attempts
        WHERE live_on IS NOT NULL AND pool IS NOT NULL GROUP BY pool";
    let pools = tx.query(pools, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    load.pools = pools.into_iter().collect::<BTreeMap<String, u32>>();
    Ok(load)
}

/// Attempts that have ended and whose logs are not complete, in the order of their claims, from
/// after a place on.
pub fn unsealed(tx: &Tx<'_>, after: u64, limit: usize) -> Result<Vec<Attempt>, DbError> {
    let sql = format!(
        "SELECT data FROM attempts WHERE unsealed IS NOT NULL AND place > ?1
        ORDER BY place LIMIT {limit}"
    );
    tx.query_objects(&sql, [signed(after)])
}

/// Those of these attempts whose executors say that there are no logs.
pub fn denying_logs(tx: &Tx<'_>, ids: &BTreeSet<AttemptId>) -> Result<Vec<Attempt>, DbError> {
    let sql = "SELECT data FROM attempts WHERE id = ?1
        AND data ->> '$.log_state' = 'complete' AND data ->> '$.logs' IS NULL";
    let mut found: Vec<Attempt> = Vec::new();
    for id in ids {
        found.extend(tx.query_objects(sql, [id.to_string()])?);
    }
    found.retain(Attempt::denies_logs);
    Ok(found)
}

/// The attempt of a task with this number, else the last one.
pub fn of_task(
    tx: &Tx<'_>,
    run: RunId,
    task: &TaskName,
    number: Option<u32>,
) -> Result<Option<Attempt>, DbError> {
    let sql = "SELECT data FROM attempts
        WHERE task = (SELECT id FROM tasks WHERE run = ?1 AND name = ?2)
            AND (?3 IS NULL OR number = ?3)
        ORDER BY number DESC LIMIT 1";
    let found: Vec<Attempt> =
        tx.query_objects(sql, rusqlite::params![run.to_string(), task.as_str(), number])?;
    Ok(found.into_iter().next())
}

/// Attempts with archives that have ended, in the order of their ids.
pub fn with_archives(
    tx: &Tx<'_>,
    after: Option<AttemptId>,
    limit: usize,
) -> Result<Vec<Attempt>, DbError> {
    let sql = format!(
        "SELECT data FROM attempts WHERE archive_ended IS NOT NULL AND id > ?1
        ORDER BY id LIMIT {limit}"
    );
    tx.query_objects(&sql, [after.map_or(String::new(), |after| after.to_string())])
}

/// Attempts with logs to which no run refers any more that ended after this moment: of all, or
/// whether it is one of them.
pub fn with_old_logs(
    tx: &Tx<'_>,
    before: Timestamp,
    of: Option<AttemptId>,
    limit: usize,
) -> Result<Vec<AttemptId>, DbError> {
    old(tx, "log_ended", (before, of), limit)
}

/// The same for archives.
pub fn with_old_archives(
    tx: &Tx<'_>,
    before: Timestamp,
    of: Option<AttemptId>,
    limit: usize,
) -> Result<Vec<AttemptId>, DbError> {
    old(tx, "archive_ended", (before, of), limit)
}

/// Attempts by a column with their end, which is there as long as something of them is kept.
fn old(
    tx: &Tx<'_>,
    ended: &str,
    (before, of): (Timestamp, Option<AttemptId>),
    limit: usize,
) -> Result<Vec<AttemptId>, DbError> {
    let sql = format!(
        "SELECT a.id FROM attempts a JOIN runs r ON r.id = a.run
        WHERE a.{ended} IS NOT NULL AND a.{ended} < ?1 AND r.data ->> '$.ended_at' < ?1
            AND (?2 IS NULL OR a.id = ?2)
            AND NOT EXISTS (
                SELECT 1 FROM tasks t JOIN runs later ON later.id = t.run
                    WHERE t.kept_attempt = a.id
                        AND coalesce(later.data ->> '$.ended_at', ?1) >= ?1
            )
        ORDER BY a.{ended}, a.id LIMIT {limit}"
    );
    let of = of.map(|attempt| attempt.to_string());
    tx.query(&sql, rusqlite::params![before.to_string(), of], |row| Ok(AttemptId(id(row, 0)?)))
}
