//! Any message is read to its end or to its first error; what was read is whole, and says the same when it
//! is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{Message, Name};

fuzz_target!(|packet: &[u8]| {
    let Ok(message) = Message::parse(packet) else { return };
    let announced: usize = message.counts().map(usize::from).iter().sum();
    let mut wire = packet[..12].to_vec();
    if let Some((name, rtype, class)) = &message.question {
        assert_eq!(name.to_string().parse().as_ref(), Ok(name));
        wire.extend(name.as_wire());
        wire.extend([rtype.0, class.0].map(u16::to_be_bytes).concat());
    }
    let mut read = Vec::new();
    for record in message.records() {
        let Ok((section, record)) = record else { break };
        assert_eq!(Name::from_wire(record.owner.as_wire()).as_ref(), Ok(&record.owner));
        if let Some(target) = record.target() {
            assert!(record.rdata.starts_with(target.as_wire()));
        }
        // Names that were compressed can make RDATA longer than its length field can say.
        let Ok(length) = u16::try_from(record.rdata.len()) else { return };
        wire.extend(record.owner.as_wire());
        wire.extend([record.rtype.0, record.class.0].map(u16::to_be_bytes).concat());
        wire.extend(record.ttl.to_be_bytes());
        wire.extend(length.to_be_bytes());
        wire.extend(&record.rdata);
        read.push((section, record));
    }
    assert!(read.len() <= announced);
    let again = Message::parse(&wire).expect("written from what was read");
    let again: Vec<_> = again.records().take(read.len()).map(|record| record.expect("as before")).collect();
    assert_eq!(again, read);
});
