//! `drydock import`: sends a file. The service validates all of it before it changes anything.

use std::path::Path;

use bytes::Bytes;
use drydock_api::admin::Intent;
use drydock_core::context::Context;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::args::ServerArgs;
use super::exit::Failure;
use super::{connect, output};

const STDIN: &str = "-";
/// The number of bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

pub async fn run(file: &Path, dry_run: bool, server: &ServerArgs) -> Result<(), Failure> {
    let (input, size) = open(file).await?;
    let client = connect::admin(server)?;
    // The service checks this, too, but only after a long transfer.
    let status = client.status(&Context::background()).await;
    let status = status.map_err(|error| Failure::because("import", error))?;
    if !dry_run && !status.ready {
        let why = "import: the service is not in maintenance, or some instance is not yet; \
                   see `drydock maintenance on --wait`";
        return Err(Failure::Failed(why.into()));
    }
    let bar = output::progress(size);
    let sent = bar.clone();
    let input = input.inspect_ok(move |chunk| sent.inc(chunk.len() as u64));
    let intent = if dry_run { Intent::DryRun } else { Intent::Apply };
    let report = client.import(&Context::background(), input, intent).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| Failure::because("import", error))?;
    for (kind, count) in &report.counts {
        output::line(format!("{kind}: {count}"))?;
    }
    output::line(format!("digest: {}", report.digest))?;
    match intent {
        Intent::DryRun => output::line("valid; nothing was changed"),
        Intent::Apply => {
            let (position, lineage) = (report.position, report.lineage);
            output::line(format!("log: position {position} of lineage {lineage}"))
        }
    }
}

pub type Input = (BoxStream<'static, std::io::Result<Bytes>>, Option<u64>);

pub async fn open(file: &Path) -> Result<Input, Failure> {
    if file == Path::new(STDIN) {
        return Ok((chunks(tokio::io::stdin()), None));
    }
    let unreadable = |error| Failure::because(format!("`{}`", file.display()), error);
    let opened = tokio::fs::File::open(file).await.map_err(unreadable)?;
    let size = opened.metadata().await.map_err(unreadable)?.len();
    Ok((chunks(opened), Some(size)))
}

fn chunks(reader: impl AsyncRead + Send + 'static) -> BoxStream<'static, std::io::Result<Bytes>> {
    Box::pin(ReaderStream::with_capacity(reader, CHUNK))
}
