//! The wait itself: every kind beside the container's end, under one limit.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::{NotReady, NotReadyCause, Note, Notes};
use super::life::{self, End, Life, Stop};
use super::probe::{self, NotYet, Pace};
use super::{Kind, Ready};
use crate::container::{Container, Running, Status};
use crate::docker::Docker;
use crate::throwaway::addr::{Addresses, ContainerPort, HostPort};

/// A container that is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    docker: &'a Docker,
    container: &'a Container<Running>,
    name: &'a str,
}

impl<'a> Subject<'a> {
    /// Name a container, for the errors to say.
    pub fn new(docker: &'a Docker, container: &'a Container<Running>, name: &'a str) -> Self {
        Subject { docker, container, name }
    }

    /// Return the engine it is on.
    pub fn docker(&self) -> &'a Docker {
        self.docker
    }

    /// Return its handle.
    pub fn container(&self) -> &'a Container<Running> {
        self.container
    }

    /// Return its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Ask where a port of it can be reached from here.
    ///
    /// # Errors
    /// The port is not published, which is [`NotYet::never`]; the engine does not answer.
    pub async fn addr(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NotYet> {
        let details = self.container.inspect().await?;
        let addresses = Addresses::of(self.docker, &details).await;
        let seen = &details.state.status;
        addresses.get(port).map_err(|error| match seen {
            // Without a process there are no ports either.
            Status::Running | Status::Paused => NotYet::never(error.to_string()),
            _ => NotYet::new(format!("it is {seen}")),
        })
    }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

impl Ready {
    /// Wait until a container is ready.
    ///
    /// # Errors
    /// [`NotReady`]: it has ended, the time is up, it never can be; with what was seen last.
    pub async fn until(&self, on: &Subject<'_>) -> Result<(), NotReady> {
        let begun = Instant::now();
        let notes = Notes::default();
        let result = match self.fault() {
            Some(rule) => Err(Stop(NotReadyCause::Invalid(rule.to_owned()))),
            None => self.race(on, &notes).await,
        };
        result.map_err(|Stop(cause)| NotReady {
            container: on.name.to_owned(),
            what: self.to_string(),
            cause,
            elapsed: begun.elapsed(),
            waits: notes.open(),
        })
    }

    async fn race(&self, on: &Subject<'_>, notes: &Notes) -> Result<(), Stop> {
        let (tell, life) = Life::new();
        let limit = self.limit();
        let mut end = pin!(life::end(on.docker, on.container));
        let mut told = false;
        let mut all = self.node(on, life, notes);
        let mut late = pin!(tokio::time::sleep(limit));
        std::future::poll_fn(|cx| {
            if !told {
                if let Poll::Ready(end) = end.as_mut().poll(cx) {
                    told = true;
                    tell.send_replace(Some(end));
                }
            }
            if let Poll::Ready(done) = all.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            late.as_mut().poll(cx).map(|()| Err(Stop(NotReadyCause::TimedOut(limit))))
        })
        .await
    }

    /// Begin one wait, with those that are part of it.
    fn node<'a>(&'a self, on: &'a Subject<'a>, life: Life, notes: &'a Notes) -> Waiting<'a> {
        let parts = |of: &'a [Ready]| -> Vec<_> {
            of.iter().map(|one| Some(one.node(on, life.clone(), notes))).collect()
        };
        let limit = self.within;
        let wait: Waiting<'a> = match &*self.kind {
            Kind::All(of) => Box::pin(all(parts(of))),
            Kind::Any(of) => {
                let first = notes.count();
                let parts = parts(of);
                let theirs = first..notes.count();
                Box::pin(async move {
                    let done = any(parts).await;
                    if done.is_ok() {
                        notes.came(theirs);
                    }
                    done
                })
            }
            _ => {
                let note = notes.begin(self.to_string());
                Box::pin(async move {
                    let done = self.leaf(on, &life, &note).await;
                    if done.is_ok() {
                        note.came();
                    }
                    done
                })
            }
        };
        match limit {
            Some(limit) => Box::pin(within(limit, wait)),
            None => wait,
        }
    }

    async fn leaf(&self, on: &Subject<'_>, life: &Life, note: &Note) -> Result<(), Stop> {
        match &*self.kind {
            Kind::Log(log) => log.until(on, life, note).await,
            Kind::After(time) => life.or_end(tokio::time::sleep(*time)).await,
            Kind::Exit(code) => match life.ended().await {
                End::Exited(status) if status.code() == *code => Ok(()),
                end => Err(end.into()),
            },
            _ => match self.probe() {
                Some(probe) => {
                    let pace = Pace { every: self.every, each: self.each };
                    probe::poll(probe, pace, on, life, note).await
                }
                None => Ok(()),
            },
        }
    }
}

async fn within(limit: Duration, wait: Waiting<'_>) -> Result<(), Stop> {
    let late = |_| Err(Stop(NotReadyCause::TimedOut(limit)));
    tokio::time::timeout(limit, wait).await.unwrap_or_else(late)
}

/// Wait side by side until one fails, or all are through.
async fn all(mut of: Vec<Option<Waiting<'_>>>) -> Result<(), Stop> {
    std::future::poll_fn(|cx| {
        let mut open = false;
        for slot in &mut of {
            let Some(wait) = slot else { continue };
            match wait.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => *slot = None,
                Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
    .await
}

/// Wait side by side until one is through, or all have failed. The last one's failure counts: up
/// to then there was hope.
async fn any(mut of: Vec<Option<Waiting<'_>>>) -> Result<(), Stop> {
    let mut last = Stop::never("there is nothing to wait for".to_owned());
    std::future::poll_fn(|cx| {
        let mut open = false;
        for slot in &mut of {
            let Some(wait) = slot else { continue };
            match wait.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(stop)) => {
                    *slot = None;
                    last = stop;
                }
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(Err(last.clone())) }
    })
    .await
}
