//! Becoming somebody.

use edge_ledger_agent::runtime::Builtin;
use edge_ledger_agent::{AgentError, NotRegistered, Notice};
use serde_json::json;

use crate::gateway::{Gateway, Reply};
use crate::{Agent, SECOND, optimization, well};

#[tokio::test]
async fn a_restarted_edge_is_who_it_was() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| well(asked, n + 1, SECOND, &json!({}))).await;
    for polls in [1, 2] {
        let agent = Agent::start(&gateway, state.path(), Builtin::default());
        gateway.until("tasks/next", polls).await;
        agent.end().await;
    }

    assert_eq!(gateway.asked_at("register").len(), 1);
}

#[tokio::test]
async fn a_lost_registration_is_repeated_and_a_taken_number_is_not() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("register", 0) => Reply::Lost,
        ("register", 1) => Reply::problem(503, "busy"),
        ("register", 2) => Reply::problem(409, "taken"),
        _ => well(asked, n + 1, SECOND, &json!({})),
    })
    .await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    gateway.until("tasks/next", 1).await;
    let asked = gateway.asked_at("register");
    let said: Vec<_> = asked.iter().map(|asked| (asked.key.clone(), &asked.body)).collect();
    assert_eq!(said.len(), 4);
    assert!(said[0] == said[1] && said[1] == said[2], "{said:?}");
    assert!(said[0].0.is_some() && said[3].0 != said[0].0);
    let number = |at: usize| said[at].1["deviceNumber"].as_str().unwrap();
    assert!(number(3).starts_with("rack-7-") && number(3) != number(0));
    agent.end().await;
}

#[tokio::test]
async fn a_registration_cut_off_by_a_crash_is_repeated_after_it() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| match (asked.path.as_str(), n) {
        ("register", 0) => Reply::problem(503, "busy"),
        _ => well(asked, n + 1, SECOND, &json!({})),
    })
    .await;
    let crashed = Agent::start(&gateway, state.path(), Builtin::default());
    gateway.until("register", 1).await;
    crashed.life.abort();
    assert!(crashed.life.await.unwrap_err().is_cancelled());

    let agent = Agent::start(&gateway, state.path(), Builtin::default());

    gateway.until("tasks/next", 1).await;
    let asked = gateway.asked_at("register");
    let last = asked.last().unwrap();
    assert_eq!((&asked[0].key, &asked[0].body), (&last.key, &last.body));
    agent.end().await;
}

#[tokio::test]
async fn five_taken_numbers_are_enough_and_a_refused_token_is_final() {
    let state = tempfile::tempdir().unwrap();
    let taken = Gateway::start(|_, _| Reply::problem(409, "taken")).await;
    let refused = Gateway::start(|_, _| Reply::problem(401, "no such token")).await;

    let numbers = Agent::start(&taken, state.path(), Builtin::default()).ended().await;
    let token = Agent::start(&refused, state.path(), Builtin::default()).ended().await;

    assert_eq!(taken.asked().len(), 5);
    assert!(
        matches!(&numbers, Err(AgentError::NotRegistered(NotRegistered::NumbersTaken { .. }))),
        "{numbers:?}"
    );
    assert_eq!(refused.asked().len(), 1);
    let told = token.unwrap_err().to_string();
    assert_eq!(told, "the gateway refuses the enrollment token: no such token (401)");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_secret_is_seen() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(|asked, n| well(asked, n, 30 * SECOND, &optimization(2))).await;

    let agent = Agent::start(&gateway, state.path(), Builtin::default());
    agent.outcome().await;

    assert!(agent.saw(|notice| matches!(notice, Notice::Registered { .. })));
    let seen = format!("{:?}", agent.notices.lock().unwrap());
    assert!(!seen.contains("secret") && !seen.contains("etr_live"), "{seen}");
    agent.end().await;
}
