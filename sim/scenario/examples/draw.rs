//! Random pairs of homes for blind predictions: `draw SEED COUNT FOLDER` writes scenario files to which no model was tuned.
//!
//! Each home is drawn by its number and the seed alone, so that more homes change none of the first ones. What is drawn
//! lies within what homes have; an up link has room for the camera's bit rate at least 1.4 times.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool for developers, beside the pure core, writes files"
)]

use parallax_network::random;
use rand_core::Rng;
use std::fmt::Write as _;
use std::{env, error::Error, fs, path::Path};

/// A home's random stream.
struct Dice<R>(R);

impl<R: Rng> Dice<R> {
    /// One of these, each as likely.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.0.next_u64() % all.len() as u64) as usize]
    }

    /// A whole number of this range, both ends included.
    fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.next_u64() % (most - least + 1)
    }
}

/// A scenario's text.
fn home(seed: u64, number: u64) -> String {
    let dice = &mut Dice(random::stream(seed, &format!("draw/{number}")));
    let frames_per_second = dice.one_of(&[10, 15, 20]);
    let bit_rate = dice.one_of(&[250, 400, 600, 800]);
    let pacer = bit_rate * dice.within(3, 8);
    let mut text =
        format!("schema = 1\ntitle = \"Two homes, drawn: number {number} of seed {seed}\"\n");
    text +=
        "why = \"A prediction that nothing was tuned to: simulated first, measured afterwards.\"\n";
    text += "duration = \"30s\"\n";
    for site in ["house", "flat"] {
        // A gateway in four maps by address and port. Where both do, media go over the relay.
        let (mapping, ports) = dice.one_of(&[
            ("endpoint-independent", "preserving"),
            ("endpoint-independent", "preserving"),
            ("endpoint-independent", "random"),
            ("address-and-port-dependent", "random"),
        ]);
        let room = if site == "house" { bit_rate * 14 / 10 } else { 1_000 };
        let up = room.max(dice.one_of(&[1_200, 2_000, 3_000, 5_000, 10_000, 20_000]));
        let down = dice.one_of(&[6_000, 16_000, 30_000, 50_000, 100_000]);
        let _ = write!(
            text,
            "\n[site.{site}]\ngateway = {{ mapping = \"{mapping}\", filtering = \"address-and-port-dependent\", \
             ports = \"{ports}\", mapping_timeout = \"120s\" }}\n"
        );
        for (direction, capacity) in [("up", up), ("down", down)] {
            let delay = dice.one_of(&[3, 5, 8, 12, 20, 30]);
            let variation = dice.one_of(&[0, 1, 2, 4]);
            let loss = dice.one_of(&["", "", "0.2%", "0.5%", "1%", "2%"]);
            let burst = dice.within(1, 4);
            let queue = dice.one_of(&[50, 100, 200, 300]);
            let _ = write!(
                text,
                "{direction} = {{ capacity = \"{capacity}kbit/s\", one_way_delay = \"{delay}ms\""
            );
            if variation > 0 {
                let _ = write!(text, ", delay_variation = \"{variation}ms\"");
            }
            if !loss.is_empty() {
                let _ = write!(text, ", loss = {{ mean = \"{loss}\", burst = {burst} }}");
            }
            let _ = writeln!(text, ", queue = \"{queue}ms\" }}");
        }
    }
    let _ = write!(
        text,
        "\n[peer.doorbell]\nsite = \"house\"\ncamera = {{ profile = \"esp32-p4\", video = {{ clip = \"bunny\", size = \
         \"320x240\", frames_per_second = {frames_per_second}, bit_rate = \"{bit_rate}kbit/s\" }}, pacer = \
         \"{pacer}kbit/s\" }}\n\n[peer.phone]\nsite = \"flat\"\nviews = [\"doorbell\"]\nviewer = {{ profile = \"phone\" }}\n\n\
         [[check]]\nconnects = {{ within = \"20s\" }}\nwhy = \"Without a connection there is nothing to compare.\"\n"
    );
    text
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [seed, count, folder] = words.as_slice() else {
        return Err("write: draw SEED COUNT FOLDER, such as `draw 1 20 target/blind/homes`".into());
    };
    let (seed, count): (u64, u64) = (seed.parse()?, count.parse()?);
    fs::create_dir_all(folder)?;
    for number in 1..=count {
        fs::write(Path::new(folder).join(format!("home-{number:02}.toml")), home(seed, number))?;
    }
    Ok(())
}
