//! What happens on an engine.

mod event;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

pub use event::{Action, Actor, Event, EventKind, EventScope};

use crate::error::{Error, StreamError, StreamFault};
use crate::stream::{JsonValues, Recent, Resumed};
use crate::time::Timestamp;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Patience};

/// The verb behind [`Docker::events`](crate::Docker::events).
///
/// Of several filters all must hold; of several values of one filter any. Labels are the
/// exception: all of them must be there.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct WatchEvents {
    transport: Transport,
    filters: Filters,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    resume: bool,
}

impl WatchEvents {
    pub(crate) fn new(transport: Transport) -> WatchEvents {
        let filters = Filters::default();
        WatchEvents { transport, filters, since: None, until: None, resume: false }
    }

    /// Begin with what has happened since this moment: `--since`. Docker remembers 256 events.
    pub fn since(mut self, moment: Timestamp) -> WatchEvents {
        self.since = Some(moment);
        self
    }

    /// End at this moment: `--until`.
    pub fn until(mut self, moment: Timestamp) -> WatchEvents {
        self.until = Some(moment);
        self
    }

    /// Watch what happens to things of this kind: `--filter type=`.
    pub fn kind(mut self, kind: EventKind) -> WatchEvents {
        self.filters.add("type", kind.as_str());
        self
    }

    /// Watch what is called so: `--filter event=`. Of [`Action::ExecStart`] and its like, the
    /// command does not count; a [`HealthStatus`](Action::HealthStatus) with a state asks for
    /// that state.
    pub fn action(mut self, action: Action) -> WatchEvents {
        self.filters.add("event", action.filter());
        self
    }

    /// Watch this container, by its name or id: `--filter container=`.
    pub fn container(mut self, container: impl Into<String>) -> WatchEvents {
        self.filters.add("container", container);
        self
    }

    /// Watch this image, by its name or id, and the containers made from it: `--filter image=`.
    pub fn image(mut self, image: impl Into<String>) -> WatchEvents {
        self.filters.add("image", image);
        self
    }

    /// Watch what has this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> WatchEvents {
        self.filters.add("label", label);
        self
    }

    /// Watch this network, by its name or id: `--filter network=`.
    pub fn network(mut self, network: impl Into<String>) -> WatchEvents {
        self.filters.add("network", network);
        self
    }

    /// Watch this volume, by its name: `--filter volume=`.
    pub fn volume(mut self, volume: impl Into<String>) -> WatchEvents {
        self.filters.add("volume", volume);
        self
    }

    /// Watch this plugin, by its name or id: `--filter plugin=`.
    pub fn plugin(mut self, plugin: impl Into<String>) -> WatchEvents {
        self.filters.add("plugin", plugin);
        self
    }

    /// Watch this service of a swarm, by its name or id: `--filter service=`.
    pub fn service(mut self, service: impl Into<String>) -> WatchEvents {
        self.filters.add("service", service);
        self
    }

    /// Watch this node of a swarm, by its name or id: `--filter node=`.
    pub fn node(mut self, node: impl Into<String>) -> WatchEvents {
        self.filters.add("node", node);
        self
    }

    /// Watch what happens on this engine alone, or in its swarm alone: `--filter scope=`.
    pub fn scope(mut self, scope: EventScope) -> WatchEvents {
        self.filters.add("scope", scope.as_str());
        self
    }

    /// Watch what this filter lets through, by its name and value in the engine's words:
    /// `--filter NAME=VALUE`. The other setters are the filters known here.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> WatchEvents {
        self.filters.add(name.into(), value);
        self
    }

    /// Go on where a lost connection left off: the engine is asked again from the last event's
    /// moment, and what had come already is left out. It is tried for about half a minute.
    ///
    /// What the engine has forgotten meanwhile is lost, without a word: Docker remembers 256
    /// events, and none from before it was started anew.
    pub fn resume(mut self) -> WatchEvents {
        self.resume = true;
        self
    }

    fn call(&self) -> Call {
        Call::get(&["events"])
            .maybe("since", self.since.map(Timestamp::to_query))
            .maybe("until", self.until.map(Timestamp::to_query))
            .maybe("filters", self.filters.to_json())
            .patience(Patience::Endless)
    }

    async fn run(self) -> Result<Events, Error> {
        let reply = self.transport.stream(&self.call()).await?;
        let mut recent = Recent::new(self.since);
        // By the engine's clock: what happens from now on.
        let date = reply.headers.get("date").and_then(|date| date.to_str().ok());
        date.and_then(Timestamp::from_http).into_iter().for_each(|date| recent.begin(date));
        let source = Resumed::new(JsonValues::new(reply.body), self.resume);
        Ok(Events { source, recent, watch: self })
    }
}

