//! Several pieces of work at once, and never more than so many.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Do all of it, at most `at_once` at a time, in the caller's own task. The results are in the order
/// of the work. Dropped, what is under way is dropped and the rest never begins.
pub(crate) fn several<T, F: Future<Output = T>>(
    at_once: usize,
    work: impl IntoIterator<Item = F>,
) -> impl Future<Output = Vec<T>> {
    Several {
        at_once,
        waiting: work.into_iter().enumerate().collect::<Vec<_>>().into_iter(),
        under_way: Vec::new(),
        done: Vec::new(),
    }
}

struct Several<T, F> {
    at_once: usize,
    waiting: std::vec::IntoIter<(usize, F)>,
    under_way: Vec<(usize, Pin<Box<F>>)>,
    done: Vec<(usize, T)>,
}

/// Nothing in it is pinned but what stands in boxes.
impl<T, F> Unpin for Several<T, F> {}

impl<T, F: Future<Output = T>> Future for Several<T, F> {
    type Output = Vec<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        let this = self.get_mut();
        loop {
            let room = this.at_once.max(1).saturating_sub(this.under_way.len());
            let new = this.waiting.by_ref().take(room).map(|(nth, work)| (nth, Box::pin(work)));
            this.under_way.extend(new);
            let done = &mut this.done;
            let before = this.under_way.len();
            this.under_way.retain_mut(|(nth, work)| match work.as_mut().poll(cx) {
                Poll::Ready(out) => {
                    done.push((*nth, out));
                    false
                }
                Poll::Pending => true,
            });
            if this.under_way.is_empty() && this.waiting.len() == 0 {
                this.done.sort_by_key(|(nth, _)| *nth);
                return Poll::Ready(
                    std::mem::take(&mut this.done).into_iter().map(|d| d.1).collect(),
                );
            }
            // What has just begun must be polled before this waits.
            if this.under_way.len() == before || this.waiting.len() == 0 {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn as_many_as_there_is_room_for_and_all_in_order() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (now, most) = (&now, &most);
        let work = (0..10u32).map(|n| async move {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // The first take the longest.
            for _ in n..12 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::Relaxed);
            n
        });
        assert_eq!(several(3, work).await, (0..10).collect::<Vec<_>>());
        assert_eq!((now.load(Ordering::Relaxed), most.load(Ordering::Relaxed)), (0, 3));
        assert!(several(3, std::iter::empty::<std::future::Ready<u8>>()).await.is_empty());
        let ready = (0..5).map(std::future::ready);
        assert_eq!(several(0, ready).await, [0, 1, 2, 3, 4]);
    }
}
