//! Whatever comes at once comes in one order.
use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::{Client, Edge},
    server::Server,
};

async fn fleet(server: &Server, size: usize) -> Vec<Edge> {
    let token = server.token(json!({ "maxUses": size })).await;
    let names: Vec<_> = (0..size).map(|n| format!("DEV-{n}")).collect();
    join_all(names.iter().map(|name| Edge::register(server.address, &token, name))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_polls_at_once_for_one_task_give_it_to_one() {
    let server = Server::start();
    let edges = fleet(&server, 40).await;

    for round in 0..100 {
        let id = format!("T{round}");
        server.submit(&id).await;

        let found = join_all(edges.iter().map(Edge::next)).await;

        let got: Vec<_> = found.iter().zip(&edges).filter(|(task, _)| !task.is_null()).collect();
        assert_eq!(got.len(), 1, "round {round}: {found:?}");
        let (task, holder) = got[0];
        assert_eq!((&task["id"], &task["attempt"]), (&json!(id), &json!(1)));
        holder.heartbeat(&id).await.expect(200);
        holder.complete(&id, &[]).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_at_once_on_one_token_succeed_as_often_as_it_has_uses() {
    let server = Server::start();
    let token = server.token(json!({ "maxUses": 7 })).await;
    let enrollee = Client::new(server.address, &token);
    let register = |n: usize| {
        let body = json!({ "deviceNumber": format!("DEV-{n}"), "displayName": "an edge" });
        enrollee.post("/internal/edges/register", body)
    };

    let answers = join_all((0..25).map(register)).await;

    let mut statuses = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(201, 7), (401, 18)]));
    let tokens = server.operator.get("/v1/tokens").await.expect(200);
    assert_eq!(
        (&tokens["items"][0]["uses"], &tokens["items"][0]["status"]),
        (&json!(7), &json!("USED_UP"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_verdicts_at_once_the_first_is_everybodys() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let mut verdicts = BTreeMap::new();

    for round in 0..30 {
        let id = format!("T{round}");
        server.submit(&id).await;
        if edge.next().await.is_null() {
            // Three failures in a row: lifted, so that the rounds go on.
            let release = format!("/v1/edges/{}/release", edge.id);
            server.operator.post(&release, json!({})).await.expect(200);
            assert_eq!(edge.next().await["id"], id);
        }
        edge.heartbeat(&id).await.expect(200);

        let (done, failed) = tokio::join!(edge.complete(&id, &[]), edge.fail(&id));

        let (done, failed) = (done.expect(200), failed.expect(200));
        assert_eq!(done, failed, "round {round}");
        let shown = server.operator.get(&format!("/v1/tasks/{id}")).await.expect(200);
        assert_eq!(shown["status"], done["status"]);
        let verdict = done["status"].as_str().unwrap().to_owned();
        *verdicts.entry(verdict).or_insert(0) += 1;
    }
    assert_eq!(verdicts.values().sum::<i32>(), 30);
    assert!(verdicts.keys().all(|verdict| verdict == "DONE" || verdict == "FAILED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_at_once_count_once() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let configs: Vec<_> = (0..20).map(|n| format!("c{n}")).collect();
    let configs: Vec<_> = configs.iter().map(String::as_str).collect();

    let answers = join_all((0..8).map(|_| edge.results("T1", &configs))).await;

    let sum = |name: &str| answers.iter().map(|answer| number(&answer.json()[name])).sum::<u64>();
    assert_eq!((sum("accepted"), sum("deduplicated")), (20, 7 * 20));
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
