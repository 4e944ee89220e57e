//! Answers that are a no, and those that cannot be read.

use hyper::StatusCode;
use hyper::header;

use super::{Reply, stream_error};
use crate::error::{ApiError, Error, StreamFault, excerpt};
use crate::wire::Call;

/// Of an error's body, this much is read, and for no longer than this.
const ERROR_BODY: usize = 64 << 10;
const ERROR_BODY_TIME: std::time::Duration = std::time::Duration::from_secs(5);
/// Of the engine's words, this much is kept.
const ERROR_TEXT: usize = 4 << 10;

/// How a body is packed, where that is not as it is.
fn packed(reply: &Reply) -> Option<String> {
    let encoding = reply.headers.get(header::CONTENT_ENCODING)?.to_str().unwrap_or("?");
    (!encoding.eq_ignore_ascii_case("identity")).then(|| excerpt(encoding, 40))
}

/// Refuse a body that somebody on the way has packed, which no call of ours asks for, and one of
/// two lengths: whoever else reads it may see another end, and another answer behind it.
pub(super) fn readable(call: &Call, reply: Reply) -> Result<Reply, Error> {
    let what = if let Some(encoding) = packed(&reply) {
        format!("the answer is packed ({encoding}) without being asked")
    } else if reply.headers.contains_key(header::CONTENT_LENGTH)
        && reply.headers.contains_key(header::TRANSFER_ENCODING)
    {
        "the answer has both a length and chunks".to_owned()
    } else {
        return Ok(reply);
    };
    Err(stream_error(call, StreamFault::Protocol(what)))
}

/// Read what the engine has to say to its refusal, within bounds.
pub(super) async fn refusal(call: &Call, mut reply: Reply) -> Error {
    if (300..400).contains(&reply.status) {
        let to =
            reply.headers.get(header::LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
        let to = excerpt(to.as_deref().unwrap_or("nowhere"), 200);
        let message = format!("the engine redirects to {to}; not followed");
        return Error::Api(ApiError { call: call.label(), status: reply.status, message });
    }
    let text = match packed(&reply) {
        Some(_) => Vec::new(),
        None => reply.body.excerpt(ERROR_BODY, ERROR_BODY_TIME).await,
    };
    let reason = StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("refused without a word");
    let message = engine_message(&text).unwrap_or_else(|| reason.to_owned());
    Error::Api(ApiError { call: call.label(), status: reply.status, message })
}

/// The message in an error's body: Docker's JSON, Podman's, or plain text.
pub(crate) fn engine_message(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Refusal {
        message: Option<String>,
        error: Option<String>,
        cause: Option<String>,
    }
    let json = serde_json::from_slice::<Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.message.or(refusal.error).or(refusal.cause));
    let text = match json {
        Some(message) => message,
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let mut cut = text.len().min(ERROR_TEXT);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    Some(text.get(..cut).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_words_are_found() {
        let message = |b: &str| engine_message(b.as_bytes());
        assert_eq!(message(r#"{"message":"no"}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"cause":"c","message":"m","response":500}"#).as_deref(), Some("m"));
        assert_eq!(message(r#"{"error":"e"}"#).as_deref(), Some("e"));
        assert_eq!(message("<html>502</html>\n").as_deref(), Some("<html>502</html>"));
        assert_eq!(message(r#"{"message":"cut"#).as_deref(), Some(r#"{"message":"cut"#));
        assert_eq!(message(" \n"), None);
        assert_eq!(message(&"é".repeat(9_000)).map(|m| m.len()), Some(ERROR_TEXT));
    }
}
