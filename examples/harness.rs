//! A test harness: a redis and a postgres that are gone when the tests are.
//!
//! You learn: how to start services for tests, when they are ready, how tests share one service and
//! keep out of each other's way, and what is left when a test fails: nothing.
//!
//! ```text
//! scripts/with-engine cargo run --example harness -- redis:7 postgres:16
//! ```
//!
//! Images that the engine does not have are pulled. In `cargo test`, `Harness::start` is what a test
//! begins with; the rest is the same.

use std::error::Error;
use std::time::Duration;

use bowline::throwaway::Ready;
use bowline::{Condition, ContainerId, ContainerSpec, Docker, Throwaway};
use redis::AsyncCommands;
use tokio_postgres::NoTls;

/// What all tests share. When it is dropped, and when the process ends in whatever way, the
/// containers go with it.
struct Harness {
    redis: Throwaway,
    postgres: Throwaway,
}

impl Harness {
    /// Start both at once, and wait until both can be used.
    async fn start(
        docker: &Docker,
        redis: &str,
        postgres: &str,
    ) -> Result<Harness, Box<dyn Error>> {
        let limit = Duration::from_secs(120);
        println!("$ docker run --detach --publish 127.0.0.1::6379 {redis}");
        let ready = Ready::log("Ready to accept connections").within(limit);
        let redis = docker.throwaway(redis).publish(6379).ready(ready);

        println!("$ docker run --detach --publish 127.0.0.1::5432 \\");
        println!("    --env POSTGRES_HOST_AUTH_METHOD=trust {postgres}");
        // The image starts a server for its own set-up first, which listens on no port: asked by
        // its address, the real one answers.
        let ready = Ready::exec(["pg_isready", "--host", "127.0.0.1"]).within(limit);
        let spec = ContainerSpec::new(postgres).env("POSTGRES_HOST_AUTH_METHOD", "trust");
        let postgres = docker.throwaway(spec).publish(5432).ready(ready);

        let (redis, postgres) = tokio::try_join!(redis, postgres)?;
        println!("redis is ready at {}", redis.addr(6379)?);
        println!("postgres is ready at {}", postgres.addr(5432)?);
        Ok(Harness { redis, postgres })
    }

    /// Connect to a database of the server.
    async fn database(&self, name: &str) -> Result<tokio_postgres::Client, Box<dyn Error>> {
        let address = self.postgres.addr(5432)?;
        let (host, port) = (address.host, address.port);
        let config = format!("host={host} port={port} user=postgres dbname={name}");
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        // It does the work behind the client, and ends with it.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Make a database for one test alone: a server is slow to start, a database is not.
    async fn fresh_database(&self, name: &str) -> Result<tokio_postgres::Client, Box<dyn Error>> {
        let admin = self.database("postgres").await?;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        self.database(name).await
    }

    /// Connect to one of the redis server's sixteen databases.
    async fn cache(&self, number: u8) -> Result<redis::aio::MultiplexedConnection, Box<dyn Error>> {
        let url = format!("redis://{}/{number}", self.redis.addr(6379)?);
        Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let redis = args.next().unwrap_or_else(|| "redis:7".to_owned());
    let postgres = args.next().unwrap_or_else(|| "postgres:16".to_owned());
    let docker = Docker::connect().await?;
    let harness = Harness::start(&docker, &redis, &postgres).await?;
    let ids = [harness.redis.id().clone(), harness.postgres.id().clone()];

    println!("\na test with a database of its own");
    let knots = harness.fresh_database("knots").await?;
    knots.batch_execute("CREATE TABLE knots (name text)").await?;
    knots.execute("INSERT INTO knots VALUES ($1)", &[&"bowline"]).await?;
    let row = knots.query_one("SELECT name FROM knots", &[]).await?;
    println!("  postgres keeps: {}", row.try_get::<_, String>(0)?);

    println!("another one, on the same server");
    let others = harness.fresh_database("others").await?;
    let count = others.query_one("SELECT count(*) FROM pg_tables WHERE tablename = 'knots'", &[]);
    println!("  tables named knots: {}", count.await?.try_get::<_, i64>(0)?);

    println!("two that use the cache, each its own part");
    let (mut one, mut two) = (harness.cache(1).await?, harness.cache(2).await?);
    let () = one.set("knot", "bowline").await?;
    let first: Option<String> = one.get("knot").await?;
    let second: Option<String> = two.get("knot").await?;
    println!("  redis keeps: {first:?} for the first, {second:?} for the second");

    println!("and one that fails, with the harness in its hands");
    let test = tokio::spawn(async move {
        let mut cache = harness.cache(3).await.map_err(|e| e.to_string())?;
        let knot: Option<String> = cache.get("knot").await.map_err(|e| e.to_string())?;
        assert_eq!(knot.as_deref(), Some("sheet bend"), "the cache was never filled");
        drop(harness);
        Ok::<_, String>(())
    });
    println!("  it panicked: {}", test.await.is_err());

    println!("\n$ docker ps --all");
    for (service, id) in ["redis", "postgres"].into_iter().zip(ids) {
        gone(&docker, &id).await?;
        println!("{service} is gone");
    }
    Ok(())
}

/// Wait until a container is removed: the drop of its handle does not wait.
async fn gone(docker: &Docker, id: &ContainerId) -> Result<(), bowline::Error> {
    let wait = async {
        match docker.container(id).await?.any() {
            Some(left) => left.wait_for(Condition::Removed).await.map(drop),
            None => Ok(()),
        }
    };
    match wait.await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
