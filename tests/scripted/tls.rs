//! TLS before a scripted engine: what is wrong is told apart, and nothing ever goes out in clear.

use std::path::Path;
use std::time::Duration;

use bowline::error::{ConnectFailure, StreamFault, TlsFault};
use bowline::{Docker, Error, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{attach, child};
use crate::support::fake::{Fake, frame};
use crate::support::tls::{Authority, Front, Identity, Plain, When, acceptor};

/// An engine that lets in only whom its authority has signed.
struct Engine {
    ca: Authority,
    fake: Fake,
    front: Front,
}

async fn engine() -> Engine {
    engine_as(|ca| ca.server()).await
}

async fn engine_as(certificate: impl Fn(&Authority) -> Identity) -> Engine {
    let (ca, fake) = (Authority::new("ours"), Fake::idle());
    let front = Front::new(fake.path(), &certificate(&ca), Some(&ca)).await;
    Engine { ca, fake, front }
}

impl Engine {
    fn tls(&self) -> Tls {
        let client = self.ca.client();
        Tls::new().ca_pem(self.ca.pem()).identity_pem(client.cert, client.key)
    }

    async fn fault(&self, tls: Tls) -> TlsFault {
        fault(&self.front.url(), tls).await
    }
}

async fn fault(url: &str, tls: Tls) -> TlsFault {
    let error = Docker::connect().host(url).tls(tls).await.unwrap_err();
    let Error::Connect(mut error) = error else { panic!("{error}") };
    let failure = error.tried.remove(0).failure;
    match failure {
        ConnectFailure::Tls(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// A value that is refused before anything is sent.
async fn refused(tls: Tls) -> String {
    let nobody = Plain::new(None).await;
    let url = format!("tcp://{}", nobody.address);
    let error = Docker::connect().host(url).tls(tls).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    assert!(nobody.first_bytes().is_empty());
    error.to_string()
}

#[tokio::test]
async fn who_is_known_gets_in_and_keeps_the_connection() {
    let engine = engine().await;
    let docker = Docker::connect().host(engine.front.url()).tls(engine.tls()).await.unwrap();
    for _ in 0..5 {
        docker.ping().await.unwrap();
    }
    assert_eq!(engine.front.accepted(), 1);
    assert_eq!(engine.fake.connections(), 1);
    let host = engine.fake.requests()[0].header("Host").unwrap().to_owned();
    assert_eq!(host, format!("127.0.0.1:{}", engine.front.port()));
}

#[tokio::test]
async fn fault_120_wrong_ca() {
    let engine = engine().await;
    let tls = engine.tls().ca_pem(Authority::new("theirs").pem());
    assert_eq!(engine.fault(tls).await, TlsFault::UnknownAuthority);
    // One that only has the right name.
    let tls = engine.tls().ca_pem(Authority::new("ours").pem());
    assert_eq!(engine.fault(tls).await, TlsFault::UnknownAuthority);
    // The system knows ours no better.
    assert_eq!(fault(&engine.front.url(), Tls::new()).await, TlsFault::UnknownAuthority);
    insta::assert_snapshot!(TlsFault::UnknownAuthority, @"TLS: the engine's certificate is signed by no authority that is trusted here (is ca.pem this engine's?)");
    // Ours among others.
    let several = Authority::new("theirs").pem() + "junk\n" + &engine.ca.pem();
    Docker::connect().host(engine.front.url()).tls(engine.tls().ca_pem(several)).await.unwrap();
}

#[tokio::test]
async fn fault_120_expired() {
    let engine = engine_as(|ca| ca.sign(&["127.0.0.1"], When::Past)).await;
    let fault = engine.fault(engine.tls()).await;
    insta::assert_snapshot!(fault, @"TLS: the engine's certificate has expired");
}

#[tokio::test]
async fn fault_120_not_yet_valid() {
    let engine = engine_as(|ca| ca.sign(&["127.0.0.1"], When::Future)).await;
    let fault = engine.fault(engine.tls()).await;
    insta::assert_snapshot!(fault, @"TLS: the engine's certificate is not valid yet (is the clock right?)");
}

#[tokio::test]
async fn fault_120_wrong_host_name() {
    let engine = engine_as(|ca| ca.sign(&["engine.example", "10.0.0.7"], When::Now)).await;
    let fault = engine.fault(engine.tls()).await;
    insta::assert_snapshot!(fault, @r#"TLS: the engine's certificate is not for "127.0.0.1" but for engine.example, 10.0.0.7"#);
    let fault = engine.fault(engine.tls().server_name("localhost")).await;
    assert!(matches!(&fault, TlsFault::WrongName { asked, .. } if asked == "localhost"), "{fault}");
    for name in ["engine.example", "engine.example.", "10.0.0.7"] {
        let tls = engine.tls().server_name(name);
        Docker::connect().host(engine.front.url()).tls(tls).await.unwrap();
    }
    assert!(refused(engine.tls().server_name("a b")).await.contains("TLS server name \"a b\""));
}

#[tokio::test]
async fn fault_120_no_client_certificate() {
    let engine = engine().await;
    let tls = Tls::new().ca_pem(engine.ca.pem());
    // By TLS 1.3 the handshake is over for us before the engine has looked.
    let fault = engine.fault(tls.clone()).await;
    assert_eq!(fault, TlsFault::NoClientCertificate);
    insta::assert_snapshot!(fault, @"TLS: the engine wants a client certificate, and none was given (cert.pem and key.pem)");
    let old = acceptor(&engine.ca.server(), Some(&engine.ca), true);
    let front = Front::by(old, engine.fake.path()).await;
    // By 1.2 there is no alert of this name: rustls as the server says that of the handshake.
    let said = super::tls::fault(&front.url(), tls).await.to_string();
    assert!(said.contains("client certificate") || said.contains("HandshakeFailure"), "{said}");
    Docker::connect().host(front.url()).tls(engine.tls()).await.unwrap();
    assert_eq!(engine.fake.connections(), 1);
}

#[tokio::test]
async fn fault_120_a_client_certificate_of_somebody_elses() {
    let engine = engine().await;
    let stranger = Authority::new("theirs").client();
    let tls = engine.tls().identity_pem(stranger.cert, stranger.key);
    let fault = engine.fault(tls).await;
    assert!(matches!(fault, TlsFault::ClientCertificateRefused(_)), "{fault:?}");
    insta::assert_snapshot!(fault, @"TLS: the engine refuses the client certificate (UnknownCA)");
    let old = engine.ca.sign(&[], When::Past);
    let fault = engine.fault(engine.tls().identity_pem(old.cert, old.key)).await;
    assert_eq!(fault, TlsFault::ClientCertificateRefused("CertificateExpired".into()));
    assert_eq!(engine.fake.connections(), 0);
}

#[tokio::test]
async fn fault_120_pem_that_is_of_no_use() {
    let ca = Authority::new("ours");
    let (one, other) = (ca.client(), ca.client());
    let with = |cert: &str, key: &str| Tls::new().ca_pem(ca.pem()).identity_pem(cert, key);
    let said = refused(with(&one.cert, &other.key)).await;
    insta::assert_snapshot!(said, @r#"TLS client certificate "given by the program" is not for the private key that was given"#);
    let said = refused(Tls::new().ca_pem("hunter2")).await;
    insta::assert_snapshot!(said, @r#"TLS authorities "given by the program" holds no certificate in PEM"#);
    let said = refused(Tls::new().ca_pem(&one.cert.as_bytes()[..200])).await;
    insta::assert_snapshot!(said, @r#"TLS authorities "given by the program" is damaged PEM"#);
    let said = refused(with(&one.cert, &one.cert)).await;
    insta::assert_snapshot!(said, @r#"TLS private key "given by the program" holds no private key in PEM"#);
    let said = refused(with(&one.key, &one.key)).await;
    insta::assert_snapshot!(said, @r#"TLS client certificate "given by the program" holds no certificate in PEM"#);
    let said = refused(with(&one.cert, &(one.key.clone() + &other.key))).await;
    insta::assert_snapshot!(said, @r#"TLS private key "given by the program" holds more than one private key"#);
    let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let said = refused(with(&one.cert, &encrypted)).await;
    insta::assert_snapshot!(said, @r#"TLS private key "given by the program" is encrypted, and nobody is asked for a pass phrase (openssl pkey -in key.pem decrypts it)"#);
    // Whatever else is in the file is passed over.
    let fake = Fake::idle();
    let front = Front::new(fake.path(), &ca.server(), Some(&ca)).await;
    let tls = with(&format!("# mine\n{}\n", one.cert), &format!("{}{}", one.cert, one.key));
    Docker::connect().host(front.url()).tls(tls).await.unwrap();
}

#[tokio::test]
async fn fault_120_a_plain_engine_behind_a_tls_port() {
    let fake = Fake::idle();
    let plain = Plain::new(Some(fake.path())).await;
    let fault = fault(&format!("tcp://{}", plain.address), Tls::new()).await;
    assert_eq!(fault, TlsFault::NotTls);
    insta::assert_snapshot!(fault, @"TLS: who answers does not speak it (is this port a plain one?)");
    assert_eq!(plain.first_bytes()[0], 0x16, "a handshake, and no request");
    assert!(fake.requests().is_empty());
}

/// What TLS says for itself between two answers leaves the connection as good as it was; what it
/// carries unasked does not, nor does a farewell.
#[tokio::test]
async fn what_comes_between_two_answers() {
    for (what, connections) in [("new keys", 1), ("words", 2), ("farewell", 2)] {
        let (ca, fake) = (Authority::new("ours"), Fake::idle());
        let engine = fake.path();
        let (say, said) = (
            std::sync::Arc::new(tokio::sync::Notify::new()),
            std::sync::Arc::new(tokio::sync::Notify::new()),
        );
        let (saying, has_said) = (say.clone(), said.clone());
        let front = Front::serving(acceptor(&ca.server(), None, false), move |mut client| {
            let (engine, saying, has_said) = (engine.clone(), saying.clone(), has_said.clone());
            async move {
                let mut engine = tokio::net::UnixStream::connect(engine).await.unwrap();
                let between = {
                    let mut passing =
                        std::pin::pin!(tokio::io::copy_bidirectional(&mut client, &mut engine));
                    tokio::select! {
                        _ = saying.notified() => true,
                        _ = &mut passing => false,
                    }
                };
                if between {
                    match what {
                        "new keys" => client.get_mut().1.refresh_traffic_keys().unwrap(),
                        "words" => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap(),
                        _ => client.get_mut().1.send_close_notify(),
                    }
                    client.flush().await.unwrap();
                    has_said.notify_one();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                }
            }
        })
        .await;
        let tls = Tls::new().ca_pem(ca.pem());
        let docker = Docker::connect().host(front.url()).tls(tls).await.unwrap();
        say.notify_one();
        said.notified().await;
        arrived(front.port()).await;
        docker.ping().await.unwrap();
        docker.ping().await.unwrap();
        assert_eq!(front.accepted(), connections, "{what}");
    }
}

/// Wait until there is something to be read on a connection to this port: what was sent may be on
/// its way for a moment.
async fn arrived(port: u16) {
    let to = format!(":{port:04X}");
    let waits = |row: &str| {
        let mut fields = row.split_whitespace().skip(2);
        let here = fields.next().is_some_and(|remote| remote.ends_with(&to));
        let unread = fields.nth(1).and_then(|queues| queues.split_once(':'));
        here && unread.is_some_and(|(_, received)| received != "00000000")
    };
    while !std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(waits) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn fault_122_a_hijacked_stream_cut_without_a_farewell() {
    for farewell in [true, false] {
        let ca = Authority::new("ours");
        let fake = attach::engine("running", attach::ended(0), |mut peer| async move {
            peer.write(attach::UPGRADED).await;
            peer.write(frame(1, "out")).await;
        });
        let engine = fake.path();
        let front = Front::serving(acceptor(&ca.server(), None, false), move |mut client| {
            let engine = engine.clone();
            async move {
                let mut engine = tokio::net::UnixStream::connect(engine).await.unwrap();
                let (mut from, mut to) = engine.split();
                let (mut reading, mut writing) = tokio::io::split(&mut client);
                let up = async {
                    let _ = tokio::io::copy(&mut reading, &mut to).await;
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    _ = up => {}
                    _ = tokio::io::copy(&mut from, &mut writing) => {}
                }
                writing.flush().await.unwrap();
                drop((reading, writing));
                if farewell {
                    let _ = client.shutdown().await;
                }
            }
        })
        .await;
        let tls = Tls::new().ca_pem(ca.pem());
        let docker = Docker::connect().host(front.url()).tls(tls).await.unwrap();
        let c = docker.container("web").await.unwrap().running().unwrap();
        let mut output = c.attach().await.unwrap();
        let chunk = output.next().await.unwrap().unwrap();
        assert_eq!(&*chunk.data, b"out");
        match output.next().await {
            None => assert!(farewell, "a cut was taken for the end"),
            Some(Err(Error::Stream(e))) => {
                assert!(!farewell && e.fault == StreamFault::Cut, "{e}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn any_certificate_is_taken_only_in_so_many_words() {
    let engine = engine_as(|_| Authority::new("who?").sign(&["elsewhere"], When::Past)).await;
    assert!(matches!(
        engine.fault(engine.tls()).await,
        TlsFault::UnknownAuthority | TlsFault::Expired
    ));
    let tls = engine.tls().danger_accept_any_certificate();
    Docker::connect().host(engine.front.url()).tls(tls).await.unwrap();
}

#[tokio::test]
async fn fault_102_a_key_is_shown_nowhere() {
    let engine = engine().await;
    let client = engine.ca.client();
    let canary = client.key.lines().nth(1).unwrap().to_owned();
    let tls = engine.tls().identity_pem(client.cert.clone(), client.key.clone());
    let connect = Docker::connect().host(engine.front.url()).tls(tls.clone());
    let mut shown = format!("{tls:?} {connect:?}");
    let docker = connect.await.unwrap();
    shown += &format!("{docker:?} {:?}", docker.ping());
    for (cert, key) in [
        (&client.cert, client.key[..120].to_owned()),
        (&client.key, client.key.clone()),
        (&engine.ca.client().cert, client.key.clone()),
        (&client.cert, client.key.clone() + &client.key),
    ] {
        let error = Docker::connect()
            .host(engine.front.url())
            .tls(engine.tls().identity_pem(&**cert, key))
            .await
            .unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    assert!(!shown.contains(&canary) && !shown.contains(&canary[..20]), "{shown}");
    insta::assert_debug_snapshot!(tls.server_name("engine"), @r#"
    Tls {
        ca: Some(
            "given by the program",
        ),
        certificate: Some(
            "given by the program",
        ),
        key: Some(
            "given by the program",
        ),
        server_name: Some(
            "engine",
        ),
        danger_accept_any_certificate: false,
    }
    "#);
}

/// Connect by the surroundings alone.
async fn by_surroundings(dir: &Path, env: Vec<(&'static str, String)>) -> String {
    let mut child = child::connecting(dir);
    child.env("HOME", dir).envs(env);
    tokio::task::spawn_blocking(|| child::said(child)).await.unwrap()
}

#[tokio::test]
async fn tls_by_the_surroundings() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine().await;
    let url = format!("tcp://localhost:{}", engine.front.port());
    let host = || ("DOCKER_HOST", url.clone());
    let keys = dir.path().join("keys");
    engine.ca.client().write(&keys, &engine.ca);
    let path = || ("DOCKER_CERT_PATH", keys.display().to_string());
    let connected = format!("connected to {url} at ");
    let yes = |said: String| assert!(said.starts_with(&connected), "{said}");

    let verify = |value: &str| ("DOCKER_TLS_VERIFY", value.to_owned());
    yes(by_surroundings(dir.path(), vec![host(), path(), verify("1")]).await);
    yes(by_surroundings(dir.path(), vec![host(), path(), verify("0")]).await);
    yes(by_surroundings(dir.path(), vec![host(), path()]).await);
    let said = by_surroundings(dir.path(), vec![host(), verify("1")]).await;
    assert!(said.contains(".docker/ca.pem\" is not there, and TLS is asked for"), "{said}");
    engine.ca.client().write(&dir.path().join(".docker"), &engine.ca);
    yes(by_surroundings(dir.path(), vec![host(), verify("1")]).await);

    // Where the docker command would take anybody's certificate, the engine's is checked.
    let theirs = dir.path().join("theirs");
    engine.ca.client().write(&theirs, &Authority::new("theirs"));
    let theirs = || ("DOCKER_CERT_PATH", theirs.display().to_string());
    let said =
        by_surroundings(dir.path(), vec![host(), theirs(), ("DOCKER_TLS", "1".into())]).await;
    assert!(said.contains("signed by no authority that is trusted here"), "{said}");
}

#[tokio::test]
async fn fault_120_a_key_that_others_can_read_is_told_of() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::new("ours");
    ca.client().write(dir.path(), &ca);
    let key = dir.path().join("key.pem");
    for (mode, warned) in [(0o600, false), (0o644, true), (0o640, true)] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        let mut child = child::watched(child::connecting(dir.path()));
        child.env("HOME", dir.path()).env("DOCKER_HOST", "tcp://127.0.0.1:1");
        child.env("DOCKER_CERT_PATH", dir.path());
        let said = tokio::task::spawn_blocking(|| child::said(child)).await.unwrap();
        let told = said.contains("private key can be read by others") && said.contains("key.pem");
        assert_eq!(told, warned, "{mode:o}: {said}");
    }
}

#[tokio::test]
async fn fault_120_a_certificate_without_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::new("ours");
    let env = || {
        let keys = dir.path().display().to_string();
        vec![("DOCKER_HOST", "tcp://127.0.0.1:1".into()), ("DOCKER_CERT_PATH", keys)]
    };
    for (lost, words) in [
        ("key.pem", "cert.pem\" has no key.pem beside it"),
        ("cert.pem", "key.pem\" has no cert.pem beside it"),
        ("ca.pem", "ca.pem\" is not there, and TLS is asked for"),
    ] {
        ca.client().write(dir.path(), &ca);
        std::fs::remove_file(dir.path().join(lost)).unwrap();
        let said = by_surroundings(dir.path(), env()).await;
        assert!(said.contains(words), "{said}");
    }
}

/// A context as `docker context create` writes it.
#[tokio::test]
async fn tls_by_a_context() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine().await;
    let keys = dir.path().join("keys");
    engine.ca.client().write(&keys, &engine.ca);
    let theirs = dir.path().join("theirs");
    engine.ca.client().write(&theirs, &Authority::new("theirs"));
    let config = dir.path().join("config");
    let url = format!("tcp://127.0.0.1:{}", engine.front.port());
    for (name, folder, skip) in
        [("right", &keys, false), ("wrong", &theirs, false), ("lax", &theirs, true)]
    {
        let at = |file: &str| folder.join(file).display().to_string();
        let endpoint = format!(
            "host={url},ca={},cert={},key={},skip-tls-verify={skip}",
            at("ca.pem"),
            at("cert.pem"),
            at("key.pem")
        );
        let made = std::process::Command::new("docker")
            .args(["context", "create", name, "--docker", &endpoint])
            .env("DOCKER_CONFIG", &config)
            .output()
            .expect("this test needs the docker CLI: scripts/with-engine cargo test");
        assert!(made.status.success(), "{made:?}");
    }
    let by = |name: &str| {
        let config = ("DOCKER_CONFIG", config.display().to_string());
        by_surroundings(dir.path(), vec![config, ("DOCKER_CONTEXT", name.to_owned())])
    };
    assert!(by("right").await.starts_with(&format!("connected to {url} at ")));
    let said = by("wrong").await;
    assert!(said.contains("docker context \"wrong\"") && said.contains("no authority"), "{said}");
    // Its maker has said so.
    assert!(by("lax").await.starts_with("connected"));
}

#[tokio::test]
async fn nothing_goes_out_in_clear_where_tls_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::new("ours");
    ca.client().write(&dir.path().join(".docker"), &ca);
    let keys = dir.path().join(".docker").display().to_string();
    let fake = Fake::idle();
    for (scheme, ask) in [
        ("tcp", vec![("DOCKER_TLS_VERIFY", "1")]),
        ("tcp", vec![("DOCKER_TLS_VERIFY", "0")]),
        ("tcp", vec![("DOCKER_TLS", "1")]),
        ("http", vec![("DOCKER_TLS", "1")]),
        ("tcp", vec![("DOCKER_CERT_PATH", &*keys)]),
        ("https", vec![]),
    ] {
        let plain = Plain::new(Some(fake.path())).await;
        let mut env: Vec<_> =
            ask.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        env.push(("DOCKER_HOST", format!("{scheme}://{}", plain.address)));
        let said = by_surroundings(dir.path(), env).await;
        assert!(said.contains("TLS: who answers does not speak it"), "{ask:?}: {said}");
        let first = plain.first_bytes();
        assert!(!first.is_empty() && first.iter().all(|b| *b == 0x16), "{ask:?}: {first:?}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn fault_106_key_files_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    let ca = keys.join("ca.pem");
    let said = || {
        let path = ("DOCKER_CERT_PATH", keys.display().to_string());
        by_surroundings(dir.path(), vec![path, ("DOCKER_HOST", "tcp://127.0.0.1:1".into())])
    };
    std::fs::create_dir(&ca).unwrap();
    assert!(said().await.contains("ca.pem\" is not a regular file"));
    std::fs::remove_dir(&ca).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&ca).status().unwrap().success());
    assert!(said().await.contains("ca.pem\" is not a regular file"));
    std::fs::remove_file(&ca).unwrap();
    std::fs::write(&ca, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(said().await.contains("ca.pem\" is larger than 1048576 bytes"));
    std::fs::write(&ca, b"\xff\0").unwrap();
    let text = said().await;
    assert!(text.contains("ca.pem\" holds no certificate in PEM"), "{text}");
}

#[tokio::test]
async fn fault_124_no_proxy_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (fake, proxy) = (Fake::idle(), Plain::new(None).await);
    let plain = Plain::new(Some(fake.path())).await;
    for url in [fake.url(), format!("tcp://{}", plain.address)] {
        let mut env = vec![("DOCKER_HOST", url)];
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            env.push((name, format!("http://{}", proxy.address)));
        }
        let said = by_surroundings(dir.path(), env).await;
        assert!(said.starts_with("connected to"), "{said}");
    }
    assert!(proxy.first_bytes().is_empty());
}

/// An engine that takes the connection and never says a word of TLS is given up on in time.
#[tokio::test]
async fn a_handshake_ends_at_the_limit_on_connecting() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let limits = bowline::Timeouts::default().connect(Duration::from_millis(200));
    let connect = Docker::connect().host(url).tls(Tls::new()).timeouts(limits);
    let silent = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    };
    let (error, ()) = tokio::join!(connect.into_future(), silent);
    let Error::Connect(error) = error.unwrap_err() else { panic!() };
    let failure = &error.tried[0].failure;
    assert!(matches!(failure, ConnectFailure::NoAnswer(t) if *t == Duration::from_millis(200)));
}
