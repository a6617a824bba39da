//! Random zones against a look-up written straight from RFC 1034 §4.3.2 and RFC 4592 §3.3: no index, no
//! tree, every step a walk over all records.

use std::collections::HashSet;

use proptest::prelude::*;
use wire::{Name, Rtype};
use zones::{Zone, ZoneRecord};

use crate::support::{Response, ask, name, parse, text};

struct Oracle<'z> {
    apex: Name,
    records: Vec<(Name, ZoneRecord<'z>)>,
}

impl<'z> Oracle<'z> {
    fn of(zone: &'z Zone) -> Self {
        let mut seen = HashSet::new();
        let once = zone.records().filter(|it| seen.insert(text(*it)));
        let records = once.map(|it| (Name::from_wire(it.owner).unwrap(), it)).collect();
        Self { apex: zone.apex().clone(), records }
    }

    fn at(&self, owner: &Name, rtype: Rtype) -> Vec<ZoneRecord<'z>> {
        let here = self.records.iter().filter(|(name, it)| name == owner && it.rtype == rtype);
        here.map(|(_, it)| *it).collect()
    }

    fn exists(&self, owner: &Name) -> bool {
        self.records.iter().any(|(name, _)| name.is_at_or_below(owner))
    }

    fn soa(&self, response: &mut Response) {
        let mut soa = self.at(&self.apex, Rtype::SOA)[0];
        let minimum = u32::from_be_bytes(soa.rdata[soa.rdata.len() - 4..].try_into().unwrap());
        soa.ttl = soa.ttl.min(minimum);
        response.sections[1].push(text(soa));
    }

    fn addresses(&self, records: &[ZoneRecord<'_>], response: &mut Response) {
        for record in records {
            let target = match record.rtype {
                Rtype::NS => record.rdata,
                Rtype::MX => &record.rdata[2..],
                _ => continue,
            };
            let target = Name::from_wire(target).unwrap();
            for rtype in [Rtype::A, Rtype::AAAA] {
                response.sections[2].extend(self.at(&target, rtype).into_iter().map(text));
            }
        }
        response.sections[2].sort();
        response.sections[2].dedup();
    }

    /// The answer; none if names go in a circle, where an end is a matter of taste.
    fn answer(&self, qname: &Name, qtype: Rtype) -> Option<Response> {
        let mut response = Response { rcode: "NOERROR".into(), authoritative: true, ..Response::default() };
        let mut name = qname.clone();
        let mut visited = Vec::new();
        loop {
            if visited.contains(&name) || visited.len() > 8 {
                return None;
            }
            visited.push(name.clone());
            match self.step(&name, qtype, &mut response) {
                Some(next) if next.is_at_or_below(&self.apex) => name = next,
                _ => break,
            }
        }
        response.sections.iter_mut().for_each(|section| section.sort());
        response.sections[0].dedup();
        Some(response)
    }

    /// One round of the algorithm; returns the name to start again with.
    fn step(&self, name: &Name, qtype: Rtype, response: &mut Response) -> Option<Name> {
        let mut path: Vec<Name> = std::iter::successors(Some(name.clone()), Name::parent)
            .take_while(|above| *above != self.apex)
            .collect();
        path.push(self.apex.clone());
        // "Start matching down, label by label, in the zone."
        for node in path.iter().rev() {
            let servers = self.at(node, Rtype::NS);
            let asks_parent = node == name && qtype == Rtype::DS;
            if *node != self.apex && !servers.is_empty() && !asks_parent {
                response.authoritative = !response.sections[0].is_empty();
                response.sections[1].extend(servers.iter().copied().map(text));
                self.addresses(&servers, response);
                return None;
            }
            if let ([dname], true) = (&self.at(node, Rtype::DNAME)[..], node != name) {
                return self.rename(name, node, dname, response);
            }
        }
        let closest = path.iter().find(|above| self.exists(above)).unwrap();
        let source = if closest == name { name.clone() } else { closest.child(b"*").unwrap() };
        if !self.exists(&source) {
            response.rcode = "NXDOMAIN".into();
            self.soa(response);
            return None;
        }
        let wanted = match qtype {
            Rtype::ANY => {
                self.records.iter().filter(|(owner, _)| *owner == source).map(|(_, it)| it.rtype).min()
            }
            _ => Some(qtype),
        };
        let synthesize = |it: ZoneRecord<'_>| text(ZoneRecord { owner: name.as_wire(), ..it });
        let alias = self.at(&source, Rtype::CNAME);
        if let ([alias], true) = (&alias[..], wanted != Some(Rtype::CNAME)) {
            response.sections[0].push(synthesize(*alias));
            return Name::from_wire(alias.rdata).ok();
        }
        let found = wanted.map(|wanted| self.at(&source, wanted)).unwrap_or_default();
        response.sections[0].extend(found.iter().copied().map(synthesize));
        if found.is_empty() {
            self.soa(response)
        } else {
            self.addresses(&found, response)
        }
        None
    }

    fn rename(
        &self,
        name: &Name,
        owner: &Name,
        dname: &ZoneRecord<'_>,
        response: &mut Response,
    ) -> Option<Name> {
        response.sections[0].push(text(*dname));
        let prefix = &name.as_wire()[..name.as_wire().len() - owner.as_wire().len()];
        let next = Name::from_wire(&[prefix, dname.rdata].concat()).unwrap();
        let cname =
            ZoneRecord { owner: name.as_wire(), rtype: Rtype::CNAME, rdata: next.as_wire(), ..*dname };
        response.sections[0].push(text(cname));
        Some(next)
    }
}

