//! Active faults of a board, by how far it has come.

use crate::{
    fault::{BoardFault, BoardFaultKind, BoardStage, FaultPlan},
    lock,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The faults of a board. Clones are the same.
#[derive(Clone)]
pub(crate) struct ActiveFaults {
    on: Instant,
    plan: Arc<Mutex<FaultPlan>>,
    agent_killed: Arc<AtomicBool>,
}

impl ActiveFaults {
    /// The faults of a board whose power came on at `on`.
    pub(crate) fn new(on: Instant, all: Vec<BoardFault>) -> Self {
        let mut plan = FaultPlan::new(all);
        plan.reached(BoardStage::On, Duration::ZERO);
        Self { on, plan: Arc::new(Mutex::new(plan)), agent_killed: Arc::default() }
    }

    /// The board has reached `stage`.
    pub(crate) fn reached(&self, stage: BoardStage) {
        lock(&self.plan).reached(stage, self.on.elapsed());
    }

    /// Faults that are active now.
    pub(crate) fn now(&self) -> Vec<BoardFaultKind> {
        lock(&self.plan).now(self.on.elapsed()).collect()
    }

    /// Faults that are due now, each once.
    pub(crate) fn due(&self) -> Vec<BoardFaultKind> {
        lock(&self.plan).due(self.on.elapsed())
    }

    pub(crate) fn is(&self, kind: BoardFaultKind) -> bool {
        self.now().contains(&kind)
    }

    /// Kills the agent.
    pub(crate) fn kill_agent(&self) {
        self.agent_killed.store(true, Ordering::Relaxed);
    }

    /// Whether the agent was killed.
    pub(crate) fn agent_killed(&self) -> bool {
        self.agent_killed.load(Ordering::Relaxed)
    }
}
