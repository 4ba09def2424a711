//! kill −9 in the middle of writes, again and again.

use std::collections::BTreeMap;

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{NewUser, User};
use drydock_http::api::page::ListQuery;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::harness::{Installation, soon};

const ROUNDS: usize = 4;
const WRITERS: usize = 4;
const ACKNOWLEDGED_PER_ROUND: usize = 60;

/// Creates users until the service is gone; says which were acknowledged.
async fn write(client: ConfigstoreClient, prefix: String, acknowledged: mpsc::Sender<User>) {
    for number in 0.. {
        let new = NewUser { name: format!("{prefix}-n{number}"), admin: false };
        let Ok(created) = client.create_user(&soon(), &new, None).await else { return };
        if acknowledged.send(created.body).await.is_err() {
            return;
        }
    }
}

async fn all_users(client: &ConfigstoreClient) -> BTreeMap<String, User> {
    let mut users = BTreeMap::new();
    let mut query = ListQuery { limit: Some("100".to_owned()), ..ListQuery::default() };
    loop {
        let page = client.users(&soon(), &query).await.unwrap();
        users.extend(page.items.into_iter().map(|user| (user.name.to_string(), user)));
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return users,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_user_survives_every_kill() {
    let installation = Installation::new();
    let mut acknowledged: BTreeMap<String, User> = BTreeMap::new();
    for round in 0..ROUNDS {
        let running = installation.start().await;
        let (sender, mut received) = mpsc::channel(1024);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let prefix = format!("r{round}-w{writer}");
            writers.spawn(write(running.client.clone(), prefix, sender.clone()));
        }
        drop(sender);
        let mut heard = 0;
        while let Some(user) = received.recv().await {
            acknowledged.insert(user.name.to_string(), user);
            heard += 1;
            if heard == ACKNOWLEDGED_PER_ROUND {
                running.signal("KILL");
            }
        }
        assert!(heard >= ACKNOWLEDGED_PER_ROUND, "the writers ended before the kill");
        writers.join_all().await;
        running.end().await;
    }
    let running = installation.start().await;
    let found = all_users(&running.client).await;
    for (name, user) in &acknowledged {
        assert_eq!(found.get(name), Some(user), "`{name}` was acknowledged");
    }
    // At most the one request that each writer waited for in vain may be there too.
    let unheard = found.len() - acknowledged.len();
    assert!(unheard <= ROUNDS * WRITERS, "{unheard} users that nobody was told of");
}
