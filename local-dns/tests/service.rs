//! The resolver over real sockets, against fake servers on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, dead_code)]

mod sim;
mod world;

use std::time::Duration;

use wire::{Class, Message, Rcode, Rtype, Section};
use world::World;

const SCRIPT: &str = "
SERVER @.2 .
. 86400 NS ns.root.
ns.root. 86400 A @.2
example. 86400 NS ns.example.
ns.example. 86400 A @.3
broken. 86400 NS ns.broken.
ns.broken. 86400 A @.9
SERVER @.3 example.
example. 3600 SOA ns.example. root.example. 1 2 3 4 60
www.example. 300 A 192.0.2.80
www2.example. 300 A 192.0.2.81
zero.example. 0 A 192.0.2.82
alias.example. 60 CNAME www.example.
";

#[tokio::test]
async fn resolves_over_sockets_and_answers_from_the_cache() {
    let world = World::start(SCRIPT, "").await;
    let cold = world.ask("www.example.", Rtype::A).await;
    assert_eq!(cold.show(), "NOERROR www.example. 300 A 192.0.2.80");
    let asked = world.asked();
    let warm = world.ask("WWW.exAMple.", Rtype::A).await;
    assert_eq!(warm.rcode(), Rcode::NOERROR);
    let message = Message::parse(&warm.0).unwrap();
    assert!(message.recursion_available() && !message.is_authoritative());
    assert_eq!(message.question.as_ref().unwrap().0.to_string(), "WWW.exAMple.", "case kept");
    assert_eq!(world.asked(), asked, "nobody was asked again");
    // The first was a miss; the second was found in the shared cache; this one at the worker.
    world.ask("www.example.", Rtype::A).await;
    assert_eq!(world.metric("cache_misses_total", ""), 1.0);
    assert_eq!(world.metric("cache_hits_total", "answers"), 1.0);
    assert_eq!(world.metric("cache_hits_total", "worker"), 1.0);
    assert_eq!(world.metric("upstream_queries_total", "udp"), 3.0, "priming, root, example");
    assert_eq!(world.metric("cache_entries", "answers"), 1.0);
    // Questions leave from where the configuration says, each from a port of its own.
    let sources = world.sources();
    assert!(sources.iter().all(|source| source.ip() == world.address(1)), "{sources:?}");
    let ports: std::collections::HashSet<u16> = sources.iter().map(|source| source.port()).collect();
    assert_eq!(ports.len(), sources.len());
    world.stop().await;
}

#[tokio::test]
async fn negative_answers_have_their_soa_and_records_help_other_questions() {
    let world = World::start(SCRIPT, "").await;
    let nothing = world.ask("none.example.", Rtype::A).await;
    assert_eq!(nothing.rcode(), Rcode::NXDOMAIN);
    let authority = nothing.records(Section::Authority);
    assert_eq!((authority[0].rtype, authority[0].ttl), (Rtype::SOA, 60), "the minimum is the TTL");
    let asked = world.asked();
    assert_eq!(world.ask("none.example.", Rtype::TXT).await.rcode(), Rcode::NXDOMAIN);
    assert_eq!(world.asked(), asked, "NXDOMAIN holds for every type");
    assert_eq!(world.metric("cache_hits_total", "records"), 1.0);
    let alias = world.ask("alias.example.", Rtype::A).await;
    assert_eq!(alias.show(), "NOERROR alias.example. 60 CNAME www.example., www.example. 300 A 192.0.2.80");
    world.stop().await;
}

#[tokio::test]
async fn identical_questions_in_flight_are_asked_once() {
    let script = SCRIPT.replace("SERVER @.3 example.", "SERVER @.3 example. delay=300");
    let world = World::start(&script, "").await;
    let questions = (0..50).map(|_| world.ask("www.example.", Rtype::A));
    let answers = join_all(questions).await;
    assert!(answers.iter().all(|answer| answer.show() == "NOERROR www.example. 300 A 192.0.2.80"));
    assert_eq!(world.asked_at(3), 1);
    assert_eq!(world.metric("coalesced_total", ""), 49.0);
    assert_eq!(world.metric("in_flight", ""), 0.0);
    // The flags make other questions, and TTL 0 is for those in flight alone.
    let answers = join_all((0..10).map(|_| world.ask("zero.example.", Rtype::A))).await;
    assert!(answers.iter().all(|answer| answer.show() == "NOERROR zero.example. 0 A 192.0.2.82"));
    assert_eq!(world.asked_at(3), 2);
    world.ask("zero.example.", Rtype::A).await;
    assert_eq!(world.asked_at(3), 3);
    world.stop().await;
}

