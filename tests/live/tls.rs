//! A real engine behind TLS.

use bowline::{Docker, Tls};

use super::ways::all_that_matters;
use crate::support::engine::docker;
use crate::support::tls::{Authority, Front, acceptor};

#[tokio::test]
async fn all_that_matters_works_by_tls() {
    let engine = docker().await;
    let Some(path) = engine.host().socket_path() else {
        panic!("the engine at {} is not on a Unix socket", engine.host());
    };
    let ca = Authority::new("ours");
    for old in [false, true] {
        let front = Front::by(acceptor(&ca.server(), Some(&ca), old), path.into()).await;
        let client = ca.client();
        let tls = Tls::new().ca_pem(ca.pem()).identity_pem(client.cert, client.key);
        let docker = Docker::connect().host(front.url()).tls(tls).await.unwrap();
        all_that_matters(docker.clone()).await;

        let before = front.accepted();
        for _ in 0..20 {
            docker.ping().await.unwrap();
        }
        assert!(front.accepted() <= before + 1, "{old}: {} connections", front.accepted() - before);
    }
}
