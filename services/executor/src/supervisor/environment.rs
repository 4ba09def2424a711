//! The environment of a step, which begins empty: nothing of the executor's own comes into it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::attempt::{AttemptFolder, Task};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Only Drydock sets variables that begin so.
const RESERVED: &str = "DRYDOCK_";
/// What a step is told of itself: its attempt, its run and that one's number, its task, its own
/// number from 0, and the file to which it appends further secrets.
pub const STEP_VARIABLES: [&str; 6] = [
    "DRYDOCK_ATTEMPT",
    "DRYDOCK_RUN",
    "DRYDOCK_NUMBER",
    "DRYDOCK_TASK",
    "DRYDOCK_STEP",
    "DRYDOCK_MASK",
];
const DEFAULT_USER: &str = "drydock";

pub fn environment(folder: &AttemptFolder, task: &Task, step: usize) -> BTreeMap<String, OsString> {
    let user = task.user.as_ref().map_or(DEFAULT_USER, |user| user.name.as_str());
    let mut variables: BTreeMap<String, OsString> = BTreeMap::from([
        ("PATH".to_owned(), PATH.into()),
        ("HOME".to_owned(), folder.home().into()),
        ("USER".to_owned(), user.into()),
        ("LOGNAME".to_owned(), user.into()),
        ("LANG".to_owned(), "C.UTF-8".into()),
        ("TMPDIR".to_owned(), folder.temporary().into()),
        ("CI".to_owned(), "true".into()),
    ]);
    let given = task.env.iter().chain(&task.secrets);
    let given = given.filter(|(name, _)| !name.starts_with(RESERVED));
    variables.extend(given.map(|(name, value)| (name.clone(), value.into())));
    let own: [OsString; STEP_VARIABLES.len()] = [
        (&task.attempt).into(),
        (&task.run).into(),
        task.number.to_string().into(),
        (&task.task).into(),
        step.to_string().into(),
        folder.mask_file().into(),
    ];
    variables.extend(STEP_VARIABLES.map(str::to_owned).into_iter().zip(own));
    variables
}
