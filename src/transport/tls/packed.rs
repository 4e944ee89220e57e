//! TLS's material as bytes, for another process of the same program.

use zeroize::Zeroizing;

use super::{Pem, Tls};

/// What stands before a part that is not there.
const NONE: u32 = u32::MAX;

impl Tls {
    /// Write all of it down, the key too.
    pub(crate) fn pack(&self) -> Zeroizing<Vec<u8>> {
        let pems = [&self.ca, &self.certificate, &self.key];
        let mut parts: Vec<Option<&[u8]>> = Vec::new();
        for pem in pems {
            parts.push(pem.as_ref().map(|pem| pem.from.as_bytes()));
            parts.push(pem.as_ref().map(|pem| &**pem.text));
        }
        parts.push(self.server_name.as_deref().map(str::as_bytes));
        parts.push(self.accept_any.then_some(&[]));
        // All the room at once: one that grows leaves copies behind, which nobody wipes.
        let room = parts.iter().map(|part| 4 + part.map_or(0, <[u8]>::len)).sum();
        let mut packed = Zeroizing::new(Vec::with_capacity(room));
        for part in parts {
            match part.map(|part| (part, u32::try_from(part.len()))) {
                Some((part, Ok(length))) if length < NONE => {
                    packed.extend_from_slice(&length.to_le_bytes());
                    packed.extend_from_slice(part);
                }
                _ => packed.extend_from_slice(&NONE.to_le_bytes()),
            }
        }
        packed
    }

    /// Read what [`pack`](Tls::pack) wrote, and nothing else.
    pub(crate) fn unpack(mut packed: &[u8]) -> Option<Tls> {
        let mut pems = [const { None }; 3];
        for pem in &mut pems {
            let (from, text) = (part(&mut packed)?, part(&mut packed)?);
            if let (Some(from), Some(text)) = (from, text) {
                let from = String::from_utf8(from.to_vec()).ok()?;
                *pem = Some(Pem { from, text: Zeroizing::new(text.to_vec()) });
            }
        }
        let server_name = match part(&mut packed)? {
            Some(name) => Some(String::from_utf8(name.to_vec()).ok()?),
            None => None,
        };
        let accept_any = part(&mut packed)?.is_some();
        let [ca, certificate, key] = pems;
        packed.is_empty().then_some(Tls { ca, certificate, key, server_name, accept_any })
    }
}

/// Take the next part off: `None` where there is none, `Some(None)` where it says that it is none.
fn part<'a>(packed: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, rest) = packed.split_first_chunk()?;
    let length = u32::from_le_bytes(*length);
    if length == NONE {
        *packed = rest;
        return Some(None);
    }
    let (part, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *packed = rest;
    Some(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_nothing_else() {
        let whole = Tls::new()
            .ca_pem(b"\xff\0ca")
            .identity_pem("cert", "key")
            .server_name("engine")
            .danger_accept_any_certificate();
        for tls in [Tls::new(), Tls::new().ca_pem(""), whole.clone()] {
            assert!(Tls::unpack(&tls.pack()) == Some(tls));
        }
        let mut packed = whole.pack();
        for cut in 0..packed.len() {
            assert!(Tls::unpack(&packed[..cut]).is_none(), "cut at {cut}");
        }
        packed.push(0);
        assert!(Tls::unpack(&packed).is_none());
    }
}
