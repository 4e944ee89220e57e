//! The engine: how to reach it, and the doors to everything it has.

mod doors;

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::container::{ContainerSpec, Create, Find, List, Prune, Run};
use crate::error::{ConnectError, Error, Tried};
use crate::events::WatchEvents;
use crate::image::reference::{IntoImageName, IntoImageRef};
use crate::image::{
    Build, Image, Import, InspectDistribution, ListImages, Load, PruneImages, Pull, Save, Search,
};
use crate::registry::{Credentials, Login};
use crate::system::{self, Ping, Version};
#[cfg(feature = "tls")]
use crate::transport::Tls;
use crate::transport::{self, Host, NoRoute, Route, Surroundings, Timeouts, Transport};
use crate::verb::awaitable;
use crate::wire::ApiVersion;

/// A Docker Engine.
///
/// Cheap to clone, and one value serves any number of threads, tasks and tokio runtimes: a
/// `static` shared by all tests of a program is fine. It needs a runtime with I/O and time
/// enabled, as `#[tokio::main]` and `#[tokio::test]` make them.
///
/// ```no_run
/// # async fn f() -> Result<(), bowline::Error> {
/// use bowline::{ContainerSpec, Docker};
///
/// let docker = Docker::connect().await?;
/// let output = docker.run(ContainerSpec::new("busybox").cmd(["ls", "-la"])).output().await?;
/// print!("{}", output.stdout_lossy());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Docker {
    transport: Transport,
}

impl fmt::Debug for Docker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Docker")
            .field("host", &self.host().to_string())
            .field("api_version", &self.api_version())
            .finish_non_exhaustive()
    }
}

impl Docker {
    /// Connect to the engine that the `docker` command would use.
    ///
    /// That is: `DOCKER_HOST` where it is set; else the current docker context; else the first of
    /// the well-known sockets that answers (`/var/run/docker.sock`, the rootless one, Docker
    /// Desktop's, Podman's). An engine that was asked for by name is never replaced by another.
    ///
    /// TLS is asked for by `DOCKER_TLS_VERIFY`, `DOCKER_TLS` or `DOCKER_CERT_PATH` being set to
    /// anything, by the context, by `https://`, or by [`Connect::tls`]. Then nothing is ever sent in
    /// the clear, and a build without the feature `tls` refuses. By the variables, `ca.pem`, and
    /// `cert.pem` with `key.pem` where the engine wants to know who comes, are those of
    /// `DOCKER_CERT_PATH` or else of `~/.docker`; and where no engine is named, it is the one at
    /// `tcp://localhost:2376`. Any certificate is taken only where the program
    /// ([`danger_accept_any_certificate`](crate::Tls::danger_accept_any_certificate)) or the context
    /// (`SkipTLSVerify`) says so in so many words: with `DOCKER_TLS` alone the docker command does
    /// not check the engine's certificate, and this does.
    ///
    /// Who can use an engine's socket or port is root on its machine. A `tcp://` address of another
    /// machine without TLS lets anybody on the way be that, and a subscriber of the feature `tracing`
    /// is warned of it, as of a private key that others can read.
    ///
    /// `ssh://user@host` takes the feature `ssh`. It runs the system's `ssh`, without asking for
    /// pass phrases or passwords, and `docker system dial-stdio` on the other side, where there must
    /// be a `docker` command. The process `ssh` and its connection are shared by all calls, and end
    /// with the last of them; where this process is killed, a minute later, and an empty folder
    /// `bowline-ssh-*` stays in `$XDG_RUNTIME_DIR` or in the folder for temporary files.
    ///
    /// # Errors
    /// [`Error::Connect`] lists every place tried and why each failed; [`Error::InvalidInput`]
    /// where a setting cannot be understood.
    pub fn connect() -> Connect {
        Connect::to(Place::Found)
    }

