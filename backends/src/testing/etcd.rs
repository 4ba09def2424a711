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

/// Files in PEM with which servers prove who they are, and by which they know their clients.
#[derive(Debug, Clone)]
pub struct ServerTls {
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

pub struct EtcdServers {
    program: PathBuf,
    settings: EtcdSettings,
    tls: Option<ServerTls>,
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
        EtcdServers::start_with(program, members, None, EtcdSettings::new(Vec::new())).await
    }

    /// The same, with TLS; clients have `settings`, with the cluster's endpoints.
    pub async fn start_with(
        program: &Path,
        members: usize,
        tls: Option<ServerTls>,
        settings: EtcdSettings,
    ) -> EtcdServers {
        for _ in 0..ATTEMPTS {
            let mut servers = EtcdServers::prepare(program, members).await;
            servers.tls.clone_from(&tls);
            servers.settings = EtcdSettings { endpoints: servers.endpoints(), ..settings.clone() };
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
        EtcdServers {
            program: program.to_owned(),
            settings: EtcdSettings::new(Vec::new()),
            tls: None,
            members,
            cluster: cluster.join(","),
            folder,
        }
    }

    /// Starts a member, anew if it ran before.
    pub fn run(&mut self, member: usize) {
        let Member { name, clients, peers, process } = &mut self.members[member];
        let url = |address: &str| format!("http://{address}");
        let client_url = format!("{}://{clients}", scheme(self.tls.as_ref()));
        let mut command = Command::new(&self.program);
        command
            .args(["--name", name])
            .arg("--data-dir")
            .arg(self.folder.path().join(&*name))
            .args(["--listen-client-urls", &client_url])
            .args(["--advertise-client-urls", &client_url])
            .args(["--listen-peer-urls", &url(peers)])
            .args(["--initial-advertise-peer-urls", &url(peers)])
            .args(["--initial-cluster", &self.cluster])
            // Some versions need it, others warn on every start without it.
            .args(["--logger", "zap"]);
        let quota = self.settings.quota_bytes.to_string();
        command.args(["--quota-backend-bytes", &quota]);
        if let Some(ServerTls { ca_file, cert_file, key_file }) = &self.tls {
            command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(ca_file);
            command.arg("--cert-file").arg(cert_file).arg("--key-file").arg(key_file);
        }
        *process = None;
        let log = self.folder.path().join(format!("{name}.log"));
        *process = Some(Process::spawn(&mut command, &log));
    }

    pub fn process(&mut self, member: usize) -> &mut Process {
        self.members[member].process.as_mut().expect("the member was started")
    }

    /// Kills all members and deletes their data.
    pub fn wipe(&mut self) {
        for member in &mut self.members {
            member.process = None;
            let data = self.folder.path().join(&member.name);
            std::fs::remove_dir_all(data).expect("a folder of ours can be removed");
        }
    }

    /// The URL of each member.
    pub fn endpoints(&self) -> Vec<String> {
        let scheme = scheme(self.tls.as_ref());
        self.members.iter().map(|member| format!("{scheme}://{}", member.clients)).collect()
    }

    /// The settings of a client.
    pub fn settings(&self) -> EtcdSettings {
        self.settings.clone()
    }

    /// The backend.
    pub fn store(&self) -> Etcd {
        Etcd::open(self.settings(), Arc::new(TcpNet)).expect("settings that can be used")
    }

    /// Waits until the cluster answers, after a member was started anew.
    pub async fn wait(&self) {
        assert!(self.ready().await, "`{}` does not start again", self.program.display());
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

fn scheme(tls: Option<&ServerTls>) -> &'static str {
    if tls.is_some() { "https" } else { "http" }
}
