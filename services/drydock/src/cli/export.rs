//! `drydock export`: writes a file, which appears only if it is complete.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use drydock_core::archive::format::Trailer;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::private;
use drydock_http::client::AnswerStream;
use futures_util::{Stream, TryStreamExt};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::args::ServerArgs;
use super::check::Check;
use super::exit::Failure;
use super::signals::Signals;
use super::{connect, output};

const STDOUT: &str = "-";
/// The links that are followed from the file's name at most, as many as Linux follows.
const MAX_LINKS: usize = 40;

/// Why an export was not written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("stopped by {0}; nothing was written")]
    Stopped(&'static str),
    #[error("the reader has closed it")]
    Closed,
    #[error("too many symbolic links")]
    Links,
}

pub async fn run(file: &Path, server: &ServerArgs) -> Result<(), Failure> {
    let signals = Signals::watch()?;
    let client = connect::admin(server)?;
    let failed = |error: BoxError| match error.downcast_ref() {
        Some(ExportError::Closed) => Failure::Silent,
        _ => Failure::because(format!("export to `{}`", file.display()), error),
    };
    let export = client.export(&Context::background()).await;
    let export = export.map_err(|error| failed(error.into()))?;
    let bar = output::progress(None);
    let written = write(export, file, &bar);
    // Whatever is unfinished goes away with the future that is dropped.
    let trailer = tokio::select! {
        written = written => written,
        signal = signals.first() => Err(ExportError::Stopped(signal).into()),
    };
    bar.finish_and_clear();
    let trailer = trailer.map_err(failed)?;
    for (kind, count) in &trailer.counts {
        output::note(format!("{kind}: {count}"));
    }
    output::note(format!("digest: {}", trailer.digest));
    Ok(())
}

async fn write(export: AnswerStream, file: &Path, bar: &ProgressBar) -> Result<Trailer, BoxError> {
    if file == Path::new(STDOUT) {
        // Lines are written before the export is known to be complete. If it is not, the exit code
        // and the missing trailer show it.
        copy(export, &mut io::stdout(), bar).await
    } else if is_special(file) {
        to_special(export, file, bar).await
    } else {
        to_file(export, &target(file)?, bar).await
    }
}

/// Whether the path is a device or a pipe, which a rename would replace by a file.
fn is_special(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// The file to which symbolic links lead; a rename would replace the link. It need not exist.
fn target(file: &Path) -> Result<PathBuf, ExportError> {
    let mut target = file.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&target) {
            Ok(next) => target = parent(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(ExportError::Links)
}

fn parent(file: &Path) -> &Path {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

async fn to_special(
    export: AnswerStream,
    file: &Path,
    bar: &ProgressBar,
) -> Result<Trailer, BoxError> {
    let mut special = private::options().write(true).open(file)?;
    copy(export, &mut special, bar).await
}

/// Writes a temporary file and renames it at the end: a file with the name is complete and synced.
async fn to_file(
    export: AnswerStream,
    file: &Path,
    bar: &ProgressBar,
) -> Result<Trailer, BoxError> {
    let parent = parent(file);
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
        to.write_all(&chunk).map_err(unless_closed)?;
        bar.inc(chunk.len() as u64);
    }
    to.flush().map_err(unless_closed)?;
    Ok(check.finish()?)
}

fn unless_closed(error: io::Error) -> BoxError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ExportError::Closed.into(),
        _ => error.into(),
    }
}
