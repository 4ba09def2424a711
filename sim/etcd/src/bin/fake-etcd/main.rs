//! `fake-etcd`: the simulated etcd on real TCP, with faults from outside.

mod actions;
mod door;
mod members;
mod trouble;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use drydock_sim_control::process::{Error, Result, check_folder, complain, print};
use drydock_sim_control::server::control;
use drydock_sim_control::{ClientArgs, ControlArgs, RequestLog, Signals};
use drydock_sim_etcd::{Bug, Cluster, Config, Etcd, MemberConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use self::actions::Fake;
use self::members::Members;
use self::trouble::Troubles;

/// A simulated etcd for tests: it fails when and as it is told to.
#[derive(Debug, Parser)]
#[command(name = "fake-etcd", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until interrupted. The first line of stdout is a JSON object that says where.
    Serve(Box<ServeArgs>),
    /// Speaks to the control port of one that runs.
    Control(ClientArgs),
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Where to listen; given more than once, for each member of the cluster.
    #[arg(long, default_value = "127.0.0.1:2379")]
    listen: Vec<String>,
    /// Begins with the state of this file.
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// Writes the state to this file at the end.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Bytes of data at which the alarm NOSPACE is raised.
    #[arg(long)]
    quota_bytes: Option<usize>,
    /// Brings back a bug of an old etcd.
    #[arg(long = "bug", value_parser = bugs())]
    bugs: Vec<Bug>,
    #[command(flatten)]
    control: ControlArgs,
}

fn bugs() -> impl TypedValueParser<Value = Bug> {
    let names = PossibleValuesParser::new(Bug::ALL.map(Bug::name));
    names.map(|name| name.parse().expect("it is one of the names"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Serve(args) => serve(*args).await,
        Command::Control(args) => args.run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

async fn serve(args: ServeArgs) -> Result<()> {
    if let Some(path) = &args.dump {
        check_folder(path)?;
    }
    let mut listeners = Vec::new();
    for address in &args.listen {
        listeners.push(members::listen(address).await?);
    }
    let (listeners, addresses): (Vec<TcpListener>, Vec<String>) = listeners.into_iter().unzip();
    let started = Instant::now();
    let rules = args.control.rules(listeners.len())?;
    let log = RequestLog::open(args.control.log.as_deref())?;
    let troubles = Arc::new(Troubles::new(rules, log, started));
    let cluster = cluster(&args, &addresses)?;
    let clock = Arc::new(move || started.elapsed());
    let etcd = Etcd::new(cluster, clock, troubles.clone());
    let port = args.control.listen().await?;
    let mut signals = Signals::listen()?;
    let members = Members::serve(etcd.clone(), listeners, &addresses);
    print(&json!({ "listening": addresses, "control": port.as_ref().map(|(_, at)| at) }))?;
    let fake = Arc::new(Fake { etcd: etcd.clone(), members, troubles });
    let controlled = fake.clone();
    let control = async {
        match port {
            Some((listener, _)) => control(listener, controlled).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signals.next() => {}
        () = control => {}
    }
    fake.members.end().await;
    if let Some(path) = &args.dump {
        let dump = etcd.look(|cluster, now| cluster.dump(now));
        let json = serde_json::to_vec_pretty(&dump).map_err(|it| Error::of_file(path, it))?;
        fs::write(path, json).map_err(|error| Error::of_file(path, error))?;
    }
    Ok(())
}

fn cluster(args: &ServeArgs, addresses: &[String]) -> Result<Cluster> {
    let members = addresses.iter().enumerate().map(|(number, address)| MemberConfig {
        name: format!("member-{number}"),
        // Nobody listens there: members share their state.
        peer_url: format!("http://member-{number}:2380"),
        client_url: format!("http://{address}"),
    });
    let mut config = Config::new("simulated", members.collect());
    config.bugs = args.bugs.iter().copied().collect();
    config.seed = args.control.seed;
    if let Some(quota_bytes) = args.quota_bytes {
        config.quota_bytes = quota_bytes;
    }
    let Some(path) = &args.load else {
        return Ok(Cluster::new(config));
    };
    let json = fs::read(path).map_err(|error| Error::of_file(path, error))?;
    let dump = serde_json::from_slice(&json).map_err(|error| Error::of_file(path, error))?;
    Cluster::load(config, dump, Duration::ZERO).map_err(|error| Error::of_file(path, error))
}
