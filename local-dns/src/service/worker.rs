//! The fast path: what a worker answers by itself.

use std::sync::Arc;

use serve::{Answer, Client, Outcome};
use wire::{Class, Name, Owner, Query, Rcode, Reply, Rtype, Section, Template, TemplateBuilder};

use super::Resolver;
use super::metrics::WorkerHits;
use crate::cache::{AnswerKey, FirstLevel};

/// How long the stand-in for ANY may be kept, in seconds.
const ANY_TTL: u32 = 3600;

/// One worker: its own first level of answers before the shared ones.
pub struct Worker {
    resolver: Arc<Resolver>,
    first: FirstLevel,
    hits: Arc<WorkerHits>,
    any: Template,
}

impl Worker {
    pub(super) fn new(resolver: Arc<Resolver>, slots: usize) -> Self {
        let hits = resolver.metrics.worker();
        Self { resolver, first: FirstLevel::new(slots), hits, any: any() }
    }
}

/// RFC 8482 §4.2: one HINFO record stands for all.
fn any() -> Template {
    let mut builder = TemplateBuilder::new(&Name::root());
    let pushed = builder.push(Section::Answer, Owner::Question, Rtype::HINFO, ANY_TTL, b"\x07RFC8482\x00");
    debug_assert_eq!(pushed, Ok(()));
    builder.finish()
}

impl Answer for Worker {
    fn answer(&mut self, query: &Query<'_>, _: &Client, reply: &mut Reply<'_>) -> Outcome {
        prepare(reply);
        let question = &query.question;
        if let Some(rcode) = refusal(question.class, question.rtype) {
            reply.set_rcode(rcode);
            return Outcome::Done;
        }
        if question.rtype == Rtype::ANY {
            reply.template(self.any.as_ref(), 0);
            return Outcome::Done;
        }
        let (key, now) = (AnswerKey::of(query), self.resolver.clock.coarse_secs());
        let hash = self.first.hash(key);
        if let Some(answer) = self.first.find(hash, key, now) {
            self.hits.first();
            answer.write(reply, now);
            return Outcome::Done;
        }
        if let Some(answer) = self.resolver.answers.find(key, now) {
            self.hits.answers();
            answer.write(reply, now);
            self.first.put(hash, answer);
            return Outcome::Done;
        }
        if query.recursion_desired {
            return Outcome::Slow;
        }
        // Who asks for no recursion gets what is at hand, and no referral: this is no zone's server.
        reply.set_rcode(Rcode::REFUSED);
        Outcome::Done
    }
}

/// What every reply of a resolver has: RA, and no client subnet, which is not used (RFC 7871 §7.2.1).
pub(super) fn prepare(reply: &mut Reply<'_>) {
    reply.set_recursion_available();
    reply.omit_client_subnet();
}

/// What is not resolved: other classes, transfers, types that no record has.
fn refusal(class: Class, rtype: Rtype) -> Option<Rcode> {
    match rtype {
        _ if class != Class::IN => Some(Rcode::REFUSED),
        Rtype::AXFR | Rtype::IXFR => Some(Rcode::REFUSED),
        Rtype::ANY => None,
        _ if rtype.is_meta() => Some(Rcode::NOTIMP),
        _ => None,
    }
}