/// A name whose server is slow is asked for by more clients than the slow path has places: the other
/// names are resolved all the same.
#[tokio::test]
async fn a_crowd_for_one_name_keeps_nobody_else_waiting() {
    let script = SCRIPT.replace("SERVER @.3 example.", "SERVER @.3 example. delay=1000");
    let script = format!("{script}SERVER @.4 quick.\nwww.quick. 300 A 192.0.2.83\n")
        .replace("broken. ", "quick. 86400 NS ns.quick.\nns.quick. 86400 A @.4\nbroken. ");
    let world = World::start(&script, "server.slow-tasks = 2").await;
    assert_eq!(world.ask("x.quick.", Rtype::A).await.rcode(), Rcode::NXDOMAIN);
    let order = std::cell::RefCell::new(Vec::new());
    let crowd = async {
        let answers = join_all((0..20).map(|_| world.ask("www.example.", Rtype::A))).await;
        order.borrow_mut().push("crowd");
        answers
    };
    let single = async {
        while world.asked_at(3) == 0 {
            tokio::task::yield_now().await;
        }
        let answer = world.ask("www.quick.", Rtype::A).await;
        order.borrow_mut().push("single");
        answer
    };
    let (crowd, single) = tokio::join!(crowd, single);
    assert_eq!(single.show(), "NOERROR www.quick. 300 A 192.0.2.83");
    assert!(crowd.iter().all(|answer| answer.show() == "NOERROR www.example. 300 A 192.0.2.80"));
    assert_eq!(order.into_inner(), ["single", "crowd"]);
    world.stop().await;
}

#[tokio::test]
async fn truncated_answers_come_over_tcp() {
    let script = SCRIPT.replace("SERVER @.3 example.", "SERVER @.3 example. truncates");
    let world = World::start(&script, "").await;
    assert_eq!(world.ask("www.example.", Rtype::A).await.show(), "NOERROR www.example. 300 A 192.0.2.80");
    assert_eq!(world.metric("upstream_queries_total", "tcp"), 1.0);
    assert_eq!(
        world.ask_tcp("www2.example.", Rtype::A).await.show(),
        "NOERROR www2.example. 300 A 192.0.2.81"
    );
    world.stop().await;
}

/// 2000 addresses: 54 kB from the server; truncated over UDP, whole over TCP.
#[tokio::test]
async fn a_very_large_rrset_passes_over_tcp() {
    let records = (0..2000).map(|index| format!("big.example. 60 A 10.0.{}.{}\n", index / 250, index % 250));
    let script = SCRIPT.replace("SERVER @.3 example.", "SERVER @.3 example. truncates");
    let world = World::start(&format!("{script}{}", records.collect::<String>()), "").await;
    let cut = world.ask("big.example.", Rtype::A).await;
    assert!(Message::parse(&cut.0).unwrap().is_truncated());
    assert!(cut.records(Section::Answer).is_empty(), "RFC 2181 §9");
    let whole = world.ask_tcp("big.example.", Rtype::A).await;
    assert_eq!(whole.records(Section::Answer).len(), 2000);
    assert_eq!(world.metric("upstream_queries_total", "tcp"), 1.0, "kept, and asked for once");
    world.stop().await;
}

