//! TLS to an engine on TCP: what is trusted, who we are, and how that becomes a connection.

#[cfg(feature = "throwaway")]
mod packed;
mod secured;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use zeroize::Zeroizing;

pub(super) use secured::Secured;

use super::surroundings::TlsFrom;
use crate::config::{read, refuse_file};
use crate::error::Error;
#[cfg(unix)]
use crate::{local, trace};

/// What TLS to an engine needs: whom to trust, and who we are.
///
/// Given to [`Connect::tls`](crate::Connect::tls). Without one, all this is found as the docker
/// command finds it: see [`Docker::connect`](crate::Docker::connect).
///
/// Where a CA is given it alone is trusted, and not the system's authorities besides; where none
/// is, those are. PEM may hold anything else beside what is looked for. Whatever is wrong with it
/// is told when the connection is awaited, before anything is sent.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use bowline::{Docker, Tls};
///
/// let tls = Tls::new()
///     .ca_pem(std::fs::read("ca.pem")?)
///     .identity_pem(std::fs::read("cert.pem")?, std::fs::read("key.pem")?);
/// let docker = Docker::connect().host("tcp://engine.example:2376").tls(tls).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tls {
    ca: Option<Pem>,
    certificate: Option<Pem>,
    key: Option<Pem>,
    server_name: Option<String>,
    accept_any: bool,
}

/// A text of PEM, which may be secret, and where it is from.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    from: String,
    text: Zeroizing<Vec<u8>>,
}

impl Pem {
    fn given(text: impl Into<Vec<u8>>) -> Option<Pem> {
        Some(Pem { from: "given by the program".into(), text: Zeroizing::new(text.into()) })
    }

    fn file(path: &Path) -> Result<Option<Pem>, Error> {
        let from = path.display().to_string();
        Ok(read(path)?.map(|text| Pem { from, text: Zeroizing::new(text) }))
    }

    /// The same of a private key. One that others may read is used and told of.
    fn key_file(path: &Path) -> Result<Option<Pem>, Error> {
        #[cfg(unix)]
        if path.metadata().is_ok_and(|meta| local::mode(&meta) & 0o077 != 0) {
            trace::key_is_open(path);
        }
        Pem::file(path)
    }

    fn certificates(&self, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(self.refuse(what, "holds no certificate in PEM")),
            Err(_) => Err(self.refuse(what, "is damaged PEM")),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        const WHAT: &str = "TLS private key";
        let holds = |mark: &[u8]| self.text.windows(mark.len()).any(|text| text == mark);
        if holds(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds(b"Proc-Type: 4,ENCRYPTED") {
            let rule = "is encrypted, and nobody is asked for a pass phrase (openssl pkey -in \
                        key.pem decrypts it)";
            return Err(self.refuse(WHAT, rule));
        }
        let mut keys = PrivateKeyDer::pem_slice_iter(&self.text);
        match (keys.next(), keys.next()) {
            (Some(Ok(key)), None) => Ok(key),
            (None, _) => Err(self.refuse(WHAT, "holds no private key in PEM")),
            (Some(Err(_)), _) | (_, Some(Err(_))) => Err(self.refuse(WHAT, "is damaged PEM")),
            (_, Some(Ok(_))) => Err(self.refuse(WHAT, "holds more than one private key")),
        }
    }

    /// Say what is wrong, and never what is in it.
    fn refuse(&self, what: &'static str, rule: &str) -> Error {
        Error::invalid(what, &*self.from, rule)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = |pem: &Option<Pem>| pem.as_ref().map(|pem| pem.from.clone());
        f.debug_struct("Tls")
            .field("ca", &from(&self.ca))
            .field("certificate", &from(&self.certificate))
            .field("key", &from(&self.key))
            .field("server_name", &self.server_name)
            .field("danger_accept_any_certificate", &self.accept_any)
            .finish()
    }
}

impl Tls {
    /// Trust the system's authorities, and show no client certificate.
    pub fn new() -> Tls {
        Tls::default()
    }

    /// Set the authorities to trust, one or several in PEM, instead of the system's: `ca.pem`.
    pub fn ca_pem(mut self, certificates: impl Into<Vec<u8>>) -> Tls {
        self.ca = Pem::given(certificates);
        self
    }

    /// Set who we are, in PEM: the certificate, then those between it and its authority if there
    /// are any, and its private key, which must not be encrypted: `cert.pem` and `key.pem`.
    pub fn identity_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Tls {
        self.certificate = Pem::given(certificates);
        self.key = Pem::given(key);
        self
    }

