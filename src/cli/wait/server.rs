//! The server of --by or --project.

use anyhow::bail;
use sockeye::model::Text;
use sockeye::report::WaitedServer;
use sockeye::runtime::wait::ExpectedServer;
use sockeye::source::PinnedProcess;

use super::{Wait, What};
use crate::cli::project::project_of;

/// The expected server, and how it is reported; `None` if none is expected.
pub(super) fn expected(
    wait: &Wait,
) -> anyhow::Result<(Option<ExpectedServer>, Option<WaitedServer>)> {
    let option = match (wait.by, &wait.project) {
        (None, None) => return Ok((None, None)),
        (Some(_), _) => "--by",
        (None, Some(_)) => "--project",
    };
    if matches!(wait.wanted, What::Free) {
        bail!("{option} is for a server that listens: no server has a port that is free");
    }
    let Some(folder) = &wait.project else {
        let pinned = wait.by.and_then(PinnedProcess::of);
        let server = WaitedServer {
            pid: wait.by,
            name: pinned.as_ref().map(|one| one.process().name.clone()),
            project: None,
            has_ended: pinned.is_none(),
        };
        let expected = pinned.map(|one| ExpectedServer::Process(Box::new(one)));
        return Ok((
            Some(expected.unwrap_or(ExpectedServer::Ended)),
            Some(server),
        ));
    };
    let project = project_of(option, folder)?;
    let server = WaitedServer {
        pid: None,
        name: None,
        project: Some(Text::from_bytes(project.as_os_str().as_encoded_bytes())),
        has_ended: false,
    };
    Ok((Some(ExpectedServer::Project(project)), Some(server)))
}