#[tokio::test]
async fn failures_are_quick_where_nobody_listens_and_are_remembered() {
    let world = World::start(SCRIPT, "").await;
    let began = std::time::Instant::now();
    assert_eq!(world.ask("www.broken.", Rtype::A).await.rcode(), Rcode::SERVFAIL);
    assert!(began.elapsed() < Duration::from_secs(3), "port unreachable is heard: {:?}", began.elapsed());
    let (asked, sent) = (world.asked(), world.metric("upstream_queries_total", "udp"));
    assert_eq!(world.ask("www.broken.", Rtype::A).await.rcode(), Rcode::SERVFAIL);
    assert_eq!((world.asked(), world.metric("upstream_queries_total", "udp")), (asked, sent), "RFC 9520");
    assert_eq!(world.metric("failures_total", "no-server"), 1.0);
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_resolved_gets_its_answer_at_once() {
    let world = World::start(SCRIPT, "").await;
    let rcode = async |rtype, class, recursion| {
        world.exchange(&world::query(1, "www.example.", rtype, class, recursion, &[])).await.rcode()
    };
    assert_eq!(rcode(Rtype::A, Class::CH, true).await, Rcode::REFUSED);
    assert_eq!(rcode(Rtype::AXFR, Class::IN, true).await, Rcode::REFUSED);
    assert_eq!(rcode(Rtype::IXFR, Class::IN, true).await, Rcode::REFUSED);
    assert_eq!(rcode(Rtype::TSIG, Class::IN, true).await, Rcode::NOTIMP);
    assert_eq!(rcode(Rtype::A, Class::IN, false).await, Rcode::REFUSED, "no recursion, nothing at hand");
    assert_eq!(world.asked(), 0);
    let any = world.ask("www.example.", Rtype::ANY).await;
    assert_eq!(any.records(Section::Answer)[0].rtype, Rtype::HINFO, "RFC 8482 §4.2");
    world.ask("www.example.", Rtype::A).await;
    assert_eq!(rcode(Rtype::A, Class::IN, false).await, Rcode::NOERROR, "now it is at hand");
    world.stop().await;
}

/// RFC 7871 §7.2.1, §12.1: a resolver that does not use client subnets neither echoes nor passes them on.
#[tokio::test]
async fn client_subnets_are_neither_used_nor_passed_on() {
    let world = World::start(SCRIPT, "").await;
    let subnet: &[u8] = &[0, 8, 0, 7, 0, 1, 24, 0, 203, 0, 113];
    let answer = world.exchange(&world::query(7, "www.example.", Rtype::A, Class::IN, true, subnet)).await;
    assert_eq!(answer.rcode(), Rcode::NOERROR);
    let opt = answer.records(Section::Additional);
    assert_eq!((opt[0].rtype, opt[0].rdata.len()), (Rtype::OPT, 0));
    assert_eq!(world.options_seen(), 0, "no EDNS option went upstream");
    world.stop().await;
}

#[tokio::test]
async fn strangers_are_refused_by_default_and_named_ones_let_in() {
    let near = World::start(SCRIPT, "").await;
    assert_eq!(near.ask("www.example.", Rtype::A).await.rcode(), Rcode::NOERROR);
    near.stop().await;
    let deny = World::start(SCRIPT, "server.acl.deny = ['127.0.0.0/8']").await;
    assert_eq!(deny.ask("www.example.", Rtype::A).await.rcode(), Rcode::REFUSED);
    deny.stop().await;
}

#[tokio::test]
async fn a_reload_keeps_the_caches_and_a_bad_one_changes_nothing() {
    let mut world = World::start(SCRIPT, "").await;
    world.ask("www.example.", Rtype::A).await;
    let asked = world.asked();
    let error = world.reload("limits.restarts = 0").unwrap_err();
    assert!(error.contains("`limits.restarts`") && error.contains("mend"), "{error}");
    let error = world.reload("cache.answers = 70000").unwrap_err();
    assert!(error.contains("`cache`") && error.contains("restart"), "{error}");
    let error = world.reload("root-hints = 'nowhere.hints'").unwrap_err();
    assert!(error.contains("nowhere.hints"), "{error}");
    world.reload("limits.max-ttl = 30").unwrap();
    assert_eq!(world.ask("www.example.", Rtype::A).await.rcode(), Rcode::NOERROR);
    assert_eq!(world.asked(), asked, "the cache stays");
    assert_eq!(world.ask("www2.example.", Rtype::A).await.show(), "NOERROR www2.example. 30 A 192.0.2.81");
    world.stop().await;
}

#[tokio::test]
async fn several_live_in_one_registry_and_leave_it_clean() {
    let registry = prometheus::Registry::new();
    for _ in 0..2 {
        let one = World::start_in(SCRIPT, "", "one", &registry).await;
        let two = World::start_in(SCRIPT, "", "two", &registry).await;
        assert_eq!(two.ask("www.example.", Rtype::A).await.rcode(), Rcode::NOERROR);
        assert_eq!((one.metric("cache_misses_total", ""), two.metric("cache_misses_total", "")), (0.0, 1.0));
        one.stop().await;
        two.stop().await;
        assert!(registry.gather().is_empty());
    }
}

#[tokio::test]
async fn many_questions_at_once_all_get_answers() {
    let world = World::start(SCRIPT, "").await;
    let names: Vec<String> = (0..500).map(|index| format!("n{index}.example.")).collect();
    let answers = join_all(names.iter().map(|name| world.ask(name, Rtype::A))).await;
    assert!(answers.iter().all(|answer| answer.rcode() == Rcode::NXDOMAIN));
    assert_eq!(world.metric("failures_total", "no-server"), 0.0);
    world.stop().await;
}

/// Runs futures side by side on this task.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        match outputs.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
