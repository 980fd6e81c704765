//! A clock that is wrong by known amounts: what a bench makes of it can be held against the truth.

/// How a board's clock differs from the machine's monotonic one. The default does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    /// So far it is ahead when the machine's clock shows 0.
    pub offset_ns: i64,
    /// Drift against the machine's clock, ppm.
    pub drift_ppm: i32,
    /// Time after power on at which it jumps, and by how much.
    pub jump: Option<(u64, i64)>,
}

impl Skew {
    /// What the board's clock shows when the machine's shows `host_ns`; its power came on at `on_ns` of
    /// the machine's.
    pub fn board_ns(&self, host_ns: u64, on_ns: u64) -> u64 {
        let mut board = i128::from(host_ns) + i128::from(self.offset_ns);
        board += i128::from(host_ns) * i128::from(self.drift_ppm) / 1_000_000;
        if let Some((after_ns, by_ns)) = self.jump
            && host_ns >= on_ns.saturating_add(after_ns)
        {
            board += i128::from(by_ns);
        }
        u64::try_from(board.max(0)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn a_clock_is_off_and_gains_and_jumps_as_it_is_told() {
        assert_eq!(Skew::default().board_ns(7, 3), 7);
        let off = Skew { offset_ns: -2_000_000_000, drift_ppm: 100, jump: None };
        assert_eq!(off.board_ns(10 * S, 0), 8 * S + 1_000_000);
        assert_eq!(off.board_ns(S, 0), 0);
        let jumps = Skew { jump: Some((3 * S, -500)), ..Skew::default() };
        assert_eq!(jumps.board_ns(8 * S - 1, 5 * S), 8 * S - 1);
        assert_eq!(jumps.board_ns(8 * S, 5 * S), 8 * S - 500);
    }
}
