//! States of upgrades worth reaching.

use std::collections::BTreeMap;

use drydock_configstore::schema::SCHEMA;

use crate::history::{Call, Operation, Reply};
use crate::timeline::Timeline;

pub fn count(timeline: &Timeline, operations: &[Operation]) -> [(&'static str, usize); 3] {
    let raised = timeline.writes.iter().find(|writes| writes.value.schema > SCHEMA.version);
    let header = format!("\"schema\":{},", SCHEMA.version);
    let older = |body: &[u8]| {
        let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        String::from_utf8_lossy(&body[..end]).contains(&header)
    };
    let older_imports = operations.iter().filter(|operation| match &operation.call {
        Call::Import { body, .. } => {
            let after = raised.is_some_and(|raised| raised.seq < operation.called);
            let imported = matches!(operation.reply(), Some(Reply::Imported { .. }));
            after && imported && older(body)
        }
        _ => false,
    });
    [
        ("upgrade.mixed_commit", mixed_commits(timeline)),
        ("upgrade.older_import", older_imports.count()),
        ("upgrade.raised", usize::from(raised.is_some())),
    ]
}

/// Commits while instances of several versions were live.
fn mixed_commits(timeline: &Timeline) -> usize {
    let mut changes = BTreeMap::new();
    for at in &timeline.instances {
        changes.insert((at.era, at.revision, at.value.id.as_str()), Some(at.value.schema));
    }
    for at in &timeline.instance_ends {
        changes.insert((at.era, at.revision, at.value.as_str()), None);
    }
    let (mut changes, mut live) = (changes.into_iter().peekable(), BTreeMap::new());
    let mixed = timeline.commits.iter().filter(|commit| {
        let until = (commit.era, commit.revision);
        while let Some(((era, _, id), reads)) =
            changes.next_if(|((era, revision, _), _)| (*era, *revision) < until)
        {
            match reads {
                Some(reads) => live.insert((era, id), reads),
                None => live.remove(&(era, id)),
            };
        }
        let mut reads = live.iter().filter(|((era, _), _)| *era == commit.era);
        let first = reads.next().map(|(_, reads)| *reads);
        reads.any(|(_, reads)| Some(*reads) != first)
    });
    mixed.count()
}
