//! What help says below the flags.

use crate::exit::exit_codes;

/// Below the flags of `parallax sim`.
pub(crate) const SIM_HELP: &str = concat!(
    "\
Examples:
  parallax sim                                   every scenario in fixtures/scenarios
  parallax sim two-homes --seed 7                one that comes with Parallax, in whatever folder you are
  parallax sim fixtures/scenarios/two-homes.toml --seed 7
  parallax sim my-scenarios/ --out results/
  parallax sim --seeds 1..200                    each with 200 seeds: is it luck?
  parallax sim --only homes --only office        those with `homes` or `office` in their name
  parallax sim --seeds 1..200 --only two --list  what that would run
  parallax sim --jobs 2                          two runs at once; the results are the same
  parallax sim --profile doorbell=esp32-p4-eye
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
  report.html, report/           unless --no-report: what it all came to, for people, and its pictures
  junit.xml, summary.md          the same for CI
  parallax.manifest              what of all this Parallax wrote: a later command replaces that alone, and all of it

Ctrl-C ends the runs that go on and writes what has finished; a second one ends at once.

",
    exit_codes!()
);

/// Below the flags of `parallax check`.
pub(crate) const CHECK_HELP: &str = concat!(
    "\
Examples:
  parallax check my-scenarios/                   every .toml file in it
  parallax check my-own.toml device-profiles/    a file with site or peer at its top is taken for a
                                                 scenario, with board for a bench, with sha256 for a
                                                 clip, with boot_time, camera or [viewer] for a
                                                 device profile

Each file is read as a run reads it, with all that it names: a scenario's profiles and films, a bench's
profiles and their consoles, a clip's film. What passes here is refused by no run, unless the machine, a
password or an option stands in its way.

",
    exit_codes!()
);

/// Below the flags of `parallax hil`.
pub(crate) const HIL_HELP: &str = concat!(
    "\
Examples:
  parallax hil --bench fixtures/benches/virtual.toml fixtures/scenarios/two-homes.toml
                                                 no hardware: the board is a process
  parallax hil --bench my-desk.toml --dry-run    what would run, and why not the rest
  parallax hil --bench my-desk.toml --board front-door my-scenarios/ --out results/
  parallax hil --bench my-desk.toml --only homes --seeds 1..5
                                                 each of those with five seeds
  parallax hil --bench my-desk.toml --wait 30min a board that somebody else has is waited for
  parallax hil --bench my-desk.toml --retries 2  a run of which nothing can be said is tried again
  parallax hil --bench my-desk.toml --profile phone=my-phone.toml
                                                 another viewer; the camera is the board

What it writes, below the folder of --out:
  SCENARIO/seed-N/record.jsonl   all events of the run
  SCENARIO/seed-N/console.txt    every byte of the console and when it came; `parallax replay` shows it
  SCENARIO/seed-N/attempt-M/     with --retries: what an earlier attempt left
  health.txt                     the console in the last checkup, which is before the first run and after
                                 one that broke; a board that is not healthy runs nothing more
  summary.json, environment.json, report.html, report/, junit.xml, summary.md
                                 as of `parallax sim`

A board is one command's at a time. Who has it, or has leased it (`parallax boards`), is told, and that is
the lab's error. You are whom PARALLAX_OWNER names, or else user@host.

Ctrl-C ends the run that goes on; what it measured so far is its record.

",
    exit_codes!()
);

/// Below the flags of `parallax boards`.
pub(crate) const BOARDS_HELP: &str = concat!(
    "\
Examples:
  parallax boards --bench my-desk.toml           what is there, in what state, and whose it is
  parallax boards --bench my-desk.toml --lease front-door --for 2h
                                                 nobody else runs on it, in whatever bench file it stands
  parallax boards --bench my-desk.toml --release front-door
  parallax boards --bench my-desk.toml --quarantine front-door --comment 'relay sticks'
                                                 nobody at all runs on it, until
  parallax boards --bench my-desk.toml --readmit front-door
  parallax boards --bench my-desk.toml --history front-door
                                                 who did any of that, and when
  parallax boards --bench my-desk.toml --mend front-door
                                                 its lease page cannot be read: it is put aside, and
                                                 what can be read of it is kept
  parallax boards --bench my-desk.toml --check   each comes up, logs in, is set up, and has an agent of
                                                 this version that answers over console and network

What is agreed stands in /var/tmp/parallax-boards, for all users of this machine; PARALLAX_BOARDS names another
folder.

",
    exit_codes!()
);

/// Below the flags of `parallax console`.
pub(crate) const CONSOLE_HELP: &str = concat!(
    "\
Examples:
  parallax console --bench fixtures/benches/virtual.toml virtual
                                                 a board that is a process: it has power as long as
                                                 you are there. Ctrl-] leaves
  parallax console --bench my-desk.toml front-door --ready
                                                 logged in already, by its profile
  echo 'uname -a' | parallax console --bench my-desk.toml front-door --ready
                                                 lines from a pipe: each is typed when a prompt
                                                 stands there, or when all has been quiet for
                                                 prompt_timeout (in a boot: boot_timeout)

