//! The play: work, a death, and somebody else who takes over.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use edge_ledger_wire::operator::{Event, PAGE_MAX, Page};
use serde::Serialize;
use tokio::time::sleep;

use super::{
    scene::{Lease, Scene},
    stage::Stage,
    tasks::LARGE,
    watch::Watch,
};

/// How a task came from a holder that died to another.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Takeover {
    /// The process that was killed.
    pub(super) killed: u32,
    pub(super) first: Lease,
    /// How many rows the first holder had delivered when it was killed.
    pub(super) delivered: usize,
    /// When its lease was recorded as lapsed.
    pub(super) stale_at: String,
    pub(super) second: Lease,
    /// How many rows of the second holder were known already, and not stored again.
    pub(super) deduplicated: u64,
}

/// How often the gateway is asked what has happened.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long all of it may take.
const OVER_WITHIN: Duration = Duration::from_secs(180);

/// Watches until every task is done, and kills an agent on the way.
pub(super) async fn play(
    stage: &mut Stage,
    watch: &mut Watch,
    tasks: usize,
) -> Result<(Scene, Takeover)> {
    let mut scene = Scene::default();
    let mut killed = None;
    while !scene.all_done(tasks) {
        look(stage, &mut scene, watch).await?;
        if killed.is_none()
            && let Some(holder) = scene.under_way().cloned()
        {
            killed = Some(kill(stage, &scene, holder, watch).await?);
        }
        stage.check()?;
        let done = scene.processed();
        ensure!(watch.elapsed() < OVER_WITHIN, "only {done} configurations within {OVER_WITHIN:?}");
        sleep(LOOK_EVERY).await;
    }
    let killed = killed.context("no task was ever seen under way")?;
    let takeover = killed.takeover(&scene)?;
    Ok((scene, takeover))
}

/// Asks what has happened since.
async fn look(stage: &Stage, scene: &mut Scene, watch: &mut Watch) -> Result<()> {
    loop {
        let query = [("after", scene.head.to_string()), ("limit", PAGE_MAX.to_string())];
        let page: Page<Event> = stage.client.get(&["events"], &query).await?.read()?;
        for event in &page.items {
            if let Some(line) = scene.see(event) {
                watch.tell(&line);
            }
        }
        watch.progress(scene);
        if page.next.is_none() {
            return Ok(());
        }
    }
}

/// An agent that was killed at work.
struct Killed {
    process: u32,
    holder: Lease,
    delivered: usize,
}

async fn kill(stage: &mut Stage, scene: &Scene, holder: Lease, watch: &Watch) -> Result<Killed> {
    let process = stage.kill_agent(&holder.edge).await?;
    let delivered = scene.tasks.get(LARGE).map_or(0, |seen| seen.rows);
    watch.tell(&format!(
        "kill -9 {process}: {} dies at work on {LARGE}, after it delivered {delivered} rows",
        holder.edge
    ));
    Ok(Killed { process, holder, delivered })
}

impl Killed {
    /// Finds who took over. Anything but another edge under a higher fence, after the first lease
    /// had gone stale, is a failure.
    fn takeover(self, scene: &Scene) -> Result<Takeover> {
        let Self { process, holder: first, delivered } = self;
        let seen = scene.tasks.get(LARGE).context("the task that was killed is not there")?;
        let Some(stale) = seen.stale.iter().find(|stale| stale.fence == first.fence) else {
            bail!(
                "the lease of {LARGE} under fence {} never went stale, though {} was killed",
                first.fence,
                first.edge
            );
        };
        let second = seen.leases.last().context("nobody holds the task that was killed")?.clone();
        ensure!(
            second.edge != first.edge,
            "{LARGE} was taken by {} again, who is dead",
            first.edge
        );
        ensure!(
            second.fence > first.fence,
            "{LARGE} was taken under fence {}, not above {}",
            second.fence,
            first.fence
        );
        let (stale_at, deduplicated) = (stale.at.clone(), seen.deduplicated);
        Ok(Takeover { killed: process, first, delivered, stale_at, second, deduplicated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::demo::scene::{Seen, Stale};

    fn lease(edge: &str, fence: u64, attempt: u32) -> Lease {
        Lease { edge: edge.to_owned(), fence, attempt }
    }

    fn outcome(leases: Vec<Lease>, stale: &[u64]) -> Result<Takeover> {
        let stale = stale.iter().map(|fence| Stale { fence: *fence, at: "then".to_owned() });
        let seen = Seen { leases, stale: stale.collect(), done: true, ..Seen::default() };
        let mut scene = Scene::default();
        scene.tasks.insert(LARGE.to_owned(), seen);
        Killed { process: 1, holder: lease("alder", 40, 1), delivered: 500 }.takeover(&scene)
    }

    #[test]
    fn only_another_edge_under_a_higher_fence_after_a_stale_lease_is_a_takeover() {
        let (first, second) = (lease("alder", 40, 1), lease("birch", 57, 2));

        let taken = outcome(vec![first.clone(), second.clone()], &[40]).unwrap();
        assert_eq!((taken.first, taken.second), (first.clone(), second.clone()));

        for (leases, stale, fault) in [
            (vec![first.clone(), second], vec![], "never went stale"),
            (vec![first.clone(), lease("alder", 57, 2)], vec![40], "who is dead"),
            (vec![first, lease("birch", 39, 2)], vec![40], "not above 40"),
        ] {
            let refused = outcome(leases, &stale).unwrap_err().to_string();
            assert!(refused.contains(fault), "{refused}");
        }
    }
}