/// A name below `z.` of few labels, so that names meet often.
fn a_name() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("C"), Just("*")], 1..4)
        .prop_map(|labels| labels.join(".") + ".z.")
}

#[derive(Clone, Debug)]
enum Data {
    Own(&'static str),
    Alias(String),
    Mail(String),
    Cut { glue: bool, signed: bool },
    Rename(String),
}

fn a_record() -> impl Strategy<Value = (String, Data)> {
    let data = prop_oneof![
        4 => prop_oneof![Just("A 192.0.2.1"), Just("A 192.0.2.2"), Just("TXT \"t\""), Just("AAAA 2001:db8::1")].prop_map(Data::Own),
        3 => prop_oneof![4 => a_name(), 1 => Just("www.elsewhere.".to_owned())].prop_map(Data::Alias),
        1 => a_name().prop_map(Data::Mail),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(glue, signed)| Data::Cut { glue, signed }),
        1 => a_name().prop_map(Data::Rename),
    ];
    (a_name(), data)
}

/// Writes a zone of what can stand together; what could not is left out.
fn zone(records: &[(String, Data)]) -> String {
    let mut zone = "$TTL 60\nz. SOA ns.z. admin.z. 1 2 3 4 30\nz. NS ns.z.\nns.z. A 192.0.2.53\n".to_owned();
    for (owner, data) in records {
        let wildcard = owner.contains('*');
        let lines = match data {
            Data::Own(data) => format!("{owner} {data}\n"),
            Data::Alias(target) => format!("{owner} CNAME {target}\n"),
            Data::Mail(target) => format!("{owner} MX 1 {target}\n"),
            Data::Rename(target) if !wildcard => format!("{owner} 20 DNAME {target}\n"),
            Data::Cut { glue, signed } if !wildcard => {
                let signed = if *signed { format!("{owner} DS 1 13 2 00ff\n") } else { String::new() };
                let server = if *glue { format!("g.{owner}") } else { "ns.z.".to_owned() };
                let glue = if *glue { format!("{server} A 192.0.2.7\n") } else { String::new() };
                format!("{owner} NS {server}\n{glue}{signed}")
            }
            _ => continue,
        };
        let grown = format!("{zone}{lines}");
        let problems = parse(&grown, "z.").check();
        if problems.iter().all(|problem| problem.severity != zones::Severity::Error) {
            zone = grown;
        }
    }
    zone
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_the_oracles(
        records in proptest::collection::vec(a_record(), 1..14),
        questions in proptest::collection::vec(a_name(), 24),
    ) {
        let text = zone(&records);
        let zone = parse(&text, "z.");
        let (compiled, _) = zone.compile().unwrap();
        let oracle = Oracle::of(&zone);
        let owners = records.iter().map(|(owner, _)| owner.clone());
        let apex = ["z.".to_owned(), "g.a.z.".to_owned()];
        for qname in questions.iter().cloned().chain(owners).chain(apex) {
            for qtype in ["A", "AAAA", "TXT", "MX", "NS", "CNAME", "DNAME", "DS", "SOA", "ANY"] {
                let (qname, qtype) = (name(&qname), qtype.parse().unwrap());
                if let Some(mut want) = oracle.answer(&qname, qtype) {
                    let got = ask(&compiled, &qname, qtype);
                    want.sections[2].dedup();
                    prop_assert_eq!(got, want, "{} {} in\n{}", qname, qtype, text);
                }
            }
        }
    }

    /// Written out and read again, a zone is the same.
    #[test]
    fn zones_round_trip(records in proptest::collection::vec(a_record(), 1..14)) {
        let zone = parse(&zone(&records), "z.");
        let again = parse(&zone.to_string(), "z.");
        prop_assert_eq!(zone.to_string(), again.to_string());
        let digest = |zone: &Zone| zone.compile().unwrap().0.digest();
        prop_assert_eq!(digest(&zone), digest(&again));
    }
}
