use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;

const SCHEMA: &str = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL) STRICT";
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                       SELECT max(i) FROM n";
const THREADS: Execution = Execution::Threads { readers: 2 };
const BOTH: [Execution; 2] = [Execution::Inline, THREADS];
const MODES: [(Execution, RunOn); 3] =
    [(Execution::Inline, RunOn::Caller), (THREADS, RunOn::Caller), (THREADS, RunOn::Thread)];

async fn database(execution: Execution) -> (Db, TempDir) {
    let scratch = TempDir::new().unwrap();
    (Db::create(scratch.path(), SCHEMA, execution).await.unwrap(), scratch)
}

async fn count(db: &Db) -> i64 {
    let ctx = Context::background();
    db.read::<_, DbError>(&ctx, |tx| {
        tx.query_one("SELECT count(*) FROM item", [], |row| row.get(0))
    })
    .await
    .unwrap()
    .unwrap()
}

fn insert(tx: &Tx<'_>, name: &str) -> Result<(), DbError> {
    tx.execute("INSERT INTO item (name) VALUES (?1)", [name]).map(|_| ())
}

#[tokio::test]
async fn commits_on_ok_and_rolls_back_on_error() {
    for execution in BOTH {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background();
        db.run(&ctx, |tx| insert(tx, "a")).await.unwrap();
        let failed = db.run(&ctx, |tx| {
            insert(tx, "b")?;
            insert(tx, "a")
        });
        let error = failed.await.unwrap_err();
        assert!(
            matches!(&error, DbError::Constraint(text) if text.contains("item.name")),
            "{error}"
        );
        assert_eq!(count(&db).await, 1);
    }
}

#[tokio::test]
async fn an_open_transaction_is_seen_once_it_is_committed() {
    for (execution, run_on) in MODES {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background();
        let ((), open) = db.run_open(&ctx, run_on, |tx| insert(tx, "a")).await.unwrap();
        assert_eq!(count(&db).await, 0);
        assert!(db.commit(&ctx, open).await.unwrap());
        assert_eq!(count(&db).await, 1);
        // Nothing stays open.
        db.run(&ctx, |tx| insert(tx, "b")).await.unwrap();
        assert_eq!(count(&db).await, 2);
    }
}

#[tokio::test]
async fn any_other_write_rolls_an_open_transaction_back() {
    for (execution, run_on) in MODES {
        let (db, scratch) = database(execution).await;
        let other = Db::create(scratch.path(), SCHEMA, execution).await.unwrap();
        let ctx = Context::background();
        let run_open = async |db: &Db| {
            db.run_open::<_, DbError>(&ctx, run_on, |tx| insert(tx, "a")).await.unwrap().1
        };
        let first = run_open(&db).await;
        let second = run_open(&db).await;
        assert!(!db.commit(&ctx, first).await.unwrap());
        assert!(!other.commit(&ctx, second).await.unwrap());
        let third = run_open(&db).await;
        db.run(&ctx, |tx| insert(tx, "c")).await.unwrap();
        assert!(!db.commit(&ctx, third).await.unwrap());
        assert_eq!((count(&db).await, count(&other).await), (1, 0));
    }
}

#[tokio::test]
async fn an_open_transaction_that_cannot_be_committed_is_undone() {
    for (execution, run_on) in MODES {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background();
        let ((), open) = db.run_open(&ctx, run_on, |tx| insert(tx, "a")).await.unwrap();
        let over = CancellationToken::new();
        over.cancel();
        assert!(db.commit(&Context::with_token(over), open).await.is_err());
        assert_eq!(count(&db).await, 0);
        db.run(&ctx, |tx| insert(tx, "a")).await.unwrap();
        assert_eq!(count(&db).await, 1);
    }
}

