//! What help says below the flags.

use crate::exit::exit_codes;

/// Below the flags of `parallax sim`.
pub(crate) const SIM_HELP: &str = concat!(
    "\
Examples:
  parallax sim                                   every scenario in fixtures/scenarios
  parallax sim fixtures/scenarios/two-homes.toml --seed 7
  parallax sim my-scenarios/ --out results/
  parallax sim --seeds 1..200                    each with 200 seeds: is it luck?
  parallax sim --only homes --only office        those with `homes` or `office` in their name
  parallax sim --seeds 1..200 --only two --list  what that would run
  parallax sim --jobs 2                          two runs at once; the results are the same
  parallax sim --profile doorbell=raspberry-pi-zero-2-w
                                                 the same with another camera
  parallax sim --profile doorbell=my-own.toml    a device of your own, from this folder
  parallax sim --seeds 1..1000 --media prerecorded
                                                 without the codec, many times faster
  parallax sim --verify                          and hold each run against a second one
  parallax sim --only strict --pcap              and a capture of its packets, for Wireshark
  parallax sim --patience 5min --memory 8GiB     for large runs on a slow machine
  parallax sim --only two --log                  with what libraries have to say, from info up
  parallax sim --only two --log warn,rtc_ice=trace
                                                 one of them in all detail, of the rest warnings

What it writes, below the folder of --out:
  SCENARIO/seed-N/record.jsonl   all events of the run, one JSON object a line
  SCENARIO/seed-N/capture.pcapng with --pcap: all packets of the run, in its own time. DTLS can be
                                 decrypted, SRTP cannot
  summary.json                   verdicts, checks and measurements of all runs
  environment.json               machine, tools and wall time: the one file that differs by machine

Ctrl-C ends the runs that go on and writes what has finished; a second one ends at once.

",
    exit_codes!()
);

/// Below the flags of `parallax check`.
pub(crate) const CHECK_HELP: &str = concat!(
    "\
Examples:
  parallax check my-scenarios/                   every .toml file in it
  parallax check my-own.toml device-profiles/    a file with boot_time, camera or viewer at its top
                                                 and no site or peer is taken for a device profile

",
    exit_codes!()
);
