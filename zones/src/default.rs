//! The zones of the default world: root, `.com` and the shop, each a plain master file. Every address of
//! a server in them is a loopback one, `127.0.x.y`; nothing else has `127.0.` in it, so that another
//! /16 can be written in its place.

/// The apex of each zone, and its master file.
pub const DEFAULT: &[(&str, &str)] = &[
    (".", include_str!("../default/root.zone")),
    ("com.", include_str!("../default/com.zone")),
    ("yourcompany.com.", include_str!("../default/yourcompany.com.zone")),
    ("vip.yourcompany.com.", include_str!("../default/vip.yourcompany.com.zone")),
];

/// The root hints: names and addresses of the root's servers, in the same format.
pub const ROOT_HINTS: &str = include_str!("../default/root.hints");
