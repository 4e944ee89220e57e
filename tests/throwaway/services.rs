//! Real services, started, used with the clients that people use, and thrown away.

use std::time::Duration;

use bowline::Docker;
use bowline::throwaway::{Ready, Throwaway};

use crate::support::engine::docker;
use crate::support::service::service;

/// Start one of an image that is made for the test, and is gone with it.
async fn start(docker: &Docker, name: &str, port: u16, ready: Ready) -> Throwaway {
    let image = service(docker, name).await;
    let spec = bowline::ContainerSpec::new(image.name());
    let started = docker.throwaway(spec).publish(port).ready(ready.within(Duration::from_secs(60)));
    started.await.unwrap_or_else(|e| panic!("{e}"))
}

#[tokio::test]
async fn redis_by_its_log() {
    let docker = docker().await;
    let ready = Ready::log("Ready to accept connections");
    let redis = start(&docker, "redis", 6379, ready).await;

    let client = redis::Client::open(format!("redis://{}", redis.addr(6379).unwrap())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("SET").arg("knot").arg("bowline").exec_async(&mut connection).await.unwrap();
    let knot: String = redis::cmd("GET").arg("knot").query_async(&mut connection).await.unwrap();
    assert_eq!(knot, "bowline");
    redis.close().await.unwrap();
}

#[tokio::test]
async fn postgres_by_a_command() {
    let docker = docker().await;
    let ready = Ready::exec(["pg_isready", "--host", "127.0.0.1"]);
    let postgres = start(&docker, "postgres", 5432, ready).await;

    let address = postgres.addr(5432).unwrap();
    let (host, port) = (&address.host, address.port);
    let config = format!("host={host} port={port} user=postgres dbname=postgres");
    let (client, connection) =
        tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE knots (name text)").await.unwrap();
    client.execute("INSERT INTO knots VALUES ($1)", &[&"bowline"]).await.unwrap();
    let row = client.query_one("SELECT name FROM knots", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "bowline");
    drop(client);
    connection.await.unwrap().unwrap();
    postgres.close().await.unwrap();
}

#[tokio::test]
async fn nginx_by_http() {
    let docker = docker().await;
    let nginx = start(&docker, "nginx", 80, Ready::http(80, "/")).await;

    let address = nginx.addr(80).unwrap();
    let stream = tokio::net::TcpStream::connect(address.to_string()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/").header("host", "nginx");
    let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["server"].to_str().unwrap().starts_with("nginx"));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert_eq!(&body[..], b"tied with a bowline\n");
    drop(sender);
    connection.await.unwrap().unwrap();
    nginx.close().await.unwrap();
}
