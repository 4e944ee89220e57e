//! What the container's own health check says.

use super::probe::{NotYet, Readiness};
use super::until::Subject;

/// A health check that says "healthy".
#[derive(Debug, Clone)]
pub(super) struct Healthy;

impl Readiness for Healthy {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        let details = on.container().inspect().await?;
        let health = details.state.health.unwrap_or_default();
        let last = health.log.last();
        let said = last.map(|c| format!(", exit code {}\n{}", c.exit_code, c.output));
        let said = said.unwrap_or_default();
        match &*health.status {
            "healthy" => Ok(()),
            "" | "none" => Err(NotYet::never("it has no health check")),
            "unhealthy" => {
                let streak = health.failing_streak;
                Err(NotYet::never(format!("it is unhealthy, {streak} checks in a row{said}")))
            }
            other => Err(NotYet::new(format!("{other}{said}"))),
        }
    }

    fn describe(&self) -> String {
        "healthy".to_owned()
    }
}
