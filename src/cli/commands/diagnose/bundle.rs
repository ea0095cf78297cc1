//! The bundle's file: reserved before the request, written completely or not at all, and never over another file.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::error::CliError;
use crate::cli::output::terminal;

/// The file that the bundle will be written to.
pub(super) struct BundleDestination {
    path: PathBuf,
    /// In the same folder, so that the rename is atomic.
    draft: NamedTempFile,
}

impl BundleDestination {
    /// # Errors
    /// The file exists already, or it cannot be created.
    pub(super) fn reserve(path: &Path) -> Result<Self, CliError> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = NamedTempFile::with_prefix_in(".refreshd-", folder).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), draft })
    }

    /// # Errors
    /// The file cannot be written, or another process created it meanwhile.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<(), CliError> {
        let result = self.draft.write_all(bytes).and_then(|()| self.draft.as_file().sync_all());
        result.map_err(|error| unwritable(&self.path, &error))?;
        self.draft.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&self.path),
            _ => unwritable(&self.path, &error.error),
        })?;
        terminal::note(&format!("the bundle is in {}; read it before you send it to anybody", self.path.display()));
        Ok(())
    }
}

fn exists(path: &Path) -> CliError {
    CliError::Usage(format!("--bundle: {} exists already and is not overwritten; name another file", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Usage(format!("--bundle: {} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_never_takes_anothers_place_and_leaves_no_draft() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ticket.zip");
        let late = BundleDestination::reserve(&path).expect("a place");
        BundleDestination::reserve(&path).expect("a place").write(b"first").expect("written");
        let text = late.write(b"second").expect_err("a file is there").to_string();
        assert!(text.contains("exists already"), "{text}");
        assert!(BundleDestination::reserve(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("the file"), b"first");
        assert_eq!(folder.path().read_dir().expect("the folder").count(), 1);
        assert!(BundleDestination::reserve(&folder.path().join("nowhere/ticket.zip")).is_err());
    }
}
