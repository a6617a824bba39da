use std::net::IpAddr;

use super::*;

fn default() -> Topology {
    Topology::parse(DEFAULT_TOPOLOGY, "default").unwrap_or_else(|problems| panic!("{problems}"))
}

/// The contract of the default world: who announces which prefix to whom.
#[test]
fn every_line_of_every_region_has_its_prefixes() {
    let t = default();
    let regions = [("cn-east", "Shanghai"), ("cn-north", "Beijing"), ("cn-south", "Guangzhou")];
    let lines = [("telecom", 4134, 1), ("unicom", 4837, 2), ("mobile", 9808, 1), ("edu", 4538, 2)];
    assert_eq!(t.asn(), 65001);
    assert_eq!((t.regions().len(), t.carriers().len(), t.prefixes().len()), (3, 4, 24));
    for (r, (region, city)) in regions.into_iter().enumerate() {
        assert_eq!(
            (&*t.regions()[RegionId::from_index(r)].name, &*t.regions()[RegionId::from_index(r)].city),
            (region, city)
        );
        for (l, (line, asn, router)) in lines.into_iter().enumerate() {
            assert_eq!(t.carriers()[CarrierId::from_index(l)].asn, asn);
            let n = 16 * r + l;
            let v6: ipnet::Ipv6Net = format!("2001:2:0:{n:x}::/64").parse().unwrap();
            for cidr in [format!("198.18.{n}.0/24"), v6.to_string()] {
                let prefix = &t.prefixes()[t.prefixes().find(&cidr).unwrap()];
                assert_eq!(&*prefix.line, line);
                let [hop] = prefix.announcements[..] else { panic!("{cidr} has one session") };
                let session = &t.sessions()[hop.session];
                assert_eq!(&*t.carriers()[session.carrier].name, line);
                assert_eq!(&*t.routers()[session.router].name, format!("{region}-br{router}"));
                assert_eq!(hop.prepend, 0);
            }
        }
    }
}

#[test]
fn every_slb_has_an_address_of_each_family_on_each_line() {
    let t = default();
    for (id, slb) in t.slbs().entries() {
        let mut lines: Vec<_> = slb
            .addresses
            .iter()
            .map(|address| {
                let prefix = &t.prefixes()[address.prefix];
                assert!(prefix.cidr.contains(&address.address));
                assert_eq!(address.address.is_ipv4(), address.inside.is_ipv4());
                assert!(t.subnets()[slb.subnet].cidrs.iter().any(|net| net.contains(&address.inside)));
                (&*prefix.line, address.address.is_ipv4())
            })
            .collect();
        lines.sort_unstable();
        let expected = ["edu", "mobile", "telecom", "unicom"].map(|line| [(line, false), (line, true)]);
        assert_eq!(lines, expected.concat(), "{}", slb.name);
        assert_eq!(t.region_of(id), t.zones()[t.gateways()[slb.gateway].zone].region);
    }
    let first = &t.slbs()[t.slbs().find("cn-east-slb1").unwrap()];
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let has = |text| first.addresses.iter().any(|a| a.address == address(text));
    assert!(has("198.18.0.11") && has("2001:2::b") && has("198.18.3.11") && has("2001:2:0:3::b"));
    assert_eq!(first.addresses[0].inside, address("10.0.1.11"));
}

#[test]
fn services_stand_on_their_kind_in_every_zone() {
    let t = default();
    for (name, kind, per_zone) in
        [("www.vip.yourcompany.com", "slb", 2), ("img.vip.yourcompany.com", "edge", 1)]
    {
        let service = &t.services()[t.services().find(name).unwrap()];
        assert_eq!((service.answers, service.ttl), (3, 10));
        assert!(service.regions.iter().copied().eq(t.regions().ids()));
        for zone in t.zones().ids() {
            let here = service.slbs.iter().filter(|slb| t.slbs()[**slb].zone == zone);
            assert_eq!(here.count(), per_zone);
        }
        assert!(service.slbs.iter().all(|slb| *t.slbs()[*slb].kind == *kind));
    }
    assert_eq!(t.services().len(), 2);
}

#[test]
fn every_asn_of_a_carrier_leads_to_it() {
    let t = default();
    for (id, carrier) in t.carriers().entries() {
        assert_eq!(carrier.asns[0], carrier.asn);
        assert!(carrier.asns.iter().all(|asn| t.carrier_of_asn(*asn) == Some(id)));
    }
    assert_eq!(t.carrier_of_asn(65001), None);
}

#[test]
fn the_digest_is_of_the_content() {
    let digest = |text: &str| Topology::parse(text, "t").unwrap().digest();
    let base = digest(DEFAULT_TOPOLOGY);
    assert_eq!(digest(&DEFAULT_TOPOLOGY.replace("asn = 65001", "# ours\nasn   = 65001")), base);
    assert_eq!(digest(&DEFAULT_TOPOLOGY.replace(r#"kind = "slb", answers = 3"#, r#"kind = "slb""#)), base);
    let over = r#"over = ["cn-east-br1-telecom"]"#;
    let prepended = format!("{over}, prepend = {{ \"cn-east-br1-telecom\" = 2 }}");
    for (old, new) in [
        ("asn = 65001", "asn = 65002"),
        ("lat = 31.2304", "lat = 31.2305"),
        ("host = 11,", "host = 99,"),
        (over, &prepended),
        (over, &prepended.replace("= 2", "= 3")),
    ] {
        assert_ne!(digest(&DEFAULT_TOPOLOGY.replace(old, new)), base, "{new}");
    }
}

#[test]
fn a_service_may_name_its_slbs_and_regions() {
    let text = DEFAULT_TOPOLOGY.replace(
        r#"kind = "slb", answers = 3, ttl = 10, regions = ["cn-east", "cn-north", "cn-south"]"#,
        r#"slbs = ["cn-*-slb1", "cn-south-edge*"], regions = ["cn-south"]"#,
    );
    let t = Topology::parse(&text, "t").unwrap();
    let service = &t.services()[t.services().find("www.vip.yourcompany.com").unwrap()];
    let slbs: Vec<_> = service.slbs.iter().map(|slb| &*t.slbs()[*slb].name).collect();
    assert_eq!(slbs.len(), 6);
    assert_eq!(slbs[..4], ["cn-east-slb1", "cn-north-slb1", "cn-south-slb1", "cn-south-edge1"]);
    let regions: Vec<_> = service.regions.iter().map(|region| &*t.regions()[*region].name).collect();
    assert_eq!(regions, ["cn-south", "cn-east", "cn-north"]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_without_a_line() {
    let problems = Topology::load(std::path::Path::new("/nonexistent/t.toml")).unwrap_err();
    let text = problems.to_string();
    assert!(text.starts_with("/nonexistent/t.toml: cannot be read: No such file"), "{text}");
    assert_eq!(problems.0[0].line, 0);
}
