//! Examples and exit codes below the flags of each command.

use crate::exit::{Exit, listed};

/// What stands below the flags of a command.
pub(crate) struct Help {
    text: &'static str,
    codes: &'static [(Exit, &'static str)],
}

impl Help {
    /// Below the short help.
    pub(crate) fn codes(&self) -> String {
        listed(self.codes)
    }

    /// Below the long help.
    pub(crate) fn whole(&self) -> String {
        format!("{}\n{}", self.text, self.codes())
    }
}

const FAULT: (Exit, &str) = (
    Exit::Fault,
    "an internal fault of Parallax, or something could not be written: a file, the standard\n\
     output (a reader that closed it, such as `head`, is no fault)",
);
const BAD_INPUT: (Exit, &str) = (Exit::BadInput, "bad input or usage: nothing was run");
const ERROR: (Exit, &str) =
    (Exit::Error, "at least one run is an error: nothing can be said of it");
const INTERRUPTED: (Exit, &str) = (
    Exit::Interrupted,
    "interrupted (Ctrl-C, SIGTERM, SIGHUP): the runs that had finished are written",
);
const FAIL: (Exit, &str) = (Exit::Fail, "at least one run failed");
const INCONCLUSIVE: (Exit, &str) =
    (Exit::Inconclusive, "no run failed, at least one is inconclusive");

/// Below the flags of `parallax sim`.
pub(crate) const SIM: Help = Help {
    text: "\
Examples:
  parallax sim                                   every scenario that comes with Parallax
  parallax sim two-homes --seed 7                one that comes with Parallax, in whatever folder you are
  parallax sim fixtures/scenarios/two-homes.toml --seed 7
  parallax sim my-scenarios/ --out results/
  parallax sim --seeds 1..200                    each with 200 seeds: is it luck?
  parallax sim --list                            the names and titles of all of them
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
    codes: &[
        (Exit::Pass, "every run passed"),
        FAULT,
        BAD_INPUT,
        (Exit::Nothing, "--only selected no scenario"),
        FAIL,
        INCONCLUSIVE,
        ERROR,
        INTERRUPTED,
    ],
};

/// Below the flags of `parallax check`.
pub(crate) const CHECK: Help = Help {
    text: "\
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
    codes: &[
        (Exit::Pass, "every file is sound"),
        FAULT,
        (Exit::BadInput, "a file is not sound or cannot be read, or bad usage"),
    ],
};

/// Below the flags of `parallax hil`.
pub(crate) const HIL: Help = Help {
    text: "\
Examples:
  parallax hil --bench virtual two-homes
                                                 no hardware: the board is a process
  parallax hil --bench my-desk.toml --dry-run    what would run, and why not the rest
  parallax hil --bench my-desk.toml --board front-door my-scenarios/ --out results/
  parallax hil --bench my-desk.toml --only homes --seeds 1..5
                                                 each of those with five seeds
  parallax hil --bench my-desk.toml --wait 30min waits for a board that another user has
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

One command at a time drives a board. A board that another command drives, or that another user has leased
(`parallax boards`), is an error of the lab; the message names the user. Your name is that of
PARALLAX_OWNER, or else user@host.

Ctrl-C ends the present run; its record has what was measured until then.
",
    codes: &[
        (Exit::Pass, "every run passed"),
        FAULT,
        BAD_INPUT,
        (Exit::Nothing, "--only selected no scenario, or no scenario can run on the board"),
        FAIL,
        INCONCLUSIVE,
        ERROR,
        INTERRUPTED,
    ],
};

/// Below the flags of `parallax boards`.
pub(crate) const BOARDS: Help = Help {
    text: "\
Examples:
  parallax boards --bench my-desk.toml           what is there, in what state, and whose it is
  parallax boards --bench my-desk.toml --lease front-door --for 2h
                                                 no other user's runs, by any bench file
  parallax boards --bench my-desk.toml --release front-door
  parallax boards --bench my-desk.toml --quarantine front-door --comment 'relay sticks'
                                                 no runs at all, until
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
    codes: &[
        (Exit::Pass, "every board can be driven; or what was asked for is done"),
        FAULT,
        (Exit::BadInput, "bad input or usage: nothing was done"),
        (
            Exit::Inconclusive,
            "a board cannot be driven, is leased to another user, quarantined or not healthy",
        ),
        (Exit::Interrupted, "interrupted (Ctrl-C, SIGTERM, SIGHUP)"),
    ],
};

