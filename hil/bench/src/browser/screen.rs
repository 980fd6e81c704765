//! Frames that a browser showed, with times: the page tells when a frame was handed to the compositor if it has
//! time to, and of every frame that came out of the decoder. A pure core.

use std::collections::VecDeque;

/// Frames that may wait for their picture.
const WAITING: usize = 30;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen<P> {
    /// A frame was shown.
    Frame {
        rtp_timestamp: u32,
        /// Nanoseconds on the run's clock.
        run_ns: u64,
        /// It may have been shown earlier: the page was too busy to look.
        at_latest: bool,
        picture: Option<P>,
    },
    /// Number of shown frames of which it is not known which they are.
    Unknown { frames: u64, run_ns: u64 },
}

/// A frame that the page saw handed to the compositor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) rtp_timestamp: u32,
    /// How many were until then, this one included.
    pub(super) presented: u64,
    pub(super) run_ns: u64,
}

/// Puts together what the page tells. `P` is a picture.
#[derive(Debug)]
pub(super) struct Screen<P> {
    /// In the order of the decoder: the frame, when the page had it, and its picture.
    decoded: VecDeque<(u32, u64, Option<P>)>,
    shown: VecDeque<Shown>,
    presented: u64,
    told: VecDeque<Seen<P>>,
}

impl<P> Default for Screen<P> {
    fn default() -> Self {
        let (decoded, shown, told) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { decoded, shown, presented: 0, told }
    }
}

impl<P> Screen<P> {
    /// A frame came out of the decoder, at this time or before.
    pub(super) fn decoded(&mut self, rtp_timestamp: u32, run_ns: u64, picture: Option<P>) {
        self.decoded.push_back((rtp_timestamp, run_ns, picture));
        self.settle();
    }

    /// A frame was shown.
    pub(super) fn shown(&mut self, shown: Shown) {
        self.shown.push_back(shown);
        self.settle();
    }

    /// What was seen, in order.
    pub(super) fn poll(&mut self) -> Option<Seen<P>> {
        self.told.pop_front()
    }

    fn settle(&mut self) {
        while let Some(next) = self.shown.front().copied() {
            let is_before = |(rtp_timestamp, ..): &&(u32, u64, Option<P>)| {
                rtp_timestamp.wrapping_sub(next.rtp_timestamp).cast_signed() < 0
            };
            let before = self.decoded.iter().take_while(is_before).count();
            // Until one that is no older comes, its own may.
            if before == self.decoded.len() && self.shown.len() <= WAITING {
                return;
            }
            self.shown.pop_front();
            let missed = next.presented.saturating_sub(self.presented + 1);
            self.presented = next.presented;
            self.between(before, missed, next.run_ns);
            let own = self.decoded.pop_front_if(|(it, ..)| *it == next.rtp_timestamp);
            let picture = own.and_then(|(_, _, picture)| picture);
            let Shown { rtp_timestamp, run_ns, .. } = next;
            let at_latest = false;
            self.told.push_back(Seen::Frame { rtp_timestamp, run_ns, at_latest, picture });
        }
    }

    /// Numbers of frames decoded and shown before one that the page saw, at `until_ns`.
    fn between(&mut self, decoded: usize, shown: u64, until_ns: u64) {
        let frames: Vec<_> = self.decoded.drain(..decoded).collect();
        let decoded = decoded as u64;
        if decoded > shown {
            // Some were never shown: which, is not known unless it is all of them.
            if shown > 0 {
                self.told.push_back(Seen::Unknown { frames: shown, run_ns: until_ns });
            }
            return;
        }
        for (rtp_timestamp, at_ns, picture) in frames {
            let run_ns = at_ns.min(until_ns);
            let at_latest = true;
            self.told.push_back(Seen::Frame { rtp_timestamp, run_ns, at_latest, picture });
        }
        if shown > decoded {
            let frames = shown - decoded;
            self.told.push_back(Seen::Unknown { frames, run_ns: until_ns });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rtp_timestamp: u32, presented: u64, run_ns: u64) -> Shown {
        Shown { rtp_timestamp, presented, run_ns }
    }

    fn frame(rtp_timestamp: u32, run_ns: u64, picture: Option<char>) -> Seen<char> {
        Seen::Frame { rtp_timestamp, run_ns, at_latest: false, picture }
    }

    fn late(rtp_timestamp: u32, run_ns: u64, picture: char) -> Seen<char> {
        Seen::Frame { rtp_timestamp, run_ns, at_latest: true, picture: Some(picture) }
    }

    fn all(screen: &mut Screen<char>) -> Vec<Seen<char>> {
        std::iter::from_fn(|| screen.poll()).collect()
    }

    #[test]
    fn a_frame_and_its_picture_come_in_any_order() {
        let mut screen = Screen::default();
        screen.shown(shown(u32::MAX, 1, 10));
        assert_eq!(all(&mut screen), []);
        screen.decoded(u32::MAX, 12, Some('a'));
        screen.decoded(5, 70, Some('b'));
        assert_eq!(all(&mut screen), [frame(u32::MAX, 10, Some('a'))]);
        screen.shown(shown(5, 2, 71));
        assert_eq!(all(&mut screen), [frame(5, 71, Some('b'))]);
    }

    #[test]
    fn a_frame_that_was_shown_unseen_is_told_of_at_the_latest_that_it_can_have_been() {
        let mut screen = Screen::default();
        screen.decoded(1, 10, Some('a'));
        screen.decoded(2, 50, Some('b'));
        screen.decoded(3, 40, Some('c'));
        screen.shown(shown(3, 3, 41));
        let told = all(&mut screen);
        assert_eq!(told, [late(1, 10, 'a'), late(2, 41, 'b'), frame(3, 41, Some('c'))]);
    }

    #[test]
    fn a_frame_that_was_decoded_and_not_shown_is_not_told_of() {
        let mut screen = Screen::default();
        screen.decoded(1, 10, Some('a'));
        screen.decoded(2, 20, Some('b'));
        screen.shown(shown(2, 1, 21));
        assert_eq!(all(&mut screen), [frame(2, 21, Some('b'))]);
    }

    #[test]
    fn of_frames_shown_unseen_nobody_knows_which_if_others_were_not_shown() {
        let mut screen = Screen::default();
        for (rtp_timestamp, picture) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            screen.decoded(rtp_timestamp, 10, Some(picture));
        }
        screen.shown(shown(3, 2, 21));
        let unknown = Seen::Unknown { frames: 1, run_ns: 21 };
        assert_eq!(all(&mut screen), [unknown.clone(), frame(3, 21, Some('c'))]);
        screen.decoded(4, 30, Some('d'));
        screen.shown(shown(4, 4, 31));
        let unknown = Seen::Unknown { frames: 1, run_ns: 31 };
        assert_eq!(all(&mut screen), [unknown, frame(4, 31, Some('d'))]);
    }

    #[test]
    fn a_frame_without_a_picture_is_shown_once_a_later_picture_came() {
        let mut screen = Screen::default();
        screen.shown(shown(1, 1, 10));
        screen.decoded(2, 20, Some('b'));
        assert_eq!(all(&mut screen), [frame(1, 10, None)]);
    }
}
