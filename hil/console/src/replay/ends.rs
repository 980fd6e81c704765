//! Boots, deaths and ends of steps in a recording.

use super::{
    CameUp, ReplayKind,
    count::Role,
    drive::{Driver, READY},
};
use crate::{
    CommandId, CommandStyle, DeathCause, Limit, State, StepOutcome,
    tell::{cause, outcome, shown, state},
};

impl Driver<'_> {
    pub(super) fn changed(&mut self, new: State) {
        match &new {
            State::Dead(why) => self.died(why),
            State::Ready if matches!(self.state, State::Unknown | State::Booting) => {
                let line = self.line;
                let taken = core::mem::take(&mut self.taken);
                let plain = self.console.profile().style == CommandStyle::Plain;
                let text = match (taken, plain) {
                    (true, _) => "ready, by its prompt alone: nothing was typed that proves it",
                    (_, true) => "ready: its prompt came",
                    _ => "ready: it answered the probe",
                };
                self.step(ReplayKind::State, text.to_owned());
                let logs_in = self.console.profile().login.is_some();
                let unseen = logs_in && !self.logged_in && self.summary.boots > 0;
                let missed = match (unseen, core::mem::take(&mut self.unasked)) {
                    (true, _) => Some("login_prompt"),
                    (false, true) => Some("password_prompt"),
                    (false, false) => None,
                };
                if let Some(key) = missed {
                    let text =
                        format!("it booted and came up, and `{key}` matched nothing on the way");
                    self.step(ReplayKind::Unfit, text);
                }
                if !matches!(self.summary.came_up, CameUp::Yes { .. }) {
                    self.summary.came_up = match (missed, taken) {
                        // Another user may have been logged in there; a bench would not.
                        (Some(key), _) => CameUp::No(format!(
                            "line {line}: by this profile nobody logs in: `{key}` matched nothing"
                        )),
                        (None, true) => CameUp::Prompt { line },
                        (None, false) => CameUp::Yes { line },
                    };
                }
            }
            State::Booting if matches!(self.state, State::Ready | State::Streaming) => {
                self.boots_again = true;
                self.step(ReplayKind::State, state(&new).to_owned());
            }
            new => self.step(ReplayKind::State, state(new).to_owned()),
        }
        self.probed &= matches!(new, State::Unknown | State::Booting);
        self.state = new;
    }

    pub(super) fn died(&mut self, why: &DeathCause) {
        // What resets boots already. A loop has no end to wait for.
        self.boots_again = self.console.resets.rebooted && !matches!(why, DeathCause::BootLoop(_));
        if self.boots_again && self.state == State::Booting {
            self.summary.boots += 1;
        }
        if let DeathCause::Restarted(_) = why {
            // A note tells of it.
            return;
        }
        self.summary.deaths += 1;
        self.login_line = None;
        let key = match why {
            DeathCause::Said(kind, said) => {
                let of = |(role, _): &&(Role, String)| *role == Role::Death(*kind);
                let key = self.matched.iter().find(of).map(|(_, key)| key.clone());
                let reason = |(role, _): &&(Role, String)| *role == Role::Other;
                let told = || self.matched.iter().find(reason).map(|(_, key)| key.clone());
                key.or_else(|| self.counts.death_in(said)).or_else(told)
            }
            DeathCause::Reset(_) | DeathCause::BootLoop(_) => {
                let of = |(role, _): &&(Role, String)| *role == Role::Banner;
                self.matched.iter().find(of).map(|(_, key)| key.clone())
            }
            _ => None,
        };
        let mut text = cause(why);
        if let Some(key) = key {
            text += &format!(" matches {key}");
        }
        if self.summary.came_up == CameUp::Open {
            self.summary.came_up = CameUp::No(format!("line {}: {text}", self.line));
        }
        self.step(ReplayKind::Death, text);
    }

    pub(super) fn banner(&mut self, said: &[u8]) {
        let of = |(role, _): &&(Role, String)| *role == Role::Banner;
        let key = self.matched.iter().find(of).map(|(_, key)| format!(" matches {key}"));
        self.step(ReplayKind::Banner, format!("{}{}", shown(said), key.unwrap_or_default()));
        match &self.state {
            State::Dead(DeathCause::BootLoop(_)) => {}
            State::Dead(_) | State::Ready | State::Streaming => {
                self.summary.boots += 1;
                self.boots_again |= matches!(self.state, State::Dead(_));
            }
            State::Unknown => {
                self.summary.boots += 1;
                self.asks = false;
                self.boots_again = true;
            }
            State::Booting | State::Off => {}
        }
    }

    pub(super) fn finished(&mut self, id: CommandId, how: &StepOutcome) {
        match how {
            // A death is reported already, and that a board is ready as well.
            StepOutcome::Died(_) => {}
            StepOutcome::Done { .. } if id == READY => {}
            StepOutcome::TimedOut(Limit::Step) if id == READY => {
                self.step(ReplayKind::Ended, "no prompt within boot_timeout".into());
            }
            StepOutcome::Done { .. } => self.step(ReplayKind::Done, outcome(how)),
            _ => self.step(ReplayKind::Ended, outcome(how)),
        }
    }
}
