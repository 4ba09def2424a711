use drydock_api::runservice::types::{AttemptId, RunId, TaskName};
use drydock_core::db::column::{number, object};
use drydock_core::db::{DbError, Tx};

use crate::engine::pick::ReadyTask;
use crate::record::Task;

pub fn of_run(tx: &Tx<'_>, run: RunId) -> Result<Vec<Task>, DbError> {
    tx.query_objects("SELECT data FROM tasks WHERE run = ?1", [run.to_string()])
}

/// The tasks in the place of which this attempt of an earlier run stands.
pub fn kept_as(tx: &Tx<'_>, attempt: AttemptId) -> Result<Vec<(RunId, TaskName)>, DbError> {
    let sql = "SELECT data FROM tasks WHERE kept_attempt = ?1";
    let tasks: Vec<Task> = tx.query_objects(sql, [attempt.to_string()])?;
    Ok(tasks.into_iter().map(|task| (task.run, task.name)).collect())
}

/// All tasks that only lack an executor, runs in the order of their creation.
pub fn ready(tx: &Tx<'_>) -> Result<Vec<ReadyTask>, DbError> {
    let sql = "SELECT t.data, r.place, r.data ->> '$.priority'
        FROM tasks t JOIN runs r ON r.id = t.run
        WHERE t.ready_at IS NOT NULL ORDER BY r.place, t.name";
    let rows =
        tx.query(sql, [], |row| Ok((object::<Task>(row, 0)?, number(row, 1)?, row.get(2)?)))?;
    let ready = rows.into_iter().filter_map(|(task, run_place, priority)| {
        Some(ReadyTask {
            task: task.id,
            name: task.name,
            project: task.project,
            run_place,
            place: task.place,
            priority,
            ready_at: task.ready_at?,
            not_before: task.not_before,
            labels: task.labels,
            arch: task.arch,
            pool: task.pool,
        })
    });
    Ok(ready.collect())
}
