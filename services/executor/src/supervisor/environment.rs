//! The environment of a step, which begins empty: nothing of the executor's own comes into it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::attempt::{AttemptFolder, Task};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Only Drydock sets variables that begin so.
const RESERVED: &str = "DRYDOCK_";
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
    let own: [(&str, OsString); 6] = [
        ("ATTEMPT", (&task.attempt).into()),
        ("RUN", (&task.run).into()),
        ("NUMBER", task.number.to_string().into()),
        ("TASK", (&task.task).into()),
        ("STEP", step.to_string().into()),
        ("MASK", folder.mask_file().into()),
    ];
    variables.extend(own.map(|(name, value)| (format!("{RESERVED}{name}"), value)));
    variables
}
