//! The console of a device, in its profile.

use core::time::Duration;
use parallax_scenario::{
    ControlLine, Level, LoginTraits, Profile, ResetTraits, ScenarioErrors, profile,
};

/// A shipped profile with this console table behind it.
fn with(console: &str) -> Result<Profile, ScenarioErrors> {
    let sound = parallax_scenario::builtin("esp32-p4").expect("there");
    profile::parse("own.toml", &format!("{sound}\n[console]\n{console}"))
}

const ORIGIN: &str = "provenance = \"vendor\"\nsource = \"its manual\"\n";

fn refused(console: &str) -> String {
    let errors = with(&format!("{console}\n{ORIGIN}")).expect_err("refused");
    format!("{:?}", miette::Report::new(errors))
}

#[test]
fn a_device_without_a_console_is_a_device() {
    let text = parallax_scenario::builtin("esp32-p4").expect("there");
    assert_eq!(profile::parse("own.toml", text).expect("sound").console, None);
}

#[test]
fn a_console_needs_a_prompt_and_its_origin_and_has_defaults() {
    let console = with(&format!("prompt = \"esp> $\"\n{ORIGIN}")).expect("sound").console;
    let console = console.expect("given");
    assert_eq!((console.bauds.as_slice(), console.prompt.as_str()), (&[115_200][..], "esp> $"));
    assert_eq!((console.dtr, console.has_shell), (Level::Untouched, true));
    assert_eq!((console.login, console.timeout_factor_per_mille), (None, 1000));
    assert_eq!(console.boot_timeout, Duration::from_secs(60));
    assert!(with("prompt = \"# $\"").is_err() && with(ORIGIN).is_err());
}

#[test]
fn a_console_is_read_as_it_is_written() {
    let text = "bauds = [1500000, 115200]\ndtr = \"low\"\nrts = \"high\"\nbanners = ['ets \\w{3}']\n\
                prompt = '# $'\ncommands = \"plain\"\nlogin_prompt = 'login: $'\nuser = \"root\"\n\
                transmit_delay = \"5ms\"\ntimeout_factor = 2.5\npanics = ['abort']\n";
    let console = with(&format!("{text}{ORIGIN}")).expect("sound").console.expect("given");
    assert_eq!(console.bauds, [1_500_000, 115_200]);
    assert_eq!((console.dtr, console.rts), (Level::Low, Level::High));
    assert_eq!(
        (console.banners, console.panics),
        (vec!["ets \\w{3}".into()], vec!["abort".into()])
    );
    let login =
        LoginTraits { prompt: "login: $".into(), user: "root".into(), password_prompt: None };
    assert_eq!((console.login, console.has_shell), (Some(login), false));
    assert_eq!(console.transmit_delay, Duration::from_millis(5));
    assert_eq!(console.timeout_factor_per_mille, 2500);
}

#[test]
fn a_console_says_what_sets_it_up_and_what_resets_it() {
    let plain = with(&format!("prompt = '# $'\n{ORIGIN}")).expect("sound").console.expect("given");
    assert_eq!((plain.setup, plain.reset), (vec![], None));
    let text = "prompt = '# $'\nsetup = ['dmesg -n 1', 'udhcpc -i eth0 -n -q']\nreset_line = 'rts'\n\
                reset_level = 'low'\nreset_hold = '250ms'\n";
    let console = with(&format!("{text}{ORIGIN}")).expect("sound").console.expect("given");
    assert_eq!(console.setup, ["dmesg -n 1", "udhcpc -i eth0 -n -q"]);
    let hold = Duration::from_millis(250);
    assert_eq!(console.reset, Some(ResetTraits { line: ControlLine::Rts, asserted: false, hold }));
}

#[test]
fn what_is_wrong_in_a_console_is_told_with_line_and_key() {
    for (console, message) in [
        ("prompt = '# $'\nbuad = 9600", "console.buad: there is no such key"),
        ("prompt = ''", "console.prompt: it is empty"),
        ("prompt = '# $'\nbauds = []", "console.bauds: 0 items"),
        ("prompt = '# $'\nbauds = [7]", "console.bauds[1]: `7` is out of range"),
        ("prompt = '# $'\nlogin_prompt = 'login:'", "`console` lacks `user`"),
        ("prompt = '# $'\nuser = 'root'", "`console` lacks `login_prompt`"),
        ("prompt = '# $'\nsetup = ['']", "console.setup[1]: it is no command line"),
        ("prompt = '# $'\nsetup = ['a', \"b\\nc\"]", "console.setup[2]: it is no command line"),
        ("prompt = '# $'\nsetup = 'a'", "console.setup"),
        (
            "prompt = '# $'\nreset_line = 'cts'",
            "console.reset_line: `cts` is not one of its values",
        ),
        ("prompt = '# $'\nreset_level = '5V'", "console.reset_level: `5V` is not one of its"),
        ("prompt = '# $'\nreset_hold = '1h'", "console.reset_hold: the value is too large"),
        ("prompt = '# $'\ndtr = 'up'", "console.dtr: `up` is not one of its values"),
    ] {
        let shown = refused(console);
        assert!(shown.contains(message), "{console}:\n{shown}");
        assert!(shown.contains("own.toml:"), "{shown}");
    }
}

#[test]
fn a_firmware_is_read_as_it_is_written_and_has_defaults() {
    let text = format!(
        "prompt = 'esp> $'\n{ORIGIN}\n[firmware]\nname = \"a demo\"\njoin = \"join {{room}}\"\n\
         connected = ['DTLS: up', 'SRTP: up']\n{ORIGIN}"
    );
    let firmware = with(&text).expect("sound").firmware.expect("given");
    assert_eq!((firmware.name.as_str(), firmware.join.as_deref()), ("a demo", Some("join {room}")));
    assert_eq!(firmware.connected, ["DTLS: up", "SRTP: up"]);
    assert_eq!((firmware.start, firmware.stop, firmware.first_frame.len()), (None, None, 0));
    assert_eq!(with(&format!("prompt = '# $'\n{ORIGIN}")).expect("sound").firmware, None);
}

#[test]
fn what_is_wrong_in_a_firmware_is_told_with_line_and_key() {
    let console = format!("prompt = 'esp> $'\n{ORIGIN}\n");
    for (firmware, message) in [
        ("name = \"a\"\nconected = ['x']", "firmware.conected: there is no such key"),
        ("name = \"\"", "firmware.name: it is empty"),
        ("join = \"x\"", "`firmware` lacks `name`"),
        ("name = \"a\"\nfailed = ['']", "firmware.failed[1]: it is empty"),
        ("name = \"a\"\nfailed = 'x'", "firmware.failed: a text stands where an array is expected"),
    ] {
        let errors =
            with(&format!("{console}[firmware]\n{firmware}\n{ORIGIN}")).expect_err("refused");
        let shown = format!("{:?}", miette::Report::new(errors));
        assert!(shown.contains(message) && shown.contains("own.toml:"), "{firmware}:\n{shown}");
    }
    let sound = parallax_scenario::builtin("esp32-p4").expect("there");
    let text = format!("{sound}\n[firmware]\nname = \"a\"\n{ORIGIN}");
    let errors = profile::parse("own.toml", &text).expect_err("it has no console");
    assert!(errors.to_string().contains("firmware: there is no `[console]`"), "{errors}");
}
