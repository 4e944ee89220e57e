//! The doors from each handle to its verbs.

use super::{
    Alive, Attach, Attachable, Changes, Checkpoint, Commit, CommitOptions, Condition, Container,
    Created, Exec, ExitStatus, Exited, Frozen, Inspect, Kill, ListCheckpoints, Logs, LookupVerb,
    Pause, Remove, RemoveCheckpoint, Rename, Resize, Restart, Restartable, RunToExit, Running,
    Start, Startable, State, Stop, Top, Unpause, Update, Wait, WaitFor, stats::WatchStats,
};

impl Container<Created> {
    /// Return what the engine had to remark when it made the container.
    pub fn warnings(&self) -> &[String] {
        &self.state.warnings
    }

    /// Start the process and wait for its end.
    ///
    /// The wait is armed before the start, so that no exit is missed, however short the process
    /// and even if the container removes itself.
    ///
    /// # Errors
    /// As [`start`](Container::start) and [`wait`](Container::wait).
    pub fn run(self) -> RunToExit {
        RunToExit::new(self.forget())
    }
}

impl Container<Running> {
    /// Run a second process in the container: `docker exec`.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
    /// let listing = web.exec(["ls", "-la", "/"]).env("LANG", "C").await?;
    /// assert!(listing.status.success());
    /// print!("{}", listing.stdout_lossy());
    /// # Ok(()) }
    /// ```
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec {
        Exec::new(self.share(), command.into_iter().map(Into::into).collect())
    }

    /// Tell the process how large its terminal is, in characters.
    ///
    /// # Errors
    /// It has no terminal (before anything is sent); it does not run
    /// ([`is_conflict`](crate::Error::is_conflict)).
    pub fn resize(&self, rows: u16, cols: u16) -> Resize {
        self.resize_to(rows, cols)
    }

    /// Freeze all processes of the container: `docker pause`.
    ///
    /// # Errors
    /// It no longer runs ([`is_conflict`](crate::Error::is_conflict)). Frozen already is no error.
    pub fn pause(self) -> Pause {
        Pause::new(self.forget())
    }

    /// Write the processes to the engine's disk and end them: `docker checkpoint create`.
    ///
    /// [`leave_running`](Checkpoint::leave_running) lets them run on;
    /// [`checkpoint`](Start::checkpoint) at a start goes on from there.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
    /// let web = web.checkpoint("warm").await?;
    /// let web = web.start().checkpoint("warm").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The name breaks the rule for names of containers (before anything is sent); the engine's
    /// experimental features are off (status 501); there is one by this name, or the machine's
    /// CRIU cannot write these processes (status 500). Docker only.
    pub fn checkpoint(self, name: impl Into<String>) -> Checkpoint {
        Checkpoint::new(self.forget(), name.into())
    }
}

impl Container<Exited> {
    /// Return how the process ended.
    pub fn status(&self) -> ExitStatus {
        self.state.status
    }
}

impl<S: State> Container<S> {
    /// Start the process, for the first time or again: `docker start`. From [`Created`] and
    /// [`Exited`] only.
    ///
    /// # Errors
    /// The command is not found or cannot be run (status 400), a port is taken, the image's
    /// layers are gone. The container stays as it is; the handle is in the error.
    pub fn start(self) -> Start
    where
        S: Startable,
    {
        Start::new(self.forget())
    }

    /// Attach to the process's output, and to its input where [`stdin`](Attach::stdin) is said:
    /// `docker attach`. From [`Created`], [`Running`] and [`Exited`] only.
    ///
    /// Before the start nothing is missed, however short the process. An exited container gives
    /// nothing before it is started again; Podman makes it a created one.
    ///
    /// # Errors
    /// The input is not open (before anything is sent); a container that was running is frozen or
    /// has ended ([`is_conflict`](crate::Error::is_conflict)); the engine does not know the detach keys
    /// (status 400).
    pub fn attach(&self) -> Attach
    where
        S: Attachable,
    {
        Attach::new(self.share(), S::RUNS)
    }

    /// Let the processes go on: `docker unpause`. From [`Paused`](crate::Paused) only.
    ///
    /// # Errors
    /// As every call. Running already is no error.
    pub fn unpause(self) -> Unpause
    where
        S: Frozen,
    {
        Unpause::new(self.forget())
    }

    /// List the container's processes, frozen or not: `docker top`. From [`Running`] and
    /// [`Paused`](crate::Paused) only.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
    /// let processes = web.top().ps_args("-o pid,args").await?;
    /// for command in processes.column("COMMAND") {
    ///     println!("{command}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It no longer runs ([`is_conflict`](crate::Error::is_conflict)); the options are none that `ps`
    /// knows, or ask for no process ids (status 500).
    pub fn top(&self) -> Top
    where
        S: Alive,
    {
        Top::new(self.share())
    }

    /// Ask the process to end, and kill it if it does not: `docker stop`. From [`Running`] and
    /// [`Paused`](crate::Paused) only; the engine thaws a frozen one for that.
    ///
    /// # Errors
    /// As every call. A container that has ended already is no error. Podman refuses a frozen one:
    /// unpause first.
    pub fn stop(self) -> Stop
    where
        S: Alive,
    {
        Stop::new(self.forget())
    }

