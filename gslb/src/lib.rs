//! gslb
