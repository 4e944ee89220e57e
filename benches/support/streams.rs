//! The part of the replay that streams: logs, archives and exec, each as long as is asked for.

use std::io::{BufReader, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;

/// An archive is so long.
pub(crate) const ARCHIVE: usize = 64 << 20;
/// And comes in chunks of this size, as Go's servers copy it.
const PIECE: usize = 32 << 10;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nDocker-Experimental: false\r\n\
    Ostype: linux\r\nServer: Docker/20.10.24 (linux)\r\n\
    Date: Tue, 24 Nov 2026 23:00:26 GMT\r\nTransfer-Encoding: chunked\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"Id\":\"e1\"}";
const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\
    Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// Bytes of a frame's payload: standard output alone comes in small frames.
pub(crate) fn payload(line: &str) -> usize {
    if line.contains("stderr=1") { 1 << 10 } else { 32 }
}

/// Serve the request in `input`, if it is one for a stream. Returns where it ends.
pub(crate) fn serve(stream: &mut UnixStream, input: &[u8]) -> Option<usize> {
    let head = input.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let line = input.split(|b| *b == b'\r').next().and_then(|l| std::str::from_utf8(l).ok())?;
    let (method, target) = line.split_once(' ')?;
    let served = match method {
        "GET" if target.contains("/logs?") && target.contains("tail=") => {
            let (_, n) = target.split_once("tail=")?;
            let n: u64 = n.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
            logs(stream, payload(line), n)
        }
        "GET" if target.contains("/archive?") => archive(stream),
        "PUT" if target.contains("/archive?") => {
            swallow(stream, &input[head..]);
            return Some(input.len());
        }
        "POST" if target.contains("/exec ") => {
            let length = length(&input[..head]);
            if input.len() < head + length {
                return None;
            }
            stream.write_all(CREATED.as_bytes()).ok()?;
            return Some(head + length);
        }
        "POST" if target.contains("/exec/e1/start ") => {
            let length = length(&input[..head]);
            if input.len() < head + length {
                return None;
            }
            echo(stream);
            return Some(head + length);
        }
        _ => return None,
    };
    served.ok()?;
    Some(head)
}

fn length(head: &[u8]) -> usize {
    let text = std::str::from_utf8(head).expect("a head is ASCII");
    let mut headers = text.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, n)| n.trim().parse().expect("a length"))
}

/// So many frames, each in a chunk of its own: an engine flushes every line.
fn logs(stream: &mut UnixStream, payload: usize, mut n: u64) -> std::io::Result<()> {
    let mut one = format!("{:x}\r\n", payload + 8).into_bytes();
    one.extend([1, 0, 0, 0]);
    one.extend((payload as u32).to_be_bytes());
    one.extend(vec![b'x'; payload - 1]);
    one.extend(b"\n\r\n");
    let batch = ((64 << 10) / one.len()) as u64;
    let block = one.repeat(batch as usize);
    stream.write_all(CHUNKED.as_bytes())?;
    while n > 0 {
        let now = n.min(batch);
        stream.write_all(&block[..one.len() * now as usize])?;
        n -= now;
    }
    stream.write_all(b"0\r\n\r\n")
}

fn archive(stream: &mut UnixStream) -> std::io::Result<()> {
    let zeros = [0; PIECE];
    let size = format!("{PIECE:x}\r\n");
    stream.write_all(CHUNKED.as_bytes())?;
    for _ in 0..ARCHIVE / PIECE {
        write_chunk(stream, size.as_bytes(), &zeros)?;
    }
    stream.write_all(b"0\r\n\r\n")
}

/// A chunk in one system call, mostly.
pub(crate) fn write_chunk(
    stream: &mut UnixStream,
    size: &[u8],
    data: &[u8],
) -> std::io::Result<()> {
    let mut slices = [IoSlice::new(size), IoSlice::new(data), IoSlice::new(b"\r\n")];
    let mut slices = &mut slices[..];
    while !slices.is_empty() {
        let n = stream.write_vectored(slices)?;
        IoSlice::advance_slices(&mut slices, n);
    }
    Ok(())
}

/// Read a body in chunks, and say that all is well.
fn swallow(stream: &mut UnixStream, begun: &[u8]) {
    let answer = stream.try_clone().expect("a second handle");
    let mut input = BufReader::with_capacity(256 << 10, begun.chain(&mut *stream));
    let mut piece = vec![0; 1 << 20];
    loop {
        let mut line = Vec::new();
        if std::io::BufRead::read_until(&mut input, b'\n', &mut line).unwrap_or(0) == 0 {
            return;
        }
        let size = std::str::from_utf8(&line).expect("ASCII").trim();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        if input.read_exact(&mut piece[..size + 2]).is_err() {
            return;
        }
        if size == 0 {
            let done = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            let _ = (&answer).write_all(done);
            return;
        }
    }
}

/// Give back what comes, in frames.
fn echo(stream: &mut UnixStream) {
    let mut buffer = vec![0; 8 + PIECE];
    if stream.write_all(UPGRADED.as_bytes()).is_err() {
        return;
    }
    while let Ok(n @ 1..) = stream.read(&mut buffer[8..]) {
        buffer[..4].copy_from_slice(&[1, 0, 0, 0]);
        buffer[4..8].copy_from_slice(&(n as u32).to_be_bytes());
        if stream.write_all(&buffer[..8 + n]).is_err() {
            return;
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}
