//! A `tracing` subscriber that writes down all it is told.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// What was told on this thread while it lives, a line each.
pub struct Watch {
    told: Arc<Mutex<Told>>,
    _guard: DefaultGuard,
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    /// How many handles each span has, the first at 0.
    spans: Vec<usize>,
}

impl Watch {
    pub fn new() -> Watch {
        let told = Arc::<Mutex<Told>>::default();
        let guard = tracing::subscriber::set_default(Scribe(told.clone()));
        Watch { told, _guard: guard }
    }

    /// All lines so far, times left out: "span 1 call method=GET …", "1: status=200", "1 closed",
    /// "DEBUG connection dialled …".
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().lines.clone()
    }
}

struct Scribe(Arc<Mutex<Told>>);

/// Fields as text.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "elapsed_ms" => write!(self.0, " elapsed_ms=…"),
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        }
        .unwrap();
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut told = self.0.lock().unwrap();
        told.spans.push(1);
        let id = told.spans.len();
        let (level, name) = (attributes.metadata().level(), attributes.metadata().name());
        let mut text = Text(format!("span {id} {level} {name}"));
        attributes.record(&mut text);
        told.lines.push(text.0);
        Id::from_u64(id as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut text = Text(format!("{}:", id.into_u64()));
        values.record(&mut text);
        self.0.lock().unwrap().lines.push(text.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut text = Text(format!("{} {}:", metadata.level(), metadata.target()));
        event.record(&mut text);
        self.0.lock().unwrap().lines.push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn clone_span(&self, id: &Id) -> Id {
        self.0.lock().unwrap().spans[id.into_u64() as usize - 1] += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut told = self.0.lock().unwrap();
        let handles = &mut told.spans[id.into_u64() as usize - 1];
        *handles -= 1;
        let closed = *handles == 0;
        if closed {
            told.lines.push(format!("{} closed", id.into_u64()));
        }
        closed
    }
}
