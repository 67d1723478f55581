//! The image that the tests' services run.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::command::{attempt, output};
use super::folder::Folder;

/// The package `busybox-static` of Debian.
pub(crate) const BUSYBOX: &str = "/bin/busybox";
/// Nobody listens on port 1: skep and the engine learn at once that no registry has it, and use the one that is here.
pub(crate) const IMAGE: &str = "127.0.0.1:1/skep-e2e:1";

/// An image with nothing but a static busybox. It goes with the last test that uses it.
pub(crate) struct Base;

static BASE: Mutex<Weak<Base>> = Mutex::new(Weak::new());

impl Base {
    pub(crate) fn built() -> Arc<Self> {
        let mut base = BASE.lock().unwrap_or_else(PoisonError::into_inner);
        base.upgrade().unwrap_or_else(|| {
            build();
            let built = Arc::new(Self);
            *base = Arc::downgrade(&built);
            built
        })
    }
}

fn build() {
    let context = Folder::new();
    fs::copy(BUSYBOX, context.join("busybox")).unwrap();
    let dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"/bin\"]\n";
    fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    output("docker", &["build", "--quiet", "--tag", IMAGE, context.to_str().unwrap()]);
}

impl Drop for Base {
    fn drop(&mut self) {
        // A task that is just ending may still use it.
        attempt("docker", &["image", "rm", "--force", IMAGE]);
    }
}