#[tokio::test]
async fn a_short_job_waits_for_a_connection_that_is_busy() {
    let (db, _scratch) = database(Execution::Threads { readers: 1 }).await;
    let ctx = Context::background();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let long = tokio::spawn({
        let (db, ctx) = (db.clone(), ctx.clone());
        async move {
            let work = move |tx: &Tx<'_>| {
                begun.send(()).expect("the test waits");
                may_go_on.recv().expect("the test sends");
                insert(tx, "long")
            };
            db.run(&ctx, work).await
        }
    });
    has_begun.await.unwrap();
    let mut short = Box::pin(db.run_open(&ctx, RunOn::Caller, |tx| insert(tx, "short")));
    assert!(futures_util::poll!(&mut short).is_pending());
    go_on.send(()).unwrap();
    long.await.unwrap().unwrap();
    let ((), open) = short.await.unwrap();
    assert!(db.commit(&ctx, open).await.unwrap());
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn rolls_back_on_panic_and_goes_on() {
    for execution in BOTH {
        let (db, _scratch) = database(execution).await;
        let other = db.clone();
        let panicked = tokio::spawn(async move {
            let work = |tx: &Tx<'_>| -> Result<(), DbError> {
                insert(tx, "a")?;
                panic!("in the closure")
            };
            other.run(&Context::background(), work).await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        assert_eq!(count(&db).await, 0);
        db.run(&Context::background(), |tx| insert(tx, "a")).await.unwrap();
        assert_eq!(count(&db).await, 1);
    }
}

#[tokio::test]
async fn a_running_statement_is_interrupted_at_the_deadline() {
    for execution in BOTH {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background().timeout(Duration::from_millis(50));
        let endless =
            db.read::<Option<i64>, DbError>(&ctx, |tx| tx.query_one(ENDLESS, [], |row| row.get(0)));
        assert!(matches!(endless.await, Err(DbError::Interrupted(_))));
        // The connection is as good as new.
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test]
async fn a_cancelled_context_runs_nothing() {
    let (db, _scratch) = database(Execution::Inline).await;
    let ctx = Context::background();
    ctx.cancel();
    let refused = db.run(&ctx, |tx| insert(tx, "a")).await;
    assert!(matches!(refused, Err(DbError::Interrupted(Interrupted::Cancelled))));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn a_snapshot_stays_while_writers_go_on() {
    for execution in BOTH {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background();
        db.run(&ctx, |tx| insert(tx, "a")).await.unwrap();
        let snapshot = db.snapshot(&ctx).await.unwrap();
        db.run(&ctx, |tx| insert(tx, "b")).await.unwrap();
        let seen: Vec<String> = snapshot
            .read::<_, DbError>(&ctx, |tx| tx.query("SELECT name FROM item", [], |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(seen, ["a"]);
        assert_eq!(count(&db).await, 2);
    }
}

#[tokio::test]
async fn a_failed_savepoint_undoes_only_itself() {
    let (db, _scratch) = database(Execution::Inline).await;
    let ctx = Context::background();
    db.run::<_, DbError>(&ctx, |tx| {
        insert(tx, "a")?;
        let failed = tx.savepoint(|| {
            insert(tx, "b")?;
            insert(tx, "a")
        });
        assert!(failed.is_err());
        tx.savepoint(|| insert(tx, "c"))
    })
    .await
    .unwrap();
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn the_folder_goes_with_the_last_clone() {
    let (db, scratch) = database(Execution::Threads { readers: 1 }).await;
    let clone = db.clone();
    drop(db);
    assert_eq!(count(&clone).await, 0);
    drop(clone);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

/// A lock of another process keeps the caller waiting, and nobody else on the caller's thread.
#[tokio::test(start_paused = true)]
async fn a_locked_database_keeps_no_thread_of_the_runtime() {
    for (execution, run_on) in MODES {
        let (db, _scratch) = database(execution).await;
        let ctx = Context::background();
        let other = Connection::open(db.folder.path().join("model.sqlite")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let unlock = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            other.execute_batch("ROLLBACK").unwrap();
        };
        let written = db.run_open(&ctx, run_on, |tx| insert(tx, "a"));
        let (written, ()) = tokio::join!(written, unlock);
        let ((), open) = written.unwrap();
        assert!(db.commit(&ctx, open).await.unwrap());
        // No connection waits by itself.
        let timeout = |tx: &Tx<'_>| {
            tx.query_one("SELECT timeout FROM pragma_busy_timeout", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(db.read::<_, DbError>(&ctx, timeout).await.unwrap(), Some(0));
        assert_eq!(db.run::<_, DbError>(&ctx, timeout).await.unwrap(), Some(0));
        // A lock that stays is an error in the end.
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = db.run(&ctx, |tx| insert(tx, "b")).await;
        assert!(matches!(refused, Err(DbError::Busy)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_snapshot_that_makes_the_log_too_large_is_given_up() {
    const ROW: usize = 1 << 20;
    let (mut db, _scratch) = database(THREADS).await;
    db.wal_bytes_max = 20 << 20;
    let ctx = Context::background();
    let write = async |from: i32, to: i32| {
        for n in from..to {
            let name = format!("{n}{}", "x".repeat(ROW));
            db.run(&ctx, move |tx| insert(tx, &name)).await.unwrap();
        }
    };
    let snapshot = db.snapshot(&ctx).await.unwrap();
    write(0, 4).await;
    let count =
        |tx: &Tx<'_>| tx.query_one("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0));
    assert_eq!(snapshot.read::<_, DbError>(&ctx, count).await.unwrap(), Some(0));
    write(4, 60).await;
    let refused = snapshot.read::<_, DbError>(&ctx, count).await;
    assert!(matches!(refused, Err(DbError::GivenUp { .. })), "{refused:?}");
    let grown = db.wal_bytes();
    drop(snapshot);
    write(60, 100).await;
    assert!(db.wal_bytes() < grown, "{} of {grown} bytes are left", db.wal_bytes());
    assert_eq!(self::count(&db).await, 100);
}
