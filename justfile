# One-liners for developers. The README's two commands do not need them.

# Everything that CI runs.
ci:
    .ci/run

# All scenarios.
sim *ARGS:
    cargo run --release -- sim {{ARGS}}

# All scenarios with many seeds: is it luck?
seeds RANGE="1..20" *ARGS:
    cargo run --release -- sim --seeds {{RANGE}} {{ARGS}}

# Scenarios with a capture of each run's packets beside its record, for Wireshark.
pcap *ARGS:
    cargo run --release -- sim --pcap {{ARGS}}

# All that is shipped is sound.
check:
    cargo run --release -- check fixtures/scenarios fixtures/live fixtures/links device-profiles

# All tests.
test *ARGS:
    cargo test --workspace {{ARGS}}

# More fuzzing than `just test` has, of one target or of all.
fuzz ITERATIONS="1000000" *TARGET:
    PARALLAX_FUZZ={{ITERATIONS}} cargo test --release -p parallax-fuzz {{TARGET}}

# Formatting, lints and documentation.
lint:
    cargo fmt --all -- --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --quiet

# The release archive: target/dist/parallax-VERSION-x86_64-linux.tar.xz (docs/install.md).
dist:
    .ci/dist

# Licences, sources and bans of all dependencies (deny.toml). `cargo install cargo-deny --locked` installs it.
deny:
    cargo deny check bans licenses sources

# Known vulnerabilities of all dependencies, from the database of RustSec: needs a network.
advisories:
    cargo deny check advisories

# Snapshots that have changed: look at each.
snapshots:
    INSTA_UPDATE=always cargo test --workspace
    git diff --stat -- '*.snap' '*.rs'

# A whole run beside its floor: two bare stacks joined in memory, and the codec alone.
bench:
    cargo bench -p parallax-world --bench run

# The whole command beside the same floor.
bench-command:
    cargo build --release -p parallax-cli
    cargo bench -p parallax-world --bench run -- {{justfile_directory()}}/target/release/parallax

# What a peer costs among 2, 20 and 100.
bench-many:
    cargo bench -p parallax-world --bench many

# The agent as one static program for Linux boards: target/static/TARGET/release/parallax-agent.
agent TARGET="x86_64-unknown-linux-gnu":
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --release -p parallax-agent --target {{TARGET}} --target-dir target/static
    file target/static/{{TARGET}}/release/parallax-agent

# A virtual machine of QEMU as a board, with Debian's kernel: target/boards/qemu. Needs no root.
virtual-board: agent
    fixtures/benches/qemu.sh build

# Five scenarios on it.
qemu *ARGS: virtual-board
    cargo run --release -- hil --bench fixtures/benches/qemu.toml fixtures/scenarios/{two-homes,strict-homes,same-lan,signalling-lost,camera-reboot}.toml {{ARGS}}

# Homes drawn at random: predicted by simulation, then measured on QEMU's board. ARGS: `--viewer chromium` (root).
blind SEED="1" COUNT="20" *ARGS: virtual-board
    fixtures/benches/blind.sh {{SEED}} {{COUNT}} {{ARGS}}

# Four scenarios on an agent in a network namespace (root).
namespace *ARGS:
    fixtures/benches/namespace.sh up
    cargo run --release -- hil --bench fixtures/benches/namespace.toml fixtures/scenarios/{two-homes,strict-homes,same-lan,signalling-lost}.toml {{ARGS}}; code=$?; fixtures/benches/namespace.sh down; exit $code

# Forty runs by one job, and by two: on two idle cores the second takes half the time.
bench-jobs:
    cargo build --release -p parallax-cli
    bash -c 'for jobs in 1 2; do time target/release/parallax sim --only two-homes --seeds 1..40 --jobs $jobs --no-report --out target/jobs-$jobs > target/jobs-$jobs.txt; done'

# The cores: network, codec.
bench-cores:
    cargo bench -p parallax-network -p parallax-media
