//! Runs of operators: who is let in, and what with.

use serde_json::json;

use crate::stage::{Edge, Form, Stage};

#[tokio::test]
#[ignore = "records a golden log"]
async fn a_token_is_exhausted() {
    let stage = Stage::set().await;
    let token =
        stage.token(json!({ "name": "rack", "maxUses": 2, "labels": { "zone": "b" } })).await;
    for device in ["alder", "birch"] {
        let registered = stage.register(&token, device).await.expect(201);
        Edge::of(&stage, &registered).next().await;
    }
    stage.register(&token, "cedar").await.expect(401);
    let other = stage.token(json!({ "name": "one more" })).await;
    let registered = stage.register(&other, "cedar").await.expect(201);
    Edge::of(&stage, &registered).next().await;
    let tokens = stage.show("tokens").await;
    let first = tokens["items"][0]["id"].as_str().unwrap();
    stage.ask(&format!("tokens/{first}/revoke"), json!({})).await.expect(200);
    stage.register(&token, "douglas").await.expect(401);
    stage.keep(
        "a_token_is_exhausted",
        "A token lets in two edges and not a third, which comes by another one.",
        Form::Lines,
    );
}

#[tokio::test]
#[ignore = "records a golden log"]
async fn a_credential_is_rotated() {
    let stage = Stage::set().await;
    let old = stage.edge("alder").await;
    let healthy = json!({
        "deviceNumber": "alder", "currentVersion": "1.4.2", "platform": "linux", "arch": "x64",
        "runtimeState": "IDLE", "activeTask": false, "uptimeSeconds": 15.3,
    });
    old.say("connectivity", healthy).await.expect(200);
    let path = format!("edges/{}/rotate", old.id);
    let rotated = stage.ask(&path, json!({ "overlapSeconds": 3_600 })).await.expect(200);
    let new = old.with(rotated["credential"].as_str().unwrap());
    old.next().await;
    new.next().await;
    let rotated = stage.ask(&path, json!({ "overlapSeconds": 0 })).await.expect(200);
    let newest = old.with(rotated["credential"].as_str().unwrap());
    new.say("tasks/next", json!({})).await.expect(401);
    newest.next().await;
    stage
        .put(&format!("edges/{}/labels", old.id), json!({ "labels": { "gpu": "a100" } }))
        .await
        .expect(200);
    stage.ask(&format!("edges/{}/revoke", old.id), json!({})).await.expect(200);
    newest.say("tasks/next", json!({})).await.expect(401);
    stage.keep(
        "a_credential_is_rotated",
        "An edge gets another credential, the old one living on for a while; then all are revoked.",
        Form::Lines,
    );
}
