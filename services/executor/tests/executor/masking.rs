use drydock_executor::attempt::{AttemptPhase, Reason};

use crate::harness::{Attempt, step};

#[test]
fn secrets_are_masked_however_they_are_written() {
    let script = "printf 'a wond'; printf 'erland b\\n'; printf %s \"$PASSWORD\" | base64; \
                  echo \"$SHORT\"; echo \"$LONG\" | tail -1";
    let attempt = Attempt::with([step(script)], |task| {
        let secrets =
            [("PASSWORD", "wonderland"), ("SHORT", "abc"), ("LONG", "first line\nsecond line")];
        for (name, value) in secrets {
            task.secrets.insert(name.to_owned(), value.to_owned());
        }
    });
    assert_eq!(attempt.run().phase, AttemptPhase::Success);
    let encoded_end = "Zg=="; // The last character of the encoded text depends on what follows.
    let log = attempt.log(1);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!((lines[0], lines[2], lines[3]), ("a *** b", "abc", "***"));
    assert!(lines[1].starts_with("***") && lines[1].len() <= 3 + encoded_end.len());
    let setup = attempt.log(0);
    assert_eq!(setup, "drydock: warning: secret `SHORT` is too short to be masked\n");
}

#[test]
fn a_step_adds_secrets_for_itself_and_for_those_that_follow() {
    let attempt = Attempt::new([
        step("echo found-it >> $DRYDOCK_MASK; echo found-it; printf later-one >> $DRYDOCK_MASK"),
        step("echo found-it later-one"),
    ]);
    attempt.run();
    assert_eq!((&*attempt.log(1), &*attempt.log(2)), ("***\n", "*** ***\n"));
}

#[test]
fn a_secret_that_cannot_be_masked_lets_no_step_start() {
    let attempt = Attempt::with([step("echo never")], |task| {
        task.secrets.insert("HUGE".to_owned(), "x".repeat(20_000));
    });
    let outcome = attempt.run();
    assert_eq!((outcome.phase, outcome.reason), (AttemptPhase::Failed, Some(Reason::SetupFailed)));
    assert!(outcome.message.unwrap().contains("secret `HUGE` cannot be masked"));
    assert!(!attempt.folder.log_file(1).exists());
}