    /// Set the name, or IP address, that the engine's certificate must be for, instead of the
    /// address's host.
    pub fn server_name(mut self, name: impl Into<String>) -> Tls {
        self.server_name = Some(name.into());
        self
    }

    /// Take any certificate for the engine's.
    ///
    /// What is sent is then encrypted for whoever answers, who may be anybody. The authorities and
    /// the server's name do not matter any more.
    pub fn danger_accept_any_certificate(mut self) -> Tls {
        self.accept_any = true;
        self
    }

    /// Read what was found.
    pub(super) fn found(from: &TlsFrom) -> Result<Tls, Error> {
        let TlsFrom::Folder { path, needs_ca, accept_any } = from else { return Ok(Tls::new()) };
        let at = |name: &str| path.join(name);
        let ca = Pem::file(&at("ca.pem"))?;
        if ca.is_none() && *needs_ca {
            return Err(refuse_file(&at("ca.pem"), "is not there, and TLS is asked for".into()));
        }
        let (certificate, key) = (Pem::file(&at("cert.pem"))?, Pem::key_file(&at("key.pem"))?);
        let alone = match (&certificate, &key) {
            (Some(_), None) => Some(("cert.pem", "has no key.pem beside it")),
            (None, Some(_)) => Some(("key.pem", "has no cert.pem beside it")),
            _ => None,
        };
        if let Some((name, rule)) = alone {
            return Err(refuse_file(&at(name), rule.into()));
        }
        Ok(Tls { ca, certificate, key, server_name: None, accept_any: *accept_any })
    }

    /// Get ready to connect to a host of this name.
    pub(super) fn client(&self, host: &str) -> Result<Client, Error> {
        let host = host.trim_matches(['[', ']']);
        let name = self.server_name.as_deref().unwrap_or(host);
        // A closing dot says that a name is complete; certificates do not have it.
        let name = ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned())
            .map_err(|_| Error::invalid("TLS server name", name, "is no host's name or address"))?;
        // By name: the provider that other crates may have made the process's is not ours.
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::invalid("TLS", "versions", e.to_string()))?;
        let config = match self.accept_any {
            true => config.dangerous().with_custom_certificate_verifier(Arc::new(Any(provider))),
            false => config.with_root_certificates(self.roots()?),
        };
        let config = match self.identity()? {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|e| {
                let what = "TLS client certificate";
                let from = self.certificate.as_ref().map_or("", |pem| &pem.from);
                match e {
                    rustls::Error::InconsistentKeys(_) => {
                        Error::invalid(what, from, "is not for the private key that was given")
                    }
                    e => Error::invalid(what, from, format!("cannot be used: {e}")),
                }
            })?,
            None => config.with_no_client_auth(),
        };
        let identified = self.certificate.is_some();
        Ok(Client {
            config: Arc::new(config),
            name,
            identified,
            #[cfg(feature = "throwaway")]
            made_of: Arc::new(self.clone()),
        })
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        const WHAT: &str = "TLS authorities";
        let mut roots = RootCertStore::empty();
        let Some(ca) = &self.ca else {
            // One that is broken hinders no other.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return match roots.is_empty() {
                true => Err(Error::invalid(WHAT, "the system's", "are none; give a CA")),
                false => Ok(roots),
            };
        };
        for certificate in ca.certificates(WHAT)? {
            let added = roots.add(certificate);
            added.map_err(|_| ca.refuse(WHAT, "holds a certificate that cannot be read"))?;
        }
        Ok(roots)
    }

    #[allow(clippy::type_complexity, reason = "named where it is used")]
    fn identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, Error> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Ok(Some((certificate.certificates("TLS client certificate")?, key.key()?)))
            }
            _ => Ok(None),
        }
    }
}

/// All that was read, ready for any number of connections, which resume one another's sessions.
#[derive(Clone)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// A client certificate is shown to who asks.
    identified: bool,
    /// For the process that cleans up after this one: it has to come by the same way.
    #[cfg(feature = "throwaway")]
    made_of: Arc<Tls>,
}

#[cfg(feature = "throwaway")]
impl Client {
    pub(super) fn made_of(&self) -> &Tls {
        &self.made_of
    }
}

/// Takes any certificate. That who answers has its key is still seen to.
#[derive(Debug)]
struct Any(Arc<CryptoProvider>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
