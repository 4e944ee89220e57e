//! A container that nobody knows of yet, and must not outlive its maker.

use tokio::runtime::Handle;

use super::{Container, Created, Unknown, remove};
use crate::error::Error;
use crate::guard::PATIENCE;
use crate::wire::Call;

/// Holds a container that nobody else knows of yet; dropped, it removes it in the background.
pub(super) struct Scrap {
    container: Option<Container<Unknown>>,
    runtime: Option<Handle>,
}

impl Scrap {
    pub(super) fn none() -> Scrap {
        Scrap { container: None, runtime: Handle::try_current().ok() }
    }

    pub(super) fn hold(&mut self, container: Container<Unknown>) {
        self.container = Some(container);
    }

    /// Let the container live where the work is done: it is somebody's now. Remove it otherwise.
    pub(super) async fn settle<T>(mut self, done: Result<T, Error>) -> Result<T, Error> {
        // Held until it is gone: this future may be dropped as well.
        if let (Err(_), Some(container)) = (&done, &self.container) {
            clear(container).await;
        }
        self.container = None;
        done
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        if let (Some(container), Some(runtime)) = (self.container.take(), self.runtime.take()) {
            runtime.spawn(async move { clear(&container).await });
        }
    }
}

/// Undo a creation that nobody waited for.
pub(super) async fn undo(made: Container<Created>) {
    clear(&made.forget()).await;
}

async fn clear(container: &Container<Unknown>) {
    let call =
        Call::delete(&["containers", container.id.as_str()]).flag("v", true).flag("force", true);
    // Nobody is left to be told of a failure.
    let _ = tokio::time::timeout(PATIENCE, remove::gone(container, &call, true)).await;
}
