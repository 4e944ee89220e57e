//! A real engine behind TLS, and one that speaks it itself.

use std::time::Duration;

use bowline::error::{ConnectFailure, TlsFault};
use bowline::{Docker, Error, Tls};

use super::ways::all_that_matters;
use crate::support::dockerd::Dockerd;
use crate::support::engine::{IMAGE, docker};
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

/// `dockerd --tlsverify`: Go's TLS instead of ours on the other side, and its words of refusal.
#[tokio::test]
async fn a_real_tlsverify_engine() {
    let ca = Authority::new("ours");
    let engine = Dockerd::new(&ca.server(), &ca);
    let connect = |tls: Tls| Docker::connect().host(engine.url()).tls(tls);
    let known = || {
        let client = ca.client();
        Tls::new().ca_pem(ca.pem()).identity_pem(client.cert, client.key)
    };
    let docker = connect(known()).wait(Duration::from_secs(60)).await.unwrap();

    let fault = async |tls: Tls| {
        let Error::Connect(mut error) = connect(tls).await.unwrap_err() else { panic!() };
        match error.tried.remove(0).failure {
            ConnectFailure::Tls(fault) => fault,
            other => panic!("{other:?}"),
        }
    };
    let stranger = Authority::new("theirs");
    assert_eq!(fault(Tls::new().ca_pem(ca.pem())).await, TlsFault::NoClientCertificate);
    assert_eq!(fault(known().ca_pem(stranger.pem())).await, TlsFault::UnknownAuthority);
    let theirs = stranger.client();
    let said = fault(known().identity_pem(theirs.cert, theirs.key)).await;
    assert!(matches!(said, TlsFault::ClientCertificateRefused(_)), "{said}");
    let plain = Docker::connect().host(engine.url()).await.unwrap_err().to_string();
    assert!(plain.contains("the engine speaks it, and it was not asked for"), "{plain}");

    // Its image is brought over, through TLS as all the rest.
    docker.load(self::docker().await.save([IMAGE]).await.unwrap()).await.unwrap();
    all_that_matters(docker).await;
}
