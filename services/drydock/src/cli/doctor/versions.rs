//! The versions of the schemas: what a cluster writes, and what its live instances and this program
//! read.

use drydock_core::coord::{Coordination, CoordinationExt, RangeRequest};
use drydock_core::error::{BoxError, Chain};
use drydock_core::log::format::{InstanceRecord, WritesRecord, decode};
use drydock_core::log::keys::Keys;

use super::report::{Level, Report};

/// Reports them for every service of the cluster.
pub async fn check(coord: &impl Coordination, cluster: &str, report: &mut Report) {
    for schema in [&drydock_configstore::SCHEMA, &drydock_runservice::SCHEMA] {
        let at = format!("schema of {}", schema.service);
        match look(coord, &Keys::new(cluster, schema.service)).await {
            Ok(found) => {
                let (level, what) = judge(schema.version, found);
                report.add(level, at, what);
            }
            Err(error) => report.add(Level::Missing, at, Chain(error.as_ref())),
        }
    }
}

/// What the coordination store says of one service.
#[derive(Debug, Default)]
struct Found {
    /// The version that is written. `None`: the store does not exist yet, or is about to be
    /// recovered.
    writes: Option<u32>,
    instances: Vec<InstanceRecord>,
}

async fn look(coord: &impl Coordination, keys: &Keys) -> Result<Found, BoxError> {
    let writes = coord.get(keys.writes()).await?.0;
    let writes = writes.map(|kv| decode::<WritesRecord>(&kv.key, &kv.value)).transpose()?;
    let found = coord.range(RangeRequest::new(keys.instances())).await?.kvs;
    let instances = found.iter().map(|kv| decode(&kv.key, &kv.value)).collect::<Result<_, _>>()?;
    Ok(Found { writes: writes.map(|writes| writes.schema), instances })
}

/// `own`: the newest version that this program reads.
fn judge(own: u32, found: Found) -> (Level, String) {
    let Some(writes) = found.writes else {
        return (Level::Ok, format!("there is no store yet; this program writes version {own}"));
    };
    if writes > own {
        let what = format!(
            "the store is written in version {writes}, and this program reads up to {own}: it is \
             too old for it"
        );
        return (Level::Missing, what);
    }
    if writes == own {
        return (Level::Ok, format!("version {writes}, as this program writes it"));
    }
    let older = found.instances.iter().filter(|it| it.schema < own);
    let older: Vec<String> = older.map(|it| format!("{} ({})", it.id, it.schema)).collect();
    let waits = match older.is_empty() {
        true => "no live instance is older".to_owned(),
        false => format!("older live instances: {}", older.join(", ")),
    };
    let what = format!(
        "the store is written in version {writes}, until every live instance reads version {own}; \
         {waits}"
    );
    (Level::Note, what)
}

#[cfg(test)]
mod tests {
    use drydock_core::log::format::InstanceState;
    use jiff::Timestamp;

    use super::*;

    fn instance(id: &str, schema: u32) -> InstanceRecord {
        InstanceRecord {
            id: id.to_owned(),
            version: "0.1.0".to_owned(),
            schema,
            address: "h:1".to_owned(),
            state: InstanceState::Normal,
            generation: 0,
            position: Some(0),
            seen_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_upgrade_that_waits_names_the_instances_that_it_waits_for() {
        let judged = |writes, instances: &[(&str, u32)]| {
            let instances = instances.iter().map(|(id, version)| instance(id, *version)).collect();
            judge(3, Found { writes, instances })
        };
        let (level, what) = judged(Some(2), &[("a", 2), ("b", 3)]);
        assert_eq!(level, Level::Note);
        assert!(what.ends_with("older live instances: a (2)"), "{what}");
        assert_eq!(judged(Some(3), &[("a", 3)]).0, Level::Ok);
        assert_eq!(judged(None, &[]).0, Level::Ok);
        let (level, what) = judged(Some(4), &[("a", 4)]);
        assert_eq!(level, Level::Missing);
        assert!(what.contains("written in version 4") && what.contains("up to 3"), "{what}");
    }
}
