//! What every verb has: a limit of its own, and `.await`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::{Error, Phase, TimeoutError};

/// A verb under way: what its `.await` polls.
#[must_use = "nothing is sent before this is awaited"]
pub struct Underway<T>(Pin<Box<dyn Future<Output = T> + Send>>);

impl<T> Underway<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Underway<T> {
        Underway(Box::pin(future))
    }
}

impl<T> Future for Underway<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.get_mut().0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Underway<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Underway")
    }
}

/// Give a verb its `timeout` and its `.await`. The verb has a place to set the limit on (a
/// `Transport`, or a handle that holds one), and an `async fn run(self)`. What `run` gives back
/// must not hold that limit any more.
macro_rules! verb {
    ($verb:ty, $($at:ident).+ => $output:ty) => {
        impl $verb {
            /// Limit the whole of this verb, from the await to its last byte.
            ///
            /// Without it the limits of the client hold ([`Timeouts`](crate::Timeouts)).
            pub fn timeout(mut self, limit: std::time::Duration) -> Self {
                self.$($at).+.limit(limit);
                self
            }
        }

        impl IntoFuture for $verb {
            type Output = $output;
            type IntoFuture = $crate::verb::Underway<$output>;

            fn into_future(mut self) -> Self::IntoFuture {
                self.$($at).+.begin();
                $crate::verb::Underway::new(self.run())
            }
        }
    };
}

/// Give a verb its `.await` alone.
macro_rules! awaitable {
    ($verb:ty => $output:ty) => {
        impl IntoFuture for $verb {
            type Output = $output;
            type IntoFuture = $crate::verb::Underway<$output>;

            fn into_future(self) -> Self::IntoFuture {
                $crate::verb::Underway::new(self.run())
            }
        }
    };
}

pub(crate) use {awaitable, verb};

/// Limit work that makes more than one call; `what` names it in the error.
pub(crate) async fn within<T>(
    what: &str,
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    within_phase(what, limit.map(|limit| (Phase::Overall, limit)), work).await
}

/// Limit work by the limit on one part of it, which the error names.
pub(crate) async fn within_phase<T>(
    what: &str,
    limit: Option<(Phase, Duration)>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some((phase, after)) = limit else { return work.await };
    let late = |_| {
        let call = what.to_owned();
        Err(Error::Timeout(TimeoutError { call, phase, after, maybe_applied: true }))
    };
    tokio::time::timeout(after, work).await.unwrap_or_else(late)
}
