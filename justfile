# Shortcuts; every recipe is one command that can be typed.

# all that must hold before a change is merged
ci:
    .ci/run

test:
    .ci/test

# tests in processes of their own, in parallel
nextest:
    eval "$(.ci/servers)" && cargo nextest run --workspace --run-ignored all

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# take over what the API answers now: read the differences before committing them
snapshots:
    INSTA_UPDATE=always cargo test --test api

sim *arguments:
    cargo sim {{arguments}}