    /// Kill the process, or send it another signal: `docker kill`. From [`Running`] and
    /// [`Paused`](crate::Paused) only; Docker thaws a frozen one for any signal.
    ///
    /// # Errors
    /// As every call. A container that has ended already is no error.
    pub fn kill(self) -> Kill
    where
        S: Alive,
    {
        Kill::new(self.forget())
    }

    /// Wait for the process to end: `docker wait`. From [`Running`] and [`Paused`](crate::Paused)
    /// only; a frozen one must be thawed or killed by somebody else.
    ///
    /// There is no time limit unless [`Wait::timeout`] sets one. With a restart policy the
    /// container may be running again by the time this returns.
    ///
    /// # Errors
    /// The container is removed meanwhile, or the engine goes away for good.
    pub fn wait(self) -> Wait
    where
        S: Alive,
    {
        Wait::new(self.forget())
    }

    /// Stop the process and start it again: `docker restart`. From [`Running`],
    /// [`Paused`](crate::Paused) and [`Exited`] only; of an exited container it is a start.
    ///
    /// # Errors
    /// As every call, and as [`start`](Container::start); a container that removes itself may be
    /// gone.
    pub fn restart(self) -> Restart
    where
        S: Restartable,
    {
        Restart::new(self.forget())
    }

    /// Ask for everything the engine knows of the container: `docker inspect`.
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](crate::Error::is_not_found)).
    pub fn inspect(&self) -> Inspect {
        Inspect::new(self.share())
    }

    /// Find out in which state the container really is.
    ///
    /// # Errors
    /// The engine could not be asked; the handle is in the error. A container that is gone is no
    /// error but [`Lookup::Gone`](crate::Lookup::Gone).
    pub fn lookup(self) -> LookupVerb {
        LookupVerb::new(self.forget())
    }

    /// Read what the container has printed: `docker logs`.
    ///
    /// # Errors
    /// Its logging driver cannot be read (status 501); it is gone.
    pub fn logs(&self) -> Logs {
        Logs::new(self.share())
    }

    /// Watch what the container uses: `docker stats`.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// let now = web.stats().once().await?;
    /// println!("{:?} % of a processor, {:?} bytes", now.cpu_percent(), now.memory_usage());
    ///
    /// let mut stats = web.stats().await?;
    /// while let Some(record) = stats.next().await.transpose()? {
    ///     println!("{:?}", record.cpu_percent());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](crate::Error::is_not_found)).
    pub fn stats(&self) -> WatchStats {
        WatchStats::new(self.share())
    }

    /// Wait for something to happen to the container, whatever state it is in.
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](crate::Error::is_not_found)).
    pub fn wait_for(&self, condition: Condition) -> WaitFor {
        WaitFor::new(self.share(), condition)
    }

    /// Ask what the container has changed of its image's files: `docker diff`.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// for change in web.changes().await? {
    ///     println!("{} {}", change.kind.letter(), change.path);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](crate::Error::is_not_found)).
    pub fn changes(&self) -> Changes {
        Changes::new(self.share())
    }

    /// List the container's checkpoints: `docker checkpoint ls`.
    ///
    /// # Errors
    /// The engine's experimental features are off (status 501).
    pub fn checkpoints(&self) -> ListCheckpoints {
        ListCheckpoints::new(self.share())
    }

    /// Remove a checkpoint: `docker checkpoint rm`.
    ///
    /// # Errors
    /// The name breaks the rule (before anything is sent); there is none by it (status 500); the
    /// engine's experimental features are off (status 501).
    pub fn remove_checkpoint(&self, name: impl Into<String>) -> RemoveCheckpoint {
        RemoveCheckpoint::new(self.share(), name.into())
    }

    /// Make an image of the container's files: `docker commit`.
    ///
    /// # Errors
    /// The container is being removed ([`is_conflict`](crate::Error::is_conflict)).
    pub fn commit(&self, options: impl Into<CommitOptions>) -> Commit {
        Commit::new(self.share(), options.into())
    }

    /// Give the container another name: `docker rename`.
    ///
    /// # Errors
    /// The name breaks the rule (before anything is sent), or is taken
    /// ([`is_conflict`](crate::Error::is_conflict)); the container is between two runs of its restart
    /// policy ([`Error::State`](crate::Error::State)).
    pub fn rename(&self, name: impl Into<String>) -> Rename {
        Rename::new(self.share(), name.into())
    }

    /// Change what the container may use, and its restart policy: `docker update`.
    ///
    /// # Errors
    /// The engine cannot apply a value; the container is being removed.
    pub fn update(&self) -> Update {
        Update::new(self.share())
    }

    /// Remove the container: `docker rm`.
    ///
    /// # Errors
    /// It runs, and [`force`](Remove::force) was not said ([`is_conflict`](crate::Error::is_conflict));
    /// the handle is in the error. A container that is gone already is no error.
    pub fn remove(self) -> Remove {
        Remove::new(self.forget())
    }
}
