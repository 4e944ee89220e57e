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

        pub(crate) fn add(&mut self, _: &Docker) -> bool {
            false
        }

        pub(crate) fn connect(&self, url: &str) -> Connect {
            Docker::connect().host(url)
        }

        pub(crate) fn send(&self, _: impl Write) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn receive(mut from: impl Read) -> Ways {
            while from.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
            Ways(())
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

        /// Tell all of them to who [`receive`](Ways::receive)s.
        pub(crate) fn send(&self, mut to: impl Write) -> io::Result<()> {
            for (url, tls) in &self.0 {
                for part in [url.as_bytes(), &tls.pack()] {
                    let length = u32::try_from(part.len()).map_err(io::Error::other)?;
                    to.write_all(&length.to_le_bytes())?;
                    to.write_all(part)?;
                }
            }
            Ok(())
        }

        /// Hear of ways until the other end is closed. An error is an end as well.
        pub(crate) fn receive(mut from: impl Read) -> Ways {
            let mut ways = Ways::default();
            while let Ok((url, packed)) =
                part(&mut from).and_then(|url| Ok((url, part(&mut from)?)))
            {
                if let (Ok(url), Some(tls)) = (std::str::from_utf8(&url), Tls::unpack(&packed)) {
                    ways.0.insert(url.to_owned(), tls);
                }
            }
            ways
        }
    }

    fn part(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
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
            let mut sent = Vec::new();
            ways.send(&mut sent).unwrap();
            assert!(Ways::receive(&*sent).0 == ways.0);
            // News of one that is known counts, and one that is cut off is not believed.
            let mut news = Ways::default();
            news.0.insert("tcp://a:1".into(), tls);
            news.send(&mut sent).unwrap();
            let received = Ways::receive(&*sent);
            assert!(received.0["tcp://a:1"] == news.0["tcp://a:1"] && received.0.len() == 2);
            sent.truncate(sent.len() - 1);
            assert!(Ways::receive(&*sent).0 == ways.0);
            assert!(Ways::receive(&[255; 100][..]).0.is_empty());
        }
    }
}
