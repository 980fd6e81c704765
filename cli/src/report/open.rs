//! The system's viewer for a report.

use crate::exit::Stop;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Opens it, and does not wait until it is closed.
///
/// # Errors
/// [`Stop::Fault`]: the report is written, and nothing is there that opens it.
pub(crate) fn page(page: &Path) -> Result<(), Stop> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).map_err(|error| {
        Stop::Fault(format!(
            "failed to open {} with {program}: {error}\n  help: the report is written; open it in a \
             browser",
            page.display()
        ))
    })
}