Every key goes to the board, Ctrl-C too. What it says is on the standard output, what the driver makes of
it on the standard error, after `--`. `parallax replay` shows the transcript again.

A terminal gets the board's text, colours and cursor movement; escape sequences that reach beyond the screen
(clipboard, window title, printer) are written out as `\u{1b}]52;...`. A pipe or a file gets text alone. With
--raw either gets every byte; the transcript has every byte in any case.

It ends with 10 if --ready was asked for and the board did not come up.

",
    exit_codes!()
);

/// Below the flags of `parallax replay`.
pub(crate) const REPLAY_HELP: &str = concat!(
    "\
Examples:
  parallax replay console.txt --profile luckfox-pico
                                                 of a run: target/parallax-hil/SCENARIO/seed-N/
  parallax replay picocom.log --profile my-own.toml
                                                 a log has no times: no timeout counts in it
  parallax replay device-profiles/transcripts/rock-5b.txt --profile rock-5b

Each line of what it shows: the line of the file, the time from its first one, what happened. The words:
  quiet     all was quiet and no pattern of a prompt matched what stood there
  unfit     the recording does what a board of this profile would not have been asked to do
  ignored   a death pattern matched before anything was known of the board
At the end each pattern with its matches; NEVER is a pattern that is wrong, or that the recording lacks.

It ends with 0 if the board came up, whatever it died of later; with 10 if it did not; with 11 if the
recording ends before that can be said.

",
    exit_codes!()
);

/// Below the flags of `parallax calibrate`.
pub(crate) const CALIBRATE_HELP: &str = concat!(
    "\
Examples:
  parallax calibrate target/parallax-hil         what would change, and why
  parallax calibrate target/parallax-hil | git apply
                                                 in Parallax's own folder; as --write does it
  parallax calibrate desk/ --profile my-board.toml --out calibrated/my-board.toml
                                                 a profile of your own

Calibrate on some runs, judge on others:
  parallax hil --bench my-desk.toml two-homes.toml --seeds 1..3 --out train
  parallax hil --bench my-desk.toml two-homes.toml --seeds 4..6 --out others
  parallax calibrate train --profile my-board.toml --out calibrated/my-board.toml
  parallax sim two-homes.toml --seeds 4..6 --profile doorbell=calibrated/my-board.toml --out simulated
  parallax report simulated others               are they closer than before?

A time is proposed as quantiles, from 100 frames on (boot_time: from 5 boots on, each after a power loss
of the scenario, as in camera-reboot), with its number of samples and its runs as its source.

It ends with 0 if a time was proposed, with 11 if there was too little to measure any.

",
    exit_codes!()
);

/// Below the flags of `parallax report`.
pub(crate) const REPORT_HELP: &str = concat!(
    "\
Examples:
  parallax report target/parallax --open         the page, in a browser
  parallax report target/parallax --select two-homes/seed-7
                                                 with one more run in full
  parallax report main/ branch/ --out compared/  two folders on one page
  parallax report target/parallax target/parallax-hil --out both/ --within 10%,5ms
                                                 simulation and measurement side by side, and a
                                                 bound for how far they may be apart
  parallax report target/parallax --accept       store what is as it should be: baseline.json
  parallax report target/parallax --baseline baseline.json
                                                 and hold later runs against it
  parallax report target/parallax --baseline baseline.json --threshold 10 --threshold-time 5ms

What it writes, into the first RUN_FOLDER or the folder of --out:
  report.html                    one file that needs nothing else
  report/*.png                   the pictures of the runs in full, and a grid of all runs
  report/*.hgrm                  capture-to-render latency of each stream, over all runs of its
                                 scenario: for plotters of HdrHistogram, in milliseconds
  report/parallax.json           simulation and measurement side by side, where both are there
  junit.xml                      a suite for each scenario, a case for each run
  summary.md                     for the page of a CI job

It ends with the overall verdict, which page, title, summary.md, junit.xml and the last line here say:
0 if every run passed and nothing else is against it; 10 if a run failed, with --baseline if there is a
regression, with --within if simulation and measurement are farther apart; 11 if a run is inconclusive,
if nothing could be compared, not well enough, or not all that the baseline has, and if not all planned
runs are there; 12 if a run is an error or, without a summary.json, a record cannot be read.

Each run is judged again from its record. Where summary.json says otherwise the record counts, and that
is told. If summary.json is missing, as after a kill -9, the report is made from the records that are
there. What else is cut off, of a newer version or of another program is told, ends it with 2, and no
report is written.

",
    exit_codes!()
);
