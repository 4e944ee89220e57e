//! Telling a process how large its terminal is.

use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind `resize`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Resize {
    transport: Transport,
    call: Call,
    /// `None` where nobody has looked yet.
    tty: Option<bool>,
    rows: u16,
    cols: u16,
}

impl Resize {
    pub(super) fn new(
        transport: Transport,
        call: Call,
        tty: Option<bool>,
        (rows, cols): (u16, u16),
    ) -> Resize {
        Resize { transport, call, tty, rows, cols }
    }

    fn call(&self) -> Result<Call, Error> {
        if self.tty == Some(false) {
            let rule = "needs a terminal: say `tty` where the process is described";
            return Err(Error::invalid("size", format!("{}x{}", self.rows, self.cols), rule));
        }
        Ok(self.call.clone().arg("h", self.rows).arg("w", self.cols))
    }

    async fn run(self) -> Result<(), Error> {
        self.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(Resize, transport => Result<(), Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Host, Timeouts};

    #[test]
    fn rows_come_first_and_a_terminal_is_needed() {
        let host = Host::parse("engine", "tcp://engine:1").unwrap();
        let transport = Transport::new(host, "a test".into(), Timeouts::default(), None).unwrap();
        let resize = |tty| {
            Resize::new(transport.clone(), Call::post(&["exec", "e", "resize"]), tty, (24, 80))
                .call()
                .map(|call| call.path + call.query.as_str())
                .map_err(|e| e.to_string())
        };
        assert_eq!(resize(None).unwrap(), "/exec/e/resize?h=24&w=80");
        assert_eq!(resize(Some(true)), resize(None));
        assert_eq!(
            resize(Some(false)).unwrap_err(),
            "size \"24x80\" needs a terminal: say `tty` where the process is described"
        );
    }
}
