//! The stack of questions: the asker's own at the bottom; above it, one inside another, questions for
//! the addresses of name servers that came without glue, and the priming query.

use std::time::Duration;

use rand::RngExt;
use serve::Transport;
use wire::{Ask, Name, Rtype};

use super::frame::{Frame, Purpose, State};
use super::response::{self, Asked, Reading};
use super::{Action, Event, Failure, Resolution, World};
use crate::clock::Moment;

/// Tries after which another name server's address is looked up rather than the same server asked again.
const PATIENCE: u8 = 2;
/// How long an exchange over TCP may take, in round trips' RTO, and its bounds.
const TCP_RTOS: u32 = 4;
const TCP_MIN: Duration = Duration::from_millis(1000);
const TCP_MAX: Duration = Duration::from_millis(3000);

/// The packet that an answer is waited for.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    candidate: usize,
    id: u16,
    edns: bool,
    transport: Transport,
    sent: Moment,
}

/// What the question on top of the stack wants.
enum Next {
    Ask(usize),
    Push(Frame),
    Done(Resolution),
}

/// One question on its way to the answer.
#[derive(Debug)]
pub struct Iteration {
    frames: Vec<Frame>,
    waiting: Option<Waiting>,
    deadline: Moment,
    packets: u32,
    address_lookups: u32,
}

impl Iteration {
    /// A question, not yet begun; `deadline` is when it has failed.
    pub fn new(name: Name, rtype: Rtype, deadline: Moment) -> Self {
        let frames = vec![Frame::new(name, rtype)];
        Self { frames, waiting: None, deadline, packets: 0, address_lookups: 0 }
    }

    /// Packets that were sent upstream so far.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Takes one step. The first event is [`Event::Start`]; after [`Action::Done`] there is no other.
    pub fn step(&mut self, event: Event<'_>, world: &mut World<'_>) -> Action {
        if let Some(waiting) = self.waiting.take()
            && !self.take(event, waiting, world)
        {
            self.waiting = Some(waiting);
            return Action::Wait;
        }
        self.advance(world)
    }

    /// Takes what happened to the packet under way; false where that still is.
    fn take(&mut self, event: Event<'_>, waiting: Waiting, world: &mut World<'_>) -> bool {
        let Some(frame) = self.frames.last_mut() else { return true };
        let candidate = &mut frame.candidates[waiting.candidate];
        let tcp = waiting.transport == Transport::Tcp;
        match event {
            Event::Start => return false,
            Event::Response(packet) => return hear(frame, packet, waiting, world),
            Event::Timeout => candidate.out |= tcp,
            Event::Unreachable => candidate.out = true,
            Event::Unsent => {
                candidate.out = true;
                return true;
            }
        }
        world.servers.lost(candidate.server, waiting.sent, world.now);
        true
    }

    /// Goes on until a packet must be sent or the bottom question has ended.
    fn advance(&mut self, world: &mut World<'_>) -> Action {
        loop {
            if world.now >= self.deadline {
                return self.give_up(Failure::Deadline);
            }
            let done = match self.next(world) {
                Next::Ask(_) if self.packets >= world.limits.packets => {
                    return self.give_up(Failure::TooMuchWork);
                }
                Next::Ask(candidate) => return self.ask(candidate, world),
                Next::Push(frame) => {
                    self.frames.push(frame);
                    continue;
                }
                Next::Done(resolution) => resolution,
            };
            match (self.frames.pop(), self.frames.last_mut()) {
                (Some(above), Some(frame)) if above.purpose == Purpose::Resolve => {
                    frame.take_addresses((&above.question, &done), world);
                }
                (Some(_), Some(_)) => {}
                _ => return Action::Done(done),
            }
        }
    }

    fn give_up(&mut self, failure: Failure) -> Action {
        self.frames.clear();
        Action::Done(Resolution::failed(failure))
    }

    fn next(&mut self, world: &mut World<'_>) -> Next {
        loop {
            let Some(frame) = self.frames.last_mut() else {
                return Next::Done(Resolution::failed(Failure::NoServer));
            };
            match &mut frame.state {
                State::Finished(resolution) => return Next::Done(std::mem::take(resolution)),
                State::Asking(_) => return self.next_server(world),
                State::Begin => {}
            }
            frame.follow_cache(world);
            if matches!(frame.state, State::Finished(_)) {
                continue;
            }
            // The DS of a zone is its parent's to answer (RFC 4035 §3.1.4.1).
            let parent = if frame.rtype == Rtype::DS { frame.name.parent() } else { None };
            let below = parent.as_ref().unwrap_or(&frame.name).folded();
            match world.records.closest(&below, world.now) {
                Some(cut) => frame.enter(cut, world),
                None if world.records.may_prime(world.now) => return Next::Push(Frame::priming(world)),
                None => frame.enter(world.records.root(), world),
            }
        }
    }

