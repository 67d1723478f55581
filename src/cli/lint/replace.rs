//! Atomic replacement of a file's text.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces the text of a file. If that fails, for example because the disk is full, the file is unchanged. It keeps its
/// mode and, if permitted, its owner.
pub(super) fn replace(file: &Path, text: &[u8]) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    let about = file.metadata()?;
    let mut new = NamedTempFile::new_in(file.parent().unwrap_or(&file))?;
    new.write_all(text)?;
    new.as_file().set_permissions(about.permissions())?;
    drop(fchown(new.as_file(), Some(about.uid()), Some(about.gid())));
    new.as_file().sync_all()?;
    new.persist(&file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_keeps_its_mode_and_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("Dockerfile"), folder.path().join("link"));
        std::fs::write(&file, "before").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink("Dockerfile", &link).unwrap();
        replace(&link, b"after").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "after");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
        assert!(replace(&folder.path().join("gone"), b"").is_err());
    }
}
