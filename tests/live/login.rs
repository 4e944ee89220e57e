//! Logging in at a registry.

use std::net::TcpListener;

use bowline::{Credentials, Error};

use crate::support::engine::docker;
use crate::support::registry::{PASSWORD, Registry, USER};
use crate::support::web::{self, Asked, Web};

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

/// "ada:p?w" as basic authorisation has it.
const ADA: &str = "Basic YWRhOnA/dw==";

/// A registry that believes only tokens, and the server that gives them: for a name and password,
/// or for the identity token that it gave before.
fn token_registry() -> Web {
    Web::new(|host, asked: &Asked| {
        let may = asked.authorization == "Bearer pass-1";
        let path = asked.target.split('?').next().unwrap();
        let json = "application/json";
        match path {
            "/token" if asked.method == "POST" => {
                let known = asked.body.contains("refresh_token=id-tok")
                    || asked.body.contains("username=ada") && asked.body.contains("password=p%3Fw");
                match known {
                    true => web::answer(
                        200,
                        json,
                        r#"{"access_token":"pass-1","refresh_token":"id-tok","expires_in":300}"#,
                    ),
                    false => web::answer(401, json, r#"{"details":"incorrect"}"#),
                }
            }
            "/token" if asked.authorization == ADA => {
                let tokens = r#"{"token":"pass-1","refresh_token":"id-tok","expires_in":300}"#;
                web::answer(200, json, tokens)
            }
            "/token" => web::answer(401, json, r#"{"details":"incorrect"}"#),
            "/v2/" if may => web::answer(200, json, "{}"),
            _ if may => web::answer(404, json, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
            _ => {
                let ask = format!("Bearer realm=\"http://{host}/token\",service=\"reg\"");
                let headers = format!("Www-Authenticate: {ask}\r\nContent-Type: {json}\r\n");
                (401, headers, br#"{"errors":[{"code":"UNAUTHORIZED"}]}"#.to_vec())
            }
        }
    })
}

#[tokio::test]
async fn a_token_server_gives_an_identity_token() {
    let (docker, registry) = (docker().await, token_registry());
    let yes = docker.login(registry.host(), Credentials::password("ada", "p?w")).await.unwrap();
    assert_eq!(yes.status, "Login Succeeded");
    let token = yes.identity_token.unwrap();
    assert_eq!(token.expose(), "id-tok");

    // From now on it stands for the password, also where something is pulled.
    let by_token = Credentials::identity_token(token);
    docker.login(registry.host(), by_token.clone()).await.unwrap();
    let image = format!("{}/app", registry.host());
    for right in [by_token, Credentials::password("ada", "p?w")] {
        let error = docker.pull(&*image).credentials(right).await.unwrap_err();
        assert!(!error.is_unauthorized(), "{error}");
        assert!(error.to_string().contains("manifest unknown"), "{error}");
    }
    let manifests = registry.asked().into_iter().filter(|a| a.target.contains("/manifests/"));
    assert!(manifests.filter(|asked| asked.authorization == "Bearer pass-1").count() >= 2);

    let wrong = || Credentials::password("ada", "c4n4ry");
    for refused in [
        docker.login(registry.host(), wrong()).await.unwrap_err(),
        docker.pull(&*image).credentials(wrong()).await.unwrap_err(),
        docker.pull(&*image).anonymous().await.unwrap_err(),
    ] {
        assert!(refused.is_unauthorized(), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("c4n4ry"), "{refused:?}");
    }
}
