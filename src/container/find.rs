//! Finding a container, and sorting it by its state.

use super::{
    Container, Created, Exited, Paused, Running, Status, TransitionError, Unknown, details, list,
};
use crate::error::{Ambiguous, Error, StateError};
use crate::transport::Transport;
use crate::verb::verb;

/// A container, in the state it was found in.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
/// use bowline::Lookup;
///
/// match docker.container("web").await? {
///     Lookup::Running(web) => println!("{} runs", web.id().short()),
///     Lookup::Exited(web) => println!("it ended with {}", web.status()),
///     other => println!("{}", other.state()),
/// }
/// // Where only one state will do:
/// let web = docker.container("web").await?.running()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum Lookup {
    /// Made, and never started with success.
    Created(Container<Created>),
    /// Its process runs.
    Running(Container<Running>),
    /// Its processes are frozen.
    Paused(Container<Paused>),
    /// Its process has ended.
    Exited(Container<Exited>),
    /// A state without verbs of its own: restarting, removing, dead, or one this crate does not
    /// know.
    Other(Container<Unknown>, Status),
    /// The engine does not know it any more.
    Gone,
}

impl Lookup {
    /// Return the state.
    pub fn state(&self) -> Status {
        match self {
            Lookup::Created(_) => Status::Created,
            Lookup::Running(_) => Status::Running,
            Lookup::Paused(_) => Status::Paused,
            Lookup::Exited(_) => Status::Exited,
            Lookup::Other(_, status) => status.clone(),
            Lookup::Gone => Status::Other("gone".to_owned()),
        }
    }

    /// Return the handle without its state; `None` if the container is gone.
    pub fn any(self) -> Option<Container<Unknown>> {
        match self {
            Lookup::Created(c) => Some(c.forget()),
            Lookup::Running(c) => Some(c.forget()),
            Lookup::Paused(c) => Some(c.forget()),
            Lookup::Exited(c) => Some(c.forget()),
            Lookup::Other(c, _) => Some(c),
            Lookup::Gone => None,
        }
    }

    /// Take the handle of a container that was created and never ran.
    ///
    /// # Errors
    /// It is in another state ([`Error::State`]).
    pub fn created(self) -> Result<Container<Created>, Error> {
        match self {
            Lookup::Created(c) => Ok(c),
            other => Err(other.wrong("created")),
        }
    }

    /// Take the handle of a running container.
    ///
    /// # Errors
    /// It is in another state ([`Error::State`]).
    pub fn running(self) -> Result<Container<Running>, Error> {
        match self {
            Lookup::Running(c) => Ok(c),
            other => Err(other.wrong("running")),
        }
    }

    /// Take the handle of a paused container.
    ///
    /// # Errors
    /// It is in another state ([`Error::State`]).
    pub fn paused(self) -> Result<Container<Paused>, Error> {
        match self {
            Lookup::Paused(c) => Ok(c),
            other => Err(other.wrong("paused")),
        }
    }

    /// Take the handle of a container that has ended.
    ///
    /// # Errors
    /// It is in another state ([`Error::State`]).
    pub fn exited(self) -> Result<Container<Exited>, Error> {
        match self {
            Lookup::Exited(c) => Ok(c),
            other => Err(other.wrong("exited")),
        }
    }

    fn wrong(self, wanted: &'static str) -> Error {
        let found = self.state().as_str().to_owned();
        let container = self.any().map(|c| c.id.into()).unwrap_or_default();
        Error::State(StateError { container, wanted, found })
    }
}

/// Give a container the handle that its state calls for.
fn sort(on: Container<Unknown>, seen: &details::Seen) -> Lookup {
    let on = Container { traits: seen.traits(), ..on };
    match seen.status() {
        Status::Created => Lookup::Created(on.with(Created { warnings: Vec::new() })),
        Status::Running => Lookup::Running(on.with(Running(()))),
        Status::Paused => Lookup::Paused(on.with(Paused(()))),
        Status::Exited => Lookup::Exited(on.with(Exited { status: seen.exit() })),
        other => Lookup::Other(on.forget(), other.clone()),
    }
}

/// The verb behind [`Container::lookup`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct LookupVerb {
    on: Container<Unknown>,
}

impl LookupVerb {
    pub(super) fn new(on: Container<Unknown>) -> LookupVerb {
        LookupVerb { on }
    }

    async fn run(self) -> Result<Lookup, TransitionError> {
        lookup(self.on).await
    }
}

verb!(LookupVerb, on => Result<Lookup, TransitionError>);

pub(super) async fn lookup(on: Container<Unknown>) -> Result<Lookup, TransitionError> {
    match details::see(&on).await {
        Ok(seen) => Ok(sort(on, &seen)),
        Err(error) if error.is_not_found() => Ok(Lookup::Gone),
        Err(error) => Err(on.failed(error)),
    }
}

/// The verb behind [`Docker::container`](crate::Docker::container).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Find {
    transport: Transport,
    name: String,
}

impl Find {
    pub(crate) fn new(transport: Transport, name: String) -> Find {
        Find { transport, name }
    }

    async fn run(self) -> Result<Lookup, Error> {
        let Find { transport, name } = self;
        let name = super::name::name_or_id(&name)?;
        match details::look(&transport, name).await {
            Ok(seen) => {
                let id = seen.id.clone();
                let traits = seen.traits();
                Ok(sort(Container { transport, id, traits, state: Unknown(()) }, &seen))
            }
            Err(error) => Err(several(&transport, name, error).await),
        }
    }
}

verb!(Find, transport => Result<Lookup, Error>);

/// Engines refuse an ambiguous id in as many ways as they have versions (404, 400, 500): count for
/// ourselves what the text stands for.
async fn several(transport: &Transport, prefix: &str, error: Error) -> Error {
    let hex = prefix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !hex || !matches!(error.status(), Some(400 | 404 | 409 | 500)) {
        return error;
    }
    let Ok(ids) = list::ids(transport, prefix).await else { return error };
    let matches: Vec<String> = ids.into_iter().map(String::from).collect();
    match matches.len() {
        0 | 1 => error,
        _ => Error::Ambiguous(Ambiguous { prefix: prefix.to_owned(), matches }),
    }
}
