//! `fake-s3`: the simulated S3 on real TCP, with faults from outside.

mod actions;
mod host;
mod trouble;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use drydock_sim_control::process::{
    Error, Result, check_folder, complain, listen, local_address, print,
};
use drydock_sim_control::server::control;
use drydock_sim_control::{ClientArgs, ControlArgs, RequestLog, Signals};
use drydock_sim_s3::{ConditionalWrites, Personality, S3, Settings, dump};
use jiff::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use serde_json::json;

use self::actions::Fake;
use self::host::Host;
use self::trouble::Troubles;

/// A simulated S3 for tests: it fails when and as it is told to.
#[derive(Debug, Parser)]
#[command(name = "fake-s3", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until interrupted; twice, if requests are still open. The first line of stdout is a
    /// JSON object that says where.
    Serve(Box<ServeArgs>),
    /// Speaks to the control port of one that runs.
    Control(ClientArgs),
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: String,
    /// Buckets to make, unless they exist.
    #[arg(long)]
    bucket: Vec<String>,
    /// The id of the key that requests must be signed with.
    #[arg(long, default_value = "fake")]
    access_key: String,
    /// The key itself.
    #[arg(long, default_value = "fake-secret")]
    secret_key: String,
    /// The region that requests must be signed for.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The number of the account that everything belongs to.
    #[arg(long, default_value = "123456789012")]
    account: String,
    /// Also answers to hosts `BUCKET.DOMAIN`.
    #[arg(long)]
    domain: Option<String>,
    /// Loads the state from this file, and saves it there at the end.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// What becomes of the conditions of writes.
    #[arg(long, default_value = "honoured", value_parser = conditional_writes())]
    conditional_writes: ConditionalWrites,
    /// Listings show what was written this many milliseconds ago.
    #[arg(long, default_value_t = 0)]
    listing_lag_ms: u64,
    #[command(flatten)]
    control: ControlArgs,
}

fn conditional_writes() -> impl TypedValueParser<Value = ConditionalWrites> {
    let all = ConditionalWrites::ALL;
    let names = PossibleValuesParser::new(all.map(ConditionalWrites::name));
    names.map(move |name| {
        let named = all.into_iter().find(|habit| habit.name() == name);
        named.expect("it is one of the names")
    })
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
    let state = match &args.state {
        Some(path) => {
            check_folder(path)?;
            dump::load(path).map_err(|error| Error::of_file(path, error))?
        }
        None => Default::default(),
    };
    let troubles = Arc::new(Troubles::new(
        args.control.rules(0)?,
        RequestLog::open(args.control.log.as_deref())?,
    ));
    let rng = ChaCha12Rng::seed_from_u64(args.control.seed);
    let s3 = S3::with_state(state, settings(&args), Arc::new(now), rng, troubles.clone());
    let s3 = Arc::new(s3);
    for name in &args.bucket {
        if s3.state().bucket(name).is_err() {
            let created = s3.state().create_bucket(name, now());
            created.map_err(|error| Error::about(name, error.message))?;
        }
    }
    let listener = listen(&args.listen).await?;
    let address = local_address(&listener)?;
    let port = args.control.listen().await?;
    let mut signals = Signals::listen()?;
    let host = Host::new(s3.clone(), listener, address.clone());
    print(&json!({ "listening": [address], "control": port.as_ref().map(|(_, at)| at) }))?;
    let fake = Arc::new(Fake { s3: s3.clone(), host, troubles });
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
    tokio::select! {
        () = fake.host.finish() => {}
        // Whoever is still sending then is cut off.
        () = signals.next() => {}
    }
    if let Some(path) = &args.state {
        dump::save(&s3.state(), path).map_err(|error| Error::of_file(path, error))?;
    }
    Ok(())
}

fn settings(args: &ServeArgs) -> Settings {
    Settings {
        keys: [(args.access_key.clone(), args.secret_key.clone())].into(),
        account: args.account.clone(),
        region: args.region.clone(),
        domain: args.domain.clone(),
        personality: Personality {
            conditional_writes: args.conditional_writes,
            listing_lag: std::time::Duration::from_millis(args.listing_lag_ms),
            ..Personality::default()
        },
        ..Settings::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "clients sign with the machine's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