/// Below the flags of `parallax console`.
pub(crate) const CONSOLE: Help = Help {
    text: "\
Examples:
  parallax console --bench virtual virtual
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
(clipboard, window title, printer) are written out as `\\u{1b}]52;...`. A pipe or a file gets text alone. With
--raw either gets every byte; the transcript has every byte in any case.
",
    codes: &[
        (Exit::Pass, "you have left"),
        FAULT,
        (Exit::BadInput, "bad input or usage, or the console cannot be had"),
        (Exit::Fail, "--ready was asked for, and the board did not come up"),
        (Exit::Interrupted, "interrupted (SIGTERM, SIGHUP; Ctrl-C where no terminal is)"),
    ],
};

/// Below the flags of `parallax replay`.
pub(crate) const REPLAY: Help = Help {
    text: "\
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
",
    codes: &[
        (Exit::Pass, "the board came up, whatever it died of later"),
        FAULT,
        (Exit::BadInput, "bad input or usage"),
        (Exit::Fail, "it did not come up"),
        (Exit::Inconclusive, "the recording ends before that can be said"),
    ],
};

/// Below the flags of `parallax calibrate`.
pub(crate) const CALIBRATE: Help = Help {
    text: "\
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
",
    codes: &[
        (Exit::Pass, "a time was proposed"),
        FAULT,
        (Exit::BadInput, "bad input or usage"),
        (Exit::Inconclusive, "too little was measured to propose any"),
    ],
};

/// Below the flags of `parallax report`.
pub(crate) const REPORT: Help = Help {
    text: "\
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

Each run is judged again from its record. Where summary.json differs, the record counts, and the report says
so. If summary.json is missing, as after a kill -9, the report is made from the records that are
there. The exit code is the overall verdict, which page, title, summary.md, junit.xml and the last line
here say.
",
    codes: &[
        (Exit::Pass, "every run passed, no regression, as near as --within demands"),
        FAULT,
        (Exit::BadInput, "bad input or usage, a record that is cut off, newer or another program's: no report"),
        (Exit::Nothing, "no run is there"),
        (
            Exit::Fail,
            "a run failed; with --baseline there is a regression; with --within simulation and\n\
             measurement are farther apart",
        ),
        (
            Exit::Inconclusive,
            "a run or a comparison is inconclusive, nothing could be compared, not well enough or\n\
             not all that the baseline has, or not all planned runs are there",
        ),
        (Exit::Error, "a run is an error or, without a summary.json, a record cannot be read"),
    ],
};

/// Below the flags of `parallax init`.
pub(crate) const INIT: Help = Help {
    text: "\
Examples:
  parallax init                                  in the current folder
  parallax init my-camera

What it writes, below FOLDER:
  parallax/front-door.toml       a scenario: run it with `parallax sim parallax`
  parallax/bench.toml            a bench: a board that is a process, and how to add yours
  parallax/scenario.schema.json  what a scenario may say: editors complete and check by it
  parallax/gitlab-ci.yml         a CI job for GitLab, to be included by .gitlab-ci.yml
  .github/workflows/parallax.yml a CI job for GitHub
",
    codes: &[
        (Exit::Pass, "all files are written"),
        (
            Exit::Fault,
            "an internal fault of Parallax, or something could not be written; of the files all are\n\
             left, or none",
        ),
        (Exit::BadInput, "one of the files is there already, or bad usage: nothing was written"),
    ],
};

/// Below the flags of `parallax completions`.
pub(crate) const COMPLETIONS: Help = Help {
    text: "\
Examples:
  parallax completions bash > ~/.local/share/bash-completion/completions/parallax
  parallax completions zsh > ~/.zfunc/_parallax  in a folder of your fpath
  parallax completions fish > ~/.config/fish/completions/parallax.fish
",
    codes: &[(Exit::Pass, "the completions were printed"), FAULT, (Exit::BadInput, "bad usage")],
};
