//! Logging in at a registry, by way of the engine.

use bytes::Bytes;
use serde::Deserialize;

use super::{Credentials, Secret, key};
use crate::error::{DecodeError, Error};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{self, Call};

/// The verb behind [`Docker::login`](crate::Docker::login).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Login {
    transport: Transport,
    registry: String,
    credentials: Credentials,
}

/// What a registry says to a login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedIn {
    /// The engine's words: "Login Succeeded".
    pub status: String,
    /// What to use from now on in place of the password
    /// ([`Credentials::identity_token`]), where the registry gives such a token.
    pub identity_token: Option<Secret>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    status: Option<String>,
    identity_token: Option<Secret>,
}

impl Login {
    pub(crate) fn new(transport: Transport, registry: String, credentials: Credentials) -> Login {
        Login { transport, registry, credentials }
    }

    fn call(&self) -> Result<Call, Error> {
        let key = key(&self.registry)?;
        self.credentials.bound_to(&key)?;
        if self.credentials.registry_token.is_some() {
            let rule = "are a registry token, with which nobody logs in";
            return Err(Error::invalid("credentials", "***", rule));
        }
        let body = serde_json::to_vec(&self.credentials.wire(&key))
            .map_err(|_| Error::invalid("credentials", "***", "cannot be sent as JSON"))?;
        Ok(Call::post(&["auth"]).secret_json(Bytes::from(body)))
    }

    async fn run(self) -> Result<LoggedIn, Error> {
        let call = self.call()?;
        let body = self.transport.bytes(&call).await?;
        // 204: a yes without words.
        let answer = match body.is_empty() {
            true => Answer::default(),
            // Why not is not repeated: the answer may hold a token.
            false => wire::from_slice::<Answer>(&body).map_err(|_| {
                let reason = "it is not a JSON object".to_owned();
                Error::Decode(DecodeError { call: call.label(), reason })
            })?,
        };
        Ok(LoggedIn {
            status: answer.status.unwrap_or_default(),
            identity_token: answer.identity_token.filter(|token| !token.expose().is_empty()),
        })
    }
}

verb!(Login, transport => Result<LoggedIn, Error>);
