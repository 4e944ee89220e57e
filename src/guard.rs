//! What has left cannot be called back: work that is finished even if nobody waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::error::{Error, Phase};
use crate::trace;
use crate::transport::Transport;
use crate::verb::within_phase;
use crate::wire::{Call, Patience};

/// Work in the background may take this long; then it is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

type Making<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Make something by one call. The limit is on the waiting, not on the exchange: that is finished in
/// any case, and what it made is undone if nobody waits any more.
pub(crate) async fn make<T, U, F>(
    transport: &Transport,
    call: Call,
    send: impl FnOnce(Transport, Call) -> F,
    undo: fn(T) -> U,
) -> Result<T, Error>
where
    T: Send + 'static,
    U: Future<Output = ()> + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let timeouts = transport.timeouts();
    let client = [(Phase::Head, timeouts.head), (Phase::Overall, timeouts.overall)];
    let client = client.into_iter().filter_map(|(phase, limit)| Some((phase, limit?)));
    let own = transport.own_limit().map(|limit| (Phase::Overall, limit));
    let limit = own.or(client.min_by_key(|(_, limit)| *limit));
    let label = call.label();
    let making = send(transport.clone().unlimited(), call.patience(Patience::Endless));
    within_phase(&label, limit, finish_or_undo(making, undo)).await
}

/// Poll `making` to its end. Dropped once begun, it is finished on its runtime and what it made is
/// undone: the engine acts on a request whether anybody listens or not, and only the answer names
/// what it made.
pub(crate) fn finish_or_undo<T, U>(
    making: impl Future<Output = Result<T, Error>> + Send + 'static,
    undo: fn(T) -> U,
) -> impl Future<Output = Result<T, Error>> + Send
where
    T: Send + 'static,
    U: Future<Output = ()> + Send + 'static,
{
    Guarded { making: Some(Box::pin(making)), undo, runtime: None }
}

struct Guarded<T, U>
where
    T: Send + 'static,
    U: Future<Output = ()> + Send + 'static,
{
    making: Option<Making<T>>,
    undo: fn(T) -> U,
    /// Where it was first polled: its sockets live there.
    runtime: Option<Handle>,
}

impl<T, U> Future for Guarded<T, U>
where
    T: Send + 'static,
    U: Future<Output = ()> + Send + 'static,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.runtime.is_none() {
            this.runtime = Handle::try_current().ok();
        }
        let Some(making) = this.making.as_mut() else { return Poll::Pending };
        let made = std::task::ready!(making.as_mut().poll(cx));
        this.making = None;
        Poll::Ready(made)
    }
}

impl<T, U> Drop for Guarded<T, U>
where
    T: Send + 'static,
    U: Future<Output = ()> + Send + 'static,
{
    fn drop(&mut self) {
        let (Some(making), Some(runtime)) = (self.making.take(), self.runtime.take()) else {
            return;
        };
        let undo = self.undo;
        runtime.spawn(async move {
            let made = tokio::time::timeout(PATIENCE, making).await.ok().and_then(Result::ok);
            let undone = made.is_some();
            if let Some(made) = made {
                undo(made).await;
            }
            trace::followed_up(undone);
        });
    }
}
