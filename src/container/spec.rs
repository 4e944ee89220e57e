//! stub
use crate::error::Error;
use crate::wire::Call;
/// s
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    image: String,
    cmd: Vec<String>,
    rm: bool,
}
impl ContainerSpec {
    /// s
    pub fn new(i: impl Into<String>) -> Self {
        Self { image: i.into(), cmd: vec![], rm: false }
    }
    /// s
    pub fn cmd<S: Into<String>>(mut self, c: impl IntoIterator<Item = S>) -> Self {
        self.cmd = c.into_iter().map(Into::into).collect();
        self
    }
    /// s
    pub fn rm(mut self) -> Self {
        self.rm = true;
        self
    }
    pub(crate) fn call(&self) -> Result<Call, Error> {
        Ok(Call::post(&["containers","create"]).json(&serde_json::json!({"Image":self.image,"Cmd":self.cmd,"HostConfig":{"AutoRemove":self.rm}})))
    }
    pub(crate) fn is_tty(&self) -> bool {
        false
    }
    pub(crate) fn is_auto_remove(&self) -> bool {
        self.rm
    }
    pub(crate) fn opens_stdin(&self) -> bool {
        false
    }
}
