//! authoritative
