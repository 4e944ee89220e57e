//! Logging in at a registry.

use std::net::TcpListener;

use bowline::{Credentials, Error};

use crate::support::engine::docker;
use crate::support::registry::{PASSWORD, Registry, USER};

#[tokio::test]
async fn the_right_password_and_wrong_ones() {
    let docker = docker().await;
    let registry = Registry::locked();
    let yes = docker.login(registry.host(), Credentials::password(USER, PASSWORD)).await.unwrap();
    assert_eq!(yes.status, "Login Succeeded");
    // Only token servers give one.
    assert_eq!(yes.identity_token, None);
    // By any of its names.
    let bound = Credentials::password(USER, PASSWORD).server(registry.host());
    docker.login(format!("http://{}/v2/", registry.host()), bound.clone()).await.unwrap();

    for (user, password) in [(USER, "c4n4ry"), ("eve", PASSWORD), (USER, ""), ("", "")] {
        let refused = docker.login(registry.host(), Credentials::password(user, password));
        assert!(!format!("{refused:?}").contains("c4n4ry"));
        let error = refused.await.unwrap_err();
        assert!(error.is_unauthorized(), "{user}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("POST /auth"), "{shown}");
        assert!(!shown.contains("c4n4ry") && !shown.contains(PASSWORD), "{shown}");
    }
    let elsewhere = docker.login("localhost:1", bound).await.unwrap_err();
    assert!(matches!(elsewhere, Error::InvalidInput(_)), "{elsewhere}");
}

#[tokio::test]
async fn an_open_registry_takes_anything() {
    let registry = Registry::open();
    let login = docker().await.login(registry.host(), Credentials::password("eve", "x"));
    assert_eq!(login.await.unwrap().status, "Login Succeeded");
}

#[tokio::test]
async fn a_registry_that_is_not_there_refuses_nobody() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let login = docker().await.login(port.to_string(), Credentials::password("eve", "x"));
    let error = login.await.unwrap_err();
    assert!(error.status() == Some(500) && !error.is_unauthorized(), "{error}");
}