verb!(WatchEvents, transport => Result<Events, Error>);

/// What happens on an engine, as it happens.
#[must_use = "a stream does nothing unless it is read"]
pub struct Events {
    source: Resumed<JsonValues<Event>>,
    recent: Recent,
    watch: WatchEvents,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Events").field(&self.watch).finish()
    }
}

impl Events {
    /// Wait for the next event. `None` at the moment that [`until`](WatchEvents::until) names;
    /// without one there is no proper end.
    ///
    /// # Errors
    /// The stream broke off or broke its framing. With [`resume`](WatchEvents::resume), the
    /// connection could not be had back.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            let values = match ready!(self.source.poll_open(cx)) {
                Some(Ok(values)) => values,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            let error = match ready!(values.poll_next(cx)) {
                Some(Ok(event)) => {
                    if self.is_new(&event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                    continue;
                }
                Some(Err(error)) => error,
                None if self.watch.until.is_some() => {
                    self.source.end();
                    return Poll::Ready(None);
                }
                // Whatever its framing says: an engine has no end of events but its own.
                None => {
                    let call = values.call().to_owned();
                    Error::Stream(StreamError { call, fault: StreamFault::Cut })
                }
            };
            if let Err(error) = self.lost(error) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn is_new(&mut self, event: &Event) -> bool {
        let Some(time) = event.time.filter(|_| self.source.resumes()) else { return true };
        let labels: Vec<_> = event.actor.attributes.iter().collect();
        let item = (&event.kind, &event.action, &event.actor.id, labels);
        let new = self.recent.take(time, None, &item);
        if new {
            self.source.good();
        }
        new
    }

    fn lost(&mut self, error: Error) -> Result<(), Error> {
        let limit = self.watch.transport.deadline(&self.watch.call());
        self.source.failed(error, limit, || {
            let mut watch = self.watch.clone();
            watch.since = self.recent.rewind(None).or(watch.since);
            Box::new(move || {
                let watch = watch.clone();
                async move { Ok(JsonValues::new(watch.transport.stream(&watch.call()).await?.body)) }
            })
        })
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_event(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Host;

    #[test]
    fn what_is_asked_for() {
        let host = Host::unix("/nowhere").unwrap();
        let transport = Transport::new(host, "test".into(), Default::default(), None).unwrap();
        let watch = WatchEvents::new(transport);
        insta::assert_snapshot!(watch.call(), @"GET /events");
        let named = watch.clone().filter("type", "container").call().to_string();
        assert_eq!(named, watch.clone().kind(EventKind::Container).call().to_string());
        let watch = watch
            .kind(EventKind::Container)
            .action(Action::Die)
            .action(Action::ExecStart("sh".into()))
            .action(Action::HealthStatus("healthy".into()))
            .action(Action::HealthStatus(String::new()))
            .label("a=b")
            .since(Timestamp::from_nanos(1_500_000_000))
            .until(Timestamp::from_secs(2));
        let call = watch.call().to_string();
        let decoded = percent_encoding::percent_decode_str(&call).decode_utf8_lossy();
        insta::assert_snapshot!(decoded, @r#"GET /events?since=1.500000000&until=2.000000000&filters={"event":["die","exec_start","health_status: healthy","health_status"],"label":["a=b"],"type":["container"]}"#);
    }
}
