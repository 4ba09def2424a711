//! A real etcd with one or more members.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use drydock_core::coord::{Coordination, KeyRange, RangeRequest};
use tempfile::TempDir;

use super::process::{Process, free_addresses};
use super::program::{ATTEMPTS, within_start};
use crate::etcd::{Etcd, EtcdSettings};
use crate::tcp::TcpNet;

pub struct EtcdServers {
    program: PathBuf,
    members: Vec<Member>,
    cluster: String,
    folder: TempDir,
}

struct Member {
    name: String,
    clients: String,
    peers: String,
    process: Option<Process>,
}

impl EtcdServers {
    /// Starts a new cluster, and waits until it answers.
    pub async fn start(program: &Path, members: usize) -> EtcdServers {
        for _ in 0..ATTEMPTS {
            let mut servers = EtcdServers::prepare(program, members).await;
            (0..members).for_each(|member| servers.run(member));
            if servers.ready().await {
                return servers;
            }
        }
        panic!("`{}` does not start", program.display());
    }

    async fn prepare(program: &Path, count: usize) -> EtcdServers {
        let mut members = Vec::new();
        for number in 0..count {
            let [clients, peers] = free_addresses().await;
            members.push(Member { name: format!("m{number}"), clients, peers, process: None });
        }
        let cluster: Vec<_> = members
            .iter()
            .map(|member| format!("{}=http://{}", member.name, member.peers))
            .collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        EtcdServers { program: program.to_owned(), members, cluster: cluster.join(","), folder }
    }

    /// Starts a member, anew if it ran before.
    pub fn run(&mut self, member: usize) {
        let Member { name, clients, peers, process } = &mut self.members[member];
        let url = |address: &str| format!("http://{address}");
        let mut command = Command::new(&self.program);
        command
            .args(["--name", name])
            .arg("--data-dir")
            .arg(self.folder.path().join(&*name))
            .args(["--listen-client-urls", &url(clients)])
            .args(["--advertise-client-urls", &url(clients)])
            .args(["--listen-peer-urls", &url(peers)])
            .args(["--initial-advertise-peer-urls", &url(peers)])
            .args(["--initial-cluster", &self.cluster])
            // Versions up to 3.5 and 3.6 want it, or tell of it on every start.
            .args(["--logger", "zap"]);
        *process = None;
        let log = self.folder.path().join(format!("{name}.log"));
        *process = Some(Process::spawn(&mut command, &log));
    }

    pub fn process(&mut self, member: usize) -> &mut Process {
        self.members[member].process.as_mut().expect("the member was started")
    }

    /// `http://host:port` of each member.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("http://{}", member.clients)).collect()
    }

    /// The backend with its defaults.
    pub fn store(&self) -> Etcd {
        let settings = EtcdSettings::new(self.endpoints());
        Etcd::open(settings, Arc::new(TcpNet)).expect("settings that can be used")
    }

    async fn ready(&self) -> bool {
        let store = self.store();
        within_start(async || {
            let read = RangeRequest::new(KeyRange::single("ready"));
            store.range(read).await.is_ok()
        })
        .await
    }
}
