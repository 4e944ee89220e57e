//! A connection by TLS: the handshake, and what its errors mean.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as Rustls};

use super::Client;
use crate::error::{ConnectFailure, Late, TlsFault};

/// A TCP connection under TLS.
pub(crate) struct Secured {
    stream: TlsStream<TcpStream>,
    identified: bool,
}

impl Client {
    /// Agree on TLS over a connection that was just opened.
    pub(in crate::transport) async fn secure(
        &self,
        tcp: TcpStream,
    ) -> Result<Secured, ConnectFailure> {
        let connector = TlsConnector::from(self.config.clone());
        match connector.connect(self.name.clone(), tcp).await {
            Ok(stream) => Ok(Secured { stream, identified: self.identified }),
            Err(e) => Err(match rustls_error(&e) {
                Some(Rustls::InvalidMessage(_)) => ConnectFailure::Tls(TlsFault::NotTls),
                Some(e) => ConnectFailure::Tls(fault(e, self.identified)),
                None if e.kind() == io::ErrorKind::UnexpectedEof => {
                    let words = "who answers hung up during the handshake";
                    ConnectFailure::Tls(TlsFault::Other(words.into()))
                }
                None => ConnectFailure::Io(e),
            }),
        }
    }
}

fn rustls_error(e: &io::Error) -> Option<&Rustls> {
    e.get_ref()?.downcast_ref()
}

fn fault(e: &Rustls, identified: bool) -> TlsFault {
    match e {
        Rustls::InvalidCertificate(e) => match e {
            // An authority of the same name with another key counts as the wrong one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsFault::UnknownAuthority
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                TlsFault::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsFault::NotYetValid
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                let holds = presented.iter().map(|name| plain(name)).collect();
                TlsFault::WrongName { asked: expected.to_str().into_owned(), holds }
            }
            e => TlsFault::Other(e.to_string()),
        },
        Rustls::AlertReceived(alert) => refusal(*alert, identified)
            .unwrap_or_else(|| TlsFault::Other(format!("the engine refuses ({alert:?})"))),
        e => TlsFault::Other(e.to_string()),
    }
}

/// What an alert says of our certificate, if it is about that.
fn refusal(alert: AlertDescription, identified: bool) -> Option<TlsFault> {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => Some(match identified {
            true => TlsFault::ClientCertificateRefused(format!("{alert:?}")),
            false => TlsFault::NoClientCertificate,
        }),
        _ => None,
    }
}

/// A name of a certificate without the name of its kind: `DnsName("a")` is "a".
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

impl Secured {
    /// Say whether the engine has hung up, or said something unasked. What TLS itself says between
    /// answers, such as tickets for later sessions, is neither.
    ///
    /// The kernel is asked, not the runtime, which may not have heard yet.
    pub(in crate::transport) fn hung_up(&mut self) -> bool {
        let (tcp, session) = self.stream.get_mut();
        let socket = socket2::SockRef::from(&*tcp);
        loop {
            match session.read_tls(&mut &*socket as &mut dyn Read) {
                Err(e) => return e.kind() != io::ErrorKind::WouldBlock,
                Ok(0) => return true,
                Ok(_) => match session.process_new_packets() {
                    Ok(state)
                        if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                    _ => return true,
                },
            }
        }
    }

    /// TLS 1.3 asks for a client certificate, and may refuse it, after our side is through with the
    /// handshake: the first read tells.
    fn told(&self, e: io::Error) -> io::Error {
        let late = rustls_error(&e).and_then(|e| match e {
            Rustls::AlertReceived(alert) => refusal(*alert, self.identified),
            _ => None,
        });
        match late {
            Some(fault) => io::Error::new(io::ErrorKind::ConnectionAborted, Late::Tls(fault)),
            // rustls says so at length.
            None if e.kind() == io::ErrorKind::UnexpectedEof => {
                io::Error::new(e.kind(), "the connection broke off without TLS's farewell")
            }
            None => e,
        }
    }

    /// The same where a write fails: who refuses says so and hangs up.
    fn told_before(&mut self, e: io::Error) -> io::Error {
        let (tcp, session) = self.stream.get_mut();
        let socket = socket2::SockRef::from(&*tcp);
        while matches!(session.read_tls(&mut &*socket as &mut dyn Read), Ok(1..)) {
            if let Err(said) = session.process_new_packets() {
                return self.told(io::Error::new(e.kind(), said));
            }
        }
        e
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // What was written may still wait in here for room in the socket, and its writer need not
        // ask again: who reads sees it out. That it fails is the read's to tell.
        if this.stream.get_ref().1.wants_write() {
            let _ = Pin::new(&mut this.stream).poll_flush(cx);
        }
        let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        Poll::Ready(read.map_err(|e| this.told(e)))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        Poll::Ready(wrote.map_err(|e| this.told_before(e)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(wrote.map_err(|e| this.told_before(e)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Tell the engine that nothing more comes, by TLS and by TCP; it may go on.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
