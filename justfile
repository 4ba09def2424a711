# Shortcuts; every recipe is one command that can be typed.

# all that must hold before a change is merged
ci:
    .ci/run

test:
    cargo test --workspace

# tests in processes of their own, in parallel
nextest:
    cargo nextest run --workspace

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# take over what the API answers now: read the differences before committing them
snapshots:
    INSTA_UPDATE=always cargo test -p drydock-tests --test api

sim *arguments:
    cargo sim {{arguments}}
