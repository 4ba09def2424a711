//! Faults of the network, on an echo server.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Cluster, Settings, SimNet, SimStream, Stop, host_elapsed};
use crate::fault::{Act, Faults, Scheduled};
use crate::record::Recorder;

const SERVER: &str = "server-1";
const CLIENT: &str = "client-1";
const ADDRESS: &str = "server-1:8001";

/// What the client noted, with the time in milliseconds.
type Notes = Arc<Mutex<Vec<(u64, String)>>>;

fn note(notes: &Notes, text: impl Into<String>) {
    let now = host_elapsed().unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap();
    notes.lock().unwrap().push((now, text.into()));
}

fn fault(at_ms: u64, for_ms: u64, acts: impl Into<Vec<Act>>) -> Scheduled {
    let (label, story) = ("fault".to_owned(), "a fault".to_owned());
    Scheduled { at_ms, for_ms, label, story, acts: acts.into() }
}

fn there() -> [String; 2] {
    [CLIENT.to_owned(), SERVER.to_owned()]
}

fn back() -> [String; 2] {
    [SERVER.to_owned(), CLIENT.to_owned()]
}

/// Runs an echo server and a client under faults; answers the client's notes and the hits.
fn run<F>(
    faults: Vec<Scheduled>,
    client: impl FnOnce(SimNet, Notes) -> F,
) -> (Vec<(u64, String)>, Vec<u64>)
where
    F: Future<Output = ()> + 'static,
{
    run_with(faults, |net, notes, _| client(net, notes))
}

/// The same for a client that makes things fail itself.
fn run_with<F>(
    faults: Vec<Scheduled>,
    client: impl FnOnce(SimNet, Notes, Faults) -> F,
) -> (Vec<(u64, String)>, Vec<u64>)
where
    F: Future<Output = ()> + 'static,
{
    let settings = Settings {
        seed: 0,
        epoch: Timestamp::UNIX_EPOCH,
        tick_ms: 1,
        load_ms: 10_000,
        end_ms: 10_000,
        latency_ms: [0, 1],
    };
    let recorder = Recorder::new(host_elapsed, None);
    let faults = Faults::new(faults, recorder.clone());
    let mut cluster = Cluster::new(&settings, &faults, &recorder);
    let server = cluster.net(SERVER);
    cluster.host(SERVER, Stop::default(), move || echo(server.clone()));
    let notes = Notes::default();
    let work = client(cluster.net(CLIENT), notes.clone(), faults.clone());
    cluster.client(CLIENT, work);
    cluster.run(10_000, || false).unwrap();
    let notes = notes.lock().unwrap().clone();
    (notes, faults.report().iter().map(|fault| fault.hits).collect())
}