    /// Whom to ask next, or whose address to look up first.
    fn next_server(&mut self, world: &mut World<'_>) -> Next {
        let depth = self.frames.len();
        let Some(frame) = self.frames.last_mut() else {
            return Next::Done(Resolution::failed(Failure::NoServer));
        };
        let choice = frame.choose(world);
        let tired = choice.is_none_or(|index| frame.candidates[index].tries >= PATIENCE);
        let may = depth <= world.limits.depth && self.address_lookups < world.limits.address_lookups;
        if tired && may {
            let mut unresolved = std::mem::take(&mut frame.unresolved);
            let circular = |(name, rtype): &(Name, Rtype)| {
                let same = |frame: &Frame| frame.question == *name || frame.name == *name;
                self.frames.iter().any(|frame| frame.rtype == *rtype && same(frame))
            };
            unresolved.retain(|wanted| !circular(wanted));
            let wanted = unresolved.pop();
            if let Some(frame) = self.frames.last_mut() {
                frame.unresolved = unresolved;
            }
            if let Some((name, rtype)) = wanted {
                self.address_lookups += 1;
                return Next::Push(Frame::new(name, rtype));
            }
        }
        match choice {
            Some(candidate) => Next::Ask(candidate),
            None => Next::Done(Resolution::failed(Failure::NoServer)),
        }
    }

    fn ask(&mut self, index: usize, world: &mut World<'_>) -> Action {
        let Some(frame) = self.frames.last_mut() else { return self.give_up(Failure::NoServer) };
        let candidate = &mut frame.candidates[index];
        let stat = world.servers.stat(candidate.server);
        let (transport, timeout) = match candidate.tcp {
            true => (Transport::Tcp, (stat.rto() * TCP_RTOS).clamp(TCP_MIN, TCP_MAX)),
            false => (Transport::Udp, stat.rto()),
        };
        candidate.tries += 1;
        self.packets += 1;
        let (id, edns, sent) = (world.rng.random(), !stat.is_plain(world.now), world.now);
        self.waiting = Some(Waiting { candidate: index, id, edns, transport, sent });
        let mut packet = Vec::with_capacity(64);
        Ask { edns, ..Ask::new(id, &frame.name, frame.rtype) }.write(&mut packet);
        let timeout = timeout.min(self.deadline.since(world.now));
        Action::Ask { server: candidate.server, transport, packet, timeout }
    }
}

/// Takes a packet to the question on top; false where it is not the answer.
fn hear(frame: &mut Frame, packet: &[u8], waiting: Waiting, world: &mut World<'_>) -> bool {
    let State::Asking(cut) = &frame.state else { return true };
    let root = cut.zone.is_root();
    let asked = Asked {
        id: waiting.id,
        name: &frame.name,
        rtype: frame.rtype,
        edns: waiting.edns,
        zone: &cut.zone,
        zone_expires: (!root).then_some(cut.expires),
    };
    let reading = response::read(packet, &asked, world.now, world.limits);
    let candidate = &mut frame.candidates[waiting.candidate];
    let udp = waiting.transport == Transport::Udp;
    if reading == Reading::NotOurs && udp {
        return false;
    }
    if udp {
        world.servers.answered(candidate.server, world.now.since(waiting.sent), world.now);
    }
    match reading {
        Reading::Truncated if udp => {
            candidate.tcp = true;
            frame.again = Some(waiting.candidate);
        }
        Reading::NotOurs | Reading::Truncated | Reading::Lame => candidate.out = true,
        Reading::NoEdns => {
            world.servers.set_plain(candidate.server, world.now);
            frame.again = Some(waiting.candidate);
        }
        Reading::Referral(_) if frame.purpose == Purpose::Priming => candidate.out = true,
        Reading::Answer { .. } if frame.purpose == Purpose::Priming => prime(frame, packet, world),
        Reading::Answer { chain, authoritative } => frame.answered(chain, authoritative, world),
        Reading::Alias { chain, authoritative, target } => {
            frame.aliased(chain, authoritative, target, world);
        }
        Reading::Negative { chain, authoritative, name, nx_domain, soa } => {
            frame.denied((chain, authoritative), (&name, nx_domain), soa, world);
        }
        Reading::Referral(delegation) => {
            let delegation = std::sync::Arc::new(delegation);
            world.records.put_delegation(delegation.clone(), world.now);
            frame.enter(delegation, world);
        }
    }
    true
}

/// Takes the root's servers; one whose address did not come along keeps the one that was known.
fn prime(frame: &mut Frame, packet: &[u8], world: &World<'_>) {
    let known = world.records.root();
    let Some(mut root) = response::read_priming(packet, world.now, world.limits) else {
        return frame.fail(Failure::NoServer);
    };
    for server in root.servers.iter_mut().filter(|server| server.addresses.is_empty()) {
        if let Some(old) = known.servers.iter().find(|old| old.name == server.name) {
            server.addresses.clone_from(&old.addresses);
        }
    }
    // Names alone are of no use: the servers that just answered are.
    if root.servers.iter().all(|server| server.addresses.is_empty()) {
        root.servers.clone_from(&known.servers);
    }
    world.records.set_root(root);
    frame.state = State::Finished(Resolution::default());
}
