//! Certificates of every kind, and the server's side of TLS before an engine, real or scripted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Who signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    pub cert: String,
    pub key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, PartialEq)]
pub enum When {
    Now,
    Past,
    Future,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Authority { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Sign a certificate for these names or addresses.
    pub fn sign(&self, names: &[&str], when: When) -> Identity {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "bowline's test");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        match when {
            When::Now => {}
            When::Past => params.not_after = date_time_ymd(2001, 1, 1),
            When::Future => params.not_before = date_time_ymd(4001, 1, 1),
        }
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Identity { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// The engine's certificate, for this machine's loopback.
    pub fn server(&self) -> Identity {
        self.sign(&["localhost", "127.0.0.1"], When::Now)
    }

    pub fn client(&self) -> Identity {
        self.sign(&[], When::Now)
    }
}

impl Identity {
    /// Write the files of `DOCKER_CERT_PATH`.
    pub fn write(&self, folder: &Path, ca: &Authority) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), &self.cert).unwrap();
        std::fs::write(folder.join("key.pem"), &self.key).unwrap();
    }
}

/// The server's side of TLS.
pub fn acceptor(server: &Identity, clients: Option<&Authority>, old: bool) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let versions = if old { [&TLS12].to_vec() } else { [&TLS13].to_vec() };
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .unwrap();
    let config = match clients {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            let ca = CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap();
            roots.add(ca).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
        None => config.with_no_client_auth(),
    };
    let certs = CertificateDer::pem_slice_iter(server.cert.as_bytes()).map(Result::unwrap);
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    TlsAcceptor::from(Arc::new(config.with_single_cert(certs.collect(), key).unwrap()))
}

/// A TLS server on this machine's loopback. It ends when this is dropped.
///
/// It runs on a thread of its own: a test's end, which blocks its thread until all is tidied up, may
/// need it.
pub struct Front {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl Front {
    /// Stand before the engine whose socket file this is, and let in whom `clients` has signed.
    pub async fn new(engine: PathBuf, server: &Identity, clients: Option<&Authority>) -> Front {
        Front::by(acceptor(server, clients, false), engine).await
    }

    pub async fn by(acceptor: TlsAcceptor, engine: PathBuf) -> Front {
        Front::serving(acceptor, move |mut client| {
            let engine = engine.clone();
            async move {
                let mut engine = UnixStream::connect(engine).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut engine).await;
                // As Go's servers close.
                let _ = client.shutdown().await;
            }
        })
        .await
    }

    /// Serve each client so.
    pub async fn serving<F>(
        acceptor: TlsAcceptor,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Front
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::<AtomicUsize>::default();
        let (count, serve) = (accepted.clone(), Arc::new(serve));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (accepting, serve) = (acceptor.accept(tcp), serve.clone());
                tokio::spawn(async move {
                    if let Ok(client) = accepting.await {
                        serve(client).await;
                    }
                });
            }
        });
        Front { address, accepted, runtime: Some(runtime) }
    }

    /// "tcp://127.0.0.1:41273".
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who listens in plain on TCP, and hands on what comes to an engine's socket file, if there is
/// one. Every connection's first byte is kept.
pub struct Plain {
    pub address: SocketAddr,
    first: Arc<std::sync::Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Plain {
    pub async fn new(engine: Option<PathBuf>) -> Plain {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let first = Arc::<std::sync::Mutex<Vec<u8>>>::default();
        let seen = first.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut tcp, _) = listener.accept().await.unwrap();
                let mut byte = [0];
                if !matches!(tcp.read(&mut byte).await, Ok(1)) {
                    continue;
                }
                seen.lock().unwrap().push(byte[0]);
                // As Go's servers answer a handshake.
                if byte == [0x16] {
                    let _ = tcp.read(&mut [0; 4096]).await;
                    let words = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent...";
                    let _ = tcp.write_all(words).await;
                    continue;
                }
                let Some(engine) = &engine else { continue };
                let mut engine = UnixStream::connect(engine).await.unwrap();
                engine.write_all(&byte).await.unwrap();
                tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut tcp, &mut engine).await;
                });
            }
        });
        Plain { address, first, task }
    }

    /// The first byte of each connection.
    pub fn first_bytes(&self) -> Vec<u8> {
        self.first.lock().unwrap().clone()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.task.abort();
    }
}