async fn echo(net: SimNet) {
    let mut listener = net.listen("0.0.0.0:8001").await.unwrap();
    loop {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert!(peer.starts_with(CLIENT), "{peer}");
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Sends one byte and waits for it to come back.
async fn ping(stream: &mut SimStream) -> io::Result<()> {
    stream.write_all(b"x").await?;
    stream.read_exact(&mut [0]).await.map(drop)
}

async fn sleep_until(at_ms: u64) {
    let now = host_elapsed().unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(at_ms).saturating_sub(now)).await;
}

/// Pings once before and once during the fault at 100 ms.
async fn ping_twice(net: SimNet, notes: Notes) {
    let mut stream = net.dial(ADDRESS).await.unwrap();
    ping(&mut stream).await.unwrap();
    sleep_until(150).await;
    match ping(&mut stream).await {
        Ok(()) => note(&notes, "answered"),
        Err(error) => note(&notes, error.kind().to_string()),
    }
}

#[test]
fn without_a_fault_an_answer_takes_a_few_milliseconds() {
    let (notes, _) = run(Vec::new(), ping_twice);
    assert!(matches!(&notes[..], [(150..=156, text)] if text == "answered"), "{notes:?}");
}

#[test]
fn a_stall_holds_traffic_and_then_delivers_it() {
    for [from, to] in [there(), back()] {
        let stall = fault(100, 1_000, [Act::Hold { from, to }]);
        let (notes, hits) = run(vec![stall], ping_twice);
        assert!(matches!(&notes[..], [(1_100..=1_110, text)] if text == "answered"), "{notes:?}");
        assert_eq!(hits, [1]);
    }
}

#[test]
fn a_black_hole_ends_with_a_reset() {
    for [from, to] in [there(), back()] {
        let reset = Act::ResetAtEnd { from: from.clone(), to: to.clone() };
        let hole = fault(100, 1_000, [Act::Hold { from, to }, reset]);
        let (notes, hits) = run(vec![hole], ping_twice);
        assert!(
            matches!(&notes[..], [(1_100..=1_110, text)] if text == "connection reset"),
            "{notes:?}"
        );
        assert!(hits[0] > 0);
    }
}

#[test]
fn a_reset_hits_connections_that_wait() {
    let [from, to] = there();
    let reset = fault(100, 0, [Act::Reset { from, to }]);
    let (notes, hits) = run(vec![reset], |net, notes| async move {
        let mut stream = net.dial(ADDRESS).await.unwrap();
        let error = stream.read_u8().await.unwrap_err();
        note(&notes, error.kind().to_string());
        ping(&mut net.dial(ADDRESS).await.unwrap()).await.unwrap();
        note(&notes, "again");
    });
    assert!(matches!(&notes[..], [(100..=101, _), (102..=110, _)]), "{notes:?}");
    assert_eq!(notes[0].1, "connection reset");
    assert_eq!(hits, [2]);
}

#[test]
fn refused_dials_fail_and_established_connections_live_on() {
    let [from, to] = there();
    let refuse = fault(100, 1_000, [Act::Refuse { from, to }]);
    let (notes, hits) = run(vec![refuse], |net, notes| async move {
        let mut stream = net.dial(ADDRESS).await.unwrap();
        sleep_until(150).await;
        let refused = net.dial(ADDRESS).await.err().map(|error| error.kind());
        note(&notes, format!("{refused:?}"));
        ping(&mut stream).await.unwrap();
        note(&notes, "alive");
    });
    assert_eq!(notes[0].1, "Some(ConnectionRefused)");
    assert!(notes[0].0 > 150, "a refusal takes time");
    assert_eq!(notes[1].1, "alive");
    assert_eq!(hits, [1]);
}

#[test]
fn a_slow_link_takes_its_time_for_every_piece() {
    let [from, to] = back();
    let slow = Act::Slow { from, to, delay_ms: 100, chunk_bytes: 4 };
    let (notes, hits) = run(vec![fault(100, 5_000, [slow])], |net, notes| async move {
        let mut stream = net.dial(ADDRESS).await.unwrap();
        sleep_until(150).await;
        stream.write_all(&[7; 20]).await.unwrap();
        stream.read_exact(&mut [0; 20]).await.unwrap();
        note(&notes, "all");
    });
    assert!(matches!(&notes[..], [(650..=670, _)]), "five pieces: {notes:?}");
    assert_eq!(hits, [20]);
}

#[test]
fn a_dial_into_a_stall_is_answered_when_it_ends() {
    let [from, to] = there();
    let stall = fault(100, 1_000, [Act::Hold { from, to }]);
    let (notes, hits) = run(vec![stall], |net, notes| async move {
        sleep_until(150).await;
        ping(&mut net.dial(ADDRESS).await.unwrap()).await.unwrap();
        note(&notes, "connected");
    });
    assert!(matches!(&notes[..], [(1_100..=1_110, _)]), "{notes:?}");
    assert_eq!(hits, [1]);
}

#[test]
fn a_killed_process_ends_its_connections_and_is_back_after_its_time() {
    let kill = Act::Kill { host: SERVER.to_owned(), counted: true };
    let kill = fault(100, 1_000, [kill]);
    let (notes, hits) = run(vec![kill], |net, notes| async move {
        let mut stream = net.dial(ADDRESS).await.unwrap();
        let ended = stream.read_u8().await.is_err();
        note(&notes, format!("ended {ended}"));
        sleep_until(500).await;
        note(&notes, format!("down {}", net.dial(ADDRESS).await.is_err()));
        sleep_until(1_150).await;
        ping(&mut net.dial(ADDRESS).await.unwrap()).await.unwrap();
        note(&notes, "back");
    });
    let texts: Vec<_> = notes.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["ended true", "down true", "back"]);
    assert!((100..=105).contains(&notes[0].0), "{notes:?}");
    assert_eq!(hits, [1]);
}

#[test]
fn a_paused_host_answers_when_it_goes_on() {
    let pause = fault(100, 1_000, [Act::Pause { host: SERVER.to_owned() }]);
    let (notes, hits) = run(vec![pause], ping_twice);
    assert!(matches!(&notes[..], [(1_100..=1_110, text)] if text == "answered"), "{notes:?}");
    assert!(hits[0] > 0);
}

#[test]
fn a_host_without_power_is_silent_until_it_is_back() {
    let cut = Act::PowerCut { host: SERVER.to_owned(), writes: 1 };
    let cut = fault(100, 1_000, [cut]);
    let (notes, hits) = run_with(vec![cut], |net, notes, faults| async move {
        let mut stream = net.dial(ADDRESS).await.unwrap();
        ping(&mut stream).await.unwrap();
        sleep_until(150).await;
        // What the disk does at its first write.
        faults.die(SERVER, 0);
        let error = ping(&mut stream).await.unwrap_err();
        note(&notes, error.kind().to_string());
        ping(&mut net.dial(ADDRESS).await.unwrap()).await.unwrap();
        note(&notes, "back");
    });
    let texts: Vec<_> = notes.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["connection reset", "back"]);
    assert!((1_150..=1_160).contains(&notes[0].0), "{notes:?}");
    assert_eq!(hits, [1]);
}
