use super::*;

#[test]
fn the_default_topology_keeps_every_rule() {
    let t = Topology::parse(DEFAULT_TOPOLOGY, "topology.toml").unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(t.prefixes().len(), 24);
}
