//! Frames and raw output from end to end: the same bytes, in answer to each call that streams.

use std::time::Duration;

use bowline::error::{StreamError, StreamFault};
use bowline::{Chunk, Container, Error, Running, StdStream};
use serde_json::json;

use crate::support::fake::{Fake, Reply, frame};

const CALLS: [&str; 3] = ["logs", "attach", "exec"];

/// An engine that answers each of the calls with these bytes, and then ends the answer or keeps
/// it open.
fn engine(tty: bool, bytes: &[u8], open: bool) -> Fake {
    let bytes = bytes.to_vec();
    let upgrade = move |bytes: &[u8]| {
        let head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        let reply = Reply::raw([&head[..], bytes].concat());
        if open { reply.stall() } else { reply.close() }
    };
    Fake::new(move |seen| match seen.route().as_str() {
        "GET /containers/web/json" | "GET /containers/f00/json" => Reply::json(
            200,
            json!({"Id": "f00", "State": {"Status": "running"}, "Config": {"Tty": tty}}),
        ),
        "GET /containers/f00/logs" => {
            let reply = Reply::chunks(200, [&*bytes]);
            if open { reply.stall() } else { reply }
        }
        "POST /containers/f00/wait" => {
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").stall()
        }
        "POST /containers/f00/exec" => Reply::json(201, json!({"Id": "e1"})),
        "POST /containers/f00/attach" | "POST /exec/e1/start" => upgrade(&bytes),
        route => Reply::json(404, json!({ "message": route })),
    })
}

/// Make the call, and read up to an error, the end, or `most` pieces. The pieces of one stream
/// are joined.
async fn read(
    fake: &Fake,
    call: &str,
    tty: bool,
    most: usize,
) -> (Vec<(StdStream, Vec<u8>)>, Option<Error>) {
    let web: Container<Running> =
        fake.docker().await.container("web").await.unwrap().running().unwrap();
    let mut out: Vec<(StdStream, Vec<u8>)> = Vec::new();
    let mut keep = |chunk: Chunk| match out.last_mut() {
        Some((stream, data)) if *stream == chunk.stream => data.extend(&chunk.data),
        _ => out.push((chunk.stream, chunk.data.to_vec())),
    };
    macro_rules! pieces {
        ($from:expr) => {{
            let mut from = $from;
            let mut error = None;
            for _ in 0..most {
                match from.next().await {
                    Some(Ok(chunk)) => keep(chunk),
                    Some(Err(e)) => {
                        error = Some(e);
                        // It said so once, and ends.
                        assert!(from.next().await.is_none(), "{call}");
                        break;
                    }
                    None => break,
                }
            }
            error
        }};
    }
    let exec = || if tty { web.exec(["x"]).tty() } else { web.exec(["x"]) };
    let error = match call {
        "logs" => pieces!(web.logs().follow().await.unwrap()),
        "attach" => pieces!(web.attach().await.unwrap()),
        _ => pieces!(exec().session().await.unwrap()),
    };
    (out, error)
}

fn fault(error: Option<Error>) -> StreamFault {
    match error {
        Some(Error::Stream(StreamError { fault, .. })) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_engine_reports_inside_a_stream_is_an_error() {
    let wire = [frame(1, "out"), frame(3, "disk full\n"), frame(1, "never")].concat();
    for call in CALLS {
        let (out, error) = read(&engine(false, &wire, false), call, false, 9).await;
        assert_eq!(out, [(StdStream::Out, b"out".to_vec())], "{call}");
        assert_eq!(fault(error), StreamFault::Engine("disk full".into()), "{call}");
    }
}

#[tokio::test]
async fn a_stream_of_an_unknown_number_is_an_error() {
    let wire = [frame(2, "err"), frame(9, "what"), frame(1, "never")].concat();
    for call in CALLS {
        let (out, error) = read(&engine(false, &wire, false), call, false, 9).await;
        assert_eq!(out, [(StdStream::Err, b"err".to_vec())], "{call}");
        assert!(matches!(fault(error), StreamFault::Protocol(_)), "{call}");
    }
}

/// The answer comes to a proper end, and its last frame does not.
#[tokio::test]
async fn a_frame_that_is_cut_is_an_error_and_what_came_is_handed_on() {
    let whole = [frame(1, "out"), frame(2, "lost")].concat();
    for call in CALLS {
        for cut in 12..whole.len() {
            let (out, error) = read(&engine(false, &whole[..cut], false), call, false, 9).await;
            let mut wanted = vec![(StdStream::Out, b"out".to_vec())];
            if cut > 19 {
                wanted.push((StdStream::Err, whole[19..cut].to_vec()));
            }
            assert_eq!(out, wanted, "{call} {cut}");
            assert_eq!(fault(error), StreamFault::Cut, "{call} {cut}");
        }
        let (out, error) = read(&engine(false, &whole, false), call, false, 9).await;
        assert!(out.len() == 2 && error.is_none(), "{call}: {error:?}");
    }
}

/// A terminal's output is never taken for frames, whatever it looks like.
#[tokio::test]
async fn a_terminals_output_that_looks_like_a_frame() {
    for bytes in [&frame(1, "abc")[..], b"\x01\x02\0$ ", b"\x02\0\0\0\xff\xff\xff\xff", b"\x03\0"] {
        for call in CALLS {
            let (out, error) = read(&engine(true, bytes, false), call, true, 9).await;
            assert_eq!(out, [(StdStream::Out, bytes.to_vec())], "{call}");
            assert!(error.is_none(), "{call}: {error:?}");
        }
    }
}

/// A prompt: no line end, no more bytes, and the stream stays open.
#[tokio::test]
async fn a_piece_comes_when_it_comes() {
    for tty in [false, true] {
        let wire = if tty { b"> ".to_vec() } else { frame(1, "> ") };
        for call in CALLS {
            let fake = engine(tty, &wire, true);
            let read = read(&fake, call, tty, 1);
            let (out, error) = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
            assert_eq!(out, [(StdStream::Out, b"> ".to_vec())], "{call}");
            assert!(error.is_none());
        }
    }
}
