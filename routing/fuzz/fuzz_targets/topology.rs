//! Any text is a topology or a list of problems; and of what is a topology, all ids lead somewhere.

#![no_main]

use std::sync::Arc;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use routing::{Event, Simulation, Topology};

fuzz_target!(|text: &str| {
    match Topology::parse(text, "fuzz") {
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert!(problems.0.iter().all(|problem| problem.line <= 1 + text.matches('\n').count()));
        }
        Ok(topology) => {
            for (id, slb) in topology.slbs().entries() {
                let _ = (topology.region_of(id), &topology.vpcs()[slb.vpc]);
                for address in &slb.addresses {
                    assert!(topology.prefixes()[address.prefix].cidr.contains(&address.address));
                }
            }
            for service in topology.services().iter() {
                assert!(!service.slbs.is_empty() && service.regions.len() == topology.regions().len());
            }
            let mut simulation = Simulation::new(Arc::new(topology), Timestamp::UNIX_EPOCH);
            let all = Event::Withdraw { router: None, carrier: None, prefix: None };
            simulation.apply(&all, Timestamp::UNIX_EPOCH);
        }
    }
});
