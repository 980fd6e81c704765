//! Colours, by what they stand for. A plot names its inks; a theme says what they look like. The two
//! themes keep the contrast of text to its ground at 4.5 or more and that of marks at 3 or more, and
//! neighbouring hues differ in lightness too, so that no reader needs to distinguish red from green.

use parallax_record::Stage;
use plotters::style::RGBColor;
use std::fmt::Write;

/// What a mark or a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Quiet,
    /// Labels of the axis along the bottom: the script writes them anew when it zooms.
    Bottom,
    Grid,
    Ground,
    Latency,
    Lost,
    Nat,
    Event,
    Freeze,
    Second,
    Third,
    Stage(Stage),
    Heat1,
    Heat2,
    Heat3,
    Heat4,
    Heat5,
    Heat6,
    Pass,
    Inconclusive,
    Fail,
    Error,
}

/// Ink, its name in class names and variables, its colour on a light ground and on a dark one.
type InkLook = (Ink, &'static str, &'static str, &'static str);

/// All inks but those of the stages.
const INKS: [InkLook; 22] = [
    (Ink::Text, "text", "#1b1f24", "#e8ebee"),
    (Ink::Quiet, "quiet", "#545d68", "#a9b3bd"),
    (Ink::Bottom, "bottom", "#545d68", "#a9b3bd"),
    (Ink::Grid, "grid", "#e0e4e8", "#333a42"),
    (Ink::Ground, "ground", "#ffffff", "#16191d"),
    (Ink::Latency, "latency", "#0b5fa5", "#6cb6f5"),
    (Ink::Lost, "lost", "#c2410c", "#ff9a66"),
    (Ink::Nat, "nat", "#7a3e9d", "#cf9bf0"),
    (Ink::Event, "event", "#9a6700", "#f0c04e"),
    (Ink::Freeze, "freeze", "#f2d3c2", "#5a3524"),
    (Ink::Second, "second", "#00755c", "#4fd1ad"),
    (Ink::Third, "third", "#a13670", "#f29ac4"),
    (Ink::Heat1, "heat1", "#dcecf7", "#1d3346"),
    (Ink::Heat2, "heat2", "#b3d4ec", "#235477"),
    (Ink::Heat3, "heat3", "#7fb5dd", "#2e78a8"),
    (Ink::Heat4, "heat4", "#4690c8", "#4d9fd0"),
    (Ink::Heat5, "heat5", "#1f6aa8", "#8cc7e8"),
    (Ink::Heat6, "heat6", "#0b3f70", "#d6effc"),
    (Ink::Pass, "pass", "#1a7f5a", "#3fb68b"),
    (Ink::Inconclusive, "inconclusive", "#8a6100", "#e3b341"),
    (Ink::Fail, "fail", "#b42318", "#ff8a7a"),
    (Ink::Error, "error", "#7a2e8f", "#d79af0"),
];

/// Widths of lines and sizes of dots that occur, tenths of a pixel.
const WIDTHS: [u32; 6] = [10, 15, 20, 30, 40, 60];

impl Ink {
    /// From little to much.
    pub(crate) const HEAT: [Self; 6] =
        [Self::Heat1, Self::Heat2, Self::Heat3, Self::Heat4, Self::Heat5, Self::Heat6];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stage(stage) => stage.key(),
            _ => INKS.into_iter().find(|(ink, ..)| *ink == self).map_or("", |(_, name, ..)| name),
        }
    }

    /// What stands for it while a plot is drawn: its place among all inks.
    pub(crate) fn sentinel(self) -> RGBColor {
        let place = inks().position(|(ink, ..)| ink == self).and_then(|at| u8::try_from(at).ok());
        RGBColor(place.unwrap_or_default(), 0, 0)
    }

    /// The ink that a sentinel stands for.
    pub(crate) fn of_sentinel(rgb: (u8, u8, u8)) -> Self {
        inks().nth(rgb.0.into()).map_or(Self::Text, |(ink, ..)| ink)
    }
}

/// All inks.
fn inks() -> impl Iterator<Item = InkLook> {
    let stage = |stage: Stage| {
        let [light, dark] = stage.colours();
        (Ink::Stage(stage), stage.key(), light, dark)
    };
    INKS.into_iter().chain(Stage::ALL.into_iter().map(stage))
}

/// Rules that say what the inks look like in a picture on a light ground, where there are no variables.
pub(crate) fn plain_rules() -> String {
    let mut css = String::from("text{font-family:'DejaVu Sans'}.none{fill:none}");
    for (_, name, light, _) in inks() {
        let _ = write!(css, ".s-{name}{{stroke:{light}}}.f-{name}{{fill:{light}}}");
    }
    css
}

/// Rules that say what the inks look like in a page of two themes.
pub(crate) fn page_rules() -> String {
    let mut css = String::from(":root{");
    for (_, name, light, _) in inks() {
        let _ = write!(css, "--{name}:{light};");
    }
    css.push_str("}\n@media screen and (prefers-color-scheme:dark){:root{");
    for (_, name, _, dark) in inks() {
        let _ = write!(css, "--{name}:{dark};");
    }
    css.push_str("}}\n");
    for (_, name, ..) in inks() {
        let _ = write!(css, ".s-{name}{{stroke:var(--{name})}}.f-{name}{{fill:var(--{name})}}");
    }
    for stage in Stage::ALL.map(Stage::key) {
        let _ = write!(css, ".key.{stage}{{background:var(--{stage})}}");
    }
    // Zooming stretches the data, not the lines that draw it.
    for width in WIDTHS {
        let px = f64::from(width) / 10.0;
        let _ = write!(css, ".data .w{width}{{stroke-width:{px}px}}");
    }
    css.push('\n');
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits");
            let share = f64::from(value) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn each_ink_is_found_by_its_sentinel() {
        for (index, (ink, ..)) in inks().enumerate() {
            let RGBColor(red, green, blue) = ink.sentinel();
            assert_eq!(usize::from(red), index);
            assert_eq!(Ink::of_sentinel((red, green, blue)), ink);
        }
    }

    #[test]
    fn texts_stand_out_from_their_ground_in_both_themes() {
        let look = |wanted| inks().find(|(ink, ..)| *ink == wanted).expect("it has a look");
        let (_, _, light, dark) = look(Ink::Ground);
        let texts = [
            Ink::Text,
            Ink::Quiet,
            Ink::Bottom,
            Ink::Latency,
            Ink::Lost,
            Ink::Nat,
            Ink::Event,
            Ink::Second,
            Ink::Third,
            Ink::Pass,
            Ink::Inconclusive,
            Ink::Fail,
            Ink::Error,
        ];
        for ink in texts {
            let (_, name, on_light, on_dark) = look(ink);
            assert!(contrast(on_light, light) >= 4.5, "{name} on light");
            assert!(contrast(on_dark, dark) >= 4.5, "{name} on dark");
        }
    }
}
