//! Several throwaway containers at once.

use std::future::poll_fn;
use std::task::Poll;

use super::{StartError, StartThrowaway, Throwaway};
use crate::error::Error;
use crate::several::several;
use crate::verb::Underway;

enum Slot {
    Starting(Underway<Result<Throwaway, StartError>>),
    Started(Box<Throwaway>),
}

/// Start any number of containers at once. The handles are in the order of the starts.
///
/// For a few that are not alike there is `tokio::try_join!`, which takes them as they are. One that
/// needs another is started once it has that one's handle: then it is ready.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
/// use bowline::throwaway;
///
/// let workers = throwaway::all((0..8).map(|n| docker.throwaway("worker").env("N", n.to_string())));
/// let workers = workers.await?;
///
/// let net = docker.throwaway_network().await?;
/// let db = docker.throwaway("postgres").network(&*net).network_alias("db");
/// let cache = docker.throwaway("redis").network(&*net).network_alias("cache");
/// let (db, cache) = tokio::try_join!(db, cache)?;
/// let app = docker.throwaway("app").network(&*net).env("DB", "db:5432").await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// The first that fails. The others are removed: those that were started before the error is seen,
/// those that were half-way as if each was dropped.
pub fn all(
    starts: impl IntoIterator<Item = StartThrowaway>,
) -> impl Future<Output = Result<Vec<Throwaway>, StartError>> + Send {
    let starts = starts.into_iter().map(|start| Slot::Starting(start.into_future()));
    let mut slots: Vec<Slot> = starts.collect();
    async move {
        let failed = poll_fn(|cx| {
            let mut pending = false;
            for slot in &mut slots {
                let Slot::Starting(start) = slot else { continue };
                match std::pin::Pin::new(start).poll(cx) {
                    Poll::Pending => pending = true,
                    Poll::Ready(Ok(started)) => *slot = Slot::Started(Box::new(started)),
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(error)),
                }
            }
            if pending { Poll::Pending } else { Poll::Ready(None) }
        })
        .await;
        let started = slots.into_iter().filter_map(|slot| match slot {
            Slot::Started(started) => Some(*started),
            Slot::Starting(_) => None,
        });
        let started: Vec<_> = started.collect();
        match failed {
            None => Ok(started),
            Some(error) => {
                let _ = close(started).await;
                Err(error)
            }
        }
    }
}

/// Remove any number of containers at once, and wait until they are gone.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
/// use bowline::throwaway;
///
/// let workers = throwaway::all([docker.throwaway("worker"), docker.throwaway("worker")]).await?;
/// throwaway::close(workers).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// The first of them, as [`Throwaway::close`]; the others are removed all the same.
pub async fn close(handles: impl IntoIterator<Item = Throwaway>) -> Result<(), Error> {
    let closing: Vec<_> = handles.into_iter().map(Throwaway::close).collect();
    several(usize::MAX, closing).await.into_iter().collect()
}