    /// Connect to the engine of a docker context: `docker --context NAME`.
    ///
    /// Neither `DOCKER_HOST` nor `DOCKER_CONTEXT` counts then. What contexts there are says
    /// [`DockerContext::list`](crate::DockerContext::list).
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), bowline::Error> {
    /// use bowline::Docker;
    ///
    /// let docker = Docker::context("build-farm").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Docker::connect); [`Error::InvalidInput`] where there is no such context.
    pub fn context(name: impl Into<String>) -> Connect {
        Connect::to(Place::Context(name.into()))
    }

    /// Return where the engine is.
    pub fn host(&self) -> &Host {
        self.transport.host()
    }

    /// Return what TLS to it is made of, where there is TLS.
    #[cfg(all(feature = "throwaway", feature = "tls"))]
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.transport.tls()
    }

    /// Return the API version that this client and the engine agreed on.
    pub fn api_version(&self) -> ApiVersion {
        self.transport.version()
    }

    /// Return the limits that hold for calls through this value.
    pub fn timeouts(&self) -> Timeouts {
        self.transport.timeouts()
    }

    /// Return the same engine with other limits. Connections are shared.
    pub fn with_timeouts(&self, timeouts: Timeouts) -> Docker {
        Docker { transport: self.transport.with_timeouts(timeouts) }
    }

    /// Ask whether the engine answers.
    ///
    /// # Errors
    /// As every call: it does not, or says no.
    pub fn ping(&self) -> Ping {
        Ping::new(self.transport.clone())
    }

    /// Ask for the engine's version: `docker version`.
    ///
    /// # Errors
    /// As every call.
    pub fn version(&self) -> Version {
        Version::new(self.transport.clone())
    }

    /// Create a container: `docker create`.
    ///
    /// An image that is not there is pulled first, unless the spec says otherwise
    /// ([`pull`](ContainerSpec::pull)). Nothing runs yet: see [`Container<Created>`](crate::Container).
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::ContainerSpec;
    ///
    /// let web = docker.create(ContainerSpec::new("busybox").name("web").cmd(["httpd", "-f"])).await?;
    /// let web = web.start().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A value of the spec breaks a rule (before anything is sent); the image is not there, nor at
    /// its registry ([`is_not_found`](Error::is_not_found)); the name is taken
    /// ([`is_conflict`](Error::is_conflict)).
    pub fn create(&self, spec: impl Into<ContainerSpec>) -> Create {
        Create::new(self.transport.clone(), spec.into())
    }

    /// Run a process in a container of its own: `docker run`.
    ///
    /// As with [`std::process::Command`], what follows says how: [`output`](Run::output) collects
    /// what it prints, [`status`](Run::status) waits, [`spawn`](Run::spawn) leaves it running.
    pub fn run(&self, spec: impl Into<ContainerSpec>) -> Run {
        Run::new(self.transport.clone(), spec.into())
    }

    /// Find a container by id, by a unique beginning of its id, or by name.
    ///
    /// Returns it in the state it is found in: see [`Lookup`](crate::Lookup).
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found); [`Error::Ambiguous`] where a short id stands for
    /// several; [`Error::InvalidInput`] for what can be no name.
    pub fn container(&self, name_or_id: impl Into<String>) -> Find {
        Find::new(self.transport.clone(), name_or_id.into())
    }

    /// List containers: `docker ps`.
    ///
    /// Running ones, unless [`all`](List::all) or a state is asked for.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// for c in docker.containers().all().await? {
    ///     println!("{} {} {}", c.id.short(), c.image, c.status);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn containers(&self) -> List {
        List::new(self.transport.clone())
    }

    /// Watch what happens on the engine: `docker events`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::events::{Action, EventKind};
    ///
    /// let watch = docker.events().kind(EventKind::Container).action(Action::Die);
    /// let mut events = watch.resume().await?;
    /// while let Some(event) = events.next().await.transpose()? {
    ///     println!("{:?} ended with {:?}", event.name(), event.exit_code());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The moments are not in order (status 400).
    pub fn events(&self) -> WatchEvents {
        WatchEvents::new(self.transport.clone())
    }

    /// Remove all containers that do not run: `docker container prune`.
    pub fn prune_containers(&self) -> Prune {
        Prune::new(self.transport.clone())
    }

    /// Fetch an image from its registry: `docker pull`.
    ///
    /// Credentials are those that the docker command would send, unless others are given. The tag
    /// is `latest` where the name has neither tag nor digest.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let pulled = docker.pull("busybox").await?;
    /// println!("{:?} {:?}", pulled.id, pulled.digest);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The registry has no such image ([`is_not_found`](Error::is_not_found)), or wants other
    /// credentials ([`is_unauthorized`](Error::is_unauthorized)); the engine cannot reach it.
    pub fn pull(&self, image: impl IntoImageRef) -> Pull {
        Pull::new(self.transport.clone(), image.into_image_ref())
    }

    /// Build an image from a Dockerfile: `docker build`.
    ///
    /// A path is a folder, whose `.dockerignore` holds; a
    /// [`BuildContext`](crate::build::BuildContext) can be more.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let built = docker.build(".").tag("app:v1").build_arg("VERSION", "1").await?;
    /// println!("{}", built.id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Build`] tells which step failed, how, and what it printed last;
    /// [`Error::Input`] where a file cannot be read.
    pub fn build(&self, context: impl Into<crate::build::BuildContext>) -> Build {
        Build::new(self.transport.clone(), context.into())
    }

    /// Build an image from a Git repository or an archive that the engine fetches:
    /// `docker build URL`.
    ///
    /// # Errors
    /// As [`build`](Docker::build); the engine cannot reach it.
    pub fn build_remote(&self, url: impl Into<String>) -> Build {
        Build::remote(self.transport.clone(), url.into())
    }

    /// Take images out as one archive: `docker save`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let archive = docker.save(["app:v1", "busybox"]).await?;
    /// let mut file = tokio::fs::File::create("images.tar").await?;
    /// archive.write_to(&mut file).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// One of them is not there ([`is_not_found`](Error::is_not_found)).
    pub fn save<I: IntoImageName>(&self, images: impl IntoIterator<Item = I>) -> Save {
        let images = images.into_iter().map(IntoImageName::into_image_name).collect();
        Save::new(self.transport.clone(), images)
    }

    /// Bring in the images of an archive that was saved: `docker load`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let archive = tokio::fs::File::open("images.tar").await?;
    /// for image in docker.load(archive).await?.images {
    ///     println!("{}", image.name());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It is no such archive, or breaks off.
    pub fn load(&self, archive: impl tokio::io::AsyncRead + Send + 'static) -> Load {
        Load::new(self.transport.clone(), archive)
    }

    /// Make an image of a root file system's archive: `docker import`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// use bowline::image::Instruction;
    ///
    /// let files = tokio::fs::File::open("rootfs.tar").await?;
    /// let image = docker.import(files).name("base:1").change(Instruction::cmd(["sh"])).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It is no archive; a change is no instruction that an import takes.
    pub fn import(&self, archive: impl tokio::io::AsyncRead + Send + 'static) -> Import {
        Import::new(self.transport.clone(), archive)
    }

    /// Ask a registry what it has by a name, without fetching it.
    ///
    /// # Errors
    /// As [`pull`](Docker::pull). An engine may answer 401 or 403 for an image that is not there.
    pub fn distribution(&self, image: impl IntoImageRef) -> InspectDistribution {
        InspectDistribution::new(self.transport.clone(), image.into_image_ref())
    }

    /// List images: `docker images`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// for image in docker.images().await? {
    ///     println!("{:?} {} bytes", image.repo_tags, image.size);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn images(&self) -> ListImages {
        ListImages::new(self.transport.clone())
    }

    /// Remove images without a name, or all that no container uses: `docker image prune`.
    pub fn prune_images(&self) -> PruneImages {
        PruneImages::new(self.transport.clone())
    }

    /// Search Docker Hub for images: `docker search`.
    ///
    /// # Errors
    /// The engine cannot reach it.
    pub fn search(&self, term: impl Into<String>) -> Search {
        Search::new(self.transport.clone(), term.into())
    }

    /// Ask a registry, such as "registry:5000" or "docker.io", whether it takes the credentials:
    /// `docker login`.
    ///
    /// The engine asks, from where it is, and keeps nothing; nor is anything written down here.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::Credentials;
    ///
    /// match docker.login("registry:5000", Credentials::password("ada", "p?w")).await {
    ///     Err(e) if e.is_unauthorized() => println!("wrong user or password"),
    ///     said => println!("{}", said?.status),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The registry refuses them ([`is_unauthorized`](Error::is_unauthorized)), or cannot be
    /// reached; [`Error::InvalidInput`] where they are bound to another registry.
    pub fn login(&self, registry: impl Into<String>, credentials: Credentials) -> Login {
        Login::new(self.transport.clone(), registry.into(), credentials)
    }

    /// Name an image on this engine. Nothing is sent.
    ///
    /// # Errors
    /// The text is no image reference.
    pub fn image(&self, name: impl IntoImageName) -> Result<Image, Error> {
        Ok(Image::new(self.transport.clone(), name.into_image_name()?))
    }
}

