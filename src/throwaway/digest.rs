//! SHA-256, by which configurations are told apart: what they hold, secrets for one, does not show
//! in it, and it is the same in every build of a program.

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const ROUNDS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// The same of the square roots of the first 8.
const BEGIN: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// Return so many hexadecimal digits of the digest of these texts, in this order.
pub(super) fn digest(texts: &[&str], digits: usize) -> String {
    let mut data = Vec::new();
    for text in texts {
        // With its length, so that no two lists look the same.
        data.extend((text.len() as u64).to_be_bytes());
        data.extend(text.as_bytes());
    }
    let mut out = sha256(data).iter().map(|word| format!("{word:08x}")).collect::<String>();
    out.truncate(digits);
    out
}

fn sha256(mut data: Vec<u8>) -> [u32; 8] {
    let bits = (data.len() as u64).wrapping_mul(8);
    data.push(0x80);
    data.resize((data.len() + 8).next_multiple_of(64) - 8, 0);
    data.extend(bits.to_be_bytes());
    data.chunks_exact(64).fold(BEGIN, block)
}

fn block(state: [u32; 8], block: &[u8]) -> [u32; 8] {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    // The sixteen words that the next is made of, the oldest first.
    let mut window = [0; 16];
    for (slot, bytes) in window.iter_mut().zip(block.chunks_exact(4)) {
        *slot = word(bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for round in ROUNDS {
        let [now, second, .., tenth, _, _, _, _, _, _] = window;
        let [.., last_but_one, _] = window;
        let t1 = h
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add((e & f) ^ (!e & g))
            .wrapping_add(round)
            .wrapping_add(now);
        let t2 = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
            .wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        let next = now
            .wrapping_add(second.rotate_right(7) ^ second.rotate_right(18) ^ (second >> 3))
            .wrapping_add(tenth)
            .wrapping_add(
                last_but_one.rotate_right(17)
                    ^ last_but_one.rotate_right(19)
                    ^ (last_but_one >> 10),
            );
        window.rotate_left(1);
        if let Some(last) = window.last_mut() {
            *last = next;
        }
    }
    let mut out = [a, b, c, d, e, f, g, h];
    for (word, before) in out.iter_mut().zip(state) {
        *word = word.wrapping_add(before);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        sha256(text.into()).iter().map(|word| format!("{word:08x}")).collect()
    }

    /// The examples of FIPS 180, and every length around a block's end, by another program.
    #[test]
    fn it_is_sha_256() {
        assert_eq!(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            hex(&"a".repeat(1_000_000)),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
        for length in [55, 56, 63, 64, 65, 119, 120, 128] {
            let text = "x".repeat(length);
            let out = std::process::Command::new("sh")
                .args(["-c", "printf %s \"$1\" | sha256sum", "sh", &text])
                .output()
                .unwrap();
            let told = String::from_utf8(out.stdout).unwrap();
            assert_eq!(told.split(' ').next(), Some(&*hex(&text)), "{length}");
        }
    }

    #[test]
    fn lists_that_differ_have_digests_that_differ() {
        assert_ne!(digest(&["ab", "c"], 12), digest(&["a", "bc"], 12));
        assert_ne!(digest(&["a"], 12), digest(&["a", ""], 12));
        assert_eq!(digest(&["a"], 12).len(), 12);
    }
}
