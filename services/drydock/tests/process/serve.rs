use super::harness::{FREE_PORTS, Installation, run, text, utf8};

#[tokio::test]
async fn sigterm_and_ctrl_c_end_it_with_success() {
    let installation = Installation::new();
    for signal in ["TERM", "INT"] {
        let running = installation.start().await;
        running.signal(signal);
        assert_eq!(running.end().await, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused() {
    let installation = Installation::new();
    let running = installation.start().await;
    let data = installation.data();
    let args = [&["serve", "all", "--data-dir", utf8(&data)], &FREE_PORTS[..]].concat();
    let second = run(&args).await;
    assert_eq!(second.status.code(), Some(1));
    let said = text(&second.stderr);
    assert!(said.starts_with("error: the data directory cannot be used: "), "{said}");
    assert!(said.contains(&running.child.id().unwrap().to_string()), "{said}");
    assert_eq!(text(&second.stdout), "", "it never said that it listens");
    let other = installation.path("other");
    let address = &*running.address;
    let args = ["serve", "all", "--configstore-listen", address, "--data-dir", utf8(&other)];
    let taken = run(&args).await;
    let said = text(&taken.stderr);
    assert_eq!(taken.status.code(), Some(1));
    assert!(said.contains(address), "{said}");
    assert!(!other.exists(), "nothing was made before it was known to be of use");
}
