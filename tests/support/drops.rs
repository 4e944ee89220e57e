//! A future dropped at every await point.

use std::pin::pin;
use std::task::Poll;

/// Poll `future` at most `times` times, and drop it. Each poll but the first waits for the future
/// to be woken: it is made when there is progress to be made, and no clock is involved.
pub async fn poll_times<F: IntoFuture>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future.into_future());
    let mut left = times;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last poll has been made: whatever would wake it now comes too late.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drop the future of `make` after 0, 1, 2, … polls, until it comes to its end; `check` sees what
/// is left after each. Returns the output, and how many polls it took to get there.
pub async fn at_every_await<F: IntoFuture>(
    mut make: impl AsyncFnMut() -> F,
    mut check: impl AsyncFnMut(usize),
) -> (F::Output, usize) {
    for times in 0..1_000 {
        let future = make().await;
        if let Some(output) = poll_times(future, times).await {
            return (output, times);
        }
        check(times).await;
    }
    panic!("polled a thousand times and still pending");
}
