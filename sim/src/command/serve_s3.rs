//! `serve-s3`: the simulated S3 on a real port, with real clocks.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use drydock::config::environment;
use drydock_core::env::Env;
use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::output;
use drydock_sim_s3::{Calm, ConditionalWrites, Personality, S3, Settings, dump, serve};
use tokio_util::sync::CancellationToken;

use super::args::duration;
use super::serve::{Signals, about, check_folder, listen};
use crate::storage::Accepts;

#[derive(Debug, clap::Args)]
pub struct ServeS3Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: String,
    /// Buckets to make, unless they exist.
    #[arg(long)]
    bucket: Vec<String>,
    /// The id of the key that requests must be signed with [variable: AWS_ACCESS_KEY_ID]
    #[arg(long)]
    access_key: Option<String>,
    /// The key itself [variable: AWS_SECRET_ACCESS_KEY]
    #[arg(long)]
    secret_key: Option<String>,
    /// The region that requests must be signed for.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Also answers to hosts `BUCKET.DOMAIN`.
    #[arg(long)]
    domain: Option<String>,
    /// Loads the state from this file, and saves it there at the end.
    #[arg(long)]
    state: Option<PathBuf>,
    /// What becomes of the conditions of writes.
    #[arg(long, default_value = "honoured", value_parser = conditional_writes())]
    conditional_writes: ConditionalWrites,
    /// Listings show what was written this long ago.
    #[arg(long, default_value = "0s", value_parser = duration)]
    listing_lag: std::time::Duration,
}

fn conditional_writes() -> impl TypedValueParser<Value = ConditionalWrites> {
    let all = ConditionalWrites::ALL;
    let names = PossibleValuesParser::new(all.map(ConditionalWrites::name));
    names.map(move |name| {
        let named = all.into_iter().find(|habit| habit.name() == name);
        named.expect("it is one of the names")
    })
}

/// The value of a flag, else of its variable. Empty ones count as not set.
fn required(flag: &Option<String>, name: &str, variable: &str) -> Result<String, Failure> {
    let of_environment = environment::variable(variable);
    let of_environment = of_environment.map_err(|error| Failure::Usage(error.to_string()))?;
    let given = flag.clone().filter(|text| !text.is_empty()).or(of_environment);
    given.ok_or_else(|| Failure::Usage(format!("pass `{name}`, or set `{variable}`")))
}

pub async fn run(args: &ServeS3Args) -> Result<u8, Failure> {
    let state = match &args.state {
        Some(path) => {
            check_folder(path)?;
            dump::load(path).map_err(|error| about(path, error))?
        }
        None => Default::default(),
    };
    let access_key = required(&args.access_key, "--access-key", "AWS_ACCESS_KEY_ID")?;
    let secret_key = required(&args.secret_key, "--secret-key", "AWS_SECRET_ACCESS_KEY")?;
    let settings = Settings {
        keys: [(access_key, secret_key)].into(),
        region: args.region.clone(),
        domain: args.domain.clone(),
        personality: Personality {
            conditional_writes: args.conditional_writes,
            listing_lag: args.listing_lag,
            ..Personality::default()
        },
        ..Settings::default()
    };
    let env = Env::system();
    let (clock, rng) = (env.clone(), env.rng("s3"));
    let clock = Arc::new(move || clock.now());
    let s3 = Arc::new(S3::with_state(state, settings, clock, rng, Arc::new(Calm)));
    for name in &args.bucket {
        if s3.state().bucket(name).is_err() {
            let created = s3.state().create_bucket(name, env.now());
            created.map_err(|error| Failure::Simulator(error.message.into_owned()))?;
        }
    }
    let listener = listen(&args.listen).await?;
    let mut signals = Signals::listen()?;
    output::note(format_args!("S3 listens on http://{}", listener.local_addr()));
    let shutdown = CancellationToken::new();
    let told_twice = async {
        signals.next().await;
        shutdown.cancel();
        signals.next().await;
    };
    tokio::select! {
        () = serve(Box::new(Accepts(listener)), s3.clone(), shutdown.clone()) => {}
        // Whoever is still sending then is cut off.
        () = told_twice => {}
    }
    if let Some(path) = &args.state {
        dump::save(&s3.state(), path).map_err(|error| about(path, error))?;
    }
    Ok(FINE)
}
