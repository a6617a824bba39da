//! Black-box tests of the suite live in `tests/tests/`; this crate holds what they share.
