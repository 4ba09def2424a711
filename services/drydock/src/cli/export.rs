//! `drydock export`: a file appears only if it is whole.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use drydock_core::archive::format::Trailer;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_http::client::AnswerStream;
use futures_util::{Stream, TryStreamExt};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::args::ServerArgs;
use super::check::Check;
use super::exit::Failure;
use super::{connect, progress};

const STDOUT: &str = "-";

pub async fn run(file: &Path, server: &ServerArgs) -> Result<(), Failure> {
    let client = connect::admin(server)?;
    let failed =
        |error: BoxError| Failure::because(format!("export to `{}`", file.display()), error);
    let export = client.export(&Context::background()).await;
    let export = export.map_err(|error| failed(error.into()))?;
    let bar = progress::bytes(None);
    let trailer = if file == Path::new(STDOUT) {
        // Written before it is known to be whole: the exit code and the missing trailer tell.
        copy(export, &mut std::io::stdout().lock(), &bar).await
    } else if is_special(file) {
        to_special(export, file, &bar).await
    } else {
        to_file(export, file, &bar).await
    };
    bar.finish_and_clear();
    let trailer = trailer.map_err(failed)?;
    for (kind, count) in &trailer.counts {
        anstream::eprintln!("{kind}: {count}");
    }
    anstream::eprintln!("digest: {}", trailer.digest);
    Ok(())
}

/// A device or pipe is written into. What a rename would put in its place is a file.
fn is_special(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

async fn to_special(
    export: AnswerStream,
    file: &Path,
    bar: &ProgressBar,
) -> Result<Trailer, BoxError> {
    let mut special = std::fs::OpenOptions::new().write(true).open(file)?;
    copy(export, &mut special, bar).await
}

/// Writes beside the file and renames at the end: what has the name is whole and on the disk.
async fn to_file(
    export: AnswerStream,
    file: &Path,
    bar: &ProgressBar,
) -> Result<Trailer, BoxError> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let mut part = NamedTempFile::new_in(parent)?;
    let trailer = copy(export, part.as_file_mut(), bar).await?;
    part.as_file().sync_all()?;
    part.persist(file)?;
    std::fs::File::open(parent)?.sync_all()?;
    Ok(trailer)
}

async fn copy<E>(
    export: impl Stream<Item = Result<Bytes, E>> + Unpin,
    to: &mut impl Write,
    bar: &ProgressBar,
) -> Result<Trailer, BoxError>
where
    E: Into<BoxError>,
{
    let mut export = export.map_err(Into::into);
    let mut check = Check::default();
    while let Some(chunk) = export.try_next().await? {
        check.push(&chunk)?;
        to.write_all(&chunk)?;
        bar.inc(chunk.len() as u64);
    }
    to.flush()?;
    Ok(check.finish()?)
}
