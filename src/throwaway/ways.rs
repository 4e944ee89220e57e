//! The ways to engines: what an address leaves out, and other processes need to get there too.
//!
//! What TLS needs may have been given in code, or by files that are gone when it is needed. It goes
//! from process to process over their socket, and is never written down. What is written down is that
//! there is TLS: who comes without the keys still does not ask in clear.

use std::io::{self, Read, Write};

use crate::docker::{Connect, Docker};

#[cfg(feature = "tls")]
pub(super) use by_tls::Ways;
#[cfg(not(feature = "tls"))]
pub(super) use plain::Ways;

/// Where an address says all there is.
#[cfg(not(feature = "tls"))]
mod plain {
    use super::*;

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Ways(());

    impl Ways {
        pub(crate) fn url(docker: &Docker) -> String {
            docker.host().to_string()
        }

        pub(crate) fn is_empty(&self) -> bool {
            true
        }

        pub(crate) fn add(&mut self, _: &Docker) -> bool {
            false
        }

        pub(crate) fn connect(&self, url: &str) -> Connect {
            Docker::connect().host(url)
        }

        pub(crate) fn send(&self, _: impl Write) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn hear(&mut self, _: impl Read) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(feature = "tls")]
mod by_tls {
    use std::collections::BTreeMap;

    use zeroize::Zeroizing;

    use super::*;
    use crate::transport::Tls;

    /// Larger than any pile of certificates.
    const LARGEST: usize = 64 << 20;

    /// By address. The last that was added counts.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Ways(BTreeMap<String, Tls>);

    impl Ways {
        /// Return the engine's address, by which TLS is asked for wherever it is.
        pub(crate) fn url(docker: &Docker) -> String {
            let url = docker.host().to_string();
            match (docker.tls(), url.strip_prefix("tcp://")) {
                (Some(_), Some(rest)) => format!("https://{rest}"),
                _ => url,
            }
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        /// Learn the way to this engine, and say whether it is news.
        pub(crate) fn add(&mut self, docker: &Docker) -> bool {
            let Some(tls) = docker.tls() else { return false };
            let url = Ways::url(docker);
            if self.0.get(&url) == Some(tls) {
                return false;
            }
            self.0.insert(url, tls.clone());
            true
        }

        /// Begin to connect to the engine at this address.
        pub(crate) fn connect(&self, url: &str) -> Connect {
            let connect = Docker::connect().host(url);
            match self.0.get(url) {
                Some(tls) => connect.tls(tls.clone()),
                None => connect,
            }
        }

        /// Tell all of them to who [`hear`](Ways::hear)s.
        pub(crate) fn send(&self, mut to: impl Write) -> io::Result<()> {
            let count = u32::try_from(self.0.len()).map_err(io::Error::other)?;
            to.write_all(&count.to_le_bytes())?;
            for (url, tls) in &self.0 {
                for part in [url.as_bytes(), &tls.pack()] {
                    let length = u32::try_from(part.len()).map_err(io::Error::other)?;
                    to.write_all(&length.to_le_bytes())?;
                    to.write_all(part)?;
                }
            }
            Ok(())
        }

        /// Learn the ways that [`send`](Ways::send) tells.
        pub(crate) fn hear(&mut self, mut from: impl Read) -> io::Result<()> {
            for _ in 0..number(&mut from)? {
                let (url, packed) = (part(&mut from)?, part(&mut from)?);
                let url = std::str::from_utf8(&url).map_err(io::Error::other)?;
                let tls = Tls::unpack(&packed).ok_or(io::ErrorKind::InvalidData)?;
                self.0.insert(url.to_owned(), tls);
            }
            Ok(())
        }
    }

    fn number(from: &mut impl Read) -> io::Result<u32> {
        let mut number = [0; 4];
        from.read_exact(&mut number)?;
        Ok(u32::from_le_bytes(number))
    }

    fn part(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
        let length = number(from)? as usize;
        if length > LARGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut part = Zeroizing::new(vec![0; length]);
        from.read_exact(&mut part)?;
        Ok(part)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_sent_is_received() {
            let tls = Tls::new().ca_pem("ca").identity_pem("cert", "key").server_name("engine");
            let mut ways = Ways::default();
            ways.0.insert("tcp://a:1".into(), Tls::new());
            ways.0.insert("tcp://b:2".into(), tls.clone());
            let (mut sent, mut heard) = (Vec::new(), Ways::default());
            ways.send(&mut sent).unwrap();
            heard.hear(&*sent).unwrap();
            assert!(heard.0 == ways.0);
            // News of one that is known counts, and what is cut off is told.
            let mut news = Ways::default();
            news.0.insert("tcp://a:1".into(), tls);
            sent.clear();
            news.send(&mut sent).unwrap();
            heard.hear(&*sent).unwrap();
            assert!(heard.0["tcp://a:1"] == news.0["tcp://a:1"] && heard.0.len() == 2);
            sent.pop();
            assert!(Ways::default().hear(&*sent).is_err());
            assert!(Ways::default().hear(&[255; 100][..]).is_err());
        }
    }
}
