//! What a compiled zone answers: scenarios that quote their RFC, and a naive oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod oracle;
mod scenarios;
mod support;
