//! Whatever servers answer, the iterator ends, within its limits.
//!
//! The input is cut into pieces of two octets of length and as many more; each becomes the answer to the
//! next packet: its id and question are the packet's own, flags, counts and records are the input's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use local_dns::cache::{NameServer, Records};
use local_dns::clock::Moment;
use local_dns::iterator::{Action, Event, Families, Iteration, Limits, Servers, World};
use rand::SeedableRng;
use rand::rngs::StdRng;
use wire::{Name, Rtype};

fuzz_target!(|input: &[u8]| {
    let hints = vec![NameServer { name: Name::root(), addresses: vec![[192, 0, 2, 1].into()] }];
    let (records, servers, limits) = (Records::new(1 << 20, hints), Servers::new(), Limits::default());
    let mut rng = StdRng::seed_from_u64(1);
    let mut now = Moment::from_millis(1000);
    let mut rest = input;
    let name: Name = match "www.example.com.".parse() {
        Ok(name) => name,
        Err(_) => return,
    };
    let mut iteration = Iteration::new(name, Rtype::A, now.plus_secs(10));
    let mut step = |iteration: &mut Iteration, now, event: Event<'_>| {
        let families = Families { v4: true, v6: true };
        let mut world =
            World { records: &records, servers: &servers, limits: &limits, families, now, rng: &mut rng };
        iteration.step(event, &mut world)
    };
    let mut action = step(&mut iteration, now, Event::Start);
    let mut packet = Vec::new();
    loop {
        now = now + std::time::Duration::from_millis(10);
        match action {
            Action::Done(resolution) => {
                assert!(resolution.answer.len() <= limits.restarts + 1);
                assert!(iteration.packets() <= limits.packets);
                return;
            }
            Action::Ask { packet: asked, .. } => packet = asked,
            Action::Wait => {}
        }
        let piece = rest.split_first_chunk::<2>().and_then(|(length, tail)| {
            tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        action = match piece {
            Some((piece, tail)) => {
                rest = tail;
                let answer = answer(&packet, piece);
                step(&mut iteration, now, Event::Response(&answer))
            }
            None => step(&mut iteration, now, Event::Timeout),
        };
    }
});

/// An answer to `packet` with the flags, counts and records of `piece`.
fn answer(packet: &[u8], piece: &[u8]) -> Vec<u8> {
    let Some((head, records)) = piece.split_at_checked(8) else { return piece.to_vec() };
    let question = 12 + packet[12..].iter().position(|&octet| octet == 0).unwrap_or(0) + 5;
    let mut answer = packet[..question].to_vec();
    answer[2] = head[0] | 0x80;
    answer[3] = head[1];
    answer[6..12].copy_from_slice(&head[2..8]);
    answer.extend_from_slice(records);
    answer
}
