//! Containers for tests: when they are ready, where they are reached, why they did not start.

mod addr;
mod ready;
mod story;

pub use addr::{Addresses, ContainerPort, Family, HostPort, NoAddress, NoAddressReason};
pub use ready::{NotReady, NotReadyCause, NotYet, Readiness, Ready, Subject, Waited};
pub use story::{Attempt, StartCause, StartError, StartPhase, Story};
