//! Time on streams, by tokio's paused clock: nothing here waits.

use tokio::io::DuplexStream;
use tokio::time::Instant;

use super::*;
use crate::sink;
use crate::worker::tests::{Patient, client, question, shared};

/// A client's end of a served connection whose pipe holds so many octets; and what tells to stop.
fn connection(pipe: usize) -> (DuplexStream, watch::Sender<bool>, Arc<Tcp<Patient>>) {
    let (shared, slow_queue, jobs) = shared();
    tokio::spawn(sink::dispatch(Arc::clone(&shared.service), jobs, 8));
    let tcp = Arc::new(Tcp::new(&shared, 1, &slow_queue, TcpConfig::default()));
    let (near, far) = tokio::io::duplex(pipe);
    let (stop, stopped) = watch::channel(false);
    let served = Arc::clone(&tcp);
    tokio::spawn(async move { serve(&served, far, client(Transport::Tcp), stopped).await });
    (near, stop, tcp)
}

async fn ask(stream: &mut DuplexStream, id: u16, name: &str) {
    let packet = question(id, name);
    stream.write_u16(packet.len() as u16).await.unwrap();
    stream.write_all(&packet).await.unwrap();
}

async fn answer(stream: &mut DuplexStream) -> u16 {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    u16::from_be_bytes([message[0], message[1]])
}

/// Seconds until the server closes.
async fn closes_after(stream: &mut DuplexStream) -> u64 {
    let began = Instant::now();
    while !matches!(stream.read(&mut [0; 512]).await, Ok(0) | Err(_)) {}
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let (mut stream, _stop, _) = connection(4096);
    assert_eq!(closes_after(&mut stream).await, 10);

    let (mut stream, _stop, _) = connection(4096);
    tokio::time::sleep(Duration::from_secs(9)).await;
    ask(&mut stream, 1, "www.example.").await;
    assert_eq!(answer(&mut stream).await, 1);
    assert_eq!(closes_after(&mut stream).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_end_is_not_waited_for() {
    for part in [&[0][..], &[0, 40], &[0, 40, 1, 2, 3]] {
        let (mut stream, _stop, _) = connection(4096);
        stream.write_all(part).await.unwrap();
        assert_eq!(closes_after(&mut stream).await, 10, "{part:?}");
    }
    // Octet by octet does not help.
    let (mut stream, _stop, _) = connection(4096);
    let began = Instant::now();
    while stream.write_all(&[1]).await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(12));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_an_answer_is_not_idle() {
    let (mut stream, _stop, _) = connection(4096);
    ask(&mut stream, 1, "slow.example.").await;
    let began = Instant::now();
    assert_eq!(answer(&mut stream).await, 1);
    assert_eq!(began.elapsed().as_secs(), 60);
    assert!(closes_after(&mut stream).await <= 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off_and_holds_little() {
    let (mut stream, _stop, tcp) = connection(128);
    let began = Instant::now();
    let mut asked = 0;
    let asking = async {
        loop {
            ask(&mut stream, asked, "www.example.").await;
            asked += 1;
        }
    };
    // The client writes as long as the server reads, and never reads itself.
    assert!(timeout(Duration::from_secs(9), asking).await.is_err());
    let handled = tcp.lanes[0].lock().unwrap().worker.counters().queries(Transport::Tcp).get();
    assert!(handled < 20, "{handled}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(stream.write_all(&[0; 256]).await.is_err(), "still open after {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_what_is_on_its_way_and_no_more() {
    let (mut stream, stop, _) = connection(4096);
    ask(&mut stream, 1, "slow.example.").await;
    stop.send_replace(true);
    ask(&mut stream, 2, "www.example.").await;
    assert_eq!(answer(&mut stream).await, 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    ask(&mut stream, 3, "www.example.").await;
    assert_eq!(answer(&mut stream).await, 1);
    assert_eq!(closes_after(&mut stream).await, 0);
}
