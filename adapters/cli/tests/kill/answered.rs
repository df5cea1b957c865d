//! Everything that was answered so far, held against a gateway that has come back.
use std::collections::{BTreeMap, BTreeSet};

use crate::{load::Told, server::Server};

/// Everything that was answered so far.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    submitted: BTreeSet<String>,
    leased: BTreeMap<u64, String>,
    stored: BTreeMap<String, Vec<String>>,
    completed: BTreeSet<String>,
}

impl Answered {
    pub(crate) fn add(&mut self, told: Told) {
        self.submitted.extend(told.submitted);
        for (task, fence) in told.leased {
            // A lease whose answer was lost comes again as it was.
            let earlier = self.leased.insert(fence, task.clone());
            assert!(
                earlier.is_none_or(|earlier| earlier == task),
                "fence {fence} was of two tasks"
            );
        }
        for (task, config_id) in told.stored {
            self.stored.entry(task).or_default().push(config_id);
        }
        for task in told.completed {
            assert!(self.completed.insert(task.clone()), "{task} was completed twice");
        }
    }

    pub(crate) fn completed(&self) -> usize {
        self.completed.len()
    }

    /// Looks for all of it, and for each of it once.
    pub(crate) async fn check(&self, server: &Server) {
        let mut status = BTreeMap::new();
        for task in server.list("/v1/tasks").await {
            let id = task["id"].as_str().unwrap().to_owned();
            let found = task["status"].as_str().unwrap().to_owned();
            assert!(status.insert(id.clone(), found).is_none(), "{id} is there twice");
        }
        for id in &self.submitted {
            assert!(status.contains_key(id), "{id} was submitted");
        }
        for id in &self.completed {
            assert_eq!(status.get(id).map(String::as_str), Some("DONE"), "{id} was completed");
        }
        for (id, config_ids) in &self.stored {
            let rows = server.list(&format!("/v1/tasks/{id}/results")).await;
            for config_id in config_ids {
                let times = rows.iter().filter(|row| row["configId"] == **config_id).count();
                assert_eq!(times, 1, "{config_id} of {id}");
            }
        }
        self.check_log(server).await;
    }

    /// Each lease that was answered is one event, at the position that its fence names.
    async fn check_log(&self, server: &Server) {
        let mut leases = BTreeMap::new();
        let mut completions = BTreeMap::<_, u32>::new();
        for (at, event) in (1_u64..).zip(server.list("/v1/events").await) {
            assert_eq!(event["position"], at, "positions have no gaps");
            let task = event["event"]["data"]["task"].as_str().unwrap_or_default().to_owned();
            match event["event"]["type"].as_str().unwrap() {
                "task.leased" => drop(leases.insert(at, task)),
                "task.completed" => *completions.entry(task).or_default() += 1,
                _ => {}
            }
        }
        for (fence, task) in &self.leased {
            assert_eq!(leases.get(fence), Some(task), "the lease of fence {fence}");
        }
        for task in &self.completed {
            assert_eq!(completions.get(task), Some(&1), "the completion of {task}");
        }
    }
}