/// How to reach the engine: see [`Docker::connect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before this is awaited"]
pub struct Connect {
    place: Place,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    timeouts: Timeouts,
    version: Option<ApiVersion>,
    wait: Option<Duration>,
}

/// Who says where the engine is.
#[derive(Debug, Clone)]
enum Place {
    /// The surroundings.
    Found,
    /// The program, by an address or by a context's name.
    Host(String),
    Context(String),
}

/// Between two looks at an engine that is not up yet: this long at first, and twice as long each
/// time.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Connect {
    fn to(place: Place) -> Connect {
        Connect {
            place,
            #[cfg(feature = "tls")]
            tls: None,
            timeouts: Timeouts::default(),
            version: None,
            wait: None,
        }
    }

    /// Set the engine's address, such as `unix:///run/docker.sock`, `tcp://10.0.0.7:2375` or
    /// `ssh://ada@10.0.0.7`, instead of looking for one: see [`Host`].
    pub fn host(mut self, url: impl Into<String>) -> Connect {
        self.place = Place::Host(url.into());
        self
    }

    /// Ask for TLS, and say what it needs, instead of looking for that.
    ///
    /// It holds for an engine on TCP, `http://` included. Socket files and `ssh` have none.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: Tls) -> Connect {
        self.tls = Some(tls);
        self
    }

    /// Set the limits for this and all later calls.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Connect {
        self.timeouts = timeouts;
        self
    }

    /// Set the API version instead of negotiating one. `DOCKER_API_VERSION` does the same.
    pub fn api_version(mut self, version: ApiVersion) -> Connect {
        self.version = Some(version);
        self
    }

    /// Wait up to `limit` for an engine that is not up yet, instead of trying once.
    ///
    /// Every place is tried again, ten times a second at first and once a second later. What time
    /// does not mend, such as an engine that is too old, is an error at once.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), bowline::Error> {
    /// use std::time::Duration;
    ///
    /// let docker = bowline::Docker::connect().wait(Duration::from_secs(30)).await?;
    /// # Ok(()) }
    /// ```
    pub fn wait(mut self, limit: Duration) -> Connect {
        self.wait = Some(limit);
        self
    }

    async fn run(self) -> Result<Docker, Error> {
        let Some(limit) = self.wait else { return self.once(None).await };
        let begun = Instant::now();
        let mut pause = PAUSE;
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            // The last look must be long enough to see something.
            match self.once(Some(left.max(PAUSE))).await {
                Err(Error::Connect(mut e)) if e.tried.iter().any(|t| t.failure.may_pass()) => {
                    let left = limit.saturating_sub(begun.elapsed());
                    if left.is_zero() {
                        e.waited = Some(limit);
                        return Err(Error::Connect(e));
                    }
                    tokio::time::sleep(pause.min(left)).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                other => return other,
            }
        }
    }

    /// Try every place once, each for no longer than `left`.
    async fn once(&self, left: Option<Duration>) -> Result<Docker, Error> {
        let around = Surroundings::from_process();
        let version = match self.version {
            Some(version) => Some(transport::spoken("API version", version)?),
            None => transport::asked_version(&around)?,
        };
        let candidates = match &self.place {
            Place::Found => transport::candidates(&around)?,
            Place::Host(url) => vec![transport::given(url, &around)?],
            Place::Context(name) => transport::in_context(name, &around)?,
        };
        let mut tried = Vec::new();
        let (several, timeouts) = (candidates.len() > 1, self.timeouts);
        for candidate in candidates {
            let name = candidate.host.to_string();
            let origin = candidate.origin.clone();
            let route = Route::new(
                &candidate,
                #[cfg(feature = "tls")]
                self.tls.as_ref(),
                #[cfg(feature = "ssh")]
                &around,
            );
            let route = match route {
                Ok(route) => route,
                Err(NoRoute::Invalid(error)) => return Err(error),
                Err(NoRoute::Late(late)) => {
                    tried.push(Tried { host: name, origin, failure: late.into() });
                    continue;
                }
            };
            let transport = Transport::by(route, candidate.origin, self.timeouts, version)?;
            // A socket that accepts and says nothing must not keep the next one waiting for long.
            let head = if several { min(timeouts.head, timeouts.connect) } else { timeouts.head };
            let mut greeting = timeouts;
            greeting.head = min(head, left);
            greeting.connect = min(timeouts.connect, left);
            let greeter = transport.with_timeouts(greeting);
            match system::greet(&greeter).await {
                Ok(()) => return Ok(Docker { transport }),
                Err(failure) => tried.push(Tried { host: name, origin, failure }),
            }
        }
        Err(Error::Connect(ConnectError { tried, waited: None }))
    }
}

/// The nearer of two limits.
fn min(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

awaitable!(Connect => Result<Docker, Error>);
