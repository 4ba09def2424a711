mod forms;
mod mistakes;
mod properties;
mod schema;
mod selection;

/// The file of the documentation.
const EXAMPLE: &str = r#"
version: 1
runs:
  main:
    when: { branch: [main, "release-*"] }
    on_newer: queue
    env: { RUST_BACKTRACE: "1", TOKEN: { from_variable: registry-token } }
    tasks:
      build:
        labels: [linux]
        steps:
          - restore_cache: { keys: ["cargo-${branch}", "cargo-"] }
          - run: cargo build --release
          - save: { paths: ["target/release/app"] }
      lint: { steps: [{ run: cargo clippy }], allow_failure: true }
      test:
        depends: [build]
        retry: { max: 2, for: [executor_lost, 137] }
        steps:
          - restore: {}
          - run: { command: ./run-tests.sh, timeout: 20m }
          - run: { command: ./collect.sh, when: always }
      deploy:
        depends: [test, { lint: [on_success, on_skipped] }]
        approval: { timeout: 3d }
        exclusive: true
        steps: [{ restore: {} }, { run: ./deploy.sh }]
      report:
        depends: [{ test: always }, { deploy: always }]
        when: { branch: { exclude: ["release-*"] } }
        steps:
          - run: |
              ./report.sh
              echo "done"
  nightly:
    when: { ref: refs/nightly }
    fail_fast: true
    tasks:
      all:
        steps: [{ run: make }]
        allow_failure: [3, 42]
        timeout: 2h
        arch: x86_64
        concurrency: db
"#;
